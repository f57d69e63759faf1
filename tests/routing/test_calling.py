"""Whom scarce tasks are left for."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.assignment import MOST_SPARED_S, Candidate, Idle, Offer, Waiting, choose
from routing.calling import ELSEWHERE, IDLE, called
from routing.outcomes import Outcome
from routing.policy import RoutingPolicy
from routing.track_record import TrackRecord, replay

POLICY = RoutingPolicy.from_json({"explore_share": 0.0})
DRAW_S = 6.0


def drawer(seconds: float, answers: int = 40) -> TrackRecord:
    """Somebody who draws well and takes this long."""
    drawn = Outcome("draw_missed", "", None, "drawn", "good", iou=0.9, seconds=seconds)
    return replay([drawn] * answers)


def tasks(count: int, kind: str = "draw_missed", age_s: float = 0.0) -> list[Candidate]:
    return [Candidate(n, n, 1, kind, kind, expected_s=DRAW_S, age_s=age_s) for n in range(1, count + 1)]


def offered(
    people: Sequence[Waiting], open_: Sequence[Candidate], busy: Sequence[Waiting] = ()
) -> dict[int, int]:
    made = choose(people, open_, POLICY, now=0.0, rng=np.random.default_rng(0), busy=busy)
    out: dict[int, int] = {}
    for offer in made:
        if isinstance(offer, Offer):
            out[offer.annotator] = out.get(offer.annotator, 0) + 1
    return out


class TestCalled:
    def test_calls_whoever_is_at_the_kind_before_somebody_who_would_have_to_settle_in(self) -> None:
        price = np.full((2, 1), DRAW_S)
        may = called(price, price, np.array([0]), np.array([ELSEWHERE, 0]), np.zeros(2), np.array([1, 1]))
        assert may.tolist() == [[False], [True]]

    def test_calls_a_second_person_when_the_wait_for_the_first_grows_too_long(self) -> None:
        people, many = 2, 60
        price = np.full((people, many), DRAW_S)
        kinds = np.zeros(many, dtype=np.intp)
        may = called(price, price, kinds, np.array([ELSEWHERE, 0]), np.zeros(people), np.array([1, 1]))
        assert may.all()

    def test_calls_nobody_for_what_nobody_may_answer(self) -> None:
        price = np.full((2, 1), np.inf)
        may = called(price, price, np.array([0]), np.array([IDLE, IDLE]), np.zeros(2), np.array([1, 1]))
        assert not may.any()

    @settings(max_examples=60, deadline=None)
    @given(st.integers(1, 6), st.integers(1, 12), st.integers(0, 10_000))
    def test_somebody_is_called_for_every_kind_that_anybody_free_may_answer(
        self, people: int, count: int, seed: int
    ) -> None:
        rng = np.random.default_rng(seed)
        price = rng.uniform(1, 20, (people, count))
        kinds = np.sort(rng.integers(0, 3, count))
        last = rng.integers(-2, 3, people)
        left = np.full(people, count)  # nobody's hands are full
        may = called(price, price, kinds, last, np.zeros(people), left)
        assert may[:, sorted(set(kinds.tolist()))].any(axis=0).all()


class TestScarceWork:
    def test_goes_to_the_quicker_of_two_who_wait(self) -> None:
        people = [
            Waiting(1, record=drawer(12.0), last_kind="draw_missed"),
            Waiting(2, record=drawer(5.0), last_kind="draw_missed"),
        ]
        assert offered(people, tasks(1)) == {2: 1}

    def test_is_left_for_somebody_quick_who_is_nearly_done(self) -> None:
        slow = Waiting(1, record=drawer(15.0), last_kind="draw_missed")
        quick = Waiting(2, record=drawer(5.0), held=1, last_kind="draw_missed")
        assert offered([slow], tasks(1), busy=[quick]) == {}
        [idle] = choose([slow], tasks(1), POLICY, now=0.0, rng=np.random.default_rng(0), busy=[quick])
        assert isinstance(idle, Idle)
        assert idle.spared
        assert idle.reasons

    def test_is_not_left_for_longer_than_it_may_wait(self) -> None:
        slow = Waiting(1, record=drawer(15.0), last_kind="draw_missed")
        quick = Waiting(2, record=drawer(5.0), held=1, last_kind="draw_missed")
        assert offered([slow], tasks(1, age_s=MOST_SPARED_S + 1), busy=[quick]) == {1: 1}

    def test_is_never_kept_from_people_of_whom_little_is_known(self) -> None:
        newcomer, quick = Waiting(1), Waiting(2, record=drawer(5.0), held=1, last_kind="draw_missed")
        assert offered([newcomer], tasks(1), busy=[quick]) == {1: 1}

    def test_is_offered_to_nobody_who_is_busy(self) -> None:
        quick = Waiting(2, record=drawer(5.0), held=1, last_kind="draw_missed")
        assert 2 not in offered([Waiting(1, record=drawer(5.0))], tasks(1), busy=[quick])

    @pytest.mark.parametrize("alone", [drawer(30.0), TrackRecord.new()])
    def test_goes_to_whoever_is_alone_however_slow(self, alone: TrackRecord) -> None:
        assert offered([Waiting(1, record=alone, last_kind="verify_box")], tasks(1)) == {1: 1}

    def test_everybody_works_where_there_is_enough_for_all(self) -> None:
        people = [Waiting(n, record=drawer(4.0 + 4 * n), last_kind="draw_missed") for n in range(4)]
        assert offered(people, tasks(50)) == dict.fromkeys(range(4), 1)
