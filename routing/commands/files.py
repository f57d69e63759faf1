"""Reading and writing of files for the commands, and what they cost."""

import csv
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from routing.answer_table import (
    AnswerTable,
    TableError,
    is_counts,
    read_answers,
    read_counts,
    read_probabilities,
    read_truth,
)

Array = npt.NDArray[np.float64]


def load_answers(path: Path, value: str) -> AnswerTable:
    """Return the answers in a CSV, JSON or JSON-lines file; raise TableError."""
    with _opened(path) as lines:
        return read_answers(lines, str(path), value=value)


def load_truth(path: Path, value: str) -> dict[str, tuple[str, int]]:
    """Return {task: (value, line)}; raise TableError."""
    with _opened(path) as lines:
        return read_truth(lines, str(path), value=value)


def load_counts(path: Path) -> Array | None:
    """Return the counts per class (tasks, classes) of anonymous answers, or None where the file names its people."""
    with _opened(path) as lines:
        if not is_counts(next(lines, "")):
            return None
    with _opened(path) as lines:
        return read_counts(lines, str(path))


def load_probabilities(path: Path, tasks: Sequence[str], classes: Sequence[str]) -> Array:
    """Return a model's probabilities (tasks, classes); raise TableError."""
    with _opened(path) as lines:
        return read_probabilities(lines, str(path), tasks=tasks, classes=classes)


def write_table(path: Path, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write a CSV; raise TableError where that fails."""
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(header)
            writer.writerows(rows)
    except OSError as error:
        raise TableError(f"{path}: {error.strerror}; choose another --out") from None


def peak_mb() -> float:
    """Return the peak resident memory of this process in MB, the interpreter and its libraries included."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1 << 20 if sys.platform == "darwin" else 1 << 10), 1)


class Stopwatch:
    """CPU seconds of this process since it was made."""

    def __init__(self) -> None:
        self._start = time.process_time()

    def seconds(self) -> float:
        """Return the CPU seconds so far."""
        return round(time.process_time() - self._start, 4)


@contextmanager
def _opened(path: Path) -> Iterator[Iterator[str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            yield file
    except OSError as error:
        raise TableError(f"{path}: {error.strerror}; check the path") from None
