"""Weighted location estimates that a single wild answer cannot move."""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

MEDIAN_LOSS = 1.2533  # sd of a median over sd of a mean, for normal errors
BELIEF = 3.0  # answers that the belief in people's noise is worth against the spread that is seen


def weighted_median(values: Array, weights: Array) -> Array:
    """Return the weighted medians (D,) of the columns of `values` (N, D), N >= 1, weights (N,) > 0.

    Interpolated between the weights' midpoints: two equal weights give the mean, and one answer among three of equal
    weight cannot pull the result past the next.

    >>> float(weighted_median(np.array([[1.0], [2.0], [90.0]]), np.ones(3))[0])
    2.0
    """
    v = np.asarray(values, dtype=np.float64)
    if len(v) == 1:
        return np.array(v[0])
    w = np.asarray(weights, dtype=np.float64)
    # Equal values are ordered by weight, or the order in which people answered would show.
    order = np.lexsort((np.broadcast_to(w[:, None], v.shape), v), axis=0)
    ordered = np.take_along_axis(v, order, axis=0)
    w = w[order]
    middle = (np.cumsum(w, axis=0) - w / 2) / w.sum(0)
    above = np.argmax(middle >= 0.5, axis=0)
    above = np.where((middle < 0.5).all(0), len(v) - 1, above)
    below = np.maximum(above - 1, 0)
    column = np.arange(v.shape[1])
    low, high = middle[below, column], middle[above, column]
    share = np.divide(0.5 - low, high - low, out=np.ones(v.shape[1]), where=high > low)
    share = np.clip(share, 0.0, 1.0)
    return np.asarray(ordered[below, column] * (1 - share) + ordered[above, column] * share)


def geometric_median(points: Array, weights: Array) -> Array:
    """Return the point (D,) with the least weighted sum of distances to `points` (N, D): Weiszfeld's iteration."""
    at = np.asarray(np.average(points, axis=0, weights=weights))
    scale = float(np.abs(points - at).max())
    if len(points) <= 2 or scale == 0:
        return at
    for _ in range(100):
        distance = np.maximum(np.linalg.norm(points - at, axis=1), 1e-9 * scale)
        pull = weights / distance
        moved = np.asarray((pull[:, None] * points).sum(0) / pull.sum())
        if np.abs(moved - at).max() < 1e-8 * scale:
            return moved
        at = moved
    return at


def circular_median(angles: Array, weights: Array, period: float) -> float:
    """Return the weighted median of angles that repeat after `period`, taken around their densest direction."""
    turn = 2 * np.pi / period
    order = np.lexsort((weights, angles))
    angles, weights = angles[order], weights[order]
    # The best start is the answer nearest to all others; an average can vanish when answers are opposed.
    gap = np.abs(_wrapped(angles[:, None] - angles[None, :], period))
    start = float(angles[int(np.argmin(gap @ weights))])
    offset = _wrapped(angles - start, period)
    middle = start + float(weighted_median(offset[:, None], weights)[0])
    return float(np.angle(np.exp(1j * middle * turn)) / turn)


def fused_sigma(sigmas: Array, residuals: Array, *, common: float) -> float:
    """Return the standard deviation of a fused coordinate.

    sigmas (N,): what is believed of each answer's error. residuals: (N, D) distances of the answers from the result, in
    the same unit. common: the share of a person's squared error that all repeat, which fusing leaves in place. Few
    answers lean on belief, many on their own spread.
    """
    n = len(sigmas)
    own = (1 - common) * n / float((1 / sigmas**2).sum())
    if n > 1:
        seen = float(np.mean(residuals**2)) * n / (n - 1)
        own = (BELIEF * own + (n - 1) * seen) / (BELIEF + n - 1)
    gain = (MEDIAN_LOSS**2 if n >= 3 else 1.0) / n
    return float(np.sqrt(own * (gain + common / (1 - common))))


def _wrapped(angle: Array, period: float) -> Array:
    return np.asarray((angle + period / 2) % period - period / 2)
