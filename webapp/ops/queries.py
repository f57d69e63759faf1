"""Reads of the operations room: grouped counts and roll-ups, a bounded number of rows each, one organisation only."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, F, Q, Sum
from django.db.models.functions import TruncHour

from routing.annotation.kinds import KINDS
from routing.policy import RoutingPolicy
from webapp.labeling.models import Assignment, Lane, Microtask, Tally
from webapp.ops.keep import kept
from webapp.ops.models import Alert
from webapp.ops.status import Status
from webapp.people.models import User
from webapp.people.queries import tenant
from webapp.projects.models import Project
from webapp.projects.queries import projects_of
from webapp.scenes.models import Dataset
from webapp.scenes.queries import datasets_of

MAX_DATASETS = 50  # newest first; beyond them a project is chosen first
MAX_ALERTS = 50
ACTIVE = timedelta(minutes=2)  # whoever answered within this time is at work


@dataclass(frozen=True, slots=True)
class Scope:
    """What a manager looks at: all projects, or one; the newest datasets of those."""

    projects: tuple[Project, ...]
    chosen: Project | None
    datasets: tuple[Dataset, ...]

    @property
    def dataset_ids(self) -> list[int]:
        return [d.pk for d in self.datasets]


@dataclass(frozen=True, slots=True)
class Effort:
    """Answers and human seconds, and what they cost at the projects' wages."""

    answers: int = 0
    active_s: float = 0.0
    cost: float = 0.0


@dataclass(frozen=True, slots=True)
class Worked:
    """What one person has answered, and when last."""

    person: int
    answers: int
    active_s: float
    last: datetime


@dataclass(frozen=True, slots=True)
class QueueRow:
    """One kind of micro-task: answers wanted, held and given, and how long the oldest question has waited."""

    kind: str
    wanted: int
    held: int
    open: int
    resolved: int
    cancelled: int
    oldest: datetime | None
    answers: int
    seconds_per_answer: float | None


def scope_of(viewer: User, project_id: int | None) -> Scope | None:
    """What the viewer may look at; None when the chosen project is not theirs."""
    projects = tuple(projects_of(viewer).order_by("name"))
    chosen = next((p for p in projects if p.pk == project_id), None)
    if project_id is not None and chosen is None:
        return None
    datasets = datasets_of(viewer).select_related("project").order_by("-pk")
    if chosen is not None:
        datasets = datasets.filter(project=chosen)
    return Scope(projects, chosen, tuple(datasets[:MAX_DATASETS]))


def effort(scope: Scope, found: Mapping[int, Status]) -> dict[int, Effort]:
    """Answers, seconds and cost per dataset, at the wages of its project."""
    wages = {p.pk: RoutingPolicy.from_json(p.policy).wage_per_hour for p in scope.projects}
    return {d.pk: _effort(found[d.pk], wages[d.project_id]) for d in scope.datasets}


def _effort(status: Status, wages: Mapping[str, float]) -> Effort:
    tiers = status.tiers.items()
    return Effort(
        answers=sum(n for _, (n, _) in tiers),
        active_s=sum(seconds for _, (_, seconds) in tiers),
        cost=sum(seconds / 3600 * wages[tier] for tier, (_, seconds) in tiers),
    )


def recent(ids: Sequence[int], *, since: datetime) -> dict[tuple[datetime, str], Effort]:
    """Answers and seconds by (start of the minute, kind)."""
    rows = Tally.objects.filter(dataset__in=ids, minute__gte=since).values_list("minute", "kind")
    summed = rows.annotate(n=Sum("answers"), s=Sum("active_s"))
    return {(minute, kind): Effort(n, s) for minute, kind, n, s in summed}


def seconds_by_project(ids: Sequence[int], *, since: datetime) -> dict[tuple[int, datetime], float]:
    """Active seconds by (project, start of the minute)."""
    rows = Tally.objects.filter(dataset__in=ids, minute__gte=since).values_list("dataset__project", "minute")
    return {(project, minute): s for project, minute, s in rows.annotate(s=Sum("active_s"))}


def queue(scope: Scope, found: Mapping[int, Status]) -> list[QueueRow]:
    """What waits, by kind, in the order of the catalogue; kinds that never occurred are left out."""
    projects = [scope.chosen.pk] if scope.chosen else [p.pk for p in scope.projects]
    wanted = kept("wanted", projects, lambda: _assignments(projects, Assignment.State.OPEN))
    held = _assignments(projects, Assignment.State.LEASED)
    rows = [_queue_row(kind, found.values(), wanted.get(kind, 0), held.get(kind, 0)) for kind in KINDS]
    return [row for row in rows if row.open or row.resolved or row.cancelled]


