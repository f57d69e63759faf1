"""Bounds with a guarantee: how wrong an audited stratum can be, and where auto-accept may begin."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv


def clopper_pearson_upper(errors: int, n: int, delta: float = 0.05) -> float:
    """Return the upper bound of an error rate that holds with confidence 1 - delta; 1.0 without a single audit.

    >>> round(clopper_pearson_upper(0, 299), 4)
    0.01
    """
    if not 0 <= errors <= n:
        raise ValueError(f"errors: {errors} of {n}; give 0 to n")
    if not 0 < delta < 1:
        raise ValueError(f"delta: {delta}; give a probability between 0 and 1")
    return 1.0 if errors == n else float(betaincinv(errors + 1, n - errors, 1 - delta))


def clopper_pearson_lower(errors: int, n: int, delta: float = 0.05) -> float:
    """Return the lower bound of an error rate that holds with confidence 1 - delta."""
    return 0.0 if errors == 0 else 1.0 - clopper_pearson_upper(n - errors, n, delta)


def choose_auto_threshold(
    p: npt.ArrayLike, correct: npt.ArrayLike, *, alpha: float, delta: float = 0.05
) -> float | None:
    """Return the lowest score from which on everything may be accepted with error <= alpha, or None.

    Learn-Then-Test (Angelopoulos et al. 2021) with fixed-sequence testing: thresholds are tried from strict to loose
    in an order that depends on the scores only, each null "error above alpha" is tested at level delta by the exact
    binomial bound, and the first that is not rejected ends the walk. With probability 1 - delta over the audited
    sample (p, correct), drawn at random from the stratum, the accepted part then errs at most alpha.
    """
    scores = np.asarray(p, dtype=np.float64).reshape(-1)
    right = np.asarray(correct, dtype=bool).reshape(-1)
    if scores.shape != right.shape:
        raise ValueError(f"correct: {right.size} values for {scores.size} scores; give one each")
    if not np.isfinite(scores).all():
        raise ValueError("p: NaN or infinity; give finite scores")
    if not 0 < alpha < 1:
        raise ValueError(f"alpha: {alpha}; give a rate between 0 and 1")
    order = np.argsort(-scores, kind="stable")
    wrong = np.cumsum(~right[order])
    # A set smaller than this cannot pass even when it is clean, so the walk starts where a pass is possible.
    least = int(np.ceil(np.log(delta) / np.log1p(-alpha)))
    best: float | None = None
    for count in _set_sizes(scores[order], least):
        if clopper_pearson_upper(int(wrong[count - 1]), count, delta) > alpha:
            break
        best = float(scores[order[count - 1]])
    return best


def _set_sizes(ordered: npt.NDArray[np.float64], least: int) -> list[int]:
    """Return the sizes of the sets {score >= t} for each distinct score t, from the first that can pass."""
    ends = np.flatnonzero(np.append(np.diff(ordered) != 0, True)) + 1
    return [int(size) for size in ends if size >= least]


@dataclass(frozen=True, slots=True)
class Stratum:
    """One part of a release: how many objects it holds, how many were audited at random, how many of those were wrong."""

    name: str
    size: int
    audited: int
    errors: int


@dataclass(frozen=True, slots=True)
class Bound:
    """Error of a release: the estimate, and the bound that holds with the stated confidence."""

    estimate: float
    upper: float
    confidence: float
    audited: int
    size: int

    def to_json(self) -> dict[str, Any]:
        """Return the bound as plain JSON values."""
        return {name: getattr(self, name) for name in self.__slots__}


def release_bound(strata: Sequence[Stratum], *, delta: float = 0.05) -> Bound:
    """Return the size-weighted error bound over the strata; an unaudited stratum counts as all wrong in the bound.

    Each stratum is bounded at delta / number of strata (Bonferroni), so the sum holds with confidence 1 - delta.
    """
    size = sum(s.size for s in strata)
    if not size:
        return Bound(0.0, 0.0, 1 - delta, 0, 0)
    share = delta / len(strata)
    upper = sum(
        s.size * clopper_pearson_upper(s.errors, s.audited, share) if s.audited else s.size for s in strata
    )
    estimate = sum(s.size * (s.errors / s.audited if s.audited else 0.5) for s in strata)
    return Bound(estimate / size, min(upper / size, 1.0), 1 - delta, sum(s.audited for s in strata), size)
