"""What a reader gives: one record per scene, or a problem that names the file and the fix."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Xyxy = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Problem:
    """Why an import is refused. `droppable` problems concern one box and may be skipped with `--drop-invalid`."""

    file: str
    message: str
    droppable: bool = False

    def __str__(self) -> str:
        return f"{self.file}: {self.message}"


@dataclass(frozen=True, slots=True)
class RawBox:
    """A box as the file says, unchecked. `where` names it for people, e.g. `annotation 17`.

    `shapes` are those that came with it, by aspect (outline, skeleton, line, cuboid), in the JSON of
    routing.annotation.shapes and sound.
    """

    label: str
    xyxy: Xyxy
    where: str
    shapes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SceneRecord:
    """A picture to import with the boxes that came with it.

    `name` is unique within an import; `path` is a file on disk; `declared` is the (width, height) that the annotations
    claim, None where they claim nothing; `labelled_by` is the file that the boxes came from; `calibration` is that of the
    camera, {K, ground, T_cam_ego?} (docs/microtask-kinds.md); `cloud` a file of points x y z intensity, 32-bit floats.
    """

    name: str
    path: Path
    boxes: tuple[RawBox, ...] = ()
    declared: tuple[int, int] | None = None
    labelled_by: str = ""
    calibration: Mapping[str, Any] | None = None
    cloud: Path | None = None


class ImportRefused(Exception):
    """The import holds problems and nothing of it was stored."""

    SHOWN = 20

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(f"{len(problems)} problem(s); the first: {problems[0]}" if problems else "refused")
        self.problems = problems

    def lines(self) -> list[str]:
        """One line per problem, the first 20 of them."""
        shown = [str(p) for p in self.problems[: self.SHOWN]]
        if len(self.problems) > self.SHOWN:
            shown.append(f"… and {len(self.problems) - self.SHOWN} more problems")
        return shown


def refuse(file: str, message: str) -> ImportRefused:
    """Make the exception for a single problem."""
    return ImportRefused([Problem(file, message)])
