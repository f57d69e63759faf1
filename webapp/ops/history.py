"""The whole history of one object, in order: outlines, questions, answers, how it was settled."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from routing.annotation.schema import LabelClass, LabelSchema
from routing.redundancy import ObjectCase
from webapp.labeling.models import Answer, Microtask, ObjectVersion, Refinement, SceneObject
from webapp.people.models import User
from webapp.people.queries import tenant
from webapp.projects.queries import current_schema

MOST = 300  # entries of a kind; no object has as many
VIEW_FACTOR = 2.2  # of the object's longer side


@dataclass(frozen=True, slots=True)
class Entry:
    """One line. `what` is outline, asked, answer or settled; the other fields as far as they apply."""

    at: datetime
    what: str
    who: str = ""
    kind: str = ""
    verdict: str = ""
    note: str = ""
    version: int | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Outline:
    """A version to draw: scene pixels."""

    number: int
    box: tuple[float, float, float, float]
    current: bool
    by: str

    @property
    def size(self) -> tuple[float, float]:
        return self.box[2] - self.box[0], self.box[3] - self.box[1]


@dataclass(frozen=True, slots=True)
class Refined:
    """What the object was refined to. `path` draws the settled shape in scene pixels; "" for what is no line."""

    aspect: str
    state: str
    risk: float | None
    by: str
    path: str


@dataclass(frozen=True, slots=True)
class ObjectPage:
    """Everything about one object. `view` is [x, y, w, h] of the crop; `belief` is (right, outline wrong, nothing there)."""

    object: SceneObject
    label: LabelClass | None
    view: tuple[float, float, float, float]
    outlines: tuple[Outline, ...]
    refined: tuple[Refined, ...]
    entries: tuple[Entry, ...]
    belief: tuple[float, float, float] | None
    asked: bool
    before: int | None
    after: int | None


def object_page(viewer: User, pk: int) -> ObjectPage | None:
    """Read an object of the viewer's organisation; None when there is none."""
    found = SceneObject.objects.filter(pk=pk, scene__dataset__project__organisation=tenant(viewer))
    row = found.select_related("scene__dataset__project", "model", "tile").first()
    if row is None:
        return None
    versions = list(row.versions.select_related("author", "model").order_by("number")[:MOST])
    tasks = list(Microtask.objects.filter(object=row).order_by("created_at")[:MOST])
    answers = list(
        Answer.objects.filter(microtask__object=row)
        .select_related("annotator", "microtask")
        .order_by("created_at")[:MOST]
    )
    schema = current_schema(row.scene.dataset.project)
    names = {c.id: c.name for c in schema.classes}
    entries = [
        *(_outline_entry(v, names) for v in versions),
        *(_asked(t) for t in tasks),
        *(_answered(a) for a in answers),
        *_on_pages(row),
        *_settled(row),
    ]
    order = {"outline": 0, "asked": 1, "answer": 2, "settled": 3}
    neighbours = SceneObject.objects.filter(scene=row.scene_id)
    return ObjectPage(
        object=row,
        label=_label(schema, row.label),
        view=_view(row),
        outlines=tuple(_outline(v, row) for v in versions),
        refined=tuple(_refined(r) for r in row.refinements.order_by("pk")[:MOST]),
        entries=tuple(sorted(entries, key=lambda e: (e.at, order[e.what]))),
        belief=_belief(row),
        asked=any(t.state == Microtask.State.OPEN for t in tasks),
        before=neighbours.filter(pk__lt=row.pk).order_by("-pk").values_list("pk", flat=True).first(),
        after=neighbours.filter(pk__gt=row.pk).order_by("pk").values_list("pk", flat=True).first(),
    )


def _label(schema: LabelSchema, id: int) -> LabelClass | None:
    return next((c for c in schema.classes if c.id == id), None)


def _author(version: ObjectVersion) -> str:
    if version.author is None:
        return str(version.model) if version.model else ""
    return version.author.get_full_name() or version.author.get_username()


def _outline(version: ObjectVersion, row: SceneObject) -> Outline:
    x1, y1, x2, y2 = version.box
    return Outline(version.number, (x1, y1, x2, y2), version.number == row.version, _author(version))


def _outline_entry(version: ObjectVersion, names: dict[int, str]) -> Entry:
    note = names.get(version.label, f"#{version.label}")
    return Entry(version.created_at, "outline", _author(version), version=version.number, note=note)


def _asked(task: Microtask) -> Entry:
    return Entry(task.created_at, "asked", kind=task.kind, note=task.reason, verdict=task.state)


def _answered(answer: Answer) -> Entry:
    task = answer.microtask
    version = task.payload.get("object", {}).get("version")
    return Entry(
        answer.created_at, "answer", answer.annotator.get_full_name() or answer.annotator.get_username(), task.kind,
        said(answer.outcome, answer.value), (answer.value or {}).get("note", "") if answer.value else "",
        version, answer.active_s,
    )  # fmt: skip


def said(outcome: str, value: dict[str, Any] | None) -> str:
    """What an answer comes down to, as a code word."""
    if outcome != "answered" or not value:
        return outcome
    for key in ("verdict", "ruling", "choice"):
        if key in value:
            return str(value[key])
    return "deleted" if value.get("deleted") else "drawn"


def _on_pages(row: SceneObject) -> list[Entry]:
    """Looks at the object on grid pages: their answers are about the page, so only the evidence knows them."""
    looks = [look for look in row.evidence if look["kind"] == "grid_verify"]
    people = User.objects.in_bulk([look["annotator"] for look in looks])
    at = row.settled_at or row.queued_at or row.created_at
    return [
        Entry(at, "answer", people[look["annotator"]].get_full_name() or people[look["annotator"]].get_username(),
              look["kind"], look["verdict"], version=look["version"], seconds=look.get("seconds"))
        for look in looks if look["annotator"] in people
    ]  # fmt: skip


def _settled(row: SceneObject) -> list[Entry]:
    if row.settled_at is None:
        return []
    return [Entry(row.settled_at, "settled", row.settled_by, verdict=row.state)]


def _refined(row: Refinement) -> Refined:
    value = row.value if isinstance(row.value, dict) else {}
    return Refined(row.aspect, row.state, row.risk, row.settled_by, path_of(value.get("shape")))


def path_of(shape: dict[str, Any] | None) -> str:
    """An SVG path of a polygon, a line or the visible joints of a skeleton (JSON of routing.annotation.shapes)."""
    match shape:
        case {"type": "polygon", "rings": rings}:
            return " ".join(f"{_along(ring)}Z" for ring in rings)
        case {"type": "polyline", "points": points}:
            return _along(points)
        case {"type": "keypoints", "points": joints}:
            return " ".join(f"M{x:.1f} {y:.1f}h0" for x, y, seen in joints.values() if seen)
        case _:
            return ""


def _along(points: list[list[float]]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def _belief(row: SceneObject) -> tuple[float, float, float] | None:
    if not row.case:
        return None
    belief = ObjectCase.from_json(row.case).belief
    return belief.good, belief.geometry, belief.phantom


def _view(row: SceneObject) -> tuple[float, float, float, float]:
    """A square around the object with room, inside the scene where it fits."""
    x1, y1, x2, y2 = row.box
    side = VIEW_FACTOR * max(x2 - x1, y2 - y1, 24.0)
    w, h = min(side, float(row.scene.width)), min(side, float(row.scene.height))
    left = min(max((x1 + x2 - w) / 2, 0.0), row.scene.width - w)
    top = min(max((y1 + y2 - h) / 2, 0.0), row.scene.height - h)
    return left, top, w, h
