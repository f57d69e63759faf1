"""Everything that makes scenes: an import is stored whole or not at all."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from webapp.people.models import Organisation
from webapp.projects.models import Project
from webapp.projects.operations import create_project
from webapp.projects.queries import current_schema
from webapp.scenes.health import COPY, keep, note_refused
from webapp.scenes.images import BadImage, ImageInfo, probe
from webapp.scenes.importers import choose_format
from webapp.scenes.importers.checks import check_boxes
from webapp.scenes.importers.records import ImportRefused, Problem, SceneRecord, refuse
from webapp.scenes.importers.source import open_source
from webapp.scenes.models import Dataset, Scene
from webapp.scenes.storage import place_of, put, remove_unused, stage, staging_folder

OnProgress = Callable[[int, int], None]  # pictures done, of how many
PAGE = 500  # rows per statement; SQLite binds at most 32,766 values


@dataclass(frozen=True, slots=True)
class NewProject:
    """The project to make when there is none of that name. No `classes`: those that the files name."""

    domain: str
    classes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Prepared:
    """A checked picture that waits in the staging folder."""

    record: SceneRecord
    sha256: str
    staged: Path
    info: ImageInfo
    imported: dict[str, Any]
    cloud: Path | None = None


@dataclass(slots=True)
class ImportReport:
    """What an import did."""

    dataset_id: int = 0
    scenes: int = 0
    boxes: int = 0
    already_there: list[str] = field(default_factory=list)
    copies: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    left_out: int = 0


def import_path(
    *,
    path: Path,
    organisation: Organisation,
    project_name: str,
    dataset_name: str,
    new_project: NewProject | None = None,
    format: str = "auto",
    images: Path | None = None,
    ignore: Sequence[str] = (),
    keep_folders: bool = False,
    drop_invalid: bool = False,
    on_progress: OnProgress | None = None,
) -> ImportReport:
    """Import whatever lies at `path`; raises ImportRefused with every problem found, after which nothing is stored.

    An `organisation` that has no row yet is stored with the rest. A data set that exists keeps what was refused.
    """
    try:
        return _import(
            path=path, organisation=organisation, project_name=project_name, dataset_name=dataset_name,
            new_project=new_project, format=format, images=images, ignore=ignore, keep_folders=keep_folders,
            drop_invalid=drop_invalid, on_progress=on_progress,
        )  # fmt: skip
    except ImportRefused as refused:
        note_refused(organisation, project_name, dataset_name, refused.problems)
        raise


def _import(
    *,
    path: Path,
    organisation: Organisation,
    project_name: str,
    dataset_name: str,
    new_project: NewProject | None,
    format: str,
    images: Path | None,
    ignore: Sequence[str],
    keep_folders: bool,
    drop_invalid: bool,
    on_progress: OnProgress | None,
) -> ImportReport:
    project = Project.objects.filter(organisation_id=organisation.pk, name=project_name).first()
    if project is None and new_project is None:
        raise refuse(
            project_name, "there is no such project; check --project or pass --create-project --domain"
        )
    with open_source(path, images=images, ignore=ignore) as source:
        results = list(choose_format(source, format).read(source, keep_folders=keep_folders))
        classes = [] if project else _classes(results, new_project)
        ids = _ids(project) if project else {name.casefold(): number for number, name in enumerate(classes)}
        used = {r.path for r in results if isinstance(r, SceneRecord)}
        with (
            _prepared(results, ids, drop_invalid, on_progress) as (prepared, report),
            _all_or_nothing() as placed,
        ):
            if project is None:
                assert new_project is not None
                organisation.save()
                project = create_project(
                    organisation=organisation, name=project_name, domain=new_project.domain, classes=classes
                )
            dataset = Dataset.objects.get_or_create(project=project, name=dataset_name)[0]
            _store(dataset, prepared, report, placed)
        report.left_out = sum(source.path(name) not in used for name in source.images())
        return report


def _ids(project: Project) -> dict[str, int]:
    return {c.name.casefold(): c.id for c in current_schema(project).classes}


def _classes(results: list[SceneRecord | Problem], new_project: NewProject | None) -> list[str]:
    """The classes of a project to be made: as given, else as found, first come first."""
    if new_project is None:
        return []
    if new_project.classes:
        return list(new_project.classes)
    found = {
        b.label.casefold(): b.label for r in results if isinstance(r, SceneRecord) for b in reversed(r.boxes)
    }
    if not found and not any(isinstance(r, Problem) for r in results):
        raise refuse(
            "--classes", "the files name no classes; say which the project has, e.g. --classes tree,car"
        )
    return sorted(found.values())


@contextmanager
def _prepared(
    results: list[SceneRecord | Problem],
    ids: Mapping[str, int],
    drop_invalid: bool,
    on_progress: OnProgress | None,
) -> Iterator[tuple[list[Prepared], ImportReport]]:
    """Check every picture and box; yield what may be stored, or raise ImportRefused."""
    report = ImportReport()
    problems: list[Problem] = []
    prepared: list[Prepared] = []
    with staging_folder(Path(settings.MEDIA_DIR)) as folder:
        for number, result in enumerate(results, start=1):
            if isinstance(result, Problem):
                problems.append(result)
            else:
                item, found = _prepare(result, ids, folder)
                problems += found
                prepared += [item] if item else []
            if on_progress:
                on_progress(number, len(results))
        if drop_invalid:
            report.dropped = [str(p) for p in problems if p.droppable]
            problems = [p for p in problems if not p.droppable]
        problems += _disagreeing_copies(prepared)
        if problems:
            raise ImportRefused(problems)
        yield prepared, report


def _prepare(
    record: SceneRecord, ids: Mapping[str, int], folder: Path
) -> tuple[Prepared | None, list[Problem]]:
    try:
        sha256, staged = stage(record.path, folder)
        info = probe(staged)
    except BadImage as error:
        return None, [Problem(record.name, str(error))]
    except OSError as error:
        return None, [Problem(record.name, f"cannot be read ({error.strerror}); check the file")]
    kept, problems = check_boxes(record, info.width, info.height, ids)
    imported: dict[str, Any] = {
        "boxes": [list(xyxy) for xyxy, _, _ in kept],
        "labels": [label for _, label, _ in kept],
    }
    if any(shapes for _, _, shapes in kept):
        imported["shapes"] = [dict(shapes) for _, _, shapes in kept]
    if record.calibration is not None:
        imported["calibration"] = dict(record.calibration)
    cloud = None
    if record.cloud is not None:
        size = record.cloud.stat().st_size
        digest, cloud = stage(record.cloud, folder)
        imported["cloud"] = {"file": place_of(digest, "bin"), "count": size // 16}
    return Prepared(record, sha256, staged, info, imported if record.labelled_by else {}, cloud), problems


def _disagreeing_copies(prepared: list[Prepared]) -> list[Problem]:
    first: dict[str, Prepared] = {}
    problems = []
    for item in prepared:
        other = first.setdefault(item.sha256, item)
        if other.imported != item.imported:
            message = f"is the same picture as {other.record.name}, with other annotations; remove one"
            problems.append(Problem(item.record.name, message))
    return problems


@contextmanager
def _all_or_nothing() -> Iterator[list[str]]:
    """Run a transaction; the files named in the yielded list go away again when it fails."""
    placed: list[str] = []
    try:
        with transaction.atomic():
            yield placed
    except BaseException:
        remove_unused(Path(settings.MEDIA_DIR), placed)
        raise


def _store(dataset: Dataset, prepared: list[Prepared], report: ImportReport, placed: list[str]) -> None:
    """Write the rows and move the files, inside the caller's transaction."""
    report.dataset_id = dataset.pk
    # Two imports into one dataset take turns: the second sees the scenes of the first.
    dataset.refused = Dataset.objects.select_for_update().get(pk=dataset.pk).refused
    names = dict(dataset.scenes.values_list("name", "sha256"))
    shas = set(names.values())
    fresh: list[Prepared] = []
    problems: list[Problem] = []
    for item in prepared:
        name = item.record.name
        if item.sha256 in shas:
            (report.already_there if item.sha256 in names.values() else report.copies).append(name)
        elif name in names:
            problems.append(
                Problem(name, "is in the dataset with other content; rename it or use another --dataset")
            )
        else:
            shas.add(item.sha256)
            fresh.append(item)
    if fresh and dataset.state == Dataset.State.DONE:
        problems.append(Problem(dataset.name, "is done; import new pictures into another --dataset"))
    if problems:
        raise ImportRefused(problems)
    media = Path(settings.MEDIA_DIR)
    for item in fresh:
        place = place_of(item.sha256, item.info.suffix)
        if put(item.staged, media, place):
            placed.append(place)
        if item.cloud is not None and put(item.cloud, media, item.imported["cloud"]["file"]):
            placed.append(item.imported["cloud"]["file"])
    Scene.objects.bulk_create([_row(dataset, item) for item in fresh], batch_size=PAGE)
    keep(dataset, [(name, COPY) for name in report.copies], stored=(item.record.name for item in fresh))
    report.scenes = len(fresh)
    report.boxes = sum(len(item.imported.get("boxes", ())) for item in fresh)


def _row(dataset: Dataset, item: Prepared) -> Scene:
    return Scene(
        dataset=dataset,
        name=item.record.name,
        sha256=item.sha256,
        file=place_of(item.sha256, item.info.suffix),
        width=item.info.width,
        height=item.info.height,
        deep=item.info.deep and item.info.deep.to_json(),
        light=item.info.light,
        imported=item.imported,
    )
