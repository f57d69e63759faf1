"""Reads for the pages of one dataset and one scene."""

from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Count, Q, QuerySet

from routing.annotation.schema import LabelClass
from webapp.labeling.models import Annotation, ObjectVersion, SceneObject
from webapp.people.models import User
from webapp.projects.queries import current_schema
from webapp.scenes.models import Dataset, Scene
from webapp.scenes.queries import scenes_of

SCENES_PER_PAGE = 24
ROWS_PER_PAGE = 100
MAX_DRAWN = 5000  # outlines in one picture; more are neither legible nor quick
STATES = {
    "accepted": (SceneObject.State.ACCEPTED,),
    "open": (SceneObject.State.GRID, SceneObject.State.ASKED),
    "rejected": (SceneObject.State.REJECTED,),
    "undecidable": (SceneObject.State.UNDECIDABLE,),
}


@dataclass(frozen=True, slots=True)
class Outline:
    """A box to draw, scene pixels."""

    id: int
    group: str
    x: float
    y: float
    w: float
    h: float


@dataclass(frozen=True, slots=True)
class ObjectRow:
    """A line of the table.

    `view` is the viewBox of its thumbnail; `looks` are (kind, verdict) in the order of the answers; `people` is how
    many gave them; `author` drew the current outline.
    """

    object: SceneObject
    group: str
    view: str
    label: LabelClass | None
    looks: tuple[tuple[str, str], ...]
    people: int
    author: str


@dataclass(frozen=True, slots=True)
class ScenePage:
    scene: Scene
    annotation: Annotation | None
    group: str
    counts: tuple[tuple[str, int], ...]
    outlines: tuple[Outline, ...]
    page: Page[SceneObject]
    rows: tuple[ObjectRow, ...]
    looks: int
    expected_missed: float


def dataset_page(dataset: Dataset, number: str | None) -> Page[Any]:
    """A page of scenes with the counts of their objects (`accepted`, `open`) and tiles."""
    settled = Q(scene_objects__state__in=SceneObject.SETTLED)
    scenes = dataset.scenes.order_by("pk").annotate(
        accepted=Count("scene_objects", filter=Q(scene_objects__state="accepted")),
        open=Count("scene_objects", filter=~settled & Q(scene_objects__isnull=False)),
    )
    return Paginator(scenes, SCENES_PER_PAGE).get_page(number)


def scene_page(viewer: User, scene_id: int, *, group: str, number: str | None) -> ScenePage | None:
    """Everything about a scene; `group` is a key of STATES, anything else shows all. None when it is not theirs."""
    scene = scenes_of(viewer).select_related("dataset__project").filter(pk=scene_id).first()
    if scene is None:
        return None
    all_objects = SceneObject.objects.filter(scene=scene).order_by("pk")
    chosen = all_objects.filter(state__in=STATES[group]) if group in STATES else all_objects
    classes = {c.id: c for c in current_schema(scene.dataset.project).classes}
    page = Paginator(chosen, ROWS_PER_PAGE).get_page(number)
    tiles = scene.tiles.values_list("looks", "expected_missed")
    return ScenePage(
        scene=scene,
        annotation=scene.annotations.order_by("-number").first(),
        group=group if group in STATES else "",
        counts=_counts(all_objects),
        outlines=tuple(_outline(*row) for row in chosen.values_list("pk", "state", "box")[:MAX_DRAWN]),
        page=page,
        rows=_rows(list(page.object_list), classes),
        looks=sum(len(looks) for looks, _ in tiles),
        expected_missed=sum(missed or 0.0 for _, missed in tiles),
    )


def group_of(state: str) -> str:
    """The key of STATES that a state belongs to."""
    return next(name for name, states in STATES.items() if state in states)


def _counts(objects: "QuerySet[SceneObject]") -> tuple[tuple[str, int], ...]:
    found = dict(objects.order_by().values_list("state").annotate(n=Count("pk")))
    return tuple((name, sum(found.get(s, 0) for s in states)) for name, states in STATES.items())


def _outline(pk: int, state: str, box: list[float]) -> Outline:
    x1, y1, x2, y2 = box
    return Outline(pk, group_of(state), x1, y1, x2 - x1, y2 - y1)


def _around(box: list[float]) -> str:
    """The square around a box with a margin, as an SVG viewBox in scene pixels."""
    x1, y1, x2, y2 = box
    side = 1.5 * max(x2 - x1, y2 - y1, 1.0)
    return f"{(x1 + x2 - side) / 2:.1f} {(y1 + y2 - side) / 2:.1f} {side:.1f} {side:.1f}"


def _rows(objects: list[SceneObject], classes: dict[int, LabelClass]) -> tuple[ObjectRow, ...]:
    pairs = Q()
    for row in objects:
        pairs |= Q(object=row.pk, number=row.version)
    versions = ObjectVersion.objects.filter(pairs).select_related("author") if objects else []
    authors = {v.object_id: v.author.get_username() if v.author else "model" for v in versions}
    return tuple(
        ObjectRow(
            object=row,
            group=group_of(row.state),
            view=_around(row.box),
            label=classes.get(row.label),
            looks=tuple((look["kind"], look["verdict"]) for look in row.evidence),
            people=len({look["annotator"] for look in row.evidence}),
            author=authors.get(row.pk, row.source),
        )
        for row in objects
    )
