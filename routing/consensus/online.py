"""Consensus of classes answer by answer: each one moves its own task and the skills of those who answered it.

Incremental EM (Neal and Hinton 1998) on the confusion model of `confusion`, O(answers of the task × classes): take the
task's old posterior out of its authors' counts, judge the task by what they did elsewhere, put the new posterior in.
Once every answer is in, sweeps over all tasks and the batch fit have the same fixed point for the same reliability
prior, error profile and class prior; those three, being slow, are taken over from the last batch fit.
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from routing.consensus.confusion import LEAST, Fit
from routing.consensus.labels import CONFUSION, LabelConsensus
from routing.consensus.votes import Votes

Array = npt.NDArray[np.float64]

_Answers = tuple[list[int], list[int], list[int]]  # annotators, labels, pairs

KNOWN = 2  # answers from which a task teaches of its authors: one alone cannot be contradicted


class OnlineLabels:
    """The state: everyone's soft counts and every task's answers and posterior. Not to be shared between threads."""

    def __init__(self, skills: Fit, annotators: int, tasks: int) -> None:
        """Start without answers, on the reliability, error profile and class prior of a batch fit."""
        self._classes = len(skills.profile)
        self._log_prior = skills.log_prior
        self._profile = skills.profile.T.copy()
        self._strength = skills.reliability.strength
        self._mean = skills.reliability.mean(np.zeros(annotators))
        self._pair: dict[tuple[int, int], int] = {}
        self._credit = np.zeros((64, self._classes))  # by pair; grows by doubling
        self._by_class = np.zeros((annotators, self._classes))
        self._right = np.zeros(annotators)
        self._answers: list[_Answers] = [([], [], []) for _ in range(tasks)]
        prior = np.exp(self._log_prior - self._log_prior.max(1, keepdims=True))
        prior /= prior.sum(1, keepdims=True)
        self._posterior = np.broadcast_to(prior, (tasks, self._classes)).copy()

    @classmethod
    def of(cls, votes: Votes, found: LabelConsensus) -> "OnlineLabels":
        """Return the state after a batch fit of these votes without a machine prior."""
        self = cls(found.skills, votes.annotators, votes.tasks)
        given = np.bincount(votes.annotator, minlength=votes.annotators).astype(np.float64)
        self._mean = found.skills.reliability.mean(given)
        self._posterior = found.opinions["confusion"].copy()
        for task, who, label in zip(
            votes.task.tolist(), votes.annotator.tolist(), votes.label.tolist(), strict=True
        ):
            self._append(task, who, label)
        for task, answers in enumerate(self._answers):
            if len(answers[0]) >= KNOWN:
                self._add(answers, np.tile(self._posterior[task], (len(answers[0]), 1)))
        return self

    def update(self, task: int, annotator: int, label: int) -> Array:
        """Take in one answer; return the task's new probabilities (classes,).

        Raises ValueError for unknown indices and for a second answer of one person to one task.
        """
        if not (0 <= task < len(self._answers) and 0 <= annotator < len(self._right)):
            raise ValueError(f"task {task}, annotator {annotator}: unknown; make room for them at the start")
        if not 0 <= label < self._classes:
            raise ValueError(f"label: {label}; give 0 to {self._classes - 1}")
        if annotator in self._answers[task][0]:
            raise ValueError(f"task {task}: annotator {annotator} has answered it; give each answer once")
        before = len(self._answers[task][0])
        self._append(task, annotator, label)
        own = np.zeros((before + 1, self._classes))
        if before >= KNOWN:
            own[:before] = self._posterior[task]
        self._judge(task, own)
        return self.probability(task)

    def sweep(self, tasks: Iterable[int] | None = None) -> float:
        """Judge every task once more; return the largest change of a probability."""
        change = 0.0
        for task in range(len(self._answers)) if tasks is None else tasks:
            before = self._posterior[task].copy()
            count = len(self._answers[task][0])
            if count:
                self._judge(task, np.tile(before if count >= KNOWN else 0 * before, (count, 1)))
                change = max(change, float(np.abs(self._posterior[task] - before).max()))
        return change

    def posterior(self, task: int) -> Array:
        """Return the confusion model's own probabilities (classes,)."""
        return np.array(self._posterior[task], dtype=np.float64)

    def probability(self, task: int) -> Array:
        """Return the geometric mean of the model's probabilities and the smoothed vote shares (classes,)."""
        votes = np.bincount(self._answers[task][1], minlength=self._classes) + 1 / self._classes
        pooled = np.sqrt(self._posterior[task] * votes)
        return np.asarray(pooled / pooled.sum())

    def wants_more(self, task: int, *, risk: float) -> bool:
        """Return whether the other classes together still hold more than `risk`."""
        return bool(1 - self.probability(task).max() > risk)

    def _append(self, task: int, annotator: int, label: int) -> None:
        pair = self._pair.setdefault((annotator, label), len(self._pair))
        if pair >= len(self._credit):
            self._credit = np.concatenate([self._credit, np.zeros_like(self._credit)])
        for column, value in zip(self._answers[task], (annotator, label, pair), strict=True):
            column.append(value)

    def _judge(self, task: int, own: Array) -> None:
        """Set the task's posterior from what its authors did elsewhere; `own` (answers, classes) is its share so far."""
        answers = who, label, pair = self._answers[task]
        index = np.arange(len(who))
        by_class = np.maximum(self._by_class[who] - own, 0.0)
        right = np.maximum(self._right[who] - own[index, label], 0.0) + self._strength * self._mean[who]
        accuracy = np.minimum(np.maximum(right / (by_class.sum(1) + self._strength), 1e-3), 1 - 1e-3)
        shrunk = (1 - accuracy)[:, None] * self._profile[label]
        shrunk[index, label] = accuracy
        counts = np.maximum(self._credit[pair] - own, 0.0)
        rows = (counts + CONFUSION.concentration * shrunk) / (by_class + CONFUSION.concentration)
        prior = self._log_prior[task] if len(self._log_prior) > 1 else self._log_prior[0]
        score = prior + np.log(np.maximum(rows, LEAST)).sum(0)
        weight = np.exp(score - score.max())
        self._posterior[task] = weight / weight.sum()
        self._add(answers, (self._posterior[task] if len(who) >= KNOWN else 0.0) - own)

    def _add(self, answers: _Answers, share: Array) -> None:
        """Add to the authors' counts (answers, classes); everybody answers a task once, so no index repeats."""
        who, label, pair = answers
        self._credit[pair] += share
        self._by_class[who] += share
        self._right[who] += share[np.arange(len(who)), label]
