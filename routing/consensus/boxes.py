"""Fusing a few boxes of one object into one, with its uncertainty."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from routing.annotation import boxes as bx
from routing.annotation.shapes import Box
from routing.consensus.contract import COMMON_SHARE, FusedShape, FuseError, offsets, p_similar, precisions
from routing.consensus.robust import fused_sigma, weighted_median
from routing.skill import BOX_SIGMA, IOU_LOSS_PER_SIGMA

Array = npt.NDArray[np.float64]

OUTLIER_IOU = 0.6  # a box below this IoU with the medoid shows another object, a part or a slip
RIVAL_IOU = 0.6  # two boxes further apart than this are not averaged


@dataclass(frozen=True, slots=True)
class Fused:
    """`xyxy` in scene pixels; `sigma` of an edge relative to sqrt(area); mean pairwise IoU as `agreement`.

    expected_loss: expected 1 - IoU with the true box. p_within_tolerance: P(IoU with the true box >= tolerance). used:
    indices of the boxes that were fused. rivals: two boxes that contradict each other; `xyxy` is then the one with the
    smaller sigma and a comparison should decide.
    """

    xyxy: tuple[float, float, float, float]
    sigma: float
    agreement: float
    expected_loss: float
    p_within_tolerance: float
    used: tuple[int, ...]
    rivals: bool = False

    @property
    def shape(self) -> Box:
        """The fused box as a shape, as every other geometry returns it."""
        return Box(self.xyxy)


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
    drawn = _checked(boxes)
    n = len(drawn)
    precisions(n, sigmas)
    s = np.full(n, BOX_SIGMA) if sigmas is None else np.asarray(sigmas, dtype=np.float64).reshape(-1)
    b = drawn if biases is None else _ordered(drawn - offsets(n, 4, biases) * bx.size(drawn)[:, None])
    order = np.lexsort((s, *b.T[::-1]))  # the order in which people answered must not break a tie
    b, s = b[order], s[order]
    overlap = bx.iou_matrix(b, b)
    agreement = 1.0 if n == 1 else float((overlap.sum() - n) / (n * (n - 1)))
    if n == 2 and overlap[0, 1] < RIVAL_IOU:
        best = int(np.argmin(s))
        used = order[[best]]
        return _result(b[best], float(s[best]) * 2, agreement, tolerance, used, rivals=True)
    used = _inliers(overlap, s) if n >= 3 else np.arange(n)
    b, s = b[used], s[used]
    fused = weighted_median(b, 1 / s**2)
    side = max(float(np.sqrt((fused[2] - fused[0]) * (fused[3] - fused[1]))), 1e-9)
    sigma = fused_sigma(s, (b - fused) / side, common=COMMON_SHARE)
    return _result(fused, sigma, agreement, tolerance, order[used])


def fuse_box_shapes(
    boxes: Sequence[Box],
    sigmas: npt.ArrayLike | None = None,
    *,
    tolerance: float = 0.75,
    biases: npt.ArrayLike | None = None,
) -> FusedShape[Box]:
    """Return what `fuse_boxes` says of `Box` shapes, in the form that every geometry returns."""
    fused = fuse_boxes([box.xyxy for box in boxes], sigmas, tolerance=tolerance, biases=biases)
    return FusedShape(
        fused.shape, fused.sigma, fused.agreement, fused.expected_loss, fused.p_within_tolerance, fused.used
    )


def box_iou(a: Box, b: Box) -> float:
    """Return the intersection over union of two boxes."""
    return bx.iou(a.xyxy, b.xyxy)


def p_within(sigma: float, tolerance: float) -> float:
    """Return P(IoU >= tolerance) of a box whose edges err by `sigma`, relative to sqrt(area)."""
    return p_similar(IOU_LOSS_PER_SIGMA * sigma, tolerance)


def _result(
    box: Array,
    sigma: float,
    agreement: float,
    tolerance: float,
    used: npt.NDArray[np.intp],
    *,
    rivals: bool = False,
) -> Fused:
    x1, y1, x2, y2 = (float(v) for v in box)
    loss = min(IOU_LOSS_PER_SIGMA * sigma, 1.0)
    sure = p_within(sigma, tolerance) * (0.5 if rivals else 1.0)
    return Fused((x1, y1, x2, y2), sigma, agreement, loss, sure, tuple(sorted(used.tolist())), rivals)


def _checked(boxes: npt.ArrayLike) -> Array:
    try:
        b = bx.as_boxes(boxes)
    except ValueError as error:
        raise FuseError(str(error)) from None
    if not len(b):
        raise FuseError("boxes: none given; fuse at least one")
    flat = np.flatnonzero(bx.area(b) <= 0)
    if len(flat):
        raise FuseError(f"boxes[{flat[0]}]: no area; refuse it before fusing")
    return b


def _ordered(b: Array) -> Array:
    return np.asarray(
        np.concatenate([np.minimum(b[:, :2], b[:, 2:]), np.maximum(b[:, :2], b[:, 2:])], axis=1)
    )


def _inliers(overlap: Array, sigmas: Array) -> npt.NDArray[np.intp]:
    """Return the indices near the medoid (the box that agrees best with all, precise people's agreement first)."""
    support = overlap @ (1 / sigmas**2)
    near = np.flatnonzero(overlap[int(np.argmax(support))] >= OUTLIER_IOU)
    return near if len(near) >= 2 else np.array([int(np.argmax(support))], dtype=np.intp)