def _queue_row(kind: str, found: Iterable[Status], wanted: int, held: int) -> QueueRow:
    found = list(found)
    waiting = [status.waiting[kind] for status in found if kind in status.waiting]
    given = [status.given[kind] for status in found if kind in status.given]
    answers = sum(n for n, _ in given)
    closed = {
        state: sum(status.closed.get((kind, state), 0) for status in found)
        for state in (Microtask.State.RESOLVED, Microtask.State.CANCELLED)
    }
    return QueueRow(
        kind=kind,
        wanted=wanted,
        held=held,
        open=sum(n for n, _ in waiting),
        resolved=closed[Microtask.State.RESOLVED],
        cancelled=closed[Microtask.State.CANCELLED],
        oldest=min((first for _, first in waiting), default=None),
        answers=answers,
        seconds_per_answer=sum(s for _, s in given) / answers if answers else None,
    )


def _assignments(projects: Sequence[int], state: str) -> dict[str, int]:
    """Assignments in a state by kind, which the lane begins with: small partial indexes hold both."""
    found: dict[str, int] = defaultdict(int)
    rows = Assignment.objects.filter(project__in=projects, state=state).values_list("lane")
    for lane, n in rows.annotate(n=Count("pk")):
        found[lane.partition("/")[0]] += n
    return dict(found)


def kinds_in(project: Project) -> list[tuple[str, int, bool]]:
    """(kind, answers wanted now, whether it is paused) of every kind that this project ever asked, and of those paused."""
    lanes = Lane.objects.filter(project=project).values_list("key", flat=True)
    met = {key.partition("/")[0] for key in lanes} | set(project.paused_kinds)
    wanted = kept("wanted", [project.pk], lambda: _assignments([project.pk], Assignment.State.OPEN))
    return [(kind, wanted.get(kind, 0), kind in project.paused_kinds) for kind in KINDS if kind in met]


def cost_by_hour(scope: Scope, *, since: datetime) -> dict[datetime, float]:
    """What people's time cost in each hour, at the wages of the projects."""
    ids = scope.dataset_ids
    wages = {p.pk: RoutingPolicy.from_json(p.policy).wage_per_hour for p in scope.projects}
    found: dict[datetime, float] = defaultdict(float)
    for hour, project, tier, seconds in kept("hours", ids, lambda: _seconds_by_hour(ids, since)):
        found[hour] += seconds / 3600 * wages[project][tier]
    return dict(found)


def _seconds_by_hour(ids: Sequence[int], since: datetime) -> list[tuple[datetime, int, str, float]]:
    rows = Tally.objects.filter(dataset__in=ids, minute__gte=since).annotate(hour=TruncHour("minute"))
    return list(rows.values_list("hour", "dataset__project", "annotator__tier").annotate(s=Sum("active_s")))


def open_alerts(viewer: User, scope: Scope) -> tuple[Alert, ...]:
    """What is open, not acknowledged first; of a chosen project, its own and those about people."""
    rows = Alert.objects.filter(organisation=tenant(viewer), closed_at__isnull=True)
    if scope.chosen:
        rows = rows.filter(Q(project=scope.chosen) | Q(project__isnull=True))
    ordered = rows.select_related("acknowledged_by", "project").order_by(
        F("acknowledged_at").desc(nulls_first=True), "-opened_at"
    )
    return tuple(ordered[:MAX_ALERTS])


def held_in(project: Project) -> int:
    """How many tasks of a project people hold."""
    return sum(_assignments([project.pk], Assignment.State.LEASED).values())


def held_of(dataset: Dataset) -> int:
    """How many tasks of a data set people hold. What is held anywhere is few."""
    held = Assignment.objects.filter(state=Assignment.State.LEASED, project=dataset.project_id)
    return held.filter(microtask__dataset=dataset).count()


def answering(ids: Sequence[int], *, now: datetime, within: timedelta = ACTIVE) -> set[int]:
    """Who answered in the last minutes."""
    rows = Tally.objects.filter(dataset__in=ids, minute__gte=now - within)
    return set(rows.values_list("annotator", flat=True).distinct())


def holding(scope: Scope, *, now: datetime) -> dict[int, int]:
    """Who holds tasks right now, and how many."""
    projects = [scope.chosen.pk] if scope.chosen else [p.pk for p in scope.projects]
    held = Assignment.objects.filter(
        project__in=projects, state=Assignment.State.LEASED, lease_expires_at__gt=now, annotator__isnull=False
    )
    return {
        annotator: n for annotator, n in held.values_list("annotator").annotate(n=Count("pk")) if annotator
    }


def answers_by_person(found: Mapping[int, Status], most: int) -> list[Worked]:
    """The people who answered last."""
    sums: dict[int, Worked] = {}
    for status in found.values():
        for person, (n, seconds, last) in status.people.items():
            before = sums.get(person)
            sums[person] = (
                Worked(person, n, seconds, last)
                if before is None
                else Worked(person, before.answers + n, before.active_s + seconds, max(before.last, last))
            )
    return sorted(sums.values(), key=lambda row: (row.last, row.answers), reverse=True)[:most]
