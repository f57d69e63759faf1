"""Who confuses what: expectation-maximisation over annotators' confusion rows, shrunk to one accuracy a person.

Dawid and Skene (1979) with three changes that few answers need. (1) Each row of a confusion matrix is shrunk, with one
`concentration`, to the annotator's own accuracy and the crowd's common error profile, and that accuracy to a prior (see
`reliability`). (2) The class prior comes from the votes, or is learnt with a strong pull to them. (3) Few steps from
the votes: run to convergence, class prior and confusion drift together and low-redundancy results collapse.

Tasks may differ in difficulty: a fraction `blur` of an answer to a hard task shows only the annotator's habits, not the
class. That keeps hard tasks from bending the rows, and ten answers to one of them from counting as ten witnesses.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from routing.consensus.reliability import Prior, fit_prior
from routing.consensus.votes import Votes

Array = npt.NDArray[np.float64]

ANCHOR_ANSWERS = (
    20.0  # pseudo-answers a class behind the pool's accuracy: a crowd is better than chance until shown
)
ANCHOR_ACCURACY = 0.75
PROFILE_ERRORS = 0.5  # pseudo-errors, per pair of classes, of the common error profile
HABIT_ANSWERS = 10.0  # pseudo-answers of an annotator's label habits
BLURS = (0.0, 0.5, 0.9)  # easy, hard, nearly blind
BLUR_SHARES = (0.6, 0.3, 0.1)  # how many tasks of each are expected


@dataclass(frozen=True, slots=True)
class FitOptions:
    """concentration: pseudo-answers behind each confusion row; infinite leaves one number a person. blurs: difficulties.

    prior_tasks: pseudo-tasks a class with which the class prior is held at the votes while it is learnt; infinite holds
    it there altogether.
    """

    concentration: float = 3.0
    blurs: tuple[float, ...] = (0.0,)
    blur_shares: tuple[float, ...] = (1.0,)
    prior_tasks: float = np.inf
    steps: int = 8


@dataclass(frozen=True, slots=True)
class Fit:
    """posterior (tasks, classes); accuracy (annotators,) posterior means; the prior they come from."""

    posterior: Array
    accuracy: Array
    reliability: Prior


def fit(votes: Votes, options: FitOptions, prior: Array | None = None) -> Fit:
    """Return the posterior of each task's class and everyone's accuracy.

    prior: what a model says before anybody answers (tasks, classes); the votes' class frequencies where it is None.
    """
    base = votes.class_frequency()
    log_prior = np.log(base)[None, :] if prior is None else np.log(np.clip(prior, 1e-6, 1.0))
    # A task with one answer cannot contradict it, so it would only teach that everybody is right.
    teaches = (votes.answers_per_task >= (2 if prior is None else 1)).astype(np.float64)[:, None]
    answered = votes.answers_per_task > 0
    habits = _habits(votes)[:, None]
    posterior = votes.smoothed() if prior is None else _softmax(np.log(votes.smoothed()) + log_prior)
    soft = votes.sum_by_pair(posterior * teaches)
    reliability: Prior | None = None
    for _ in range(options.steps):
        rows, accuracy, reliability = _rows(votes, soft, options.concentration, reliability)
        posterior, soft = _expect(votes, rows, habits, log_prior, teaches, options)
        if np.isfinite(options.prior_tasks) and prior is None:
            held = options.prior_tasks * votes.classes
            learnt = (posterior[answered].sum(0) + held * base) / (answered.sum() + held)
            log_prior = np.log(learnt)[None, :]
    assert reliability is not None
    return Fit(posterior, accuracy, reliability)


def _rows(votes: Votes, soft: Array, concentration: float, start: Prior | None) -> tuple[Array, Array, Prior]:
    """Return P(label | class) for each pair (P, classes), everyone's accuracy and its prior, from soft counts."""
    classes, label, who = votes.classes, votes.pair_label, votes.pair_annotator
    index = np.arange(len(label))
    by_class = votes.sum_by_annotator(soft)
    right = np.bincount(who, soft[index, label], minlength=votes.annotators).astype(float)
    total = by_class.sum(1)
    anchor = ANCHOR_ANSWERS * classes
    pooled = (right.sum() + anchor * ANCHOR_ACCURACY) / (total.sum() + anchor)
    reliability = fit_prior(right, total, float(pooled), start)
    accuracy = np.clip(reliability.posterior(right, total), 1e-3, 1 - 1e-3)
    profile = np.stack([np.bincount(label, soft[:, k], minlength=classes) for k in range(classes)]).astype(
        float
    )
    np.fill_diagonal(profile, 0.0)
    profile += PROFILE_ERRORS * classes / max(classes - 1, 1)
    np.fill_diagonal(profile, 0.0)
    profile /= np.maximum(profile.sum(1, keepdims=True), 1e-12)
    shrunk = (1 - accuracy)[who][:, None] * profile[:, label].T
    shrunk[index, label] = accuracy[who]
    if not np.isfinite(concentration):
        return shrunk, accuracy, reliability
    return (soft + concentration * shrunk) / (by_class[who] + concentration), accuracy, reliability


def _expect(
    votes: Votes, rows: Array, habits: Array, log_prior: Array, teaches: Array, options: FitOptions
) -> tuple[Array, Array]:
    """Return the posterior (tasks, classes) and the soft counts (P, classes), summed over the task's difficulty."""
    blurred = [(1 - blur) * rows + blur * habits for blur in options.blurs]
    scores = [
        votes.sum_by_task(np.log(row)) + np.log(share)
        for row, share in zip(blurred, options.blur_shares, strict=True)
    ]
    top = np.maximum.reduce(scores) + log_prior
    highest = top.max(1, keepdims=True)
    weights = [np.exp(score + log_prior - highest) for score in scores]
    norm = sum(weight.sum(1, keepdims=True) for weight in weights)
    posterior = sum(weights) / norm
    if len(blurred) == 1:
        return posterior, votes.sum_by_pair(posterior * teaches)
    soft = np.zeros_like(rows)
    for blur, row, weight in zip(options.blurs, blurred, weights, strict=True):
        soft += votes.sum_by_pair(weight / norm * teaches) * ((1 - blur) * rows / row)
    return posterior, soft


def _habits(votes: Votes) -> Array:
    """Return how often the annotator of each pair (P,) gives the pair's label, whatever the task."""
    given = np.bincount(votes.pair, minlength=len(votes.pair_label)).astype(np.float64)
    total = np.bincount(votes.annotator, minlength=votes.annotators)[votes.pair_annotator]
    return np.asarray(
        (given + HABIT_ANSWERS * votes.class_frequency()[votes.pair_label]) / (total + HABIT_ANSWERS)
    )


def _softmax(scores: Array) -> Array:
    weights = np.exp(scores - scores.max(1, keepdims=True))
    return np.asarray(weights / weights.sum(1, keepdims=True))
