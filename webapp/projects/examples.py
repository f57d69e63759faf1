"""Right and wrong examples of a guideline: crops of a project's own scenes. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

MOST = 24  # more are not read
MAX_CAPTION = 200


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
