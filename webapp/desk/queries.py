"""Reads of the specialist's desk."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Sum

from routing.annotation.boxes import iou
from webapp.labeling.models import Answer
from webapp.people.models import User
from webapp.people.queries import tenant

RECENT = 24
COUNTED = 300  # the own record covers this many newest rulings: more take longer to read than to show
FOCUSED_S = 4 * 3600.0  # a specialist is asked to rest after so much active time in 24 hours
SAME_IOU = 0.98  # an outline this close to the proposed one was left as it was


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle in scene pixels."""

    x: float
    y: float
    w: float
    h: float


@dataclass(frozen=True, slots=True)
class Ruling:
    """One own ruling. `outcome` is kept, redrawn, reclassified, rejected, undecidable or passed.

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


@dataclass(frozen=True, slots=True)
class Record:
    """The newest own rulings in numbers. `overturned` are those that changed or rejected what was proposed."""

    rulings: int
    kept: int
    overturned: int
    undecidable: int
    made_gold: int
    seconds_per_ruling: float | None


def own_rulings(viewer: User, most: int = COUNTED) -> list[Ruling]:
    """The viewer's rulings, newest first."""
    rows = Answer.objects.filter(
        annotator=viewer,
        microtask__kind="adjudicate",
        microtask__project__organisation=tenant(viewer),
        late=False,
    )
    newest = rows.select_related("microtask__project").order_by("-created_at")[:most]
    return [_ruling(row) for row in newest]


def focused_s(viewer: User, now: datetime) -> float:
    """Return the active seconds that the viewer spent on cases in the 24 hours before `now`."""
    rows = Answer.objects.filter(
        annotator=viewer,
        microtask__kind="adjudicate",
        microtask__project__organisation=tenant(viewer),
        created_at__gt=now - timedelta(hours=24),
    )
    return float(rows.aggregate(total=Sum("active_s"))["total"] or 0.0)


def _ruling(row: Answer) -> Ruling:
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
    )


def _area(xyxy: list[float]) -> Area:
    x1, y1, x2, y2 = xyxy
    return Area(x1, y1, x2 - x1, y2 - y1)


def outcome_of(outcome: str, value: dict[str, Any] | None, payload: dict[str, Any]) -> str:
    """What a ruling did to the proposal that the case was about."""
    if outcome != "answered" or value is None:
        return "passed"
    if value["ruling"] != "accept":
        return "rejected" if value["ruling"] == "reject" else "undecidable"
    proposed = payload["object"]
    if iou(value["xyxy"], proposed["xyxy"]) < SAME_IOU:
        return "redrawn"
    return "kept" if value["class"] == proposed["class"] else "reclassified"


def record_of(rulings: list[Ruling]) -> Record:
    """Sum up rulings."""
    given = [r for r in rulings if r.outcome != "passed"]
    seconds = [r.answer.active_s for r in given]
    return Record(
        rulings=len(given),
        kept=sum(r.outcome == "kept" for r in given),
        overturned=sum(r.outcome in ("redrawn", "reclassified", "rejected") for r in given),
        undecidable=sum(r.outcome == "undecidable" for r in given),
        made_gold=sum(bool((r.answer.value or {}).get("make_gold")) for r in given),
        seconds_per_ruling=sum(seconds) / len(seconds) if seconds else None,
    )
