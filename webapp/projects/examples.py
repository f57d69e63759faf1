"""Right and wrong examples of a guideline: crops of a project's own scenes. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MOST = 24  # more are not read
MAX_CAPTION = 200
SHOWN = 3  # right ones, and as many wrong ones, beside a task: what is read at a glance


@dataclass(frozen=True, slots=True)
class Example:
    """One example. `verdict` is "right" or "wrong"; `rect` is [x, y, w, h] in scene pixels; no `label`: of every class."""

    verdict: str
    caption: str
    scene: int
    rect: tuple[float, float, float, float]
    label: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the example as plain JSON values."""
        return {
            "verdict": self.verdict,
            "caption": self.caption,
            "class": self.label,
            "scene": self.scene,
            "rect": list(self.rect),
        }

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> "Example":
        """Read what `to_json` wrote."""
        x, y, w, h = row["rect"]
        return cls(row["verdict"], row["caption"], row["scene"], (x, y, w, h), row.get("class"))


def read_examples(rows: Iterable[Mapping[str, Any]]) -> list[Example]:
    """Read the stored examples of a guideline version."""
    return [Example.from_json(row) for row in rows]


def square_around(
    x: float, y: float, side: float, width: int, height: int
) -> tuple[float, float, float, float]:
    """Return the square [x, y, w, h] of `side` scene pixels around a point, moved (and, where it must, shrunk) into
    the picture."""
    w, h = min(side, float(width)), min(side, float(height))
    left = min(max(x - w / 2, 0.0), width - w)
    top = min(max(y - h / 2, 0.0), height - h)
    return left, top, w, h


def examples_of(examples: Sequence[Example], label: int | None) -> list[tuple[int, Example]]:
    """Return those that bear on a class, with their numbers in the guideline: its own first, at most SHOWN right and
    SHOWN wrong ones. Without a class all of them."""
    numbered = list(enumerate(examples))
    if label is None:
        return numbered
    own = sorted(
        (pair for pair in numbered if pair[1].label in (None, label)), key=lambda pair: pair[1].label is None
    )
    return [
        pair for verdict in ("right", "wrong") for pair in [p for p in own if p[1].verdict == verdict][:SHOWN]
    ]


def new_examples(
    before: Sequence[Example], after: Sequence[Example], label: int | None
) -> list[tuple[int, Example]]:
    """Return the examples of a class that a newer guideline has and the older had not, with their numbers in the newer."""
    return [pair for pair in examples_of(after, label) if pair[1] not in before]


def differs(before: Sequence[Example], after: Sequence[Example], label: int | None) -> bool:
    """Return whether a class has other examples than before."""
    return [e for _, e in examples_of(before, label)] != [e for _, e in examples_of(after, label)]
