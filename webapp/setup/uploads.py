"""Pictures from a browser, through the same guarded import as `manage.py import_dataset`."""

import tempfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _

from webapp.projects.models import Project
from webapp.scenes.importers.records import ImportRefused, Problem
from webapp.scenes.importers.source import IMAGE_SUFFIXES, clean_name
from webapp.scenes.operations import ImportReport, import_path

DATA_SUFFIXES = frozenset({".zip", ".json", ".xml"})


def import_uploads(*, project: Project, dataset_name: str, files: Sequence[UploadedFile]) -> ImportReport:
    """Import what was uploaded in one request: all of it or, with ImportRefused, nothing."""
    problems = [Problem(_shown(file), message) for file in files if (message := _refusal(file))]
    if problems or not files:
        raise ImportRefused(problems or [Problem(_("Pictures"), _("choose at least one file"))])
    with tempfile.TemporaryDirectory(prefix="tessera-upload-") as name:
        folder = Path(name)
        places = [_put(file, folder, number) for number, file in enumerate(files)]
        return import_path(
            path=places[0] if len(places) == 1 else folder,
            organisation=project.organisation,
            project_name=project.name,
            dataset_name=dataset_name,
        )


def _refusal(file: UploadedFile) -> str:
    """Why a file is not even looked at, or ""."""
    suffix = PurePosixPath(file.name or "").suffix.lower()
    if not file.size:
        return _("is empty; choose the file again")
    if suffix not in IMAGE_SUFFIXES | DATA_SUFFIXES:
        return _("is no picture and no .zip; pictures end in {suffixes}").format(
            suffixes=", ".join(sorted(IMAGE_SUFFIXES))
        )
    return ""


def _put(file: UploadedFile, folder: Path, number: int) -> Path:
    """Write one upload. Each has a folder of its own, so that two of one name are told apart by the import."""
    place = folder / f"{number:05d}" / (clean_name(_shown(file)) or f"upload{number}")
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("wb") as out:
        for chunk in file.chunks():
            out.write(chunk)
    return place


def _shown(file: UploadedFile) -> str:
    return PurePosixPath(file.name or "?").name
