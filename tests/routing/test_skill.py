"""What the pool of annotators is like."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing import skill
from routing.policy import TIERS

TIER_LIST = list(TIERS)


class TestVerdictPool:
    @pytest.mark.parametrize("kind", sorted(skill.VERDICT_POOL))
    @pytest.mark.parametrize("tier", TIER_LIST)
    def test_gives_three_distributions(self, kind: str, tier: str) -> None:
        for row in skill.verdict_pool(kind, tier, False):
            assert math.isclose(sum(row), 1)
            assert min(row) >= 0

    @pytest.mark.parametrize("kind", sorted(skill.VERDICT_POOL))
    def test_errs_less_with_every_tier_and_in_declared_domains(self, kind: str) -> None:
        right = (0, 1, 1) if kind in ("grid_verify", "coverage_tile") else (0, 1, 2)
        tables = [
            skill.verdict_pool(kind, tier, declared) for tier in TIER_LIST for declared in (False, True)
        ]
        for state in range(3):
            hits = [table[state][right[state]] for table in tables]
            assert hits[0] < hits[1]
            assert hits[::2] == sorted(hits[::2])

    def test_has_no_rates_for_a_kind_without_verdicts(self) -> None:
        with pytest.raises(KeyError):
            skill.verdict_pool("draw_missed", "crowd", False)


class TestShrink:
    @given(
        st.tuples(*[st.floats(0, 1e4)] * 3),
        st.tuples(*[st.floats(0.01, 1)] * 3),
        st.floats(0.1, 100),
    )
    def test_lies_between_the_prior_and_what_was_seen(
        self, counts: tuple[float, float, float], weights: tuple[float, float, float], strength: float
    ) -> None:
        total = sum(weights)
        prior = (weights[0] / total, weights[1] / total, weights[2] / total)
        seen = sum(counts)

        got = skill.shrink(counts, prior, strength)

        assert math.isclose(sum(got), 1)
        for p, prior_p, n in zip(got, prior, counts, strict=True):
            share = n / seen if seen else prior_p
            assert min(prior_p, share) - 1e-9 <= p <= max(prior_p, share) + 1e-9

    def test_is_the_prior_without_an_answer(self) -> None:
        assert skill.shrink((0, 0, 0), (0.5, 0.3, 0.2), 4) == pytest.approx((0.5, 0.3, 0.2))


class TestRecall:
    @given(st.floats(2, 2000), st.floats(1.01, 10))
    def test_grows_with_the_size_on_screen(self, size: float, factor: float) -> None:
        assert skill.pool_recall(size) <= skill.pool_recall(size * factor)

    @given(st.floats(0, 1e5))
    def test_puts_every_size_in_one_band(self, size: float) -> None:
        index = skill.band(size)

        assert size < skill.BANDS[index]
        assert index == 0 or size >= skill.BANDS[index - 1]


class TestLogit:
    @given(st.floats(0.001, 0.999))
    def test_is_undone_by_the_sigmoid(self, p: float) -> None:
        assert skill.sigmoid(skill.logit(p)) == pytest.approx(p)

    def test_survives_certainty(self) -> None:
        assert math.isfinite(skill.logit(0.0)) and math.isfinite(skill.logit(1.0))
        assert skill.sigmoid(-1e9) == 0.0
