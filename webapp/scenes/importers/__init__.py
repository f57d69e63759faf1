"""Readers of image data sets. A new format is a new file here with `recognises` and `read`, and its line in FORMATS."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from webapp.scenes.importers import coco, images, voc
from webapp.scenes.importers.records import Problem, SceneRecord, refuse
from webapp.scenes.importers.source import Source


class Read(Protocol):
    def __call__(self, source: Source, *, keep_folders: bool = False) -> Iterator[SceneRecord | Problem]: ...


@dataclass(frozen=True, slots=True)
class ImportFormat:
    """One format: how to recognise it and how to read it."""

    name: str
    recognises: Callable[[Source], bool]
    read: Read


FORMATS = {
    "images": ImportFormat("images", images.recognises, images.read),
    "coco": ImportFormat("coco", coco.recognises, coco.read),
    "voc": ImportFormat("voc", voc.recognises, voc.read),
}


def choose_format(source: Source, wanted: str) -> ImportFormat:
    """Return the wanted format, for `auto` the one that recognises the files; raises ImportRefused when unclear."""
    if wanted != "auto":
        return FORMATS[wanted]
    matching = [f for f in FORMATS.values() if f.recognises(source)]
    if len(matching) != 1:
        raise refuse(source.label, "holds both .json and .xml files; say which with --format")
    return matching[0]
