"""Deadlines, shares between projects, and how much work is kept ready."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.flow import (
    DEADLINE_HORIZON_S,
    DEADLINE_MOST,
    FAIR_MOST,
    Reserve,
    deadline_factor,
    fair_factors,
    next_move,
)

DAY = 24 * 3600.0


class TestDeadlineFactor:
    def test_is_1_without_a_deadline_and_long_before_one(self) -> None:
        assert (
            deadline_factor(None) == deadline_factor(30 * DAY) == deadline_factor(DEADLINE_HORIZON_S) == 1.0
        )

    def test_doubles_every_day_of_the_last_three(self) -> None:
        assert [round(deadline_factor(n * DAY), 6) for n in (2, 1, 0)] == [2.0, 4.0, 8.0]

    @given(st.floats(-1e9, 1e9), st.floats(0, 1e9))
    def test_never_falls_as_time_passes(self, left: float, passed: float) -> None:
        assert 1.0 <= deadline_factor(left) <= deadline_factor(left - passed) <= DEADLINE_MOST


class TestFairFactors:
    def test_are_1_for_whoever_got_what_was_due(self) -> None:
        factors = fair_factors({1: 3.0, 2: 1.0}, {1: 30_000.0, 2: 10_000.0})
        assert factors == pytest.approx({1: 1.0, 2: 1.0}, rel=1e-2)

    def test_are_the_weights_before_anything_was_offered(self) -> None:
        factors = fair_factors({1: 3.0, 2: 1.0}, {})
        assert factors[1] == pytest.approx(3 * factors[2])

    def test_raise_who_got_too_little_and_lower_who_got_too_much(self) -> None:
        factors = fair_factors({1: 1.0, 2: 1.0}, {1: 900.0, 2: 100.0})
        assert factors[1] < 0.6
        assert factors[2] > 3.0

    def test_say_little_after_a_handful_of_offers(self) -> None:
        assert fair_factors({1: 1.0, 2: 1.0}, {1: 2.0})[2] < 1.2

    def test_ignore_what_projects_without_work_got(self) -> None:
        assert fair_factors({1: 1.0}, {1: 5.0, 2: 10_000.0}) == pytest.approx({1: 1.0})

    def test_bring_shares_to_the_weights_when_the_most_urgent_is_always_served(self) -> None:
        weights, served = {1: 4.0, 2: 2.0, 3: 1.0}, dict.fromkeys((1, 2, 3), 0.0)
        for _ in range(700):
            factors = fair_factors(weights, served)
            served[max(factors, key=lambda pk: (factors[pk], pk))] += 1
        assert [round(served[pk] / 700, 2) for pk in (1, 2, 3)] == pytest.approx(
            [4 / 7, 2 / 7, 1 / 7], abs=0.02
        )

    @given(
        st.dictionaries(st.integers(1, 6), st.floats(1e-3, 1e3), min_size=1),
        st.dictionaries(st.integers(1, 6), st.floats(0, 1e6)),
    )
    def test_stay_within_their_bounds(self, weights: dict[int, float], served: dict[int, float]) -> None:
        factors = fair_factors(weights, served)
        assert factors.keys() == weights.keys()
        assert all(1 / FAIR_MOST <= f <= FAIR_MOST and math.isfinite(f) for f in factors.values())


class TestNextMove:
    RESERVE = Reserve(floor=100, hours=2.0)

    def test_opens_scenes_below_the_mark_and_holds_them_above(self) -> None:
        assert next_move("open", 99, 0.0, self.RESERVE) == "open"
        assert next_move("open", 100, 0.0, self.RESERVE) == "hold"

    def test_goes_on_only_below_half(self) -> None:
        assert next_move("hold", 51, 0.0, self.RESERVE) == "hold"
        assert next_move("hold", 50, 0.0, self.RESERVE) == "open"

    def test_keeps_hours_of_work_ready_for_a_fast_crowd(self) -> None:
        assert next_move("open", 1_999, 1_000.0, self.RESERVE) == "open"
        assert next_move("open", 2_000, 1_000.0, self.RESERVE) == "hold"

    @given(st.integers(0, 10**7), st.integers(0, 10**7), st.floats(0, 1e6), st.sampled_from(["open", "hold"]))
    def test_never_opens_where_it_would_hold_with_less(
        self, depth: int, more: int, pace: float, before: str
    ) -> None:
        if next_move(before, depth, pace, self.RESERVE) == "hold":  # type: ignore[arg-type]  # sampled
            assert next_move(before, depth + more, pace, self.RESERVE) == "hold"  # type: ignore[arg-type]
