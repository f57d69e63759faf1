"""Finds the picture that an annotation file means."""

from collections import defaultdict
from pathlib import PurePosixPath

from webapp.scenes.importers.source import Source


class PictureIndex:
    """The pictures of a source by path, by file name and by stem."""

    def __init__(self, source: Source) -> None:
        self._by_name: dict[str, list[str]] = defaultdict(list)
        self._by_stem: dict[str, list[str]] = defaultdict(list)
        for file in source.images():
            path = PurePosixPath(file)
            self._by_name[path.name].append(file)
            self._by_stem[path.stem].append(file)

    def find(self, name: str) -> list[str]:
        """Every picture whose path is `name` or ends with it; the exact path wins."""
        files = self._by_name.get(PurePosixPath(name).name, [])
        if name in files:
            return [name]
        return [file for file in files if file.endswith("/" + name)]

    def find_stem(self, stem: str) -> list[str]:
        """Every picture called `stem`, whatever its ending."""
        return self._by_stem.get(stem, [])
