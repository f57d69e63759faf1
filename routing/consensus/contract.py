"""What every consensus of one object's geometry returns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt
from scipy.special import gammainc

from routing.consensus.boxes import FuseError

Array = npt.NDArray[np.float64]
S = TypeVar("S")

LOSS_SPREAD = 0.5  # sd of 1 - similarity over its mean: half-normal errors that add up along an outline


@dataclass(frozen=True, slots=True)
class FusedShape(Generic[S]):
    """The fused shape and how far to trust it.

    sigma: standard deviation of its position, in the unit that the geometry's function names. agreement: mean pairwise
    similarity of the answers, 0 to 1, no truth implied. p_within_tolerance: P(similarity to the true shape >= the
    tolerance asked for). used: indices of the answers that shaped it.
    """

    shape: S
    sigma: float
    agreement: float
    p_within_tolerance: float
    used: tuple[int, ...]


def precisions(count: int, sigmas: Sequence[float] | Array | None) -> Array:
    """Return weights 1 / sigma² (N,), equal ones without sigmas; raise FuseError for none, or sigmas not positive."""
    if count == 0:
        raise FuseError("answers: none given; fuse at least one")
    if sigmas is None:
        return np.ones(count)
    s = np.asarray(sigmas, dtype=np.float64).reshape(-1)
    if len(s) != count or not np.isfinite(s).all() or (s <= 0).any():
        raise FuseError(f"sigmas: give {count} positive numbers, one for each answer")
    return np.asarray(1 / s**2)


def p_similar(expected_loss: float, tolerance: float) -> float:
    """Return P(1 - similarity <= 1 - tolerance) for a Gamma-distributed loss with this mean."""
    mean = max(expected_loss, 1e-9)
    shape = 1 / LOSS_SPREAD**2
    return float(gammainc(shape, (1 - tolerance) / mean * shape))


def mean_agreement(similarity: Array) -> float:
    """Return the mean of the off-diagonal similarities (N, N); 1 for a single answer."""
    n = len(similarity)
    return 1.0 if n == 1 else float((similarity.sum() - np.trace(similarity)) / (n * (n - 1)))


def inliers(similarity: Array, weights: Array, share: float) -> npt.NDArray[np.intp]:
    """Return the indices whose weighted similarity to the others is at least `share` of the best answer's.

    Fewer than three answers are all kept: two cannot out-vote each other.
    """
    n = len(similarity)
    if n < 3:
        return np.arange(n)
    support = support_of(similarity, weights)
    return np.flatnonzero(support >= share * support.max())


def support_of(similarity: Array, weights: Array) -> Array:
    """Return each answer's weighted mean similarity to the others (N,); 1 for a single answer."""
    if len(similarity) == 1:
        return np.ones(1)
    others = np.broadcast_to(weights, similarity.shape) * (1 - np.eye(len(similarity)))
    return np.asarray((similarity * others).sum(1) / others.sum(1))
