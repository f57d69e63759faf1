"""From scores and signals to probabilities: how often is a prediction like this one right? numpy and scipy only.

A logistic model on the score alone is temperature scaling with a bias; on ln p and -ln(1 - p) it is beta calibration
(Kull et al. 2017); on all signals it is a small stacked model. Isotonic regression has no shape at all. Which of them
is used is decided by cross-validated log loss over groups (parts of the scenes), never by hand.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import expit

Floats = npt.NDArray[np.float64]

RIDGE = 1.0  # prior precision of standardised weights: with 200 objects, signals must earn their place
FLOOR = 1e-3  # no prediction is certain
CLEAR_GAIN = 0.002  # nats per object by which a richer method must win


class CalibrationError(ValueError):
    """The stored calibration or the data for it cannot be used."""


@dataclass(frozen=True, slots=True)
class Curve:
    """P(event | features). Logistic: standardise, then weights. Isotonic: steps over the first feature."""

    method: str
    columns: tuple[int, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    bias: float
    knots: tuple[float, ...] = ()
    levels: tuple[float, ...] = ()

    def __call__(self, features: Floats) -> Floats:
        """Probabilities (N,) of feature rows (N, F)."""
        if self.knots:
            p = np.interp(features[:, self.columns[0]], self.knots, self.levels)
        else:
            p = expit(_standard(self, features) @ np.array(self.weights) + self.bias)
        return np.asarray(np.clip(p, FLOOR, 1 - FLOOR))


@dataclass(frozen=True, slots=True)
class Calibration:
    """Two curves over the same features: `right` (class right, IoU >= tolerance) and `there` (a real object at all).

    `recall` is the share of real objects with any candidate; `size`, `ece` and `log_loss` tell how it was measured.
    """

    features: tuple[str, ...]
    right: Curve
    there: Curve
    tolerance: float
    recall: float
    size: int
    ece: float
    log_loss: float

    def __call__(self, features: Floats) -> tuple[Floats, Floats]:
        """Rows (N, F) in the order of `features` -> (p right, p there), with p right <= p there."""
        if not len(features):
            return np.zeros(0), np.zeros(0)
        there = self.there(features)
        return np.minimum(self.right(features), there), there

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; `from_json` reads them back equal."""
        curves = {
            name: {f: getattr(getattr(self, name), f) for f in Curve.__slots__} for name in ("right", "there")
        }
        rest = {f: getattr(self, f) for f in ("features", "tolerance", "recall", "size", "ece", "log_loss")}
        return _listed({**curves, **rest})

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Calibration":
        """Read what `to_json` wrote; raises CalibrationError."""
        try:
            curves = {n: Curve(**{k: _tupled(v) for k, v in data[n].items()}) for n in ("right", "there")}
            rest = {f: data[f] for f in ("tolerance", "recall", "size", "ece", "log_loss")}
            return cls(features=tuple(data["features"]), right=curves["right"], there=curves["there"], **rest)
        except (KeyError, TypeError) as error:
            raise CalibrationError(f"calibration: {error}") from error


def fit(
    features: Floats,
    right: npt.NDArray[np.bool_],
    there: npt.NDArray[np.bool_],
    groups: npt.NDArray[np.intp],
    *,
    names: Sequence[str],
    tolerance: float,
    recall: float,
) -> tuple[Calibration, Floats, Floats]:
    """Fit both curves on feature rows (N, F), of which the first column must be the logit of the score.

    `groups` (N,) are parts of scenes that are held out together when methods are compared. Also returns the held-out
    predictions (p right, p there) of every row, from which `ece` and `log_loss` come, so they are honest. Raises
    CalibrationError without both outcomes.
    """
    if len(features) < 20 or len(np.unique(right)) < 2 or len(np.unique(there)) < 2:
        raise CalibrationError("calibration needs at least 20 objects, some right and some wrong")
    curve_right, held_right = _best(features, right, groups)
    curve_there, held_there = _best(features, there, groups)
    result = Calibration(
        features=tuple(names),
        right=curve_right,
        there=curve_there,
        tolerance=tolerance,
        recall=float(recall),
        size=len(features),
        ece=expected_calibration_error(held_right, right),
        log_loss=_log_loss(held_right, right),
    )
    return result, np.minimum(held_right, held_there), held_there


