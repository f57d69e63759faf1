"""Who confuses what: expectation-maximisation over annotators' confusion rows, shrunk to one accuracy a person.

Dawid and Skene (1979) with four changes that few answers need. (1) Each row of a confusion matrix is shrunk, with one
`concentration`, to the annotator's own accuracy and the crowd's common error profile, and that accuracy to a prior (see
`reliability`). (2) The class prior comes from the votes, or is learnt with a strong pull to them. (3) Few steps from
the votes: run to convergence, class prior and confusion drift together and low-redundancy results collapse. (4) In the
last steps an answer is judged by what its author did elsewhere, its own share in the counts left out, as in collapsed
variational inference (CVB0: Asuncion, Welling, Smyth and Teh, UAI 2009); else everybody partly confirms themselves.

Tasks may differ in difficulty: a fraction `blur` of an answer to a hard task shows only the annotator's habits, not the
class. That keeps hard tasks from bending the rows, and ten answers to one of them from counting as ten witnesses.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from routing.consensus.reliability import Prior, fit_prior
from routing.consensus.votes import Ints, Votes

Array = npt.NDArray[np.float64]

ANCHOR_ANSWERS = (
    20.0  # pseudo-answers a class behind the pool's accuracy: a crowd is better than chance until shown
)
ANCHOR_ACCURACY = 0.75
PROFILE_ERRORS = 0.5  # pseudo-errors, per pair of classes, of the common error profile
HABIT_ANSWERS = 10.0  # pseudo-answers of an annotator's label habits
BLURS = (0.0, 0.5, 0.9)  # easy, hard, nearly blind
BLUR_SHARES = (0.6, 0.3, 0.1)  # how many tasks of each are expected
LEAST = 1e-9  # of a probability whose logarithm is taken


@dataclass(frozen=True, slots=True)
class FitOptions:
    """concentration: pseudo-answers behind each confusion row; infinite leaves one number a person.

    blurs: difficulties, the first of them 0; blur_shares: how many tasks of each are expected.

    prior_tasks: pseudo-tasks a class with which the class prior is held at the votes while it is learnt; infinite holds
    it there altogether. flat: whether tasks with few answers take that prior as more even, see `prior_power`. steps: of
    which the last `apart` leave each answer out of its own judgement.
    """

    concentration: float = 3.0
    blurs: tuple[float, ...] = (0.0,)
    blur_shares: tuple[float, ...] = (1.0,)
    prior_tasks: float = np.inf
    flat: bool = False
    steps: int = 8
    apart: int = 3


@dataclass(frozen=True, slots=True)
class Fit:
    """posterior (tasks, classes); accuracy (annotators,) posterior means; the prior they come from.

    credit (P, classes): soft counts behind the confusion of each pair (pair_annotator, pair_label). profile (classes,
    classes): how the crowd errs, rows sum to 1 with a diagonal of 0. log_prior (1 or tasks, classes).
    """

    posterior: Array
    accuracy: Array
    reliability: Prior
    credit: Array
    profile: Array
    log_prior: Array
    pair_annotator: Ints
    pair_label: Ints


@dataclass(frozen=True, slots=True)
class _Skills:
    """What the M step leaves: soft counts and what they are shrunk to."""

    credit: Array  # (P, classes)
    by_class: Array  # (annotators, classes)
    right: Array  # (annotators,)
    total: Array  # (annotators,)
    profile: Array  # (classes, classes)
    reliability: Prior


@dataclass(frozen=True, slots=True)
class _View:
    """Rows of confusion: one a pair, where all answers of a pair are `alike`, or one an answer."""

    alike: bool
    pair: Ints | slice  # of each row
    to_tasks: Callable[[Array], Array]  # sums of the rows by task
    from_tasks: Callable[[Array], Array]  # each row's task; for pairs the sum over their tasks


def fit(votes: Votes, options: FitOptions, prior: Array | None = None) -> Fit:
    """Return the posterior of each task's class and everyone's accuracy.

    prior: what a model says before anybody answers (tasks, classes); the votes' class frequencies by task where it is None.
    """
    base = votes.task_frequency()
    power = prior_power(votes)[:, None] if options.flat else np.ones((1, 1))
    log_prior = power * np.log(base) if prior is None else np.log(np.clip(prior, 1e-6, 1.0))
    # A task with one answer cannot contradict it, so it would only teach that everybody is right.
    teaches = (votes.answers_per_task >= (2 if prior is None else 1)).astype(np.float64)[:, None]
    answered = votes.answers_per_task > 0
    habits = _habits(votes)[:, None]
    posterior = votes.smoothed() if prior is None else _softmax(np.log(votes.smoothed()) + log_prior)
    weights = [posterior * teaches] + [np.zeros_like(posterior)] * (len(options.blurs) - 1)
    view, rows = _pairs(votes), np.ones((len(votes.pair_label), votes.classes))
    skills: _Skills | None = None
    for step in range(options.steps):
        if step == options.steps - options.apart:
            view, rows = _answers(votes), rows[votes.pair]
        credit = _credit(view, weights, rows, habits, options)
        skills = _skills(votes, credit if view.alike else votes.sum_pairs(credit), skills)
        rows = _rows(votes, skills, view, options.concentration, None if view.alike else credit)
        posterior, weights = _expect(view, rows, habits, log_prior, options)
        weights = [weight * teaches for weight in weights]
        if np.isfinite(options.prior_tasks) and prior is None:
            held = options.prior_tasks * votes.classes
            learnt = (posterior[answered].sum(0) + held * base) / (answered.sum() + held)
            log_prior = power * np.log(learnt)
    assert skills is not None
    accuracy = _clipped(skills.reliability.posterior(skills.right, skills.total))
    return Fit(
        posterior,
        accuracy,
        skills.reliability,
        skills.credit,
        skills.profile,
        log_prior,
        votes.pair_annotator,
        votes.pair_label,
    )


def prior_power(votes: Votes) -> Array:
    """Return to which power each task takes the class prior (tasks,): 1 − 4^(1 − answers), so 0 after one answer.

    Where two people differ, the prior often decides alone. A crowd that overuses a class would then settle all its
    disputes that way, and where only disputed tasks are asked about again, would never come to ask about the others.
    With more answers a task people's records outweigh the prior, and it may speak up.
    """
    return np.asarray(1 - 4.0 ** np.minimum(1 - votes.answers_per_task, 0))


def matrices(found: Fit, concentration: float = 3.0) -> Array:
    """Return everyone's confusion (annotators, classes, classes): P(label | class) in the last axis."""
    accuracy = found.accuracy[:, None]
    rows = (1 - accuracy)[:, :, None] * found.profile[None]
    diagonal = np.arange(len(found.profile))
    rows[:, diagonal, diagonal] = accuracy
    rows *= concentration
    rows[found.pair_annotator, :, found.pair_label] += found.credit
    return np.asarray(rows / rows.sum(2, keepdims=True))


