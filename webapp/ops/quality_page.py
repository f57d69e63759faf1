"""Reads for the page on the quality of a project's work, and for the objects behind each of its figures."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator

from routing.certify import clopper_pearson_upper
from routing.policy import RoutingPolicy
from routing.track_record import TrackRecord
from webapp.labeling.models import AnnotatorRecord, Event, ObjectVersion, SceneObject, Tile
from webapp.ops import queries
from webapp.ops.quality import (
    KINDS,
    Confusion,
    Group,
    Item,
    Share,
    agreement_of,
    confusion,
    cost_per_correct,
    grouped,
    pair_of,
    share_of,
)
from webapp.ops.queries import Scope
from webapp.ops.scene_page import ObjectRow, object_rows
from webapp.ops.status import ObjectCounts, statuses
from webapp.people.models import User
from webapp.pipeline.models import ModelVersion
from webapp.projects.models import Project
from webapp.projects.queries import current_schema
from webapp.scenes.models import Dataset

SAMPLE = 1_000  # settled objects that the figures are about, the newest first
EVENTS = 10_000  # of the log that are searched for them
TILES = 500
PER_PAGE = 48
MOST_PEOPLE = 30
NEWEST = 10  # data sets
FIELDS = (
    "pk", "state", "label", "settled_by", "source", "version", "model", "risk", "evidence",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Audit:
    """Audited auto-accepted objects of one model version: how many were wrong, and the 95 % upper bound."""

    model: str
    audited: int
    wrong: int
    upper: float


@dataclass(frozen=True, slots=True)
class GoldLine:
    """How often one person answered known questions rightly."""

    person: User
    share: Share

    @property
    def item_person(self) -> str:
        return f"person.{self.person.pk}"


@dataclass(frozen=True, slots=True)
class Coverage:
    """Searches of the newest tiles: looks per tile, objects found per look, share of tiles complete, expected missing per tile."""

    tiles: int
    looks: float
    found: float
    complete: float
    missing: float


@dataclass(frozen=True, slots=True)
class QualityPage:
    project: Project
    sample: int
    shares: tuple[tuple[str, Share], ...]
    agreement: Share
    classes: tuple[tuple[str, Group], ...]
    models: tuple[tuple[str, Group], ...]
    confusion: Confusion
    names: dict[int, str]
    audits: tuple[Audit, ...]
    target: float
    gold: tuple[GoldLine, ...]
    coverage: Coverage | None
    cost: float | None
    per_accepted: float | None


def newest_settled(project: Project, most: int = SAMPLE) -> list[int]:
    """Ids of the objects of a project that were settled last, at a cost that does not grow with the log."""
    last = Event.objects.filter(kind="settled").order_by("-pk")[:EVENTS]
    mine = Event.objects.filter(pk__in=last.values("pk"), project=project).order_by("-pk")
    ids = list(dict.fromkeys(pk for pk in mine.values_list("object", flat=True)[:most] if pk))
    if len(ids) < most:  # Others were busier since: go on with what its newest data sets hold.
        datasets = Dataset.objects.filter(project=project).order_by("-pk")[:NEWEST]
        rest = SceneObject.objects.filter(scene__dataset__in=list(datasets), state__in=SceneObject.SETTLED)
        ids = list(dict.fromkeys([*ids, *rest.values_list("pk", flat=True)[:most]]))[:most]
    return ids


def read_items(project: Project) -> list[Item]:
    """The sample that all figures and galleries of the page are about."""
    rows = list(
        SceneObject.objects.filter(pk__in=newest_settled(project), state__in=SceneObject.SETTLED).values_list(*FIELDS)
    )  # fmt: skip
    redrawn = [row[0] for row in rows if row[5] > 1]
    first = dict(ObjectVersion.objects.filter(object__in=redrawn, number=1).values_list("object", "label"))
    items = [_item(row, first.get(row[0], row[2])) for row in rows]
    return sorted(items, key=lambda item: -item.id)


def _item(row: tuple[Any, ...], first_label: int) -> Item:
    pk, state, label, by, source, version, model, risk, evidence = row
    looks = tuple(
        (look["annotator"], look["kind"], look["verdict"], look.get("version", 1), look.get("seconds") or 0.0)
        for look in evidence
    )
    return Item(pk, state, label, first_label, by, source, version, model, risk or 0.0, looks)


def quality_page(viewer: User, project: Project) -> QualityPage:
    """Everything that the page shows."""
    items = read_items(project)
    names = {c.id: c.name for c in current_schema(project).classes}
    by_model = grouped(items, lambda i: i.model)
    models = {m.pk: str(m) for m in ModelVersion.objects.filter(pk__in=[g.key for g in by_model])}
    scope = queries.scope_of(viewer, project.pk)
    assert scope is not None
    found = statuses(scope.datasets)
    counts = sum((s.objects for s in found.values()), ObjectCounts())
    cost = sum(e.cost for e in queries.effort(scope, found).values())
    accepted = [item.risk for item in items if item.right]
    risk = sum(accepted) / len(accepted) if accepted else 0.0
    return QualityPage(
        project=project,
        sample=len(items),
        shares=tuple((name, share_of(items, name)) for name in KINDS),
        agreement=agreement_of(items),
        classes=tuple((names.get(g.key, f"#{g.key}"), g) for g in grouped(items, lambda i: i.label)),
        models=tuple((models.get(g.key, f"#{g.key}"), g) for g in by_model),
        confusion=confusion(items),
        names=names,
        audits=tuple(_audits(project)),
        target=RoutingPolicy.from_json(project.policy).auto_target,
        gold=tuple(_gold(scope)),
        coverage=_coverage(scope),
        cost=cost_per_correct(cost, counts.accepted, risk),
        per_accepted=cost / counts.accepted if counts.accepted else None,
    )


def _audits(project: Project) -> list[Audit]:
    """Audits of auto-accepted objects by model version, from the newest of the log."""
    last = Event.objects.filter(kind="audited").order_by("-pk")[:EVENTS]
    mine = Event.objects.filter(pk__in=last.values("pk"), project=project).values_list("data", flat=True)
    told: dict[int, list[bool]] = {}
    for data in mine:
        told.setdefault(data.get("model") or 0, []).append(data["verdict"] != "ok")
    names = {m.pk: str(m) for m in ModelVersion.objects.filter(pk__in=told)}
    return [
        Audit(names.get(pk, "model"), len(wrong), sum(wrong), clopper_pearson_upper(sum(wrong), len(wrong)))
        for pk, wrong in sorted(told.items(), reverse=True)
    ]


def _gold(scope: Scope) -> list[GoldLine]:
    """Known answers of those who answered last, the lowest upper end of the interval first."""
    last = queries.answers_by_person(statuses(scope.datasets), MOST_PEOPLE)
    people = User.objects.in_bulk([row.person for row in last])
    lines = []
    for record in AnnotatorRecord.objects.filter(annotator__in=people):
        right, known = TrackRecord.from_json(record.record).gold_total() if record.record else (0.0, 0.0)
        if n := round(known):
            lines.append(GoldLine(people[record.annotator_id], Share(min(round(right), n), n)))
    return sorted(lines, key=lambda line: (line.share.high, line.person.pk))


def _coverage(scope: Scope) -> Coverage | None:
    rows = list(
        Tile.objects.filter(scene__dataset__in=scope.dataset_ids).values_list("looks", "state", "expected_missed")[
            :TILES
        ]
    )  # fmt: skip
    if not rows:
        return None
    looks = [look for each, *_ in rows for look in each]
    return Coverage(
        tiles=len(rows),
        looks=len(looks) / len(rows),
        found=sum(look["found"] for look in looks) / len(looks) if looks else 0.0,
        complete=sum(state == Tile.State.COMPLETE for _, state, _ in rows) / len(rows),
        missing=sum(missed or 0.0 for *_, missed in rows) / len(rows),
    )


@dataclass(frozen=True, slots=True)
class Gallery:
    """The objects behind one figure, a page of them."""

    project: Project
    title: str
    total: int
    page: Page[Item]
    rows: tuple[ObjectRow, ...]


def gallery(project: Project, chosen: Callable[[Item], bool], title: str, number: str | None) -> Gallery:
    """Return the objects of the page's sample that are meant."""
    found = [item for item in read_items(project) if chosen(item)]
    page = Paginator(found, PER_PAGE).get_page(number)
    ids = [item.id for item in page.object_list]
    rows = SceneObject.objects.select_related("scene").in_bulk(ids)
    classes = {c.id: c for c in current_schema(project).classes}
    shown = object_rows([rows[pk] for pk in ids if pk in rows], classes)
    return Gallery(project, title, len(found), page, shown)


def meant(which: str) -> Callable[[Item], bool] | None:
    """What a figure counts, by its name in the address: `reworked`, `class.3`, `model.4`, `person.7`, `pair.0.-1`; None for
    a name that makes no sense."""
    name, *numbers = which.split(".")
    try:
        keys = [int(number) for number in numbers]
    except ValueError:
        return None
    match name, keys:
        case _, [] if name in KINDS:
            return lambda item: KINDS[name].among(item) and KINDS[name].counted(item)
        case "class", [label]:
            return lambda item: item.label == label
        case "model", [model]:
            return lambda item: item.model == model
        case "person", [person]:
            return lambda item: any(look[0] == person for look in item.looks)
        case "pair", [proposed, found]:
            return lambda item: item.state != "undecidable" and pair_of(item) == (proposed, found)
    return None
