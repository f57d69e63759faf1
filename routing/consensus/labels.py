"""Consensus of classes: four opinions pooled, one of them on condition, and a probability that can be believed.

No single aggregator is safe on every crowd: one accuracy a person is best where confusion is common to all and worst
where people differ in kind; confusion rows the other way round; majority is never far off and never the best. So:

- `majority`: smoothed vote shares;
- `confusion`: shrunk confusion rows, class prior from the votes;
- `graded`: the same with tasks of three difficulties, class prior learnt;
- `one_number`: one accuracy a person. It joins only while it leaves the class frequencies about where the votes have
  them: where it fails, it fails by talking rare classes away.

The published class is the mode of their geometric mean. What the mean says of itself is overconfident, so the reported
confidence comes from CONFIDENCE, a logistic map of few features that was fitted on public crowds and validated leaving
one crowd out. Its strongest feature besides the margin is how alike people are: disagreement among unequal people is
mostly their noise, disagreement among equals is the task's ambiguity, which further answers do not remove.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from routing.consensus.confusion import BLUR_SHARES, BLURS, Fit, FitOptions, fit, matrices
from routing.consensus.machine_prior import fit_bend, unbent
from routing.consensus.reliability import logit, sigmoid
from routing.consensus.votes import Ints, Votes

Array = npt.NDArray[np.float64]

CONFUSION = FitOptions(steps=5)
GRADED = FitOptions(concentration=4.0, blurs=BLURS, blur_shares=BLUR_SHARES, prior_tasks=30.0)
ONE_NUMBER = FitOptions(concentration=np.inf, apart=0)
MAX_DRIFT = 0.1  # total variation between the classes that `one_number` finds and those that were named


PRIOR_ROUNDS = 3  # of bending a model's probabilities to the answers and fusing again


@dataclass(frozen=True, slots=True)
class LabelConsensus:
    """probability (tasks, classes), each row sums to 1; confidence (tasks,) its maximum; accuracy (annotators,).

    pooled (tasks, classes): what the models themselves say before their confidence is corrected. It orders tasks by how
    much a further answer is worth, and is no estimate of error. skills: everyone's confusion, as `confusion` fits it.
    """

    probability: Array
    confidence: Array
    accuracy: Array
    opinions: Mapping[str, Array] = field(repr=False)
    pooled: Array = field(repr=False)
    skills: Fit = field(repr=False)

    def labels(self) -> Ints:
        """Return the most probable class of each task (tasks,); ties give the first class."""
        return np.asarray(self.probability.argmax(1), dtype=np.intp)

    def matrices(self) -> Array:
        """Return everyone's confusion (annotators, classes, classes), P(label | class) in the last axis."""
        return matrices(self.skills)


@dataclass(frozen=True, slots=True)
class ConfidenceMap:
    """P(the pooled class is right) = sigmoid of a weighted sum; `strength` is how alike the annotators are."""

    level: float
    margin: float
    margin_few: float  # more where few answered: / sqrt(answers)
    alike: float
    margin_alike: float

    def confidence(self, margin: Array, answers: Array, strength: float) -> Array:
        """Return (tasks,) probabilities for the log-odds `margin` of the leading class after `answers` answers."""
        few = 1 / np.sqrt(np.maximum(answers, 1))
        alike = np.log(strength)
        slope = self.margin + self.margin_few * few + self.margin_alike * alike
        return sigmoid(self.level + self.alike * alike + slope * margin)


CONFIDENCE = ConfidenceMap(level=0.3, margin=0.91, margin_few=0.53, alike=-0.14, margin_alike=-0.12)
MAX_CONFIDENCE = 0.995  # no crowd is right more often than its guideline is clear


def fuse_labels(
    votes: Votes, *, prior: Array | None = None, confidence: ConfidenceMap = CONFIDENCE
) -> LabelConsensus:
    """Return the consensus of each task's class.

    prior: probabilities of a model (tasks, classes), calibrated or not: they are bent until they agree with the
    answers. Raises ValueError for a prior of another shape, or one that is not finite and positive somewhere in a row.
    """
    if prior is not None:
        return _beside_model(votes, _checked(prior, votes))
    rows = fit(votes, CONFUSION)
    opinions = {
        "majority": votes.smoothed(),
        "confusion": rows.posterior,
        "graded": fit(votes, GRADED).posterior,
    }
    one_number = fit(votes, ONE_NUMBER)
    if drift(votes, one_number) < MAX_DRIFT:
        opinions["one_number"] = one_number.posterior
    return _pooled(votes, opinions, rows, confidence)


