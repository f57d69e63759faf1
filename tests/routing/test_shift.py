"""How far a model's probabilities are off where people have judged some of its proposals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.shift import SPREAD, fit_shift, shifted

SURE = np.array([-np.inf, np.inf])
PROBABILITIES = st.floats(0.001, 0.999)


class TestFitShift:
    def test_is_the_prior_without_verdicts(self) -> None:
        assert fit_shift([], []) == (0.0, SPREAD)

    def test_finds_the_shift_that_the_verdicts_were_drawn_with(self) -> None:
        rng = np.random.default_rng(0)
        stated = rng.uniform(0.02, 0.4, 4000)
        real = 1 / (1 + np.exp(-(np.log(stated / (1 - stated)) + 1.7)))
        right = rng.random(4000) < real
        assert fit_shift(stated.tolist(), SURE[right.astype(int)].tolist())[0] == pytest.approx(1.7, abs=0.12)

    def test_finds_it_from_people_who_err(self) -> None:
        rng = np.random.default_rng(1)
        stated = rng.uniform(0.02, 0.4, 4000)
        real = 1 / (1 + np.exp(-(np.log(stated / (1 - stated)) + 1.7)))
        right = rng.random(4000) < real
        ok = np.where(right, rng.random(4000) < 0.95, rng.random(4000) < 0.15)
        said = np.log(np.where(ok, 0.95 / 0.15, 0.05 / 0.85))
        assert fit_shift(stated.tolist(), said.tolist())[0] == pytest.approx(1.7, abs=0.15)

    def test_stays_near_nought_while_few_have_judged(self) -> None:
        assert 0 < fit_shift([0.1], [np.inf])[0] < 2
        assert -1 < fit_shift([0.1], [-np.inf])[0] < 0

    @given(st.lists(st.tuples(PROBABILITIES, st.floats(-9, 9)), max_size=40))
    def test_is_finite_whatever_was_said(self, rows: list[tuple[float, float]]) -> None:
        shift, spread = fit_shift([p for p, _ in rows], [said for _, said in rows])
        assert abs(shift) < 20
        assert 0 < spread <= SPREAD

    def test_refuses_what_does_not_match(self) -> None:
        with pytest.raises(ValueError, match="2 probabilities and evidence about 1"):
            fit_shift([0.1, 0.2], [1.0])
        with pytest.raises(ValueError, match="NaN"):
            fit_shift([0.2], [float("nan")])
        with pytest.raises(ValueError, match="0 to 1"):
            fit_shift([1.2], [1.0])


class TestShifted:
    @given(PROBABILITIES, st.floats(-6, 6))
    def test_there_and_back_is_the_same(self, p: float, shift: float) -> None:
        assert shifted(shifted(p, shift), -shift) == pytest.approx(p, rel=1e-6)

    def test_keeps_certainty(self) -> None:
        assert shifted(0.0, 3.0) == 0.0
        assert shifted(1.0, -3.0) == 1.0
