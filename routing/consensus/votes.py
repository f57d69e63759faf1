"""Class answers of many people as sorted integer arrays, with the sums over tasks and annotators that every fit needs."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

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
    _pairs_of_task: csr_array = field(repr=False)  # (tasks, P): how often
    _tasks_of_pair: csr_array = field(repr=False)  # (P, tasks)
    _answers_of_pair: csr_array = field(repr=False)  # (P, A)
    _pairs_of_annotator: csr_array = field(repr=False)  # (annotators, P)

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
        pairs, pair = np.unique(w * classes + c, return_inverse=True)
        per_task = np.bincount(t, minlength=tasks)
        pairs_of_task = csr_array(
            (np.ones(len(t)), pair, np.append(0, np.cumsum(per_task))), shape=(tasks, len(pairs))
        )
        per_annotator = np.bincount(pairs // classes, minlength=annotators)
        pairs_of_annotator = csr_array(
            (np.ones(len(pairs)), np.arange(len(pairs)), np.append(0, np.cumsum(per_annotator))),
            shape=(annotators, len(pairs)),
        )
        counts = np.bincount(t * classes + c, minlength=tasks * classes)
        return cls(
            task=t,
            annotator=w,
            label=c,
            tasks=tasks,
            annotators=annotators,
            classes=classes,
            answers_per_task=per_task.astype(np.float64),
            counts=counts.reshape(tasks, classes).astype(np.float64),
            pair=pair.astype(np.intp),
            pair_annotator=pairs // classes,
            pair_label=pairs % classes,
            _pairs_of_task=pairs_of_task,
            _tasks_of_pair=pairs_of_task.T.tocsr(),
            _answers_of_pair=csr_array(
                (np.ones(len(t)), pair, np.arange(len(t) + 1)), shape=(len(t), len(pairs))
            ).T.tocsr(),
            _pairs_of_annotator=pairs_of_annotator,
        )

    def subset(self, kept: npt.NDArray[np.bool_]) -> "Votes":
        """Return the votes where `kept` (A,) holds, over the same tasks, annotators and classes."""
        return Votes.of(
            self.task[kept],
            self.annotator[kept],
            self.label[kept],
            tasks=self.tasks,
            annotators=self.annotators,
            classes=self.classes,
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

    def task_frequency(self) -> Array:
        """Return the mean vote shares of the answered tasks (classes,), with one further task for each class.

        Where disputed tasks are asked about more often than others, this says how frequent a class is among tasks and
        `class_frequency` does not.
        """
        total = self.shares()[self.answers_per_task > 0].sum(0)
        return np.asarray((total + 1) / (total.sum() + self.classes))

    def sum_by_task(self, pair_values: Array) -> Array:
        """Return (tasks, classes): the sums, over each task's answers, of the rows (P, classes) of their pairs."""
        return np.asarray(self._pairs_of_task @ pair_values)

    def sum_by_pair(self, task_values: Array) -> Array:
        """Return (P, classes): the sums, over each pair's answers, of the rows (tasks, classes) of their tasks."""
        return np.asarray(self._tasks_of_pair @ task_values)

    def sum_by_annotator(self, pair_values: Array) -> Array:
        """Return (annotators, classes): the sums of each annotator's pair rows (P, classes)."""
        return np.asarray(self._pairs_of_annotator @ pair_values)

    def sum_pairs(self, answer_values: Array) -> Array:
        """Return (P, classes): the sums of the rows (A, classes) of each pair's answers."""
        return np.asarray(self._answers_of_pair @ answer_values)

    def sum_answers(self, answer_values: Array) -> Array:
        """Return (tasks, classes): the sums, over each task's answers, of their own rows (A, classes)."""
        out = np.zeros((self.tasks, answer_values.shape[1]))
        if len(self.task):
            starts = np.flatnonzero(np.diff(self.task, prepend=-1))
            out[self.task[starts]] = np.add.reduceat(answer_values, starts, axis=0)
        return out
