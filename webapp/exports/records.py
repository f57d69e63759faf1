"""What an exporter is given."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from routing.annotation.schema import LabelClass

# What an exported object says about where it came from, beside its class and box.
PROVENANCE = ("object", "risk", "source", "settled_by", "versions", "annotators", "trainable")


@dataclass(frozen=True, slots=True)
class ExportedObject:
    """One object of the assembled annotation. `xyxy` in scene pixels; `provenance` has the keys of PROVENANCE."""

    label: int
    xyxy: tuple[float, float, float, float]
    provenance: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ExportedScene:
    """A scene with its newest annotation. `name` is a relative POSIX path, `file` the stored picture."""

    id: int
    name: str
    file: Path
    width: int
    height: int
    expected_missed: float
    objects: tuple[ExportedObject, ...]


@dataclass(frozen=True, slots=True)
class ExportSet:
    """A dataset as it stood when the export began. `scenes()` reads its `size` scenes anew each time, in chunks."""

    project: str
    dataset: str
    classes: tuple[LabelClass, ...]
    size: int
    scenes: Callable[[], Iterator[ExportedScene]]


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """A way to write a set into an empty folder.

    `pictures` is the folder in which readers expect the pictures; `alone` the one file that says everything when no
    pictures are wanted, None when the format needs a folder.
    """

    name: str
    title: str
    write: Callable[[ExportSet, Path], None]
    pictures: str
    alone: str | None = None
