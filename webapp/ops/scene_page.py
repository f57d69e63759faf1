"""Reads for the pages of one dataset and one scene."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext as _

from routing.annotation.schema import LabelClass
from webapp.labeling.models import Annotation, ObjectVersion, SceneObject
from webapp.people.models import User
from webapp.projects.queries import current_schema
from webapp.scenes.health import COPY, FLAWS
from webapp.scenes.models import DARK, TINY, UNMEASURED, Dataset, Scene
from webapp.scenes.queries import scenes_of

SCENES_PER_PAGE = 24
MOST_COUNTED = 10_000  # flawed pictures of a dataset
RISKS = (0.01, 0.05, 0.2)  # least stated risks to choose from
ROWS_PER_PAGE = 100
MAX_DRAWN = 5000  # outlines in one picture; more are neither legible nor quick
STATES = {
    "accepted": (SceneObject.State.ACCEPTED,),
    "open": (SceneObject.State.GRID, SceneObject.State.ASKED),
    "rejected": (SceneObject.State.REJECTED,),
    "undecidable": (SceneObject.State.UNDECIDABLE,),
}


@dataclass(frozen=True, slots=True)
class Filter:
    """Which objects of a scene are shown. `group` is a key of STATES or "" for all; `label` None: every class.

    `source` is model or person, `by` is who settled it, "" for any.
    """

    group: str = "accepted"
    label: int | None = None
    source: str = ""
    by: str = ""
    least_risk: float = 0.0

    @property
    def query(self) -> str:
        """The filter as the query string of an address, with an & at its end."""
        values = {
            "state": self.group or "all",
            "class": "" if self.label is None else self.label,
            "source": self.source,
            "by": self.by,
            "risk": f"{self.least_risk:g}" if self.least_risk else "",
        }
        return urlencode({name: value for name, value in values.items() if value != ""}) + "&"

    @property
    def narrowed(self) -> bool:
        """Whether more than the state is chosen."""
        return self.label is not None or bool(self.source or self.by or self.least_risk)

    def of(self, objects: "QuerySet[SceneObject]") -> "QuerySet[SceneObject]":
        """Those of the objects that are meant, whatever their state."""
        if self.label is not None:
            objects = objects.filter(label=self.label)
        if self.source:
            objects = objects.filter(source=self.source)
        if self.by:
            objects = objects.filter(settled_by=self.by)
        return objects.filter(risk__gte=self.least_risk) if self.least_risk else objects


def read_filter(query: Mapping[str, str]) -> Filter:
    """Read a filter from an address; what makes no sense is left out."""
    group, label = query.get("state", "accepted"), query.get("class", "")
    source, by = query.get("source", ""), query.get("by", "")
    try:
        risk = min(max(float(query.get("risk") or 0), 0.0), 1.0)
    except ValueError:
        risk = 0.0
    return Filter(
        group=group if group in STATES else "",
        label=int(label) if label.isdecimal() and len(label) < 10 else None,
        source=source if source in SceneObject.Source.values else "",
        by=by if by in ("machine", "consensus", "specialist") else "",
        least_risk=risk if risk == risk else 0.0,
    )


@dataclass(frozen=True, slots=True)
class SceneCard:
    """A scene of a data set's gallery."""

    scene: Scene
    accepted: int
    open: int


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

    `view` is the viewBox of its thumbnail; `looks` are (kind, verdict, how often) in the order of the first answers; `people` is how
    many gave them; `author` drew the current outline.
    """

    object: SceneObject
    group: str
    view: str
    label: LabelClass | None
    looks: tuple[tuple[str, str, int], ...]
    people: int
    author: str

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of its box, scene pixels."""
        x1, y1, x2, y2 = self.object.box
        return x2 - x1, y2 - y1