def _beside_model(votes: Votes, prior: Array) -> LabelConsensus:
    """Return the consensus of answers and a model; tasks of several difficulties keep it honest about hard ones."""
    answered = votes.answers_per_task > 0
    # What people say by themselves comes first: a model that is sure of everything would else confirm itself.
    found, bend = fit(votes, GRADED), unbent(votes.classes)
    for _ in range(PRIOR_ROUNDS):
        bend = fit_bend(prior[answered], found.posterior[answered], bend)
        found = fit(votes, GRADED, bend(prior))
    opinions = {"graded": found.posterior, "model": bend(prior)}
    sure = found.posterior.max(1)
    return LabelConsensus(found.posterior, sure, found.accuracy, opinions, found.posterior, found)


def _checked(prior: Array, votes: Votes) -> Array:
    table = np.asarray(prior, dtype=np.float64)
    if table.shape != (votes.tasks, votes.classes):
        raise ValueError(f"prior: shape {table.shape}; give ({votes.tasks}, {votes.classes})")
    if not (np.isfinite(table).all() and (table >= 0).all() and (table.sum(1) > 0).all()):
        raise ValueError("prior: give finite, non-negative probabilities, not all 0 in a row")
    return table


def drift(votes: Votes, found: Fit) -> float:
    """Return the total variation between the classes that a fit finds and the classes that were named."""
    answered = votes.answers_per_task > 0
    if not answered.any():
        return 0.0
    return float(np.abs(found.posterior[answered].mean(0) - votes.class_frequency()).sum() / 2)


def pool_margin(opinions: Mapping[str, Array]) -> tuple[Array, Array, Array]:
    """Return the geometric pool (tasks, classes), the arithmetic one, and the leader's log-odds in the latter (tasks,)."""
    stacked = np.stack(list(opinions.values()))
    logs = np.log(np.clip(stacked, 1e-6, 1.0)).mean(0)
    geometric = _normalised(np.exp(logs - logs.max(1, keepdims=True)))
    arithmetic = stacked.mean(0)
    lead = np.take_along_axis(arithmetic, geometric.argmax(1)[:, None], axis=1)[:, 0]
    return geometric, arithmetic, logit(lead)


def _pooled(
    votes: Votes, opinions: Mapping[str, Array], rows: Fit, confidence: ConfidenceMap
) -> LabelConsensus:
    geometric, arithmetic, margin = pool_margin(opinions)
    sure = confidence.confidence(margin, votes.answers_per_task, rows.reliability.strength)
    answered = votes.answers_per_task > 0
    sure = np.where(answered, np.clip(sure, 0.0, MAX_CONFIDENCE), geometric.max(1))
    probability = with_confidence(geometric, arithmetic, sure)
    return LabelConsensus(probability, probability.max(1), rows.accuracy, dict(opinions), geometric, rows)


def with_confidence(ranking: Array, rest: Array, confidence: Array) -> Array:
    """Return probabilities (tasks, classes) whose leading class, that of `ranking`, has `confidence` (tasks,).

    The others share what is left as `rest` does. Classes that tie in `ranking` keep equal probabilities. Confidence is
    never below the level at which the leader would no longer lead.
    """
    lead = ranking >= ranking.max(1, keepdims=True) - 1e-9
    ties = lead.sum(1)
    others = np.where(lead, 0.0, rest)
    left = others.sum(1, keepdims=True)
    others = np.divide(others, left, out=np.zeros_like(others), where=left > 0)
    runner_up = others.max(1)
    # Solve c / ties >= (1 - c) * runner_up, with a hair more so that the lead stays unique.
    least = np.where(runner_up > 0, ties * runner_up / (1 + ties * runner_up) + 1e-6, 1.0)
    c = np.maximum(confidence, least)
    return np.asarray(np.where(lead, (c / ties)[:, None], (1 - c)[:, None] * others))


def _normalised(weights: Array) -> Array:
    return np.asarray(weights / weights.sum(1, keepdims=True))
