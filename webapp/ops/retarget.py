"""Changing how sure a project has to be: a forecast from its own history first, then the change, logged and undone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.db import transaction

from routing.policy import RoutingPolicy
from routing.redundancy import ObjectCase
from routing.track_record import TrackRecord
from webapp.labeling.models import AnnotatorRecord, Event, ObjectVersion, SceneObject
from webapp.ops.estimates import TILE_S
from webapp.ops.forecast import Given, Outlook, Past, first_case, outlook, with_target
from webapp.ops.quality_page import newest_settled
from webapp.ops.selection import Query, count
from webapp.ops.status import ObjectCounts, statuses
from webapp.people.models import User
from webapp.people.queries import tenant
from webapp.projects.models import Project
from webapp.scenes.models import Dataset

REPLAYED = 150  # newest settled objects
WAITING = 60  # open objects that stand for all of them
LEAST = 20  # settled objects before anything is forecast
LEAST_TIMED = 10  # answers of a kind before its measured time counts
NEWEST = 10  # data sets whose open work is counted
KEPT_S = 600.0
TARGETS = ("target_risk", "reject_risk", "auto_target", "max_looks")


@dataclass(frozen=True, slots=True)
class Prospect:
    """One policy: what it would have asked of settled objects, and human seconds and cost of what is left."""

    risk: float
    looks: int
    past: Outlook
    left_s: float
    cost: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """The present target and another, side by side. in_fact: recorded answers per object; above: accepted objects whose
    stated risk is above the new target, of which `about` says that it is inferred."""

    now: Prospect
    then: Prospect
    replayed: int
    open_objects: int
    in_fact: float
    above: int
    about: bool


def forecast(project: Project, *, risk: float, looks: int) -> Forecast | None:
    """Return what another target leads to; None while too little is settled to tell."""
    policy = RoutingPolicy.from_json(project.policy)
    key = f"ops:forecast:{project.pk}:{hash((policy, risk, looks))}"
    known: Forecast | None = cache.get(key)
    if known is None:
        known = _forecast(project, policy, risk, looks)
        cache.set(key, known, KEPT_S)
    return known


def _forecast(project: Project, policy: RoutingPolicy, risk: float, looks: int) -> Forecast | None:
    settled = _newest_settled(project)
    if len(settled) < LEAST:
        return None
    pasts = _pasts(settled)
    datasets = list(Dataset.objects.filter(project=project).order_by("-pk")[:NEWEST])
    counts = sum((status.objects for status in statuses(datasets).values()), ObjectCounts())
    left = _open_ones(datasets) if counts.open else []
    times = _times(settled)
    wage = policy.wage_per_hour

    def prospect(p: RoutingPolicy) -> Prospect:
        past = outlook(pasts, p, domain=project.domain, seconds=times)
        each = outlook(left, p, domain=project.domain, seconds=times) if left else None
        tiles_s = (counts.tiles - counts.tiles_complete) * TILE_S
        ruled_s = (
            counts.open * each.escalated * times.get("adjudicate", p.expected_s["adjudicate"])
            if each
            else 0.0
        )
        all_s = tiles_s + (counts.open * each.seconds if each else 0.0)
        cost = (all_s - ruled_s) / 3600 * wage["crowd"] + ruled_s / 3600 * wage["specialist"]
        return Prospect(p.target_risk, p.max_looks, past, all_s, cost)

    above = [count(d, Query(least_risk=risk)) for d in datasets]
    return Forecast(
        now=prospect(policy), then=prospect(with_target(policy, risk, looks)), replayed=len(pasts),
        open_objects=counts.open, in_fact=sum(len(row.evidence) for row in settled) / len(settled),
        above=sum(c.objects for c in above), about=any(c.about for c in above),
    )  # fmt: skip


def _newest_settled(project: Project) -> list[SceneObject]:
    """The newest objects that people have settled, with what was answered about them."""
    ids = newest_settled(project, 2 * REPLAYED)
    rows = SceneObject.objects.filter(pk__in=ids, state__in=SceneObject.SETTLED).exclude(evidence=[])
    return list(rows.order_by("-settled_at", "-pk")[:REPLAYED])


def _pasts(rows: Sequence[SceneObject]) -> list[Past]:
    who = {look["annotator"] for row in rows for look in row.evidence}
    stored = AnnotatorRecord.objects.filter(annotator__in=who).values_list("annotator", "record")
    records = {pk: TrackRecord.from_json(record) for pk, record in stored if record}
    wrong = [row for row in rows if _is_wrong(row)]
    gone = sum(row.state == SceneObject.State.REJECTED for row in wrong)
    share = (gone + 1) / (len(wrong) + 2)
    ids = [row.pk for row in rows]
    first = dict(ObjectVersion.objects.filter(object__in=ids, number=1).values_list("object", "box"))
    return [_past(row, first.get(row.pk, row.box), records, share) for row in rows]


def _is_wrong(row: SceneObject) -> bool:
    """Whether the model's proposal was not right as it was."""
    proposed = row.source == SceneObject.Source.MODEL
    return proposed and (row.state == SceneObject.State.REJECTED or row.version > 1)


