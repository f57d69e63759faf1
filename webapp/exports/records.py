"""What an exporter is given."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from routing.annotation.schema import LabelClass, LabelSchema
from routing.annotation.shapes import Shape, shape_from_json

# What an exported object says about where it came from, beside its class and box.
PROVENANCE = ("object", "risk", "source", "settled_by", "versions", "annotators", "trainable")


@dataclass(frozen=True, slots=True)
class ExportedObject:
    """One object of the assembled annotation. `xyxy` in scene pixels; `provenance` has the keys of PROVENANCE.

    `refined` holds what is known beyond the box, by aspect: a shape (routing.annotation.shapes) or chosen values, each
    with its kind, risk, settled_by, annotators and drawings.
    """

    label: int
    xyxy: tuple[float, float, float, float]
    provenance: dict[str, Any]
    refined: Mapping[str, dict[str, Any]] = field(default_factory=dict)

    def shape(self, aspect: str) -> Shape | None:
        """The settled shape of an aspect, None where there is none."""
        found = self.refined.get(aspect, {}).get("shape")
        return None if found is None else shape_from_json(found)


@dataclass(frozen=True, slots=True)
class ExportedScene:
    """A scene with its newest annotation. `name` is a relative POSIX path, `file` the stored picture; `about` says what
    was asked of the whole scene: its state and class."""

    id: int
    name: str
    file: Path
    width: int
    height: int
    expected_missed: float
    objects: tuple[ExportedObject, ...]
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ExportSet:
    """A dataset as it stood when the export began. `scenes()` reads its `size` scenes anew each time, in chunks."""

    project: str
    dataset: str
    schema: LabelSchema
    size: int
    scenes: Callable[[], Iterator[ExportedScene]]

    @property
    def classes(self) -> tuple[LabelClass, ...]:
        return self.schema.classes


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
