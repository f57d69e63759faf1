"""Writes exports: into a temporary place first, then renamed, so that a reader never sees half of one."""

import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from webapp.exports.formats import FORMATS
from webapp.exports.queries import export_set
from webapp.exports.records import ExportedScene, ExportFormat, ExportSet
from webapp.scenes.models import Dataset

OnProgress = Callable[[int, int], None]  # scenes done, of how many


class ExportRefused(Exception):
    """Nothing was written; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What was written where. `scenes_without_annotation` are those not assembled yet, which are left out."""

    path: str
    format: str
    scenes: int
    objects: int
    scenes_without_annotation: int


def export_dataset(
    *,
    dataset: Dataset,
    format: str,
    out: Path,
    images: bool = False,
    overwrite: bool = False,
    on_progress: OnProgress | None = None,
) -> ExportReport:
    """Write the newest annotations of a dataset to `out`: a folder, a .zip or, for COCO without pictures, a .json.

    Raises ExportRefused; then nothing was written and an older export is untouched.
    """
    chosen = FORMATS[format]
    _check_target(out, chosen, images, overwrite)
    export = export_set(dataset)
    if export.size == 0:
        raise ExportRefused(f"no scene of {dataset.name!r} is assembled yet; finish the annotation first")
    objects = _Counter()
    watched = replace(export, scenes=lambda: _watched(export, objects, on_progress))
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".tessera-export-", dir=out.parent) as temporary:
        folder = Path(temporary) / "export"
        folder.mkdir()
        chosen.write(watched, folder)
        if images:
            _copy_pictures(watched, folder / chosen.pictures)
        _publish(folder, out, chosen)
    left_out = dataset.scenes.count() - export.size
    return ExportReport(str(out), format, export.size, objects.value, left_out)


@dataclass(slots=True)
class _Counter:
    value: int = 0


def _watched(export: ExportSet, objects: _Counter, on_progress: OnProgress | None) -> Iterator[ExportedScene]:
    """Count while reading; a format may read several times."""
    objects.value = 0
    for number, scene in enumerate(export.scenes(), start=1):
        objects.value += len(scene.objects)
        if on_progress:
            on_progress(number, export.size)
        yield scene


def _is_single(out: Path, chosen: ExportFormat) -> bool:
    return chosen.alone is not None and out.suffix == Path(chosen.alone).suffix


def _check_target(out: Path, chosen: ExportFormat, images: bool, overwrite: bool) -> None:
    if _is_single(out, chosen):
        if images:
            raise ExportRefused(f"{out.name} cannot hold pictures; give a folder or a .zip for --out")
        if out.is_dir():
            raise ExportRefused(f"{out} is a folder; give a file name for --out")
    elif out.suffix == ".zip":
        if out.is_dir():
            raise ExportRefused(f"{out} is a folder; give a file name for --out")
    elif out.is_file():
        raise ExportRefused(f"{out} is a file; {chosen.name} needs a folder or a .zip for --out")
    elif out.is_dir() and any(out.iterdir()) and not overwrite:
        raise ExportRefused(f"{out} is not empty; give another --out or pass --overwrite")


def _copy_pictures(export: ExportSet, folder: Path) -> None:
    for scene in export.scenes():
        target = folder / scene.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(scene.file, target)


def _publish(folder: Path, out: Path, chosen: ExportFormat) -> None:
    """Put the finished export in its place in one step."""
    if _is_single(out, chosen):
        os.replace(folder / str(chosen.alone), out)
    elif out.suffix == ".zip":
        os.replace(_zipped(folder), out)
    else:
        if out.is_dir():
            # Moved into the temporary folder, which goes away with it.
            os.replace(out, folder.parent / "old")
        os.replace(folder, out)


def _zipped(folder: Path) -> Path:
    target = folder.with_suffix(".zip")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                text = path.suffix in (".json", ".xml", ".txt")
                method = zipfile.ZIP_DEFLATED if text else zipfile.ZIP_STORED  # Pictures are packed already.
                archive.write(path, path.relative_to(folder).as_posix(), method)
    return target
