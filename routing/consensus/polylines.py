"""Consensus of open lines (lanes, edges, wires).

Every line is resampled at equal arc length, turned to run the same way, and aligned to the answer that agrees best with
the others by a monotone match that may not run backwards (dynamic time warping on the samples); then each sample takes a
weighted median. Ends are fused like every other sample, so a line that stops early pulls the end, not the course.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from routing.annotation.shapes import Polyline
from routing.consensus.contract import FusedShape, inliers, mean_agreement, p_similar, precisions, support_of
from routing.consensus.robust import median_sigma, weighted_median

Array = npt.NDArray[np.float64]

SAMPLES = 64
LONE_SIGMA = 0.01  # lateral sd of one person over the line's length
REACH = 0.05  # of the length: the mean distance at which the similarity of two lines falls to exp(-1)
OUTLIER_SHARE = 0.5
SIMPLIFY = 1e-3  # of the length


def fuse_polylines(
    lines: Sequence[Polyline],
    sigmas: Sequence[float] | Array | None = None,
    *,
    tolerance: float = 0.85,
) -> FusedShape[Polyline]:
    """Return the fused line of one object, in the direction of the answer that agrees best with the others.

    sigmas (N,): people's lateral errors in any common unit. sigma of the result is relative to the line's length.
    tolerance: a similarity exp(-mean distance / (REACH × length)). Raises FuseError for no lines.
    """
    weights = precisions(len(lines), sigmas)
    if len(lines) == 1:
        return FusedShape(lines[0], LONE_SIGMA, 1.0, p_similar(_loss(LONE_SIGMA), tolerance), (0,))
    sampled = [resampled(np.array(line.points), SAMPLES) for line in lines]
    similarity = np.array([[_similarity(a, b) for b in sampled] for a in sampled])
    used = inliers(similarity, weights, OUTLIER_SHARE)
    w = weights[used]
    lead = int(used[int(np.argmax(support_of(similarity[np.ix_(used, used)], w)))])
    aligned = np.stack([_aligned(sampled[i], sampled[lead]) for i in used])
    fused = weighted_median(aligned.reshape(len(used), -1), w).reshape(SAMPLES, 2)
    length = max(_length(fused), 1e-12)
    sigma = median_sigma(np.full(len(used), LONE_SIGMA), (aligned - fused) / length)
    points = simplified(fused, SIMPLIFY * length)
    shape = Polyline(tuple((float(x), float(y)) for x, y in points))
    sure = p_similar(_loss(sigma), tolerance)
    return FusedShape(shape, sigma, mean_agreement(similarity), sure, tuple(int(i) for i in used))


def polyline_similarity(a: Polyline, b: Polyline) -> float:
    """Return exp(-mean distance between the lines / (REACH × mean length)), whichever way they run."""
    return _similarity(resampled(np.array(a.points), SAMPLES), resampled(np.array(b.points), SAMPLES))


def resampled(points: Array, count: int) -> Array:
    """Return `count` points (count, 2) at equal arc length along a line (P, 2), both ends included."""
    steps = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    at = np.linspace(0.0, steps[-1], count)
    return np.stack([np.interp(at, steps, points[:, axis]) for axis in (0, 1)], axis=1)


def simplified(points: Array, slack: float) -> Array:
    """Return the points that a line needs to stay within `slack` of all (Douglas and Peucker)."""
    keep = np.zeros(len(points), dtype=bool)
    keep[[0, -1]] = True
    stack = [(0, len(points) - 1)]
    while stack:
        first, last = stack.pop()
        if last - first < 2:
            continue
        chord = points[last] - points[first]
        offset = points[first + 1 : last] - points[first]
        norm = float(np.linalg.norm(chord))
        if norm > 0:
            along = np.clip(offset @ chord / norm**2, 0.0, 1.0)
            distance = np.linalg.norm(offset - along[:, None] * chord, axis=1)
        else:
            distance = np.linalg.norm(offset, axis=1)
        far = int(np.argmax(distance))
        if distance[far] > slack:
            middle = first + 1 + far
            keep[middle] = True
            stack += [(first, middle), (middle, last)]
    return np.asarray(points[keep])


def _similarity(a: Array, b: Array) -> float:
    scale = REACH * (_length(a) + _length(b)) / 2
    gap = np.linalg.norm(a[:, None] - b[None, :], axis=2)
    mean = (gap.min(0).mean() + gap.min(1).mean()) / 2
    return float(np.exp(-mean / scale)) if scale > 0 else float(mean == 0)


def _aligned(line: Array, leader: Array) -> Array:
    """Return the samples of `line` that match the leader's samples (SAMPLES, 2), monotone along both."""
    if np.linalg.norm(line - leader, axis=1).sum() > np.linalg.norm(line[::-1] - leader, axis=1).sum():
        line = line[::-1]
    gap = ((leader[:, None] - line[None, :]) ** 2).sum(2)
    n = len(leader)
    cost = np.full((n + 1, n + 1), np.inf)
    cost[0, 0] = 0.0
    for i in range(n):
        for j in range(n):
            cost[i + 1, j + 1] = gap[i, j] + min(cost[i, j], cost[i, j + 1], cost[i + 1, j])
    matches: list[list[int]] = [[] for _ in range(n)]
    i = j = n
    while i > 0 and j > 0:
        matches[i - 1].append(j - 1)
        back = int(np.argmin([cost[i - 1, j - 1], cost[i - 1, j], cost[i, j - 1]]))
        i, j = i - (back != 2), j - (back != 1)
    # Many samples may match one of the leader's; the middle one keeps the result monotone.
    return np.stack([line[sorted(js)[len(js) // 2]] for js in matches])


def _length(points: Array) -> float:
    return float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())


def _loss(sigma: float) -> float:
    return float(1 - np.exp(-sigma * np.sqrt(2 / np.pi) / REACH))
