"""Plain pictures: a folder, a zip or one file, without annotations."""

from collections.abc import Iterator
from pathlib import PurePosixPath

from webapp.scenes.importers.records import Problem, SceneRecord
from webapp.scenes.importers.source import IMAGE_SUFFIXES, Source


def recognises(source: Source) -> bool:
    """Whether nothing but pictures lies there."""
    return not source.with_suffix(".json", ".xml")


def read(source: Source, *, keep_folders: bool = False) -> Iterator[SceneRecord | Problem]:
    """Yield one record per picture, named by its file name (by its path with `keep_folders`)."""
    if not source.files:
        yield Problem(source.label, "holds no files; name a folder with pictures")
    seen: dict[str, str] = {}
    for file in source.files:
        if PurePosixPath(file).suffix.lower() not in IMAGE_SUFFIXES and len(source.files) > 1:
            yield Problem(file, "is not a picture; remove it, or leave it out with --ignore")
            continue
        name = file if keep_folders else PurePosixPath(file).name
        if name in seen:
            yield Problem(file, f"has the same file name as {seen[name]}; rename one, or pass --keep-folders")
            continue
        seen[name] = file
        yield SceneRecord(name, source.path(file))
