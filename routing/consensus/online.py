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
        self._credit: dict[tuple[int, int], Array] = {}
        self._by_class = np.zeros((annotators, self._classes))
        self._right = np.zeros(annotators)
        self._answers: list[list[tuple[int, int]]] = [[] for _ in range(tasks)]
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
            self._answers[task].append((who, label))
        for task in range(votes.tasks):
            self._move(task, 1.0)
        return self

    def update(self, task: int, annotator: int, label: int) -> Array:
        """Take in one answer; return the task's new probabilities (classes,). Raises ValueError for unknown indices."""
        if not (0 <= task < len(self._answers) and 0 <= annotator < len(self._right)):
            raise ValueError(f"task {task}, annotator {annotator}: unknown; make room for them at the start")
        if not 0 <= label < self._classes:
            raise ValueError(f"label: {label}; give 0 to {self._classes - 1}")
        self._move(task, -1.0)
        self._answers[task].append((annotator, label))
        self._posterior[task] = self._judged(task)
        self._move(task, 1.0)
        return self.probability(task)

    def sweep(self, tasks: Iterable[int] | None = None) -> float:
        """Judge every task once more; return the largest change of a probability."""
        change = 0.0
        for task in range(len(self._answers)) if tasks is None else tasks:
            before = self._posterior[task].copy()
            self._move(task, -1.0)
            self._posterior[task] = self._judged(task)
            self._move(task, 1.0)
            change = max(change, float(np.abs(self._posterior[task] - before).max()))
        return change

    def posterior(self, task: int) -> Array:
        """Return the confusion model's own probabilities (classes,)."""
        return np.array(self._posterior[task], dtype=np.float64)

    def probability(self, task: int) -> Array:
        """Return the geometric mean of the model's probabilities and the smoothed vote shares (classes,)."""
        answers = self._answers[task]
        shares = np.full(self._classes, 1 / self._classes)
        for _, label in answers:
            shares[label] += 1
        pooled = np.sqrt(self._posterior[task] * shares)
        return np.asarray(pooled / pooled.sum())

    def wants_more(self, task: int, *, risk: float) -> bool:
        """Return whether the other classes together still hold more than `risk`."""
        return bool(1 - self.probability(task).max() > risk)

    def _judged(self, task: int) -> Array:
        """Return the posterior (classes,) from the rows of the task's authors, whose counts do not hold the task."""
        prior = self._log_prior[task] if len(self._log_prior) > 1 else self._log_prior[0]
        score = prior.copy()
        for who, label in self._answers[task]:
            by_class = self._by_class[who]
            accuracy = (self._right[who] + self._strength * self._mean[who]) / (
                by_class.sum() + self._strength
            )
            accuracy = min(max(float(accuracy), 1e-3), 1 - 1e-3)
            shrunk = (1 - accuracy) * self._profile[label]
            shrunk[label] = accuracy
            row = CONFUSION.concentration * shrunk
            credit = self._credit.get((who, label))
            if credit is not None:
                row += credit
            score += np.log(np.maximum(row / (by_class + CONFUSION.concentration), LEAST))
        weight = np.exp(score - score.max())
        return np.asarray(weight / weight.sum())

    def _move(self, task: int, sign: float) -> None:
        """Put the task's posterior into its authors' counts, or with −1 take it out."""
        answers = self._answers[task]
        if len(answers) < KNOWN:
            return
        share = sign * self._posterior[task]
        for who, label in answers:
            credit = self._credit.get((who, label))
            self._credit[who, label] = share.copy() if credit is None else np.maximum(credit + share, 0.0)
            self._by_class[who] = np.maximum(self._by_class[who] + share, 0.0)
            self._right[who] = max(self._right[who] + share[label], 0.0)
