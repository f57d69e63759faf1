"""How a specialist's rulings hold: against second readers, against what became of the objects, and against known answers."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from routing.escalation import rulings_agree
from routing.policy import RoutingPolicy
from routing.track_record import TrackRecord
from webapp.desk.queries import Ruling
from webapp.labeling.models import AnnotatorRecord, Answer, SceneObject
from webapp.people.models import User


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    n: int
    of: int


@dataclass(frozen=True, slots=True)
class Calibration:
    """`agreed`: with others who ruled on the same object. `overturned`: of those rulings whose object was settled again
    later. `gold`: right answers to questions whose answer is known, of any kind. `median_s`: of one ruling."""

    agreed: Share
    overturned: Share
    gold: Share
    median_s: float | None

    @property
    def stood(self) -> Share:
        """Return the rulings that were not overturned, of those that were looked at again."""
        return Share(self.overturned.of - self.overturned.n, self.overturned.of)


def calibration_of(viewer: User, rulings: Sequence[Ruling]) -> Calibration:
    """Measure the viewer by these own rulings, and by their track record."""
    mine = [r for r in rulings if r.outcome not in ("passed", "undecidable") and r.answer.microtask.object_id]
    agreed, overturned = _second_readings(viewer, mine), _since(mine)
    stored = AnnotatorRecord.objects.filter(annotator=viewer).first()
    record = TrackRecord.from_json(stored.record) if stored and stored.record else TrackRecord.new()
    right, known = record.gold_total()
    seconds = [r.answer.active_s for r in rulings if r.outcome != "passed"]
    return Calibration(
        agreed,
        overturned,
        Share(round(right), round(known)),
        statistics.median(seconds) if seconds else None,
    )


def _second_readings(viewer: User, mine: Sequence[Ruling]) -> Share:
    """Every ruling of somebody else on the same object counts."""
    by_object = {r.answer.microtask.object_id: r for r in mine}
    others = Answer.objects.filter(
        microtask__object__in=by_object, microtask__kind="adjudicate", outcome="answered", late=False
    ).exclude(annotator=viewer)
    read = [
        (by_object[subject], value)
        for subject, value in others.values_list("microtask__object", "value")
        if value and value["ruling"] != "undecidable"
    ]
    return Share(sum(_same(own, value) for own, value in read), len(read))


def _since(mine: Sequence[Ruling]) -> Share:
    """Of the rulings whose object was settled again later, by whomever, those that do not stand."""
    rows = SceneObject.objects.filter(pk__in={r.answer.microtask.object_id for r in mine})
    now = {
        pk: (state, box, label, at)
        for pk, state, box, label, at in rows.values_list("pk", "state", "box", "label", "settled_at")
    }
    again = overturned = 0
    for ruling in mine:
        state, box, label, at = now[ruling.answer.microtask.object_id or 0]
        if at is None or at <= ruling.answer.created_at:
            continue
        again += 1
        accepted = state == SceneObject.State.ACCEPTED
        stands = {"ruling": "accept" if accepted else "reject", "xyxy": box, "class": label}
        overturned += not _same(ruling, stands)
    return Share(overturned, again)


def _same(own: Ruling, other: Mapping[str, Any]) -> bool:
    """Whether a ruling says the same as the viewer's, within the project's tolerance."""
    policy = RoutingPolicy.from_json(own.answer.microtask.project.policy)
    return rulings_agree(own.answer.value or {}, other, policy.tolerance_iou)
