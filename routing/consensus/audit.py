"""What an audited random sample teaches: how to weigh the opinions, which classes to doubt, what confidence is worth.

Answers alone cannot show a bias that a whole crowd shares; a specialist's rulings on a uniform random sample can. The
sample must be drawn without looking at confidence, or what it teaches is wrong for the rest. Two steps:

1. The consensus, the votes and the opinions that err otherwise are pooled anew, p(class) ∝ Π opinion^weight · e^level:
   temperature scaling with a level a class (Alexandari, Kundaje and Shrikumar, ICML 2020), held to the consensus as it
   was by a prior.
2. The confidence is stated in as many levels as the audit can tell apart: histogram binning (Zadrozny and Elkan, ICML
   2001) whose neighbouring bins are merged until they differ beyond chance. Finer statements would be noise.

The constants below were chosen looking at eleven public crowds. Halving or doubling one moves the mean calibration
error of about 0.03 there by 0.002 or less, but for the two that make levels coarser: that errs less and says less.
"""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln, logsumexp

from routing.consensus.labels import LabelConsensus, with_confidence
from routing.consensus.reliability import logit, sigmoid
from routing.consensus.votes import Ints
from routing.scores import fair_hits

Array = npt.NDArray[np.float64]

MAP_MEAN = np.array([0.0, 1.0])  # level and slope of the confidence already in place: leave it
MAP_SD = np.array([0.4, 1.0])
OTHERS = ("majority", "model", "one_number")  # opinions that may err where the pool does not
POOL_SD, OTHER_SD, LEVEL_SD = (
    1.0,
    0.3,
    0.3,
)  # of the weights round 1 for the pool, 0 for the others and the levels
LEAST_PROBABILITY = 1e-4  # of an opinion, before its logarithm is weighed
MIN_FOR_LEVELS = 100  # fewer rulings only bend the confidence
LEVEL_RULINGS = 40  # behind each level before neighbours are merged
LEVEL_PULL = 100.0  # pseudo-rulings that hold a level to what was stated
APART = 1.96  # standard errors between neighbouring levels
NEWTON_STEPS = 50


@dataclass(frozen=True, slots=True)
class AuditMap:
    """P(right) = sigmoid(level + slope × log-odds of the stated confidence), fitted on `rulings` audited tasks."""

    level: float
    slope: float
    rulings: int

    def __call__(self, confidence: Array) -> Array:
        """Return the corrected confidences (same shape)."""
        return sigmoid(self.level + self.slope * logit(confidence))


@dataclass(frozen=True, slots=True)
class AuditLevels:
    """Confidence from `edges[i - 1]` up to `edges[i]` is stated as `values[i]`, which never fall."""

    edges: Array
    values: Array

    def __call__(self, confidence: Array) -> Array:
        """Return the corrected confidences (same shape)."""
        return np.asarray(self.values[np.searchsorted(self.edges, confidence, side="right")])


@dataclass(frozen=True, slots=True)
class Reweighing:
    """weights (1 + others,) of the consensus and of the `others`, by name; levels (classes,), in logs."""

    weights: Array
    levels: Array
    others: tuple[str, ...]

    def __call__(self, consensus: LabelConsensus) -> Array:
        """Return the pooled probabilities (tasks, classes)."""
        stack = _stack(consensus, self.others)
        return _softmax(stack @ self.weights + self.levels)


def fit_audit_map(confidence: Array, right: Array) -> AuditMap:
    """Return the map for stated confidences (N,) and whether each was right (N,), 0 to 1; N may be 0."""
    x = logit(np.asarray(confidence, dtype=np.float64))
    y = np.asarray(right, dtype=np.float64)
    design = np.zeros((len(x), 2, 2))
    design[:, 1, 0], design[:, 1, 1] = 1.0, x
    level, slope = _logistic(design, np.stack([1 - y, y], axis=1), MAP_MEAN, MAP_SD)
    # A map that falls would say that the surer the crowd, the likelier it errs: noise, not knowledge.
    return AuditMap(float(level), float(max(slope, 0.0)), len(y))


