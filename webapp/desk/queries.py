"""Reads of the specialist's desk."""

from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q, QuerySet

from webapp.labeling.models import Answer, Microtask
from webapp.labeling.rulings import outcome_of
from webapp.people.models import User
from webapp.people.queries import tenant

RECENT = 24
COUNTED = 200  # the own record covers this many newest rulings: more take longer to read than to show


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle in scene pixels."""

    x: float
    y: float
    w: float
    h: float


@dataclass(frozen=True, slots=True)
class Ruling:
    """One ruling. `outcome` is kept, redrawn, reclassified, rejected, undecidable or passed.

    `view` is what the case showed, `proposed` the outline it was about, `ruled` the one that was accepted.
    """

    answer: Answer
    outcome: str
    reason: str
    project: str
    note: str
    view: Area
    proposed: Area
    ruled: Area | None
    label: int
    features: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """The newest own rulings in numbers. `overturned` are those that changed or rejected what was proposed."""

    rulings: int
    kept: int
    overturned: int
    undecidable: int
    made_gold: int


def own_rulings(viewer: User, most: int = COUNTED) -> list[Ruling]:
    """The viewer's rulings, newest first."""
    rows = Answer.objects.filter(
        annotator=viewer,
        microtask__kind="adjudicate",
        microtask__project__organisation=tenant(viewer),
        late=False,
    )
    # Ids first: sorting what is wide takes longer than reading what is wanted of it.
    newest = list(rows.order_by("-created_at").values_list("pk", flat=True)[:most])
    found = Answer.objects.select_related("microtask__project").in_bulk(newest)
    return [ruling_of(found[pk]) for pk in newest]


def rulings_of(viewer: User) -> QuerySet[Answer]:
    """All rulings that a specialist may see: their own, and everybody's in the domains of their qualifications; of
    others', none that a second reader is still to read without knowing it."""
    rows = Answer.objects.filter(
        microtask__kind="adjudicate", microtask__project__organisation=tenant(viewer), late=False
    )
    unread = Microtask.objects.filter(
        object=OuterRef("microtask__object"), kind="adjudicate", state=Microtask.State.OPEN
    )
    theirs = Q(microtask__domain__in=viewer.qualifications.values("domain")) & ~Exists(unread)
    return rows.filter(Q(annotator=viewer) | theirs)


def ruling_of(row: Answer) -> Ruling:
    """One answer to a case as a ruling."""
    payload, value = row.microtask.payload, row.value or {}
    return Ruling(
        answer=row,
        outcome=outcome_of(row.outcome, row.value, payload),
        reason=row.microtask.reason,
        project=row.microtask.project.name,
        note=value.get("note", ""),
        view=Area(*payload["view"]),
        proposed=_area(payload["object"]["xyxy"]),
        ruled=_area(value["xyxy"]) if value.get("xyxy") else None,
        label=payload["object"]["class"] if value.get("class") is None else value["class"],
        features=tuple(sorted(name for name, seen in (value.get("rubric") or {}).items() if seen is True)),
    )


def _area(xyxy: list[float]) -> Area:
    x1, y1, x2, y2 = xyxy
    return Area(x1, y1, x2 - x1, y2 - y1)


def record_of(rulings: list[Ruling]) -> Record:
    """Sum up rulings."""
    given = [r for r in rulings if r.outcome != "passed"]
    return Record(
        rulings=len(given),
        kept=sum(r.outcome == "kept" for r in given),
        overturned=sum(r.outcome in ("redrawn", "reclassified", "rejected") for r in given),
        undecidable=sum(r.outcome == "undecidable" for r in given),
        made_gold=sum(bool((r.answer.value or {}).get("make_gold")) for r in given),
    )