def _best(
    features: Floats, event: npt.NDArray[np.bool_], groups: npt.NDArray[np.intp]
) -> tuple[Curve, Floats]:
    """The method with the lowest held-out loss, simplest first, and its held-out predictions."""
    best, best_held, best_loss = "", np.zeros(0), np.inf
    for method in ("temperature", "sized", "isotonic", "stacked"):
        held = held_out(method, features, event, groups)
        loss = _log_loss(held, event)
        if loss < best_loss - (CLEAR_GAIN if best else 0.0):
            best, best_held, best_loss = method, held, loss
    return fit_curve(best, features, event), best_held


def held_out(
    method: str, features: Floats, event: npt.NDArray[np.bool_], groups: npt.NDArray[np.intp], folds: int = 5
) -> Floats:
    """Predictions (N,) for each row by a curve that never saw its group."""
    names = np.unique(groups)
    fold_of = {name: i % min(folds, len(names)) for i, name in enumerate(names)}
    fold = np.array([fold_of[g] for g in groups])
    p = np.full(len(event), float(np.clip(event.mean(), FLOOR, 1 - FLOOR)))
    for k in np.unique(fold):
        rest = fold != k
        if len(np.unique(event[rest])) == 2:
            p[~rest] = fit_curve(method, features[rest], event[rest])(features[~rest])
    return p


def fit_curve(method: str, features: Floats, event: npt.NDArray[np.bool_]) -> Curve:
    """Fit one curve: "temperature" (logit only), "sized" (logit and size), "stacked" (all columns) or "isotonic"."""
    if method == "isotonic":
        knots, levels = isotonic(features[:, 0], event.astype(np.float64))
        return Curve(method, (0,), (), (), (), 0.0, tuple(knots.tolist()), tuple(levels.tolist()))
    count = {"temperature": 1, "sized": 2, "stacked": features.shape[1]}[method]
    columns = tuple(range(min(count, features.shape[1])))
    x = features[:, columns]
    mean, scale = x.mean(axis=0), x.std(axis=0)
    scale = np.where(scale < 1e-6, 1.0, scale)
    x = (x - mean) / scale
    y = event.astype(np.float64)

    def loss(w: Floats) -> tuple[float, Floats]:
        z = x @ w[:-1] + w[-1]
        value = np.logaddexp(0, z).sum() - y @ z + 0.5 * RIDGE * (w[:-1] @ w[:-1])
        error = expit(z) - y
        return float(value), np.append(x.T @ error + RIDGE * w[:-1], error.sum())

    w = minimize(loss, np.zeros(len(columns) + 1), jac=True, method="L-BFGS-B").x
    return Curve(
        method, columns, tuple(mean.tolist()), tuple(scale.tolist()), tuple(w[:-1].tolist()), float(w[-1])
    )


def isotonic(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Pool adjacent violators: the non-decreasing step function closest to y, as (knots, levels) to interpolate."""
    order = np.argsort(x, kind="stable")
    blocks: list[list[float]] = []  # sum of y, count, lowest x, highest x
    for xi, yi in zip(x[order], y[order], strict=True):
        blocks.append([float(yi), 1.0, float(xi), float(xi)])
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] >= blocks[-1][0] / blocks[-1][1]:
            top = blocks.pop()
            blocks[-1] = [blocks[-1][0] + top[0], blocks[-1][1] + top[1], blocks[-1][2], top[3]]
    # Half a success and a failure keep the ends of the curve away from 0 and 1.
    levels = [(b[0] + 0.5) / (b[1] + 1.0) for b in blocks]
    knots = np.array([v for b in blocks for v in (b[2], b[3])])
    return knots, np.maximum.accumulate(np.repeat(levels, 2))


def expected_calibration_error(p: Floats, event: npt.NDArray[np.bool_], bins: int = 10) -> float:
    """Mean |predicted - observed| over `bins` groups of equal size (Naeini et al. 2015, with equal mass)."""
    order = np.argsort(p, kind="stable")
    gaps = [
        abs(float(p[part].mean()) - float(event[part].mean())) * len(part)
        for part in np.array_split(order, bins)
        if len(part)
    ]
    return float(sum(gaps) / max(len(p), 1))


def _log_loss(p: Floats, event: npt.NDArray[np.bool_]) -> float:
    p = np.clip(p, FLOOR, 1 - FLOOR)
    return float(-np.where(event, np.log(p), np.log1p(-p)).mean())


def _standard(curve: Curve, features: Floats) -> Floats:
    return np.asarray((features[:, curve.columns] - np.array(curve.mean)) / np.array(curve.scale))


def _listed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _listed(v) for k, v in value.items()}
    return [_listed(v) for v in value] if isinstance(value, tuple | list) else value


def _tupled(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
