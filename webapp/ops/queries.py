"""Reads of the operations room: grouped counts and roll-ups, a bounded number of rows each, one organisation only."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db.models import Count, Max, Min, Sum

from routing.annotation.kinds import KINDS
from routing.policy import RoutingPolicy
from webapp.labeling.models import Assignment, Microtask, SceneObject, Tally, Tile
from webapp.ops.keep import kept
from webapp.people.models import User
from webapp.projects.models import Project
from webapp.projects.queries import projects_of
from webapp.scenes.models import Dataset
from webapp.scenes.queries import datasets_of

MAX_DATASETS = 50  # newest first; beyond them a project is chosen first
PACE = timedelta(minutes=5)
ACTIVE = timedelta(minutes=2)  # whoever answered within this time is at work
State = SceneObject.State


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
class ObjectCounts:
    """How far the objects of a dataset are, and its tiles."""

    accepted: int = 0
    rejected: int = 0
    undecidable: int = 0
    open: int = 0
    by_machine: int = 0
    by_specialist: int = 0
    tiles: int = 0
    tiles_complete: int = 0
    scenes: int = 0

    @property
    def settled(self) -> int:
        return self.accepted + self.rejected + self.undecidable

    @property
    def known(self) -> int:
        return self.settled + self.open

    def __add__(self, other: "ObjectCounts") -> "ObjectCounts":
        return ObjectCounts(*(getattr(self, f) + getattr(other, f) for f in self.__dataclass_fields__))


@dataclass(frozen=True, slots=True)
class Effort:
    """Answers and human seconds, and what they cost at the projects' wages."""

    answers: int = 0
    active_s: float = 0.0
    cost: float = 0.0


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


def object_counts(datasets: Iterable[Dataset]) -> dict[int, ObjectCounts]:
    """Counts per dataset. A finished dataset is counted once: nothing in it changes until it is opened again."""
    found: dict[int, ObjectCounts] = {}
    fresh: list[Dataset] = []
    for dataset in datasets:
        known = cache.get(_done_key(dataset)) if dataset.state == Dataset.State.DONE else None
        if known is None:
            fresh.append(dataset)
        else:
            found[dataset.pk] = known
    ids = [d.pk for d in fresh]
    counted = kept("objects", ids, lambda: _count_objects(ids))
    for dataset in fresh:
        found[dataset.pk] = counted[dataset.pk]
        if dataset.state == Dataset.State.DONE:
            cache.set(_done_key(dataset), counted[dataset.pk], timeout=3600)
    return found


def _done_key(dataset: Dataset) -> str:
    return f"ops:objects:{dataset.pk}:{dataset.done_at.timestamp() if dataset.done_at else 0}"


def _count_objects(ids: Sequence[int]) -> dict[int, ObjectCounts]:
    sums: dict[int, dict[str, int]] = {id: defaultdict(int) for id in ids}
    rows = SceneObject.objects.filter(scene__dataset__in=ids)
    for id, state, by, n in rows.values_list("scene__dataset", "state", "settled_by").annotate(n=Count("pk")):
        sums[id][state if state in SceneObject.SETTLED else "open"] += n
        if state == State.ACCEPTED and by == "machine":
            sums[id]["by_machine"] += n
        if state in SceneObject.SETTLED and by == "specialist":
            sums[id]["by_specialist"] += n
    tiles = (
        Tile.objects.filter(scene__dataset__in=ids)
        .values_list("scene__dataset", "state")
        .annotate(n=Count("pk"))
    )
    for id, state, n in tiles:
        sums[id]["tiles"] += n
        sums[id]["tiles_complete"] += n if state == Tile.State.COMPLETE else 0
    for id, n in Dataset.objects.filter(pk__in=ids).annotate(n=Count("scenes")).values_list("pk", "n"):
        sums[id]["scenes"] = n
    return {id: ObjectCounts(**values) for id, values in sums.items()}


def effort(scope: Scope) -> dict[int, Effort]:
    """Answers, seconds and cost per dataset, from the roll-ups."""
    ids = scope.dataset_ids
    wages = {p.pk: RoutingPolicy.from_json(p.policy).wage_per_hour for p in scope.projects}
    project_of = {d.pk: d.project_id for d in scope.datasets}
    found = {id: Effort() for id in ids}
    for id, tier, answers, seconds in kept("effort", ids, lambda: _effort_by_tier(ids)):
        before, wage = found[id], wages[project_of[id]][tier]
        cost = before.cost + seconds / 3600 * wage
        found[id] = Effort(before.answers + answers, before.active_s + seconds, cost)
    return found


