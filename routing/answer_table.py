"""Answers and truths from CSV or JSON text: parsed whole or refused whole, every refusal with its line number."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from routing.answer_json import json_rows
from routing.table_error import TableError

__all__ = [
    "AnswerTable",
    "TableError",
    "is_counts",
    "read_answers",
    "read_counts",
    "read_probabilities",
    "read_truth",
]

Ints = npt.NDArray[np.intp]
Floats = npt.NDArray[np.float64]
Rows = tuple[list[str], Iterator[tuple[int, list[str]]]]

FIELD_LIMIT = 32 * 1024 * 1024  # characters of one field: a large mask as run lengths
ANSWER_EXTRAS = ("domain", "seconds", "timestamp")


@dataclass(frozen=True, slots=True)
class AnswerTable:
    """A answers in the order of the file, with names as sorted tuples and indices into them.

    task, annotator: (A,) indices. values: what was answered, as text. lines: (A,) line numbers for messages.
    extras: optional columns (`domain`, `seconds`, `timestamp`) as text.
    """

    source: str
    tasks: tuple[str, ...]
    annotators: tuple[str, ...]
    task: Ints
    annotator: Ints
    values: tuple[str, ...]
    lines: Ints
    extras: dict[str, tuple[str, ...]]

    def __len__(self) -> int:
        return len(self.values)

    def by_task(self) -> Iterator[tuple[str, list[int]]]:
        """Yield each task with the indices of its answers, sorted by annotator."""
        groups: list[list[int]] = [[] for _ in self.tasks]
        for index in np.lexsort((self.annotator, self.task)):
            groups[self.task[index]].append(int(index))
        yield from zip(self.tasks, groups, strict=True)


def read_answers(text: Iterable[str], source: str, *, value: str) -> AnswerTable:
    """Return the answers of a table with the columns task, worker and `value` ("label" or "geometry").

    source names the file in messages; one that ends in .json or .jsonl is read as JSON, all else as CSV. Raises
    TableError for a missing column, a row of another length, an empty field, and for a second answer of one person to
    one task.
    """
    header, rows = _open(text, source)
    columns = _columns(header, ("task", "worker", value), source)
    extra = {name: header.index(name) for name in ANSWER_EXTRAS if name in header}
    names: tuple[dict[str, int], dict[str, int], dict[str, str]] = ({}, {}, {})
    task: list[int] = []
    annotator: list[int] = []
    values: list[str] = []
    lines: list[int] = []
    extras: dict[str, list[str]] = {name: [] for name in extra}
    for line, row in rows:
        for name, column in zip(("task", "worker", value), columns, strict=True):
            if not row[column]:
                raise TableError(f"{source}, line {line}: {name} is empty; fill it in or remove the line")
        # Names repeat a hundred thousand times, so each is kept once.
        task.append(names[0].setdefault(row[columns[0]], len(names[0])))
        annotator.append(names[1].setdefault(row[columns[1]], len(names[1])))
        values.append(names[2].setdefault(row[columns[2]], row[columns[2]]))
        lines.append(line)
        for name, column in extra.items():
            extras[name].append(row[column])
    if not values:
        raise TableError(f"{source}: no answers below the header; add at least one line")
    tasks, task_index = _sorted(names[0], task)
    annotators, annotator_index = _sorted(names[1], annotator)
    at = np.array(lines, dtype=np.intp)
    _refuse_repeats(task_index, annotator_index, tasks, annotators, at, source)
    kept = {name: tuple(column) for name, column in extras.items()}
    return AnswerTable(source, tasks, annotators, task_index, annotator_index, tuple(values), at, kept)


def read_counts(text: Iterable[str], source: str) -> Floats:
    """Return the counts (tasks, classes) of a table with the columns n0, n1, …: anonymous answers, one row a task.

    A task is called by the number of its row, from 0; other columns are left out. Raises TableError for what is no
    whole number and for negative ones.
    """
    header, rows = _open(text, source)
    columns = _numbered(header, "n")
    table = [_numbers(row, columns, f"{source}, line {line}") for line, row in rows]
    if not table:
        raise TableError(f"{source}: no rows below the header; add at least one line")
    for line, numbers in enumerate(table, start=2):
        if any(number != int(number) for number in numbers):
            raise TableError(f"{source}, line {line}: a count is not whole; count answers")
    return np.array(table)


def read_probabilities(
    text: Iterable[str], source: str, *, tasks: Sequence[str], classes: Sequence[str]
) -> Floats:
    """Return a model's probabilities (tasks, classes), each row divided by its sum.

    The table has a column p<class> for each class, and a row for each task: named in a column task, or in the order of
    `tasks` where there is no such column. Raises TableError.
    """
    header, rows = _open(text, source)
    columns = _columns(header, [f"p{name}" for name in classes], source)
    task = header.index("task") if "task" in header else None
    at = {name: index for index, name in enumerate(tasks)}
    out = np.full((len(tasks), len(classes)), np.nan)
    for number, (line, row) in enumerate(rows):
        index = at.get(row[task], -1) if task is not None else number
        if index < 0:
            continue  # a task that nobody answered
        if index >= len(tasks):
            raise TableError(
                f"{source}, line {line}: more rows than the {len(tasks)} tasks; name them in a column task"
            )
        found = np.array(_numbers(row, columns, f"{source}, line {line}"))
        if found.sum() <= 0:
            raise TableError(f"{source}, line {line}: probabilities sum to 0; correct them")
        out[index] = found / found.sum()
    missing = np.flatnonzero(np.isnan(out[:, 0]))
    if len(missing):
        raise TableError(f"{source}: no probabilities for task {tasks[int(missing[0])]!r}; add a row")
    return out


def is_counts(header_line: str) -> bool:
    """Return whether the first line of a CSV names counts per class (n0, n1, …) instead of tasks and workers."""
    header = [name.strip().lstrip("\ufeff") for name in header_line.split(",")]
    return "task" not in header and len(_numbered(header, "n")) >= 2


def read_truth(text: Iterable[str], source: str, *, value: str) -> dict[str, tuple[str, int]]:
    """Return {task: (value, line)} of a table with the columns task and `value`; raise TableError as `read_answers`.

    Without a column task, a task is called by the number of its row, from 0.
    """
    header, rows = _open(text, source)
    wanted = _columns(header, (value,), source)[0]
    task = header.index("task") if "task" in header else None
    truth: dict[str, tuple[str, int]] = {}
    for number, (line, row) in enumerate(rows):
        name = str(number) if task is None else row[task]
        if not name or not row[wanted]:
            empty = value if name else "task"
            raise TableError(f"{source}, line {line}: {empty} is empty; fill it in or remove the line")
        if name in truth and truth[name][0] != row[wanted]:
            raise TableError(
                f"{source}, line {line}: task {name!r} already has another {value} on line {truth[name][1]}"
            )
        truth.setdefault(name, (row[wanted], line))
    return truth


def _open(text: Iterable[str], source: str) -> Rows:
    return json_rows(text, source) if source.endswith((".json", ".jsonl")) else _csv_rows(text, source)


def _csv_rows(text: Iterable[str], source: str) -> Rows:
    """Return the header and an iterator of (line number, row); blank lines are skipped."""
    csv.field_size_limit(FIELD_LIMIT)
    reader = csv.reader(text, strict=True)
    try:
        header = [name.strip().lstrip("\ufeff") for name in next(reader)]
    except StopIteration:
        raise TableError(f"{source}: the file is empty; start with a header line") from None
    except csv.Error as error:
        raise TableError(f"{source}, line {reader.line_num}: {error}; write the file as plain CSV") from None
    except UnicodeDecodeError as error:
        raise TableError(f"{source}: not UTF-8 (byte {error.start}); save the file as UTF-8") from None
    repeated = {name for name in header if header.count(name) > 1}
    if repeated:
        raise TableError(f"{source}, line 1: column {min(repeated)!r} occurs twice; rename one")

    def body() -> Iterator[tuple[int, list[str]]]:
        while True:
            start = reader.line_num + 1
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise TableError(f"{source}, line {start}: {error}; check the quotes") from None
            except UnicodeDecodeError as error:
                raise TableError(
                    f"{source}, after line {start}: not UTF-8 ({error.reason}); save the file as UTF-8"
                ) from None
            if not row:
                continue
            if len(row) != len(header):
                raise TableError(
                    f"{source}, line {start}: {len(row)} fields where the header has {len(header)}; "
                    "quote fields that contain commas"
                )
            yield start, row

    return header, body()


def _columns(header: Sequence[str], names: Sequence[str], source: str) -> list[int]:
    for name in names:
        if name not in header:
            raise TableError(
                f"{source}, line 1: no column {name!r}; the header has {', '.join(header) or 'nothing'}"
            )
    return [header.index(name) for name in names]


def _numbered(header: Sequence[str], prefix: str) -> list[int]:
    """Return the positions of the columns prefix0, prefix1, … as far as they go."""
    found: list[int] = []
    while f"{prefix}{len(found)}" in header:
        found.append(header.index(f"{prefix}{len(found)}"))
    return found


def _numbers(row: Sequence[str], columns: Sequence[int], where: str) -> list[float]:
    """Return the finite, non-negative numbers in the columns; raise TableError naming `where`."""
    try:
        found = [float(row[column]) for column in columns]
    except ValueError:
        raise TableError(f"{where}: give a number in each column") from None
    if not all(0 <= number < float("inf") for number in found):
        raise TableError(f"{where}: a number is negative or not finite; correct it")
    return found


def _sorted(first_seen: dict[str, int], index: list[int]) -> tuple[tuple[str, ...], Ints]:
    """Return the names in order and the indices (A,) into them, from indices in the order of first occurrence."""
    names = tuple(sorted(first_seen))
    rank = np.empty(len(names), dtype=np.intp)
    rank[[first_seen[name] for name in names]] = np.arange(len(names))
    return names, rank[np.array(index, dtype=np.intp)]


def _refuse_repeats(
    task: Ints, annotator: Ints, tasks: Sequence[str], annotators: Sequence[str], lines: Ints, source: str
) -> None:
    key = task * len(annotators) + annotator
    order = np.argsort(key, kind="stable")
    repeats = np.flatnonzero(np.diff(key[order]) == 0)
    if len(repeats):
        second, first = min((int(order[i + 1]), int(order[i])) for i in repeats)
        raise TableError(
            f"{source}, line {lines[second]}: worker {annotators[annotator[second]]!r} answered task "
            f"{tasks[task[second]]!r} already on line {lines[first]}; keep one of the two"
        )
