"""Consensus of classes: several opinions pooled, one of them on condition, and a probability that can be believed.

No single aggregator is safe on every crowd: one accuracy a person is best where confusion is common to all and worst
where people differ in kind; confusion rows the other way round; majority is never far off and never the best. So:

- `majority`: smoothed vote shares;
- `confusion`: shrunk confusion rows;
- `unshrunk`: confusion rows nearly as Dawid and Skene left them, which weighs as much as the crowd is known;
- `graded`: shrunk rows with tasks of three difficulties, which weighs the rest of it;
- `one_number`: one accuracy a person. It joins only while it leaves the class frequencies about where the votes have
  them: where it fails, it fails by talking rare classes away.

All of them learn the class prior, held to the votes. `graded` and `one_number` take it as the more even the fewer
answers a task has, so that a class which the whole crowd overuses does not settle every dispute of two people. HELD, the
power and which of them use it were chosen looking at twelve public crowds; 100 to 300 pseudo-tasks make no difference there.
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

HELD = 200.0  # pseudo-tasks a class that hold the learnt class prior to the votes
CONFUSION = FitOptions(steps=5, prior_tasks=HELD)
UNSHRUNK = FitOptions(concentration=0.5, prior_tasks=HELD, steps=20, apart=0)
GRADED = FitOptions(concentration=4.0, blurs=BLURS, blur_shares=BLUR_SHARES, prior_tasks=HELD, flat=True)
ONE_NUMBER = FitOptions(concentration=np.inf, prior_tasks=HELD, flat=True, apart=0)
GUARD = FitOptions(concentration=np.inf, apart=0)  # one number a person and the votes' own class prior
MAX_DRIFT = 0.1  # total variation between the classes that `GUARD` finds and those that were named
WEIGHTS = {"one_number": 1.5}  # of opinions in the pool; 1 where nothing is said
OWN_ANSWERS = 2.0  # answers to each pair of classes at which a person is half known
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
    """P(the pooled class is right) = sigmoid of a weighted sum; what the crowd is like counts as answers show it.

    `alike` is the log of how alike the annotators are, `agreed` their agreement beyond chance.
    """

    level: float
    margin: float
    margin_few: float  # more where few answered: / sqrt(answers)
    margin_alike: float
    agreed: float
    margin_agreed: float

    def confidence(self, margin: Array, answers: Array, strength: float, agreed: float) -> Array:
        """Return (tasks,) probabilities for the log-odds `margin` of the leading class after `answers` answers."""
        n = np.maximum(answers, 1)
        shown = 1 - 1 / n
        slope = self.margin_alike * np.log(strength) + self.margin_agreed * agreed
        slope = self.margin + self.margin_few / np.sqrt(n) + shown * slope
        return sigmoid(self.level + self.agreed * agreed * shown + slope * margin)


CONFIDENCE = ConfidenceMap(
    level=0.02, margin=1.58, margin_few=-0.31, margin_alike=-0.28, agreed=-0.74, margin_agreed=-0.14
)
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
        "unshrunk": fit(votes, UNSHRUNK).posterior,
        "graded": fit(votes, GRADED).posterior,
    }
    if drift(votes, fit(votes, GUARD)) < MAX_DRIFT:
        opinions["one_number"] = fit(votes, ONE_NUMBER).posterior
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
    return float(np.abs(found.posterior[answered].mean(0) - votes.task_frequency()).sum() / 2)


def known(votes: Votes) -> float:
    """Return how well the answers show who confuses what, 0 to 1: others answered the same, and everyone much."""
    answered = max(int((votes.answers_per_task > 0).sum()), 1)
    others = max(len(votes.task) / answered - 1, 0.0)
    given = np.bincount(votes.annotator, minlength=votes.annotators)[votes.annotator]
    own = given / (given + OWN_ANSWERS * votes.classes**2)
    return float(others / (others + 2) * own.mean()) if len(votes.task) else 0.0


def agreement(votes: Votes) -> float:
    """Return Fleiss' kappa (1971) of the tasks with two answers or more: agreement beyond chance; 0 without any."""
    n = votes.answers_per_task
    several = n >= 2
    if not several.any():
        return 0.0
    pairs = (votes.counts * (votes.counts - 1)).sum(1)[several] / (n * (n - 1))[several]
    chance = float((votes.class_frequency() ** 2).sum())
    return float((pairs.mean() - chance) / max(1 - chance, 1e-9))


def pool_margin(opinions: Mapping[str, Array], known: float) -> tuple[Array, Array, Array]:
    """Return the geometric pool (tasks, classes), the arithmetic one, and the leader's log-odds in the latter (tasks,)."""
    depth = {"unshrunk": known, "graded": 1 - known}
    weights = {name: depth.get(name, WEIGHTS.get(name, 1.0)) for name in opinions}
    shares = np.array(list(weights.values()))
    shares /= shares.sum()
    stacked = np.stack(list(opinions.values()))
    logs = np.tensordot(shares, np.log(np.clip(stacked, 1e-6, 1.0)), 1)
    geometric = _normalised(np.exp(logs - logs.max(1, keepdims=True)))
    arithmetic = np.tensordot(shares, stacked, 1)
    lead = np.take_along_axis(arithmetic, geometric.argmax(1)[:, None], axis=1)[:, 0]
    return geometric, arithmetic, logit(lead)


def _pooled(
    votes: Votes, opinions: Mapping[str, Array], rows: Fit, confidence: ConfidenceMap
) -> LabelConsensus:
    geometric, arithmetic, margin = pool_margin(opinions, known(votes))
    strength = rows.reliability.strength
    sure = confidence.confidence(margin, votes.answers_per_task, strength, agreement(votes))
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