def _effort_by_tier(ids: Sequence[int]) -> list[tuple[int, str, int, float]]:
    rows = Tally.objects.filter(dataset__in=ids).values_list("dataset", "annotator__tier")
    return list(rows.annotate(n=Sum("answers"), s=Sum("active_s")))


def recent(ids: Sequence[int], *, since: datetime) -> dict[tuple[datetime, str], Effort]:
    """Answers and seconds by (start of the minute, kind)."""
    rows = Tally.objects.filter(dataset__in=ids, minute__gte=since).values_list("minute", "kind")
    summed = rows.annotate(n=Sum("answers"), s=Sum("active_s"))
    return {(minute, kind): Effort(n, s) for minute, kind, n, s in summed}


def queue(scope: Scope) -> list[QueueRow]:
    """What waits, by kind, in the order of the catalogue; kinds that never occurred are left out."""
    ids = scope.dataset_ids
    wanted, held = _assignments(scope, Assignment.State.OPEN), _assignments(scope, Assignment.State.LEASED)
    waiting = kept("waiting", ids, lambda: _waiting(ids))
    closed = kept("closed", ids, lambda: _closed(ids))
    given = kept("given", ids, lambda: _given(ids))
    return [
        QueueRow(
            kind=kind,
            wanted=wanted.get(kind, 0),
            held=held.get(kind, 0),
            open=waiting.get(kind, (0, None))[0],
            resolved=closed.get((kind, Microtask.State.RESOLVED), 0),
            cancelled=closed.get((kind, Microtask.State.CANCELLED), 0),
            oldest=waiting.get(kind, (0, None))[1],
            answers=given.get(kind, (0, 0.0))[0],
            seconds_per_answer=given[kind][1] / given[kind][0] if given.get(kind, (0, 0.0))[0] else None,
        )
        for kind in KINDS
        if kind in waiting or any(known == kind for known, _ in closed)
    ]


def _waiting(ids: Sequence[int]) -> dict[str, tuple[int, datetime | None]]:
    """Open micro-tasks by kind: how many and since when."""
    rows = Microtask.objects.filter(dataset__in=ids, state=Microtask.State.OPEN).values_list("kind")
    return {kind: (n, first) for kind, n, first in rows.annotate(n=Count("pk"), first=Min("created_at"))}


def _closed(ids: Sequence[int]) -> dict[tuple[str, str], int]:
    """Micro-tasks that are not open any more by (kind, state)."""
    closed = (Microtask.State.RESOLVED, Microtask.State.CANCELLED)
    rows = Microtask.objects.filter(dataset__in=ids, state__in=closed).values_list("kind", "state")
    return {(kind, state): n for kind, state, n in rows.annotate(n=Count("pk"))}


def _given(ids: Sequence[int]) -> dict[str, tuple[int, float]]:
    """Answers and human seconds by kind."""
    rows = (
        Tally.objects.filter(dataset__in=ids)
        .values_list("kind")
        .annotate(n=Sum("answers"), s=Sum("active_s"))
    )
    return {kind: (n, s) for kind, n, s in rows}


def _assignments(scope: Scope, state: str) -> dict[str, int]:
    """Assignments in a state by kind, which the lane begins with: small partial indexes hold both."""
    projects = [scope.chosen.pk] if scope.chosen else [p.pk for p in scope.projects]
    found: dict[str, int] = defaultdict(int)
    rows = (
        Assignment.objects.filter(project__in=projects, state=state)
        .values_list("lane")
        .annotate(n=Count("pk"))
    )
    for lane, n in rows:
        found[lane.partition("/")[0]] += n
    return found


def answering(ids: Sequence[int], *, now: datetime) -> set[int]:
    """Who answered in the last minutes."""
    rows = Tally.objects.filter(dataset__in=ids, minute__gte=now - ACTIVE)
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


def answers_by_person(ids: Sequence[int], most: int) -> list[dict[str, Any]]:
    """The people who answered last: {annotator, answers, active_s, last}."""
    return kept("people", [*ids, most], lambda: _answers_by_person(ids, most))


def _answers_by_person(ids: Sequence[int], most: int) -> list[dict[str, Any]]:
    rows = Tally.objects.filter(dataset__in=ids).values("annotator")
    summed = rows.annotate(total=Sum("answers"), seconds=Sum("active_s"), last=Max("minute"))
    return [dict(row) for row in summed.order_by("-last", "-total")[:most]]
