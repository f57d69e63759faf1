"""What an audited random sample teaches: which opinion to follow, and what its confidence is worth.

Answers alone cannot show a bias that a whole crowd shares; a specialist's rulings on a uniform random sample can. The
sample must be drawn without looking at confidence, or the map is wrong for the rest.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln, logsumexp

from routing.consensus.labels import LabelConsensus, with_confidence
from routing.consensus.reliability import logit, sigmoid
from routing.consensus.votes import Ints
from routing.scores import fair_hits

Array = npt.NDArray[np.float64]

MIN_TO_CHOOSE = 100  # fewer rulings cannot tell opinions apart
MIN_GAIN_SES = 1.5  # standard errors by which an opinion must beat the pool to replace it
PRIOR_MEAN = np.array([0.0, 1.0])  # level and slope of the map already in place: leave it
PRIOR_SD = np.array([0.4, 1.0])


@dataclass(frozen=True, slots=True)
class AuditMap:
    """P(right) = sigmoid(level + slope × log-odds of the stated confidence), fitted on `rulings` audited tasks."""

    level: float
    slope: float
    rulings: int

    def __call__(self, confidence: Array) -> Array:
        """Return the corrected confidences (same shape)."""
        return sigmoid(self.level + self.slope * logit(confidence))


def fit_audit_map(confidence: Array, right: Array) -> AuditMap:
    """Return the map for stated confidences (N,) and whether each was right (N,), 0 to 1; N may be 0."""
    x = logit(np.asarray(confidence, dtype=np.float64))
    y = np.asarray(right, dtype=np.float64)
    design = np.stack([np.ones_like(x), x], axis=1)

    def loss(weights: Array) -> float:
        z = design @ weights
        return float(
            (np.logaddexp(0.0, z) - y * z).sum() + (((weights - PRIOR_MEAN) / PRIOR_SD) ** 2).sum() / 2
        )

    weights = PRIOR_MEAN.copy()
    for _ in range(50):
        p = sigmoid(design @ weights)
        gradient = design.T @ (p - y) + (weights - PRIOR_MEAN) / PRIOR_SD**2
        curvature = (design * (p * (1 - p))[:, None]).T @ design + np.diag(1 / PRIOR_SD**2)
        step = np.linalg.solve(curvature, gradient)
        scale = 1.0
        while scale > 1e-6 and loss(weights - scale * step) > loss(weights):
            scale /= 2  # Newton overshoots where confidences are extreme
        weights = weights - scale * step
        if np.abs(step).max() < 1e-9:
            break
    # A map that falls would say that the surer the crowd, the likelier it errs: noise, not knowledge.
    return AuditMap(float(weights[0]), float(max(weights[1], 0.0)), len(y))


def apply_audit(consensus: LabelConsensus, tasks: Ints, rulings: Ints) -> LabelConsensus:
    """Return the consensus after specialists ruled `rulings` (R,) on a uniform random sample of `tasks` (R,).

    Audited tasks take their ruling; the others keep the leading class of the pool, or of the opinion that the audit
    shows to be better, with a confidence that the audit corrected.
    """
    if not len(tasks):
        return consensus
    ranking = _chosen(consensus, tasks, rulings)
    lead = ranking.max(1)
    stated = consensus.confidence if ranking is consensus.probability else lead
    correct = fit_audit_map(stated[tasks], fair_hits(ranking[tasks], rulings))
    probability = with_confidence(ranking, consensus.probability, correct(stated))
    probability[tasks] = np.eye(probability.shape[1])[rulings]
    return replace(consensus, probability=probability, confidence=probability.max(1))


def unaudited_bound(errors: int, audited: int, size: int, *, delta: float = 0.05) -> float:
    """Return the error rate that the `size` − `audited` tasks outside a uniform audit stay below, 1 − delta sure.

    Exact for a finite set drawn from without replacement: the most errors M in the whole set with which `errors` or
    fewer of `audited` would still come up with probability delta (hypergeometric). Raises ValueError for counts that
    contradict each other.
    """
    if not 0 <= errors <= audited <= size:
        raise ValueError(
            f"errors: {errors} of {audited} audited of {size}; give 0 <= errors <= audited <= size"
        )
    if audited == 0 or audited == size:
        return float(audited == 0 and size > 0)
    whole = np.arange(errors, size - audited + errors + 1)[:, None]  # errors that the whole set may hold
    seen = np.arange(errors + 1)[None, :]
    clean = size - whole
    possible = (seen <= whole) & (audited - seen <= clean)
    ways = _log_choose(whole, seen) + _log_choose(clean, audited - seen) - _log_choose(size, audited)
    chance = logsumexp(np.where(possible, ways, -np.inf), axis=1)
    most = int(whole[np.flatnonzero(chance >= np.log(delta))[-1], 0])
    return (most - errors) / (size - audited)


def _log_choose(n: Ints | int, k: Ints | int) -> Array:
    # Impossible counts are masked by the caller; here they only must not be NaN.
    top = np.asarray(n, dtype=np.float64)
    some = np.clip(np.asarray(k, dtype=np.float64), 0, np.maximum(top, 0))
    return np.asarray(gammaln(top + 1) - gammaln(some + 1) - gammaln(top - some + 1))


def _chosen(consensus: LabelConsensus, tasks: Ints, rulings: Ints) -> Array:
    """Return the probabilities to rank by: the pool's, or an opinion's that beats it beyond chance."""
    if len(tasks) < MIN_TO_CHOOSE:
        return consensus.probability
    pooled = fair_hits(consensus.probability[tasks], rulings)
    best, best_gain = consensus.probability, 0.0
    opinions: Mapping[str, Array] = consensus.opinions
    for name in sorted(opinions):
        difference = fair_hits(opinions[name][tasks], rulings) - pooled
        gain = float(difference.mean())
        error = float(difference.std(ddof=1) / np.sqrt(len(difference)))
        if gain > MIN_GAIN_SES * error and gain > best_gain:
            best, best_gain = opinions[name], gain
    return best
