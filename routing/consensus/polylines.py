"""Consensus of open lines (lanes, edges, wires).

Every line is resampled at equal arc length, turned to run the same way, and aligned to the answer that agrees best with
the others by a monotone match that may not run backwards (dynamic time warping on the samples); then each sample takes a
weighted median. Ends are fused like every other sample, so a line that stops early pulls the end, not the course.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from routing.annotation.shapes import Polyline
from routing.consensus.contract import (
    COMMON_SHARE,
    FusedShape,
    given,
    inliers,
    mean_agreement,
    pairwise,
    support_of,
)
from routing.consensus.robust import fused_sigma, weighted_median

Array = npt.NDArray[np.float64]

SAMPLES = 64
LONE_SIGMA = 0.01  # lateral sd of one person over the line's length
REACH = 0.05  # of the length: the mean distance at which the similarity of two lines falls to exp(-1)
OUTLIER_SHARE = 0.5
SIMPLIFY = 1e-3  # of the length


def fuse_polylines(
    lines: Sequence[Polyline],
    sigmas: npt.ArrayLike | None = None,
    *,
    tolerance: float = 0.85,
    biases: npt.ArrayLike | None = None,
) -> FusedShape[Polyline]:
    """Return the fused line of one object, drawn in the direction that most people drew it.

    sigmas (N,): people's lateral errors in any common unit. biases (N, 2): everybody's mean shift x y relative to the
    line's length. sigma of the result is relative to the length. tolerance: a similarity exp(-mean distance / (REACH ×
    length)). Raises FuseError for no or bad lines.
    """
    g = given(lines, Polyline, sigmas, biases, width=2)
    sampled = [resampled(np.array(line.points), SAMPLES) for line in g.answers]
    sampled = [s - bias * _length(s) for s, bias in zip(sampled, g.biases, strict=True)]
    similarity = pairwise(sampled, _similarity)
    used = inliers(similarity, g.weights, OUTLIER_SHARE)
    w = g.weights[used]
    lead = int(used[int(np.argmax(support_of(similarity[np.ix_(used, used)], w)))])
    turned = [_turned_like(sampled[i], sampled[lead]) for i in used]
    aligned = np.stack([_aligned(line, sampled[lead]) for line, _ in turned])
    fused = weighted_median(aligned.reshape(len(used), -1), w).reshape(SAMPLES, 2)
    if w @ np.array([-1.0 if turned_back else 1.0 for _, turned_back in turned]) < 0:
        fused, aligned = fused[::-1], aligned[:, ::-1]
    length = max(_length(fused), 1e-12)
    residual = (aligned - fused) / length
    sigma = fused_sigma(g.noise(LONE_SIGMA)[used], residual, common=COMMON_SHARE)
    points = simplified(fused, SIMPLIFY * length)
    return g.result(
        Polyline(tuple((float(x), float(y)) for x, y in points)),
        sigma=sigma,
        agreement=mean_agreement(similarity),
        loss=_loss(sigma),
        tolerance=tolerance,
        used=used,
    )


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


def _turned_like(line: Array, leader: Array) -> tuple[Array, bool]:
    """Return the line running the same way as the leader, and whether it was turned for that."""
    ahead, back = (np.linalg.norm(way - leader, axis=1).sum() for way in (line, line[::-1]))
    return (line[::-1], True) if back < ahead else (line, False)


def _aligned(line: Array, leader: Array) -> Array:
    """Return the samples of `line` that match the leader's samples (SAMPLES, 2), monotone along both."""
    gap = ((leader[:, None] - line[None, :]) ** 2).sum(2)
    n = len(leader)
    cost = np.full((n + 1, n + 1), np.inf)
    cost[0, 0] = 0.0
    for diagonal in range(2 * n - 1):  # all cells of one anti-diagonal at once
        i = np.arange(max(0, diagonal - n + 1), min(n, diagonal + 1))
        j = diagonal - i
        before = np.minimum(np.minimum(cost[i, j], cost[i, j + 1]), cost[i + 1, j])
        cost[i + 1, j + 1] = gap[i, j] + before
    matches: list[list[int]] = [[] for _ in range(n)]
    table = cost.tolist()
    at, by = n, n
    while at > 0 and by > 0:
        matches[at - 1].append(by - 1)
        both, up, left = table[at - 1][by - 1], table[at - 1][by], table[at][by - 1]
        if both <= up and both <= left:
            at, by = at - 1, by - 1
        elif up <= left:
            at -= 1
        else:
            by -= 1
    # Many samples may match one of the leader's; the middle one keeps the result monotone.
    return np.stack([line[sorted(js)[len(js) // 2]] for js in matches])


def _length(points: Array) -> float:
    return float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())


def _loss(sigma: float) -> float:
    return float(1 - np.exp(-sigma * np.sqrt(2 / np.pi) / REACH))
