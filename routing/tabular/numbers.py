"""A file of ratings or other numbers, fused and scored; several named ratings an answer are fused each by itself."""

import json
import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from routing.answer_table import AnswerTable, TableError
from routing.consensus.ordinal import NumberConsensus, fuse_numbers

Array = npt.NDArray[np.float64]
Truth = Mapping[str, tuple[str, int]]
Ratings = dict[str, float]  # {name: number}; the name is "" where an answer is one number


def fuse_number_file(table: AnswerTable) -> dict[str, NumberConsensus]:
    """Return the consensus {name of the rating: numbers}; raise TableError naming the line of what is no number."""
    answers = [
        parse_ratings(value, f"{table.source}, line {line}")
        for value, line in zip(table.values, table.lines, strict=True)
    ]
    out: dict[str, NumberConsensus] = {}
    for name in sorted({name for answer in answers for name in answer}):
        has = np.array([i for i, answer in enumerate(answers) if name in answer], dtype=np.intp)
        out[name] = fuse_numbers(
            table.task[has],
            table.annotator[has],
            np.array([answers[i][name] for i in has]),
            tasks=len(table.tasks),
            annotators=len(table.annotators),
        )
    return out


def parse_ratings(text: str, where: str) -> Ratings:
    """Return the number, or the numbers by name, that a field holds; raise TableError naming `where`."""
    found: dict[str, object] = {"": _number(text)}
    if text.lstrip().startswith("{"):
        try:
            found = json.loads(text)
        except ValueError as error:
            raise TableError(f"{where}: not JSON ({error}); correct it") from None
    out: Ratings = {}
    for name, number in found.items():
        if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
            what = f"{name}: {number!r}" if name else repr(text)
            raise TableError(f"{where}: {what} is not a finite number; give one, or use --geometry label")
        out[name] = float(number)
    return out


def _number(text: str) -> object:
    try:
        return float(text)
    except ValueError:
        return text


def number_rows(
    table: AnswerTable, found: Mapping[str, NumberConsensus]
) -> tuple[list[str], list[list[str]]]:
    """Return the header and a row for each task: its number (or numbers by name as JSON), sigma and answers."""
    counts = np.bincount(table.task, minlength=len(table.tasks))
    rows = []
    for i, task in enumerate(table.tasks):
        value = {name: round(float(c.value[i]), 6) for name, c in found.items() if np.isfinite(c.value[i])}
        sigma = {name: round(float(found[name].sigma[i]), 6) for name in value}
        plain = list(found) == [""]
        text = (str(v[""]) if plain else json.dumps(v) for v in (value, sigma))
        rows.append([task, *text, str(counts[i])])
    return ["task", "label", "sigma", "answers"], rows


def score_numbers(
    table: AnswerTable, found: Mapping[str, NumberConsensus], truth: Truth, source: str
) -> dict[str, float]:
    """Return mae, rmse, nll (normal density) and the coverage error of the stated sigma over tasks with a truth."""
    error: list[float] = []
    sigma: list[float] = []
    for i, task in enumerate(table.tasks):
        if task not in truth:
            continue
        text, line = truth[task]
        for name, number in parse_ratings(text, f"{source}, line {line}").items():
            if name in found and np.isfinite(found[name].value[i]):
                error.append(float(found[name].value[i]) - number)
                sigma.append(float(found[name].sigma[i]))
    if not error:
        return {"scored": 0}
    e, s = np.array(error), np.maximum(np.array(sigma), 1e-9)
    return {
        "scored": len(e),
        "mae": float(np.abs(e).mean()),
        "rmse": float(np.sqrt((e**2).mean())),
        "nll": float((0.5 * (e / s) ** 2 + np.log(s) + 0.5 * math.log(2 * math.pi)).mean()),
        "ece": float(abs((np.abs(e) <= s).mean() - math.erf(math.sqrt(0.5)))),
    }
