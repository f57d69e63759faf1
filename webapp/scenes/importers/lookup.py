"""Finds the picture that an annotation file means."""

from collections import defaultdict
from pathlib import PurePosixPath

from webapp.scenes.importers.source import Source

USUAL = (
    "",
    "images/",
    "JPEGImages/",
    "data/",
)  # where formats keep the pictures, beside or above the annotations


class PictureIndex:
    """The pictures of a source by path, by file name and by stem."""

    def __init__(self, source: Source) -> None:
        self._by_name: dict[str, list[str]] = defaultdict(list)
        self._by_stem: dict[str, list[str]] = defaultdict(list)
        self._all = frozenset(source.images())
        for file in source.images():
            path = PurePosixPath(file)
            self._by_name[path.name].append(file)
            self._by_stem[path.stem].append(file)

    def find(self, name: str, near: str) -> list[str]:
        """Every picture whose path ends with `name`; only one when it lies in a usual place for the annotation file
        `near`, the closest first."""
        for folder in PurePosixPath(near).parents:
            for usual in USUAL:
                candidate = (folder / usual / name).as_posix()
                if candidate in self._all:
                    return [candidate]
        files = self._by_name.get(PurePosixPath(name).name, [])
        return [file for file in files if file == name or file.endswith("/" + name)]

    def find_stem(self, stem: str) -> list[str]:
        """Every picture called `stem`, whatever its ending."""
        return self._by_stem.get(stem, [])