def fit_levels(confidence: Array, audited: Ints, right: Array) -> AuditLevels:
    """Return the levels for all confidences (tasks,), of which those of `audited` (R,) tasks were `right` (R,), 0 to 1."""
    stated = confidence[audited]
    many = max(len(audited) // LEVEL_RULINGS, 1)
    edges = np.unique(np.quantile(stated, np.arange(1, many) / many)) if len(audited) else np.zeros(0)
    size = len(edges) + 1
    one, every = (np.searchsorted(edges, c, side="right") for c in (stated, confidence))
    rows = [
        np.bincount(one, minlength=size),
        np.bincount(one, right, minlength=size),
        np.bincount(every, minlength=size),
        np.bincount(every, confidence, minlength=size),
    ]
    bins = list(np.stack(rows, axis=1).astype(np.float64))
    kept = list(edges)
    while kept:
        gaps = [_apart(lower, upper) for lower, upper in pairwise(bins)]
        least = int(np.argmin(gaps))
        if gaps[least] > APART:
            break
        bins[least] = bins[least] + bins.pop(least + 1)
        kept.pop(least)
    # Bins of unequal size are pulled unequally, which alone could make a level fall.
    return AuditLevels(np.array(kept), np.maximum.accumulate([_level(one) for one in bins]))


def fit_reweighing(consensus: LabelConsensus, tasks: Ints, rulings: Ints) -> Reweighing:
    """Return how to pool the consensus with its other opinions, as specialists ruled on `tasks` (R,)."""
    others = tuple(name for name in OTHERS if name in consensus.opinions)
    classes = consensus.probability.shape[1]
    stack = _stack(consensus, others, tasks)
    each = np.broadcast_to(np.eye(classes), (len(tasks), classes, classes))
    mean = np.zeros(1 + len(others) + classes)
    mean[0] = 1.0
    sd = np.concatenate([[POOL_SD], np.full(len(others), OTHER_SD), np.full(classes, LEVEL_SD)])
    found = _logistic(np.concatenate([stack, each], axis=2), np.eye(classes)[rulings], mean, sd)
    return Reweighing(found[: 1 + len(others)], found[1 + len(others) :], others)


def apply_audit(consensus: LabelConsensus, tasks: Ints, rulings: Ints) -> LabelConsensus:
    """Return the consensus after specialists ruled `rulings` (R,) on a uniform random sample of `tasks` (R,).

    Audited tasks take their ruling; the others are pooled anew, with a confidence that the audit corrected.
    """
    if not len(tasks):
        return consensus
    pooled = fit_reweighing(consensus, tasks, rulings)(consensus)
    stated = pooled.max(1)
    right = fair_hits(pooled[tasks], rulings)
    correct: AuditMap | AuditLevels
    if len(tasks) < MIN_FOR_LEVELS:
        correct = fit_audit_map(stated[tasks], right)
    else:
        correct = fit_levels(stated, tasks, right)
    probability = with_confidence(pooled, pooled, correct(stated))
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


def _stack(consensus: LabelConsensus, others: tuple[str, ...], tasks: Ints | slice = slice(None)) -> Array:
    """Return the logarithms of the consensus and of the others (tasks, classes, 1 + others)."""
    opinions = [consensus.probability, *(consensus.opinions[name] for name in others)]
    logs = [np.log(np.clip(one[tasks], LEAST_PROBABILITY, 1.0)) for one in opinions]
    return np.stack(logs, axis=2)


def _level(one: Array) -> float:
    """Return what a bin of (rulings, right, tasks, sum of stated) states."""
    rulings, right, tasks, stated = one
    return float((right + LEVEL_PULL * stated / max(tasks, 1.0)) / (rulings + LEVEL_PULL))


def _apart(lower: Array, upper: Array) -> float:
    """Return how many standard errors the rulings of the upper bin lie above the lower's."""
    mean = (lower[1] + upper[1] + 1) / (lower[0] + upper[0] + 2)
    spread = mean * (1 - mean) * (1 / max(lower[0], 1.0) + 1 / max(upper[0], 1.0))
    gap = upper[1] / max(upper[0], 1.0) - lower[1] / max(lower[0], 1.0)
    return float(gap / np.sqrt(spread))


def _logistic(design: Array, target: Array, mean: Array, sd: Array) -> Array:
    """Return the weights (J,) of a multinomial logistic regression with normal priors, by Newton's method.

    design (N, classes, J); target (N, classes), rows sum to 1; mean, sd (J,) of the priors.
    """
    pull = 1 / sd**2

    def loss(weights: Array) -> float:
        scores = design @ weights
        fit = logsumexp(scores, axis=1) - (scores * target).sum(1) if len(scores) else scores
        return float(fit.sum() + (pull * (weights - mean) ** 2).sum() / 2)

    weights, now = mean.copy(), loss(mean)
    for _ in range(NEWTON_STEPS):
        p = _softmax(design @ weights)
        gradient = np.einsum("nk,nkj->j", p - target, design) + pull * (weights - mean)
        centred = design - np.einsum("nk,nkj->nj", p, design)[:, None, :]
        curvature = np.einsum("nki,nkj->ij", p[:, :, None] * centred, centred) + np.diag(pull)
        step = np.linalg.solve(curvature, gradient)
        scale = 1.0
        while scale > 1e-6 and loss(weights - scale * step) > now:
            scale /= 2  # Newton overshoots where confidences are extreme
        weights = weights - scale * step
        now = loss(weights)
        if np.abs(step).max() < 1e-9:
            break
    return weights


def _softmax(scores: Array) -> Array:
    if not len(scores):
        return scores
    weights = np.exp(scores - scores.max(1, keepdims=True))
    return np.asarray(weights / weights.sum(1, keepdims=True))
