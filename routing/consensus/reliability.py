"""How often people are right: a beta-binomial regression on how much they have answered.

In most crowds the people who answer most are not the best: the mean accuracy of annotators lies above the mean accuracy
of answers, by up to 15 points. So a newcomer's prior is the annotators' mean, bent by volume, not the pool of answers.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import betaln, expit

Array = npt.NDArray[np.float64]

STRENGTHS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)  # pseudo-answers of the prior: how alike people are
SAMPLE = 2_000  # annotators looked at while fitting; more do not sharpen three numbers
LEVEL_SD = 1.5  # prior of the level, in logits, round the pool's accuracy
SLOPE_SD = 0.5  # prior of the slope, in logits per e-fold of answers
FLOOR, CEILING = 0.02, 0.98


@dataclass(frozen=True, slots=True)
class Prior:
    """P(right) of an annotator with n answers ~ Beta with mean sigmoid(level + slope·(log n − center))."""

    level: float
    slope: float
    strength: float
    center: float = 0.0

    def mean(self, n: Array) -> Array:
        """Return the prior means for annotators with `n` answers each (same shape); the level where n is 0."""
        bend = np.where(n > 0, self.slope * (np.log(np.maximum(n, 1e-9)) - self.center), 0.0)
        return np.clip(sigmoid(self.level + bend), FLOOR, CEILING)

    def posterior(self, right: Array, n: Array) -> Array:
        """Return the posterior mean accuracies of annotators who were right in `right` of `n` answers."""
        return np.asarray((right + self.strength * self.mean(n)) / (n + self.strength))


def fit_prior(right: Array, n: Array, pooled: float, start: Prior | None = None) -> Prior:
    """Return the maximum a-posteriori prior for soft counts `right` of `n` (annotators,), by coordinate search.

    pooled: accuracy of all answers, the centre of the level's own prior. start: an earlier fit to go on from.
    """
    seen = n > 0
    r, m = right[seen], n[seen]
    if len(m) > SAMPLE:
        keep = np.lexsort((r, m))[np.linspace(0, len(m) - 1, SAMPLE).astype(np.intp)]
        r, m = r[keep], m[keep]
    center = float(np.log(m).mean()) if len(m) else 0.0
    base = float(logit(np.array(pooled)))
    level, slope, strength = (start.level, start.slope, start.strength) if start else (base, 0.0, 8.0)
    z = np.log(m) - center

    def score(level: float, slope: float, strength: float) -> float:
        mean = np.clip(sigmoid(level + slope * z), FLOOR, CEILING)
        a, b = strength * mean, strength * (1 - mean)
        penalty = ((level - base) / LEVEL_SD) ** 2 + (slope / SLOPE_SD) ** 2
        return float((betaln(r + a, m - r + b) - betaln(a, b)).sum() - penalty / 2)

    best = score(level, slope, strength)
    for step in (0.5, 0.25, 0.1) if start is None else (0.25, 0.1):
        for _ in range(6 if start is None else 2):
            moves = [(level + step, slope, strength), (level - step, slope, strength)]
            moves += [(level, slope + step, strength), (level, slope - step, strength)]
            moves += [(level, slope, other) for other in _near(strength, everything=start is None)]
            scores = [score(*move) for move in moves]
            top = int(np.argmax(scores))
            if scores[top] <= best + 1e-9:
                break
            best, (level, slope, strength) = scores[top], moves[top]
    return Prior(level, slope, strength, center)


def logit(p: Array) -> Array:
    """Return the log-odds of probabilities, clipped to (1e-6, 1 − 1e-6)."""
    p = np.clip(p, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(p / (1 - p)))


def sigmoid(x: Array | float) -> Array:
    """Return 1 / (1 + e^−x)."""
    return np.asarray(expit(x))


def _near(strength: float, *, everything: bool) -> tuple[float, ...]:
    if everything:
        return STRENGTHS
    at = STRENGTHS.index(strength)
    return STRENGTHS[max(at - 1, 0) : at + 2]
