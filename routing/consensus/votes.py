"""Class answers of many people as sorted integer arrays, with the sums over tasks and annotators that every fit needs."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Votes:
    """A answers: `task`, `annotator` and `label` (A,) are indices below `tasks`, `annotators` and `classes`.

    Sorted by task, annotator and label, so that the order in which answers arrive cannot change a sum. Make one with
    `Votes.of`. A *pair* is an (annotator, label) that occurs: confusion is stored for pairs only, so memory grows with
    the answers and not with annotators × classes².
    """

    task: Ints
    annotator: Ints
    label: Ints
    tasks: int
    annotators: int
    classes: int
    answers_per_task: Array = field(repr=False)  # (tasks,)
    counts: Array = field(repr=False)  # (tasks, classes): how often each class was named
    pair: Ints = field(repr=False)  # (A,) index of the answer's pair
    pair_annotator: Ints = field(repr=False)  # (P,)
    pair_label: Ints = field(repr=False)  # (P,)
    _task_starts: Ints = field(repr=False)
    _pair_starts: Ints = field(repr=False)
    _task_by_pair: Ints = field(repr=False)  # (A,) task of each answer, answers sorted by pair
    _annotator_starts: Ints = field(repr=False)  # first pair of each annotator who answered

    @classmethod
    def of(
        cls,
        task: Sequence[int] | Ints,
        annotator: Sequence[int] | Ints,
        label: Sequence[int] | Ints,
        *,
        tasks: int,
        annotators: int,
        classes: int,
    ) -> "Votes":
        """Return the sorted votes; raise ValueError for lengths that differ or an index out of range."""
        columns = [np.asarray(column, dtype=np.intp).reshape(-1) for column in (task, annotator, label)]
        for name, column, limit in zip(
            ("task", "annotator", "label"), columns, (tasks, annotators, classes), strict=True
        ):
            if len(column) != len(columns[0]):
                raise ValueError(
                    f"{name}: {len(column)} entries for {len(columns[0])} tasks; give one per answer"
                )
            if len(column) and not (column.min() >= 0 and column.max() < limit):
                raise ValueError(f"{name}: index out of range; give 0 to {limit - 1}")
        order = np.lexsort((columns[2], columns[1], columns[0]))
        t, w, c = (column[order] for column in columns)
        key = w * classes + c
        by_pair = np.argsort(key, kind="stable")
        pairs, pair_starts = np.unique(key[by_pair], return_index=True)
        pair = np.empty(len(key), dtype=np.intp)
        pair[by_pair] = np.repeat(np.arange(len(pairs)), np.diff(np.append(pair_starts, len(key))))
        pair_annotator = pairs // classes
        return cls(
            task=t,
            annotator=w,
            label=c,
            tasks=tasks,
            annotators=annotators,
            classes=classes,
            answers_per_task=np.bincount(t, minlength=tasks).astype(np.float64),
            counts=np.bincount(t * classes + c, minlength=tasks * classes)
            .reshape(tasks, classes)
            .astype(np.float64),
            pair=pair,
            pair_annotator=pair_annotator,
            pair_label=pairs % classes,
            _task_starts=_starts(t),
            _pair_starts=pair_starts.astype(np.intp),
            _task_by_pair=t[by_pair],
            _annotator_starts=_starts(pair_annotator),
        )

    def shares(self) -> Array:
        """Return each task's vote shares (tasks, classes); uniform where nobody answered."""
        n = self.answers_per_task[:, None]
        return np.where(n > 0, self.counts / np.maximum(n, 1), 1 / self.classes)

    def smoothed(self, pseudo: float = 1.0) -> Array:
        """Return vote shares (tasks, classes) with `pseudo` further answers spread over the classes."""
        return np.asarray((self.counts + pseudo / self.classes) / (self.answers_per_task[:, None] + pseudo))

    def class_frequency(self) -> Array:
        """Return how often each class is named (classes,), with one further vote for each."""
        total = self.counts.sum(0)
        return np.asarray((total + 1) / (total.sum() + self.classes))

    def sum_by_task(self, pair_values: Array) -> Array:
        """Return (tasks, classes): the sums, over each task's answers, of the rows (P, classes) of their pairs."""
        out = np.zeros((self.tasks, pair_values.shape[1]))
        if len(self.task):
            out[self.task[self._task_starts]] = np.add.reduceat(
                pair_values[self.pair], self._task_starts, axis=0
            )
        return out

    def sum_by_pair(self, task_values: Array) -> Array:
        """Return (P, classes): the sums, over each pair's answers, of the rows (tasks, classes) of their tasks."""
        if not len(self.task):
            return np.zeros((0, task_values.shape[1]))
        return np.asarray(np.add.reduceat(task_values[self._task_by_pair], self._pair_starts, axis=0))

    def sum_by_annotator(self, pair_values: Array) -> Array:
        """Return (annotators, classes): the sums of each annotator's pair rows (P, classes)."""
        out = np.zeros((self.annotators, pair_values.shape[1]))
        if len(self.pair_annotator):
            rows = self.pair_annotator[self._annotator_starts]
            out[rows] = np.add.reduceat(pair_values, self._annotator_starts, axis=0)
        return out


def _starts(sorted_keys: Ints) -> Ints:
    if not len(sorted_keys):
        return np.zeros(0, dtype=np.intp)
    return np.append(0, np.flatnonzero(np.diff(sorted_keys)) + 1).astype(np.intp)
