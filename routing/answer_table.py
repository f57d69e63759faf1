"""Answers and truths from CSV text: parsed whole or refused whole, every refusal with its line number."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.intp]

FIELD_LIMIT = 32 * 1024 * 1024  # characters of one field: a large mask as run lengths
ANSWER_EXTRAS = ("domain", "seconds", "timestamp")


class TableError(ValueError):
    """The file cannot be used; the message names the file, the line and the fix."""


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
    lines: tuple[int, ...]
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
    """Return the answers of a CSV with the columns task, worker and `value` ("label" or "geometry").

    Raises TableError for a missing column, a row of another length, an empty field, and for a second answer of one
    person to one task.
    """
    header, rows = _rows(text, source)
    columns = _columns(header, ("task", "worker", value), source)
    extra = {name: header.index(name) for name in ANSWER_EXTRAS if name in header}
    task: list[str] = []
    annotator: list[str] = []
    values: list[str] = []
    lines: list[int] = []
    extras: dict[str, list[str]] = {name: [] for name in extra}
    for line, row in rows:
        for name, column in zip(("task", "worker", value), columns, strict=True):
            if not row[column]:
                raise TableError(f"{source}, line {line}: {name} is empty; fill it in or remove the line")
        task.append(row[columns[0]])
        annotator.append(row[columns[1]])
        values.append(row[columns[2]])
        lines.append(line)
        for name, column in extra.items():
            extras[name].append(row[column])
    if not values:
        raise TableError(f"{source}: no answers below the header; add at least one line")
    tasks, task_index = _indexed(task)
    annotators, annotator_index = _indexed(annotator)
    _refuse_repeats(task_index, annotator_index, tasks, annotators, lines, source)
    return AnswerTable(
        source,
        tasks,
        annotators,
        task_index,
        annotator_index,
        tuple(values),
        tuple(lines),
        {name: tuple(column) for name, column in extras.items()},
    )


def read_truth(text: Iterable[str], source: str, *, value: str) -> dict[str, tuple[str, int]]:
    """Return {task: (value, line)} of a CSV with the columns task and `value`; raise TableError as
    `read_answers` does."""
    header, rows = _rows(text, source)
    task, wanted = _columns(header, ("task", value), source)
    truth: dict[str, tuple[str, int]] = {}
    for line, row in rows:
        if not row[task] or not row[wanted]:
            empty = "task" if not row[task] else value
            raise TableError(f"{source}, line {line}: {empty} is empty; fill it in or remove the line")
        if row[task] in truth and truth[row[task]][0] != row[wanted]:
            first = truth[row[task]][1]
            raise TableError(
                f"{source}, line {line}: task {row[task]!r} already has another {value} on line {first}"
            )
        truth.setdefault(row[task], (row[wanted], line))
    return truth


def _rows(text: Iterable[str], source: str) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
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


def _indexed(names: Sequence[str]) -> tuple[tuple[str, ...], Ints]:
    unique = sorted(set(names))
    at = {name: index for index, name in enumerate(unique)}
    return tuple(unique), np.fromiter((at[name] for name in names), dtype=np.intp, count=len(names))


def _refuse_repeats(
    task: Ints,
    annotator: Ints,
    tasks: Sequence[str],
    annotators: Sequence[str],
    lines: Sequence[int],
    source: str,
) -> None:
    key = task * len(annotators) + annotator
    order = np.argsort(key, kind="stable")
    repeats = np.flatnonzero(np.diff(key[order]) == 0)
    if len(repeats):
        at = min((int(order[i + 1]), int(order[i])) for i in repeats)
        second, first = at
        raise TableError(
            f"{source}, line {lines[second]}: worker {annotators[annotator[second]]!r} answered task "
            f"{tasks[task[second]]!r} already on line {lines[first]}; keep one of the two"
        )