def _past(
    row: SceneObject, box: Sequence[float], records: dict[int, TrackRecord], phantom_share: float
) -> Past:
    """An object as it was before anybody had answered; the drawing of an object that a person found is its beginning."""
    case, looks = ObjectCase.from_json(row.case), list(row.evidence)
    pool = TrackRecord.new("crowd", [])
    if row.source == SceneObject.Source.PERSON and looks and looks[0]["kind"] == "draw_missed":
        drawn = looks.pop(0)
        quality = records.get(drawn["annotator"], pool).draw_quality("", "draw_missed")
        start = ObjectCase(quality, source="person", cls=case.cls, size_px=case.size_px, value=case.value)
    else:
        start = first_case(case, float(row.signals.get("p", case.belief.good)), phantom_share)
    given = []
    for look in looks:
        if look["kind"] not in ("grid_verify", "verify_box", "fix_box"):
            break  # what follows a comparison or a ruling says nothing about a policy that does not ask for it
        seen = tuple(look.get("box") or row.box)
        given.append(Given(look["kind"], look["verdict"], seen, records.get(look["annotator"], pool)))
    return Past(start, tuple(box), tuple(given))


def _open_ones(datasets: Sequence[Dataset]) -> list[Past]:
    waiting = (SceneObject.State.GRID, SceneObject.State.ASKED)
    rows = SceneObject.objects.filter(scene__dataset__in=datasets, state__in=waiting)
    cases = rows.values_list("case", "box")[:WAITING]
    return [Past(ObjectCase.from_json(case), tuple(box)) for case, box in cases if case]


def _times(rows: Sequence[SceneObject]) -> dict[str, float]:
    """Mean seconds by kind, where enough answers were timed."""
    taken: dict[str, list[float]] = {}
    for row in rows:
        for look in row.evidence:
            if look.get("seconds"):
                taken.setdefault(look["kind"], []).append(float(look["seconds"]))
    return {kind: sum(all_) / len(all_) for kind, all_ in taken.items() if len(all_) >= LEAST_TIMED}


@transaction.atomic
def change_audit(*, project: Project, share: float, by: User) -> bool:
    """Set the share of auto-accepted objects that are audited, of what is pre-labelled from now on; False when it is so
    already. Raises PolicyError out of range."""
    row = Project.objects.select_for_update().get(pk=project.pk)
    rest = {name: value for name, value in row.policy.items() if name != "audit_share"}
    usual = RoutingPolicy().audit_share
    return _store(row, rest if share == usual else {**rest, "audit_share": share}, "audit_changed", by)


@transaction.atomic
def change_target(*, project: Project, risk: float, looks: int, by: User) -> bool:
    """Set the target and log what it was; return False when it is so already. Raises PolicyError out of range."""
    row = Project.objects.select_for_update().get(pk=project.pk)
    wanted = {"target_risk": risk, "reject_risk": risk, "auto_target": risk, "max_looks": looks}
    usual = RoutingPolicy().to_json()
    rest = {name: value for name, value in row.policy.items() if name not in TARGETS}
    return _store(row, {**rest, **{n: v for n, v in wanted.items() if v != usual[n]}}, "target_changed", by)


def _store(row: Project, policy: dict[str, Any], kind: str, by: User) -> bool:
    RoutingPolicy.from_json(policy)
    if policy == row.policy:
        return False
    data = {"before": row.policy, "after": policy}
    row.policy = policy
    row.save(update_fields=["policy"])
    Event.objects.create(kind=kind, project=row, annotator=by, data=data)
    return True


def last_change(project: Project) -> Event | None:
    """The newest change of the target that is still in force as it was made, and can be undone."""
    found = Event.objects.filter(kind="target_changed", project=project).order_by("-pk").first()
    return found if found and found.data["after"] == project.policy else None


def undo_change(*, project: Project, by: User) -> bool:
    """Go back to the policy before the last change; False when something else has changed since."""
    change = last_change(project)
    return change is not None and restore_policy(change, by=by)


@transaction.atomic
def restore_policy(change: Event, *, by: User) -> bool:
    """Go back to the policy before one change of the target or of audits; False when something else has changed since."""
    mine = Project.objects.select_for_update().filter(organisation=tenant(by))
    row = mine.filter(pk=change.project_id or 0).first()
    if row is None or row.policy != change.data["after"]:
        return False
    return _store(row, change.data["before"], change.kind.replace("_changed", "_restored"), by)
