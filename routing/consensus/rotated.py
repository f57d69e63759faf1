"""Consensus of rotated boxes of one object.

A box may be written four ways (each side as the width, each direction along it). All are first written like the answer
that agrees best with the others; then centre and log sides take weighted medians, the angle a circular one.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import shapely

from routing.annotation.shapes import RotatedBox, wrapped
from routing.consensus.contract import (
    COMMON_SHARE,
    FusedShape,
    given,
    inliers,
    mean_agreement,
    pairwise,
    support_of,
)
from routing.consensus.robust import circular_median, fused_sigma, weighted_median

Array = npt.NDArray[np.float64]

LONE_SIGMA = 0.06  # sd of an edge of one person over sqrt(area)
OUTLIER_SHARE = 0.5
LOSS_PER_SIGMA = (
    2.7  # expected 1 - IoU per relative sigma of the four edges; the angle's error shows in the corners
)


def fuse_rotated(
    boxes: Sequence[RotatedBox],
    sigmas: npt.ArrayLike | None = None,
    *,
    tolerance: float = 0.75,
    biases: npt.ArrayLike | None = None,
) -> FusedShape[RotatedBox]:
    """Return the fused rotated box of one object.

    sigmas (N,): people's edge errors in any common unit. biases (N,): how far each draws outside the edges, relative to
    sqrt(area). sigma of the result has that unit too. tolerance: an IoU. Raises FuseError for no or bad boxes.
    """
    g = given(boxes, RotatedBox, sigmas, biases, width=1)
    drawn = [_shrunk(box, float(bias[0])) for box, bias in zip(g.answers, g.biases, strict=True)]
    similarity = pairwise(drawn, rotated_iou)
    used = inliers(similarity, g.weights, OUTLIER_SHARE)
    kept, w = [drawn[i] for i in used], g.weights[used]
    leader = kept[int(np.argmax(support_of(similarity[np.ix_(used, used)], w)))]
    alike = [_written_like(box, leader) for box in kept]
    table = np.array([[*b.cxcywh[:2], *np.log(b.cxcywh[2:])] for b in alike])
    cx, cy, log_w, log_h = (float(v) for v in weighted_median(table, w))
    angle = circular_median(np.array([b.angle for b in alike]), w, np.pi)
    shape = RotatedBox((cx, cy, float(np.exp(log_w)), float(np.exp(log_h))), wrapped(angle, np.pi))
    side = float(np.exp((log_w + log_h) / 2))
    corners = np.stack([_corners(b) for b in alike])
    residual = _nearest(corners, _corners(shape)) / side / np.sqrt(2)
    sigma = fused_sigma(g.noise(LONE_SIGMA)[used], residual, common=COMMON_SHARE)
    return g.result(
        shape,
        sigma=sigma,
        agreement=mean_agreement(similarity),
        loss=LOSS_PER_SIGMA * sigma,
        tolerance=tolerance,
        used=used,
    )


def rotated_iou(a: RotatedBox, b: RotatedBox) -> float:
    """Return the intersection over union of two rotated boxes."""
    if a == b:
        return 1.0
    first, second = shapely.Polygon(_corners(a)), shapely.Polygon(_corners(b))
    inter = first.intersection(second).area
    union = first.area + second.area - inter
    return float(inter / union) if union > 0 else 0.0


def _shrunk(box: RotatedBox, outward: float) -> RotatedBox:
    """Return the box with every edge moved in by `outward` of sqrt(area), but no side below a tenth of its length."""
    if outward == 0:
        return box
    cx, cy, w, h = box.cxcywh
    move = 2 * outward * float(np.sqrt(w * h))
    return RotatedBox((cx, cy, max(w - move, w / 10), max(h - move, h / 10)), box.angle)


def _written_like(box: RotatedBox, leader: RotatedBox) -> RotatedBox:
    """Return the same rectangle with its width along the axis that lies nearest to the leader's width."""
    cx, cy, w, h = box.cxcywh
    straight, swapped = (
        abs(wrapped(angle - leader.angle, np.pi)) for angle in (box.angle, box.angle + np.pi / 2)
    )
    if swapped < straight:
        return RotatedBox((cx, cy, h, w), wrapped(box.angle + np.pi / 2, np.pi))
    return box


def _corners(box: RotatedBox) -> Array:
    cx, cy, w, h = box.cxcywh
    u = np.array([np.cos(box.angle), np.sin(box.angle)]) * w / 2
    v = np.array([-np.sin(box.angle), np.cos(box.angle)]) * h / 2
    return np.asarray(np.array([cx, cy]) + np.array([-u - v, u - v, u + v, v - u]))


def _nearest(corners: Array, fused: Array) -> Array:
    """Return (N, 4) distances of each answer's corners to the fused ones, whichever corner is named first."""
    turns = [np.roll(corners, shift, axis=1) for shift in range(4)]
    gaps = np.stack([np.linalg.norm(turn - fused, axis=2) for turn in turns])  # (4, N, 4)
    best = gaps.sum(2).argmin(0)
    return np.asarray(gaps[best, np.arange(len(corners))])
