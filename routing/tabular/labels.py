"""A file of class answers, fused and scored."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from routing.answer_table import AnswerTable
from routing.consensus.labels import LabelConsensus, fuse_labels
from routing.consensus.votes import Votes
from routing.scores import calibration_error, fair_hits, log_loss

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]
Truth = Mapping[str, tuple[str, int]]  # {task: (value, line)}


@dataclass(frozen=True, slots=True)
class LabelFile:
    """votes over the table's tasks and annotators, and the names of the classes in their order."""

    tasks: tuple[str, ...]
    classes: tuple[str, ...]
    votes: Votes


def label_file(table: AnswerTable) -> LabelFile:
    """Return the votes of a table of labels; the classes are the labels that occur, in order."""
    classes = tuple(sorted(set(table.values)))
    at = {name: index for index, name in enumerate(classes)}
    label = np.fromiter((at[value] for value in table.values), dtype=np.intp, count=len(table))
    votes = Votes.of(
        table.task,
        table.annotator,
        label,
        tasks=len(table.tasks),
        annotators=len(table.annotators),
        classes=len(classes),
    )
    return LabelFile(table.tasks, classes, votes)


def truth_index(file: LabelFile, truth: Truth) -> tuple[Ints, Ints]:
    """Return the positions (N,) of the tasks that have both answers and a truth, and their classes (N,).

    The class is -1 where nobody ever named it.
    """
    at = {name: index for index, name in enumerate(file.classes)}
    known = [i for i, task in enumerate(file.tasks) if task in truth]
    classes = [at.get(truth[file.tasks[i]][0], -1) for i in known]
    return np.array(known, dtype=np.intp), np.array(classes, dtype=np.intp)


def fuse_label_file(file: LabelFile) -> LabelConsensus:
    """Return the consensus of every task of the file, with the one default configuration."""
    return fuse_labels(file.votes)


def label_rows(file: LabelFile, found: LabelConsensus) -> tuple[list[str], list[list[str]]]:
    """Return the header and a row for each task: its class, how sure that is, and how many answered."""
    header = ["task", "label", "confidence", "answers"]
    counts = file.votes.answers_per_task.astype(int)
    best = found.labels()
    return header, [
        [task, file.classes[best[i]], f"{found.confidence[i]:.6f}", str(counts[i])]
        for i, task in enumerate(file.tasks)
    ]


def score_labels(file: LabelFile, found: LabelConsensus, truth: Truth) -> dict[str, float]:
    """Return accuracy, ece and nll over the tasks with a truth; ties count in expectation."""
    at, classes = truth_index(file, truth)
    if not len(at):
        return {"scored": 0}
    probability = found.probability[at]
    right = fair_hits(probability, classes)
    return {
        "scored": len(at),
        "accuracy": float(right.mean()),
        "stated_error": float(1 - found.confidence[at].mean()),
        "ece": calibration_error(found.confidence[at], right),
        "nll": log_loss(probability, classes),
    }