def information_gain(probability: Array, confusion: Array, task: Ints, annotator: Ints) -> Array:
    """Return (N,) the information, in nats, that the answer of each annotator to each task is expected to give.

    H(label) − Σ_k p_k H(label | class k), for `probability` (tasks, classes) and `confusion` as `matrices` returns it.
    """
    entropy = -(confusion * np.log(np.maximum(confusion, LEAST))).sum(2)
    p = probability[task]
    label = np.einsum("nk,nkl->nl", p, confusion[annotator])
    return np.asarray(-(label * np.log(np.maximum(label, LEAST))).sum(1) - (p * entropy[annotator]).sum(1))


def _pairs(votes: Votes) -> _View:
    return _View(True, slice(None), votes.sum_by_task, votes.sum_by_pair)


def _answers(votes: Votes) -> _View:
    return _View(False, votes.pair, votes.sum_answers, lambda task_values: task_values[votes.task])


def _credit(view: _View, weights: list[Array], rows: Array, habits: Array, options: FitOptions) -> Array:
    """Return the soft counts that each row of the view earns for its confusion."""
    total = view.from_tasks(weights[0])  # the first difficulty blurs nothing
    for blur, weight in zip(options.blurs[1:], weights[1:], strict=True):
        # In place from here on: these arrays are as long as all answers together.
        seen = blur * habits[view.pair] + (1 - blur) * rows
        np.divide((1 - blur) * rows, seen, out=seen)
        seen *= view.from_tasks(weight)
        total += seen
    return total


