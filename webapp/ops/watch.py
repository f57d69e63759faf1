"""Measures what the alert rules ask for, and keeps the alert rows accordingly."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.core.cache import cache
from django.db import transaction

from routing.policy import RoutingPolicy
from routing.track_record import TrackRecord
from webapp.labeling.models import AnnotatorRecord, Event, SceneObject
from webapp.ops import queries
from webapp.ops.alerts import Changes, Measure, decide, forecast_cost, overstated
from webapp.ops.estimates import Work
from webapp.ops.models import Alert
from webapp.ops.pace import late_risks
from webapp.ops.queries import Scope
from webapp.ops.reopen_requests import expire
from webapp.ops.status import ObjectCounts, Status, statuses
from webapp.people.models import User
from webapp.people.queries import tenant

EVERY_S = 15.0  # between looks, whoever watches
JUDGED = 150  # newest settled objects of a project that tell how its proposer does
MOST_PEOPLE = 200  # paused ones
MOST_BUSY = 60  # reading what is believed of somebody takes a quarter of a millisecond
RECENT = timedelta(minutes=10)


def look_now_and_then(viewer: User, *, now: datetime) -> None:
    """Look at the viewer's organisation unless somebody has just done so."""
    if cache.add(f"ops:watch:{viewer.organisation_id}", 1, EVERY_S):
        look(viewer, now=now)


def look(viewer: User, *, now: datetime) -> Changes:
    """Measure everything and open, update and close alerts."""
    scope = queries.scope_of(viewer, None)
    assert scope is not None
    expire(now)
    found = statuses(scope.datasets)
    measures = [
        *_budgets(scope, found),
        *_stuck(scope, found, now),
        *_late(scope, found, now),
        *_drift(scope),
        *_people(viewer, scope, now),
    ]
    return store(viewer, measures, now=now)


@transaction.atomic
def store(viewer: User, measures: Iterable[Measure], *, now: datetime) -> Changes:
    """Bring the alert rows of the viewer's organisation in line with the measures."""
    rows = Alert.objects.select_for_update().filter(
        organisation=viewer.organisation_id, closed_at__isnull=True
    )
    known = {(row.kind, row.subject): row for row in rows}
    changes = decide(measures, known)
    for measure in changes.going_on:
        row = known[measure.kind, measure.subject]
        if row.value != measure.value:
            row.value, row.worst = measure.value, max(row.worst, measure.value)
            row.save(update_fields=["value", "worst"])
    closing = [known[key].pk for key in changes.closed]
    Alert.objects.filter(pk__in=closing).update(closed_at=now)
    # Another process may have opened the same one meanwhile.
    Alert.objects.bulk_create([_row(viewer, m, now) for m in changes.opened], ignore_conflicts=True)
    return changes


def _row(viewer: User, measure: Measure, now: datetime) -> Alert:
    return Alert(
        organisation_id=tenant(viewer), project_id=measure.project, kind=measure.kind, subject=measure.subject,
        title=measure.title[:200], value=measure.value, worst=measure.value, opened_at=now,
    )  # fmt: skip


def _budgets(scope: Scope, found: dict[int, Status]) -> list[Measure]:
    """Forecast cost of each project in shares of its budget."""
    spent = queries.effort(scope, found)
    out = []
    for project in scope.projects:
        if not project.budget:
            continue
        ids = [d.pk for d in scope.datasets if d.project_id == project.pk]
        counts = sum((found[pk].objects for pk in ids), ObjectCounts())
        work = Work(
            open_objects=counts.open,
            settled_objects=counts.settled,
            active_s=sum(spent[pk].active_s for pk in ids),
            open_tiles=counts.tiles - counts.tiles_complete,
            recent_active_s=0.0,
        )
        wage = RoutingPolicy.from_json(project.policy).wage_per_hour["crowd"]
        cost = forecast_cost(sum(spent[pk].cost for pk in ids), work, wage)
        out.append(
            Measure("budget", f"project:{project.pk}", project.name, cost / project.budget, project.pk)
        )
    return out


def _stuck(scope: Scope, found: dict[int, Status], now: datetime) -> list[Measure]:
    """Minutes that the oldest question of each kind has waited, where neither data set nor kind is paused."""
    resting = {p.pk: p.paused_kinds for p in scope.projects if not p.paused}
    return [
        Measure(
            "stuck", f"dataset:{d.pk}/{kind}", f"{d.name} · {kind}", (now - first).total_seconds() / 60, d.project_id
        )
        for d in scope.datasets
        if d.project_id in resting and not d.paused
        for kind, (_, first) in found[d.pk].waiting.items()
        if kind not in resting[d.project_id]
    ]  # fmt: skip


def _late(scope: Scope, found: dict[int, Status], now: datetime) -> list[Measure]:
    """P(missed) of each deadline, where it can be told."""
    risks = late_risks(scope, found, now)
    names = {p.pk: p.name for p in scope.projects}
    return [
        Measure("late", f"project:{pk}", names[pk], risk, pk)
        for pk, risk in risks.items()
        if risk is not None
    ]


def _drift(scope: Scope) -> list[Measure]:
    """How far the proposals of each project's model fall short of what it says of them."""
    out = []
    for project in scope.projects:
        events = Event.objects.filter(kind="settled", project=project).order_by("-pk")
        ids = [pk for pk in events.values_list("object", flat=True)[:JUDGED] if pk]
        rows = SceneObject.objects.filter(
            pk__in=ids, source=SceneObject.Source.MODEL, settled_by__in=["consensus", "specialist"]
        ).values_list("signals__p", "state", "version")
        judged = [
            (float(stated or 0.0), state == SceneObject.State.ACCEPTED and version == 1)
            for stated, state, version in rows
        ]
        value = overstated([p for p, _ in judged], [held for _, held in judged])
        out.append(Measure("drift", f"project:{project.pk}", project.name, value, project.pk))
    return out


def _people(viewer: User, scope: Scope, now: datetime) -> list[Measure]:
    """Who is paused, and who of those at work seems not to look."""
    records = AnnotatorRecord.objects.filter(
        annotator__organisation=viewer.organisation_id, annotator__is_active=True
    )
    paused = records.filter(standing="paused").select_related("annotator").order_by("-updated_at")
    out = [_about("paused", row.annotator, 1.0) for row in paused[:MOST_PEOPLE]]
    busy = queries.answering(scope.dataset_ids, now=now, within=RECENT)
    working = records.filter(annotator__in=busy).select_related("annotator").order_by("-updated_at")
    for row in working[:MOST_BUSY]:
        if row.standing != "paused" and row.record:
            standing = TrackRecord.from_json(row.record).standing(RoutingPolicy())
            out.append(_about("spam", row.annotator, standing.spam))
    return out


def _about(kind: str, person: User, value: float) -> Measure:
    return Measure(kind, f"person:{person.pk}", person.get_full_name() or person.get_username(), value)
