"""Reads for exports: each scene's newest annotation."""

from collections.abc import Iterator

from django.db.models import OuterRef, Subquery

from webapp.exports.records import PROVENANCE, ExportedObject, ExportedScene, ExportSet
from webapp.labeling.models import Annotation
from webapp.projects.queries import current_schema
from webapp.scenes.models import Dataset
from webapp.scenes.queries import file_of

CHUNK = 50  # scenes in memory at once; one may hold thousands of objects


def dataset_of(organisation: str | None, project: str, name: str) -> Dataset:
    """Return the dataset of that name; raises LookupError, saying what to do, where there is none or more than one."""
    found = Dataset.objects.filter(project__name=project, name=name).select_related("project")
    if organisation:
        found = found.filter(project__organisation__name=organisation)
    rows = list(found[:2])
    if len(rows) == 1:
        return rows[0]
    if rows:
        raise LookupError("Several organisations have such a dataset; say whose with --organisation.")
    raise LookupError(f"There is no dataset {name!r} in a project {project!r}; check both names.")


def export_set(dataset: Dataset) -> ExportSet:
    """Fix which annotations are exported; what is assembled later is not part of the set."""
    ids = newest_annotations(dataset)
    schema = current_schema(dataset.project)
    return ExportSet(dataset.project.name, dataset.name, schema, len(ids), lambda: _scenes(ids))


def newest_annotations(dataset: Dataset) -> list[int]:
    """The id of the newest annotation of every assembled scene, in the order of the scenes."""
    newest = Annotation.objects.filter(scene=OuterRef("pk")).order_by("-number").values("pk")[:1]
    found = dataset.scenes.order_by("pk").annotate(newest=Subquery(newest)).exclude(newest=None)
    return list(found.values_list("newest", flat=True))


def _scenes(ids: list[int]) -> Iterator[ExportedScene]:
    for start in range(0, len(ids), CHUNK):
        page = ids[start : start + CHUNK]
        rows = Annotation.objects.select_related("scene").in_bulk(page)
        for id in page:
            yield _scene(rows[id])


def _scene(row: Annotation) -> ExportedScene:
    scene = row.scene
    objects = tuple(
        ExportedObject(
            label=entry["label"],
            xyxy=(entry["box"][0], entry["box"][1], entry["box"][2], entry["box"][3]),
            provenance={key: entry[key] for key in PROVENANCE if key in entry},
            refined=entry.get("refined", {}),
        )
        for entry in row.content
    )
    return ExportedScene(
        scene.pk,
        scene.name,
        file_of(scene),
        scene.width,
        scene.height,
        row.expected_missed,
        objects,
        row.about,
    )
