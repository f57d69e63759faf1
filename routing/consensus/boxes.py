"""Fusing a few boxes of one object into one, with its uncertainty."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import gammainc

from routing.annotation import boxes as bx
from routing.skill import BOX_SIGMA, IOU_LOSS_PER_SIGMA

Array = npt.NDArray[np.float64]

OUTLIER_IOU = 0.6  # a box below this IoU with the medoid shows another object, a part or a slip
RIVAL_IOU = 0.6  # two boxes further apart than this are not averaged
MEDIAN_LOSS = 1.2533  # sd of a median over sd of a mean, for normal errors
LOSS_SPREAD = 0.42  # sd of 1 - IoU over its mean: four half-normal edges


class FuseError(ValueError):
    """The boxes cannot be fused; the message names the field and the fix."""


@dataclass(frozen=True, slots=True)
class Fused:
    """`xyxy` in scene pixels; `sigma` of an edge relative to sqrt(area); mean pairwise IoU as `agreement`.

    p_within_tolerance: P(IoU with the true box >= tolerance). used: indices of the boxes that were fused. rivals:
    two boxes that contradict each other; `xyxy` is then the one with the smaller sigma and a comparison should decide.
    """

    xyxy: tuple[float, float, float, float]
    sigma: float
    agreement: float
    p_within_tolerance: float
    used: tuple[int, ...]
    rivals: bool = False


def fuse_boxes(
    boxes: npt.ArrayLike,
    sigmas: npt.ArrayLike | None = None,
    *,
    tolerance: float = 0.75,
    biases: npt.ArrayLike | None = None,
) -> Fused:
    """Return the fused box of N >= 1 boxes (N, 4) drawn by people with edge noise `sigmas` (N,), relative.

    One: as it is. Two: their weighted mean, or rivals below RIVAL_IOU. Three and more: boxes far from the medoid are
    dropped, then every edge is the weighted median. biases (N, 4): each annotator's mean edge error relative to
    sqrt(area), taken off first. Raises FuseError for NaN, empty or reversed boxes and sigmas that are not positive.
    """
    b = _checked(boxes)
    n = len(b)
    s = np.full(n, BOX_SIGMA) if sigmas is None else np.asarray(sigmas, dtype=np.float64).reshape(-1)
    if len(s) != n or not np.isfinite(s).all() or (s <= 0).any():
        raise FuseError(f"sigmas: give {n} positive numbers, one for each box")
    if biases is not None:
        shift = np.asarray(biases, dtype=np.float64).reshape(n, 4)
        if not np.isfinite(shift).all():
            raise FuseError("biases: NaN or infinity; give finite numbers")
        b = _ordered(b - shift * bx.size(b)[:, None])
    overlap = bx.iou_matrix(b, b)
    agreement = 1.0 if n == 1 else float((overlap.sum() - n) / (n * (n - 1)))
    if n == 2 and overlap[0, 1] < RIVAL_IOU:
        best = int(np.argmin(s))
        return _result(b[best], float(s[best]) * 2, agreement, tolerance, (best,), rivals=True)
    used = _inliers(overlap, s) if n >= 3 else np.arange(n)
    b, s = b[used], s[used]
    weights = 1 / s**2
    sigma = float(1 / math.sqrt(weights.sum()))
    if len(b) <= 2:
        fused = np.asarray((weights[:, None] * b).sum(0) / weights.sum())
    else:
        fused = np.array([_weighted_median(b[:, edge], weights) for edge in range(4)])
        sigma *= MEDIAN_LOSS
    if len(b) >= 2:
        # What the boxes show of their own spread outweighs what was believed of the people, more so with more boxes.
        spread = float(np.sqrt(np.mean((b - fused) ** 2)) / max(float(bx.size(fused[None])[0]), 1e-9))
        seen = spread / math.sqrt(len(b) - 1)
        sigma = math.sqrt((3 * sigma**2 + (len(b) - 1) * seen**2) / (3 + len(b) - 1))
    return _result(fused, sigma, agreement, tolerance, tuple(int(i) for i in used))


def p_within(sigma: float, tolerance: float) -> float:
    """Return P(IoU >= tolerance) of a box whose edges err by `sigma` (relative to sqrt(area)): a Gamma tail of 1 - IoU."""
    mean = max(IOU_LOSS_PER_SIGMA * sigma, 1e-6)
    shape = 1 / LOSS_SPREAD**2
    return float(gammainc(shape, (1 - tolerance) / mean * shape))


def _result(
    box: Array,
    sigma: float,
    agreement: float,
    tolerance: float,
    used: tuple[int, ...],
    *,
    rivals: bool = False,
) -> Fused:
    x1, y1, x2, y2 = (float(v) for v in box)
    sure = p_within(sigma, tolerance) * (0.5 if rivals else 1.0)
    return Fused((x1, y1, x2, y2), sigma, agreement, sure, used, rivals)


def _checked(boxes: npt.ArrayLike) -> Array:
    try:
        b = bx.as_boxes(boxes)
    except ValueError as error:
        raise FuseError(str(error)) from None
    if not len(b):
        raise FuseError("boxes: none given; fuse at least one")
    if (bx.area(b) <= 0).any():
        raise FuseError("boxes: one has no area; refuse it before fusing")
    return b


def _ordered(b: Array) -> Array:
    return np.asarray(
        np.concatenate([np.minimum(b[:, :2], b[:, 2:]), np.maximum(b[:, :2], b[:, 2:])], axis=1)
    )


def _inliers(overlap: Array, sigmas: Array) -> npt.NDArray[np.intp]:
    """Return the indices near the medoid (the box that agrees best with all, precise people's agreement first)."""
    support = overlap @ (1 / sigmas**2)
    medoid = int(np.argmax(support))
    near = np.flatnonzero(overlap[medoid] >= OUTLIER_IOU)
    return near if len(near) >= 2 else np.array([medoid], dtype=np.intp)


def _weighted_median(values: Array, weights: Array) -> float:
    """Return the weighted median; exactly half the weight on both sides gives the midpoint."""
    order = np.argsort(values, kind="stable")
    v, w = values[order], weights[order]
    cumulative = np.cumsum(w) / w.sum()
    index = int(np.searchsorted(cumulative, 0.5 - 1e-12))
    if abs(cumulative[index] - 0.5) < 1e-9 and index + 1 < len(v):
        return float((v[index] + v[index + 1]) / 2)
    return float(v[index])