def _skills(votes: Votes, credit: Array, before: _Skills | None) -> _Skills:
    classes, label, who = votes.classes, votes.pair_label, votes.pair_annotator
    by_class = votes.sum_by_annotator(credit)
    given = np.take_along_axis(credit, label[:, None], axis=1)[:, 0]
    right = np.bincount(who, given, minlength=votes.annotators).astype(np.float64)
    total = by_class.sum(1)
    anchor = ANCHOR_ANSWERS * classes
    pooled = (right.sum() + anchor * ANCHOR_ACCURACY) / (total.sum() + anchor)
    reliability = fit_prior(right, total, float(pooled), before.reliability if before else None)
    profile = np.zeros((classes, classes))
    np.add.at(profile.T, label, credit)
    np.fill_diagonal(profile, 0.0)
    profile += PROFILE_ERRORS * classes / max(classes - 1, 1)
    np.fill_diagonal(profile, 0.0)
    profile /= np.maximum(profile.sum(1, keepdims=True), 1e-12)
    return _Skills(credit, by_class, right, total, profile, reliability)


def _rows(votes: Votes, skills: _Skills, view: _View, concentration: float, own: Array | None) -> Array:
    """Return P(label | class) for each row of the view, with each row's `own` credit left out."""
    label, who = votes.pair_label[view.pair], votes.pair_annotator[view.pair]
    index = np.arange(len(label))
    right, total, strength = skills.right[who], skills.total[who], skills.reliability.strength
    if own is not None:
        right = np.maximum(right - own[index, label], 0.0)
        total = np.maximum(total - own.sum(1), 0.0)
    mean = skills.reliability.mean(skills.total)[who]
    accuracy = _clipped((right + strength * mean) / (total + strength))
    shrunk = skills.profile.T[label]
    shrunk *= (1 - accuracy)[:, None]
    shrunk[index, label] = accuracy
    if not np.isfinite(concentration):
        return shrunk
    shrunk *= concentration
    shrunk += _without(skills.credit[view.pair], own)
    shrunk /= _without(skills.by_class[who], own) + concentration
    return shrunk


def _without(counts: Array, own: Array | None) -> Array:
    """Return the counts less `own`, never below 0; in a view of pairs they are left alone."""
    if own is None:
        return counts
    np.subtract(counts, own, out=counts)
    return np.maximum(counts, 0.0, out=counts)


def _expect(
    view: _View, rows: Array, habits: Array, log_prior: Array, options: FitOptions
) -> tuple[Array, list[Array]]:
    """Return the posterior (tasks, classes), and its parts by the task's difficulty."""
    scores = []
    for blur, share in zip(options.blurs, options.blur_shares, strict=True):
        blurred = (1 - blur) * rows
        if blur > 0:
            blurred += blur * habits[view.pair]
        np.log(np.maximum(blurred, LEAST, out=blurred), out=blurred)
        scores.append(view.to_tasks(blurred) + log_prior + np.log(share))
    highest = np.maximum.reduce(scores).max(1, keepdims=True)
    weights = [np.exp(score - highest) for score in scores]
    norm = sum(weight.sum(1, keepdims=True) for weight in weights)
    weights = [weight / norm for weight in weights]
    return np.asarray(sum(weights)), weights


def _habits(votes: Votes) -> Array:
    """Return how often the annotator of each pair (P,) gives the pair's label, whatever the task."""
    given = np.bincount(votes.pair, minlength=len(votes.pair_label)).astype(np.float64)
    total = np.bincount(votes.annotator, minlength=votes.annotators)[votes.pair_annotator]
    return np.asarray(
        (given + HABIT_ANSWERS * votes.class_frequency()[votes.pair_label]) / (total + HABIT_ANSWERS)
    )


def _clipped(accuracy: Array) -> Array:
    return np.clip(accuracy, 1e-3, 1 - 1e-3)


def _softmax(scores: Array) -> Array:
    weights = np.exp(scores - scores.max(1, keepdims=True))
    return np.asarray(weights / weights.sum(1, keepdims=True))
