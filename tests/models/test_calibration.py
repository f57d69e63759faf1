"""Probabilities from scores: they mean what they say, on parts of scenes that the fit never saw."""

import json

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from models.calibration import (
    Calibration,
    CalibrationError,
    expected_calibration_error,
    fit,
    fit_curve,
    held_out,
    isotonic,
)

Floats = npt.NDArray[np.float64]
NAMES = ("logit", "log_size", "noise")


def overconfident(seed: int, count: int = 3000) -> tuple[Floats, npt.NDArray[np.bool_], Floats]:
    """Features, outcomes and true chances of a detector whose logits are twice too far from the truth."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(0.5, 1.2, count)
    features = np.stack((2 * truth - 0.4, rng.normal(3, 1, count), rng.normal(size=count)), axis=1)
    return features, rng.random(count) < expit(truth), expit(truth)


def parts(count: int) -> npt.NDArray[np.intp]:
    return np.arange(count) % 12


class TestFit:
    def test_undoes_overconfidence(self) -> None:
        features, right, _ = overconfident(1)
        unseen, unseen_right, chance = overconfident(2)
        raw = expected_calibration_error(expit(unseen[:, 0]), unseen_right)

        calibration, _, _ = fit(features, right, right, parts(3000), names=NAMES, tolerance=0.5, recall=0.9)
        p, there = calibration(unseen)

        assert raw > 0.08
        assert expected_calibration_error(p, unseen_right) < 0.03
        assert np.abs(p - chance).mean() < 0.03
        assert (p <= there).all()

    def test_reports_an_error_like_that_on_what_it_never_saw(self) -> None:
        features, right, _ = overconfident(3)
        calibration, held, _ = fit(
            features, right, right, parts(3000), names=NAMES, tolerance=0.5, recall=0.9
        )
        unseen, unseen_right, _ = overconfident(4)

        there = expected_calibration_error(calibration(unseen)[0], unseen_right)

        assert calibration.ece == pytest.approx(expected_calibration_error(held, right))
        assert abs(calibration.ece - there) < 0.02

    def test_takes_a_second_signal_only_when_it_earns_its_place(self) -> None:
        rng = np.random.default_rng(5)
        features, plain, _ = overconfident(5)
        sized = rng.random(3000) < expit(features[:, 0] / 2 + 1.5 * (features[:, 1] - 3))

        without, _, _ = fit(features, plain, plain, parts(3000), names=NAMES, tolerance=0.5, recall=1)
        with_size, _, _ = fit(features, sized, sized, parts(3000), names=NAMES, tolerance=0.5, recall=1)

        assert without.right.method in {"temperature", "isotonic"}
        assert with_size.right.method in {"sized", "stacked"}
        assert with_size.log_loss < without.log_loss

    @pytest.mark.parametrize("outcome", [True, False])
    def test_needs_both_outcomes(self, outcome: bool) -> None:
        features, right, _ = overconfident(6, 100)

        with pytest.raises(CalibrationError, match="some right and some wrong"):
            fit(features, np.full(100, outcome), right, parts(100), names=NAMES, tolerance=0.5, recall=1)

    def test_needs_twenty_objects(self) -> None:
        features, right, _ = overconfident(7, 19)

        with pytest.raises(CalibrationError, match="at least 20"):
            fit(features, right, right, parts(19), names=NAMES, tolerance=0.5, recall=1)

    def test_survives_being_written_as_json(self) -> None:
        features, right, _ = overconfident(8, 300)
        calibration, _, _ = fit(features, right, right, parts(300), names=NAMES, tolerance=0.5, recall=0.9)

        back = Calibration.from_json(json.loads(json.dumps(calibration.to_json())))

        assert back == calibration

    def test_says_what_is_missing_in_a_stored_one(self) -> None:
        with pytest.raises(CalibrationError, match="right"):
            Calibration.from_json({"features": []})

    def test_of_no_objects_is_no_probabilities(self) -> None:
        features, right, _ = overconfident(9, 300)
        calibration, _, _ = fit(features, right, right, parts(300), names=NAMES, tolerance=0.5, recall=0.9)

        p, there = calibration(np.zeros((0, 3)))

        assert len(p) == len(there) == 0


class TestCurves:
    @pytest.mark.parametrize("method", ["temperature", "isotonic"])
    def test_rise_with_the_score(self, method: str) -> None:
        features, right, _ = overconfident(10, 500)
        grid = np.linspace(-6, 6, 50)[:, None] * np.array([[1.0, 0, 0]]) + np.array([[0.0, 3, 0]])

        p = fit_curve(method, features, right)(grid)

        assert (np.diff(p) >= -1e-12).all()
        assert ((p > 0) & (p < 1)).all()

    def test_never_see_the_part_that_they_are_judged_on(self) -> None:
        """Labels that follow the part and nothing else cannot be predicted from the other parts."""
        rng = np.random.default_rng(11)
        groups = np.arange(400) % 4
        features, event = rng.normal(size=(400, 3)), groups == 0

        p = held_out("temperature", features, event, groups)

        assert p[event].mean() < p[~event].mean()

    @given(st.lists(st.tuples(st.floats(-5, 5), st.booleans()), min_size=1, max_size=60))
    def test_isotonic_levels_never_fall_and_keep_the_mean_nearly(
        self, rows: list[tuple[float, bool]]
    ) -> None:
        x, y = (np.array(v, dtype=np.float64) for v in zip(*rows, strict=True))

        knots, levels = isotonic(x, y)

        assert (np.diff(knots) >= 0).all() and (np.diff(levels) >= 0).all()
        assert ((levels > 0) & (levels < 1)).all()


class TestExpectedError:
    def test_is_nothing_for_a_forecast_that_is_right_on_average_in_every_group(self) -> None:
        p = np.repeat([0.2, 0.8], 50)
        event = np.concatenate((np.arange(50) < 10, np.arange(50) < 40))

        assert expected_calibration_error(p, event, bins=2) == pytest.approx(0)

    def test_is_the_gap_for_one_that_is_off(self) -> None:
        assert expected_calibration_error(np.full(100, 0.9), np.arange(100) < 60) > 0.29