@dataclass(frozen=True, slots=True)
class ScenePage:
    scene: Scene
    annotation: Annotation | None
    filter: Filter
    classes: tuple[LabelClass, ...]
    counts: tuple[tuple[str, int], ...]
    outlines: tuple[Outline, ...]
    page: Page[SceneObject]
    rows: tuple[ObjectRow, ...]
    looks: int
    expected_missed: float

    @property
    def queries(self) -> dict[str, str]:
        """The query string of each group of states, the other filters kept; `all` shows every state."""
        return {name or "all": replace(self.filter, group=name).query for name in ("", *STATES)}


@dataclass(frozen=True, slots=True)
class Health:
    """Pictures of a dataset that are nearly black or tiny, those never measured, and files that an import refused or left
    out, the newest first."""

    dark: int
    tiny: int
    unmeasured: int
    refused: tuple[tuple[str, str], ...]

    @property
    def sound(self) -> bool:
        return not (self.dark or self.tiny or self.refused)


def health_of(dataset: Dataset) -> Health:
    """What was found at import; small partial indexes hold the flawed pictures, of which at most 10,000 are counted."""
    scenes = dataset.scenes
    refused = tuple((name, _(why) if why == COPY else why) for name, why in reversed(dataset.refused))
    return Health(
        dark=scenes.filter(DARK)[:MOST_COUNTED].count(),
        tiny=scenes.filter(TINY)[:MOST_COUNTED].count(),
        unmeasured=scenes.filter(UNMEASURED)[:MOST_COUNTED].count(),
        refused=refused,
    )


def dataset_page(dataset: Dataset, number: str | None, flaw: str = "") -> tuple[Page[Scene], list[SceneCard]]:
    """A page of scenes, all or those with a flaw, with the counts of their objects; only those of this page are counted."""
    wanted = dataset.scenes.filter(FLAWS[flaw]) if flaw in FLAWS else dataset.scenes
    page = Paginator(wanted.order_by("pk"), SCENES_PER_PAGE).get_page(number)
    scenes = list(page.object_list)
    rows = SceneObject.objects.filter(scene__in=scenes).values_list("scene", "state").annotate(n=Count("pk"))
    accepted: Counter[int] = Counter()
    unsettled: Counter[int] = Counter()
    for scene, state, n in rows:
        if state == SceneObject.State.ACCEPTED:
            accepted[scene] += n
        elif state not in SceneObject.SETTLED:
            unsettled[scene] += n
    return page, [SceneCard(s, accepted[s.pk], unsettled[s.pk]) for s in scenes]


def scene_page(viewer: User, scene_id: int, *, chosen: Filter, number: str | None) -> ScenePage | None:
    """Everything about a scene that a filter lets through. None when it is not theirs."""
    scene = scenes_of(viewer).select_related("dataset__project").filter(pk=scene_id).first()
    if scene is None:
        return None
    all_objects = chosen.of(SceneObject.objects.filter(scene=scene).order_by("pk"))
    shown = all_objects.filter(state__in=STATES[chosen.group]) if chosen.group else all_objects
    schema = current_schema(scene.dataset.project)
    page = Paginator(shown, ROWS_PER_PAGE).get_page(number)
    tiles = scene.tiles.values_list("looks", "expected_missed")
    return ScenePage(
        scene=scene,
        annotation=scene.annotations.order_by("-number").first(),
        filter=chosen,
        classes=schema.classes,
        counts=_counts(all_objects),
        outlines=tuple(_outline(*row) for row in shown.values_list("pk", "state", "box")[:MAX_DRAWN]),
        page=page,
        rows=object_rows(list(page.object_list), {c.id: c for c in schema.classes}),
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


def object_rows(objects: list[SceneObject], classes: dict[int, LabelClass]) -> tuple[ObjectRow, ...]:
    """What a table or a gallery says of these objects."""
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
            looks=_grouped(row.evidence),
            people=len({look["annotator"] for look in row.evidence}),
            author=authors.get(row.pk, row.source),
        )
        for row in objects
    )


def _grouped(evidence: list[dict[str, Any]]) -> tuple[tuple[str, str, int], ...]:
    times = Counter((look["kind"], look["verdict"]) for look in evidence)
    return tuple((kind, verdict, n) for (kind, verdict), n in times.items())
