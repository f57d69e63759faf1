"""Bounds with a guarantee."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from routing.certify import (
    Stratum,
    choose_auto_threshold,
    clopper_pearson_lower,
    clopper_pearson_upper,
    release_bound,
)


class TestClopperPearson:
    @given(st.integers(1, 500), st.data(), st.floats(0.01, 0.2))
    def test_is_where_so_few_errors_become_just_that_unlikely(
        self, n: int, data: st.DataObject, delta: float
    ) -> None:
        errors = data.draw(st.integers(0, n - 1))

        upper = clopper_pearson_upper(errors, n, delta)

        assert errors / n <= upper <= 1
        assert binom.cdf(errors, n, upper) == pytest.approx(delta, rel=1e-6)

    @given(st.integers(1, 200), st.data())
    def test_encloses_the_estimate(self, n: int, data: st.DataObject) -> None:
        errors = data.draw(st.integers(0, n))

        assert clopper_pearson_lower(errors, n) <= errors / n <= clopper_pearson_upper(errors, n)

    @pytest.mark.parametrize(("bound", "audits"), [(0.05, 59), (0.02, 149), (0.01, 299), (0.005, 598)])
    def test_needs_the_known_number_of_clean_audits(self, bound: float, audits: int) -> None:
        assert clopper_pearson_upper(0, audits) <= bound < clopper_pearson_upper(0, audits - 1)

    def test_holds_in_at_least_95_of_100_resamplings(self) -> None:
        rng = np.random.default_rng(1)
        for rate in (0.01, 0.05, 0.2):
            errors = rng.binomial(200, rate, 2000)
            held = np.mean([clopper_pearson_upper(int(k), 200) >= rate for k in errors])
            assert held >= 0.945

    def test_promises_nothing_without_an_audit(self) -> None:
        assert clopper_pearson_upper(0, 0) == 1.0
        assert clopper_pearson_lower(0, 0) == 0.0

    @pytest.mark.parametrize(
        ("errors", "n", "delta"), [(-1, 5, 0.05), (6, 5, 0.05), (1, 5, 0.0), (1, 5, 1.0)]
    )
    def test_refuses_impossible_counts(self, errors: int, n: int, delta: float) -> None:
        with pytest.raises(ValueError, match="give"):
            clopper_pearson_upper(errors, n, delta)


def calibrated(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores and what was right, of a model whose score is its probability of being right."""
    p = rng.beta(6, 1, n)
    return p, rng.random(n) < p


class TestChooseAutoThreshold:
    def test_keeps_its_promise_over_resampling(self) -> None:
        """Learn-Then-Test: at most a share delta of audits may pick a threshold whose true error is above alpha."""
        rng = np.random.default_rng(7)
        alpha, delta, broken, chosen = 0.05, 0.1, 0, 0
        scores = rng.beta(6, 1, 400_000)
        for _ in range(400):
            p, right = calibrated(rng, 600)
            threshold = choose_auto_threshold(p, right, alpha=alpha, delta=delta)
            if threshold is None:
                continue
            chosen += 1
            accepted = scores[scores >= threshold]
            broken += float(np.mean(1 - accepted)) > alpha

        assert chosen > 300  # it does accept something
        assert broken / 400 <= delta + 3 * (delta * (1 - delta) / 400) ** 0.5

    def test_keeps_its_promise_for_an_overconfident_model(self) -> None:
        rng = np.random.default_rng(9)
        broken = 0
        for _ in range(200):
            p = rng.beta(8, 1, 800)
            truth = 1 / (1 + np.exp(-0.5 * np.log(p / (1 - p))))  # logits twice too large
            right = rng.random(800) < truth
            threshold = choose_auto_threshold(p, right, alpha=0.1, delta=0.1)
            if threshold is not None:
                many = rng.beta(8, 1, 100_000)
                accepted = many[many >= threshold]
                error = 1 - np.mean(1 / (1 + np.exp(-0.5 * np.log(accepted / (1 - accepted)))))
                broken += error > 0.1

        assert broken / 200 <= 0.1 + 3 * (0.09 / 200) ** 0.5

    def test_accepts_nothing_on_too_few_audits_or_too_many_errors(self) -> None:
        assert choose_auto_threshold(np.ones(58), np.ones(58, bool), alpha=0.05) is None
        assert choose_auto_threshold(np.ones(59), np.ones(59, bool), alpha=0.05) == 1.0
        assert choose_auto_threshold(np.ones(200), np.arange(200) % 4 > 0, alpha=0.05) is None
        assert choose_auto_threshold([], [], alpha=0.05) is None

    def test_takes_equal_scores_together(self) -> None:
        p = np.array([0.9] * 100 + [0.5] * 100)
        right = np.array([True] * 100 + [False] * 100)

        assert choose_auto_threshold(p, right, alpha=0.05) == 0.9

    @given(st.permutations(range(40)))
    def test_does_not_depend_on_the_order_of_the_audits(self, order: list[int]) -> None:
        rng = np.random.default_rng(0)
        p, right = calibrated(rng, 40)

        a = choose_auto_threshold(p, right, alpha=0.3)

        assert choose_auto_threshold(p[list(order)], right[list(order)], alpha=0.3) == a

    @pytest.mark.parametrize(
        ("p", "right", "alpha", "named"),
        [
            ([0.5, 0.6], [True], 0.1, "correct"),
            ([np.nan], [True], 0.1, "p: NaN"),
            ([0.5], [True], 1.0, "alpha"),
        ],
    )
    def test_names_what_it_refuses(self, p: list[float], right: list[bool], alpha: float, named: str) -> None:
        with pytest.raises(ValueError, match=named):
            choose_auto_threshold(p, right, alpha=alpha)


class TestReleaseBound:
    def test_holds_over_strata_in_at_least_95_of_100_resamplings(self) -> None:
        rng = np.random.default_rng(3)
        rates, sizes = (0.01, 0.06, 0.2), (5000, 3000, 500)
        truth = float(np.dot(rates, sizes)) / sum(sizes)
        held = 0
        for _ in range(500):
            strata = [
                Stratum(str(n), size, 100, int(rng.binomial(100, rate)))
                for n, (rate, size) in enumerate(zip(rates, sizes, strict=True))
            ]
            held += release_bound(strata).upper >= truth

        assert held / 500 >= 0.95

    def test_counts_an_unaudited_stratum_as_all_wrong(self) -> None:
        bound = release_bound([Stratum("a", 100, 0, 0), Stratum("b", 100, 100, 0)])

        assert bound.upper >= 0.5
        assert bound.audited == 100 and bound.size == 200

    def test_is_empty_for_an_empty_release(self) -> None:
        assert release_bound([]).upper == 0.0
        assert release_bound([Stratum("a", 0, 0, 0)]).to_json()["size"] == 0
