"""Puts the operations room together from its reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from routing.track_record import TrackRecord
from webapp.labeling.models import AnnotatorRecord
from webapp.ops import queries
from webapp.ops.appeals import open_appeals
from webapp.ops.burndown import BurnDown, burn_down
from webapp.ops.charts import Columns, Throughput, hourly, throughput, widths
from webapp.ops.estimates import Work, eta_late_s, eta_s, left_s, ratio
from webapp.ops.models import Alert, Reopening
from webapp.ops.pace import CHART_MINUTES, by_minute, late_risks, work_left
from webapp.ops.queries import Effort, QueueRow, Scope, Worked
from webapp.ops.reopen_requests import waiting_for
from webapp.ops.status import ObjectCounts, Status, statuses
from webapp.people.models import Appeal, User
from webapp.pipeline.models import Run
from webapp.projects.models import Project
from webapp.scenes.models import Dataset

COST_HOURS = 24
MAX_PEOPLE = 60
MAX_RUNS = 8


@dataclass(frozen=True, slots=True)
class Header:
    """The numbers on top. Shares are None before there is anything to divide by."""

    accepted: int
    open: int
    settled: int
    answers: int
    answers_per_minute: float
    working: int
    cost: float
    active_s: float
    seconds_per_object: float | None
    eta_s: float | None
    eta_late_s: float | None
    auto_share: float | None
    escalated_share: float | None
    escalated: int


@dataclass(frozen=True, slots=True)
class QueueLine:
    """A row of the queue with the lengths of its bars in percent."""

    row: QueueRow
    open_width: float
    resolved_width: float


@dataclass(frozen=True, slots=True)
class PersonLine:
    """One annotator. `gold` is the share of known answers they got right, of `gold_answers`."""

    person: User
    answers: int
    seconds_per_answer: float | None
    gold: float | None
    gold_answers: int
    standing: str
    standing_reason: str
    holds: int
    active: bool
    last: datetime


@dataclass(frozen=True, slots=True)
class RunLine:
    run: Run
    percent: float | None
    note: str


@dataclass(frozen=True, slots=True)
class DatasetLine:
    """`percent` is the settled share of the objects known so far; more may still be found."""

    dataset: Dataset
    counts: ObjectCounts
    effort: Effort
    percent: float | None
    tiles_percent: float | None


@dataclass(frozen=True, slots=True)
class ProjectLine:
    """A project with its datasets, newest first. `late`: P(it misses its deadline); None without one, or where it cannot
    be told."""

    project: Project
    datasets: tuple[DatasetLine, ...]
    late: float | None = None


@dataclass(frozen=True, slots=True)
class Room:
    at: datetime
    scope: Scope
    header: Header
    queue: tuple[QueueLine, ...]
    chart: Throughput
    people: tuple[PersonLine, ...]
    runs: tuple[RunLine, ...]
    projects: tuple[ProjectLine, ...]
    costs: Columns
    budget: float | None
    alerts: tuple[Alert, ...]
    burndown: BurnDown | None
    appeals: tuple[Appeal, ...]
    reopenings: tuple[Reopening, ...]


def room(viewer: User, scope: Scope, *, now: datetime) -> Room:
    """Everything that the operations room shows, read once."""
    ids = scope.dataset_ids
    found = statuses(scope.datasets)
    counts = {pk: status.objects for pk, status in found.items()}
    spent = queries.effort(scope, found)
    minutes = queries.recent(ids, since=now - timedelta(minutes=CHART_MINUTES + 1))
    held = queries.holding(scope, now=now)
    working = queries.answering(ids, now=now) | set(held)
    queue = queries.queue(scope, found)
    escalated = sum(row.open + row.resolved for row in queue if row.kind == "adjudicate")
    work, paces = work_left(counts, spent, minutes, now)
    since = now - timedelta(seconds=work.recent_s)
    recent = sum(e.answers for (minute, _), e in minutes.items() if minute >= since)
    header = _header(counts, spent, recent, len(working), escalated, work, paces)
    return Room(
        at=now,
        scope=scope,
        header=header,
        burndown=burn_down(
            left_s(work), by_minute(minutes, now), eta_s=header.eta_s, late_s=header.eta_late_s
        ),
        queue=_queue(queue),
        chart=throughput({key: e.answers for key, e in minutes.items()}, now=now, minutes=CHART_MINUTES),
        people=people(found, working, held),
        runs=runs(scope),
        projects=_projects(
            scope,
            [_dataset(d, counts[d.pk], spent[d.pk]) for d in scope.datasets],
            late_risks(scope, found, now),
        ),
        costs=hourly(
            queries.cost_by_hour(scope, since=now - timedelta(hours=COST_HOURS)), now=now, hours=COST_HOURS
        ),
        budget=_budget(scope),
        alerts=queries.open_alerts(viewer, scope),
        appeals=tuple(open_appeals(viewer)),
        reopenings=tuple(waiting_for(viewer, now)),
    )


def _budget(scope: Scope) -> float | None:
    """What the projects in sight may cost together; None unless each of them has a budget."""
    shown = [scope.chosen] if scope.chosen else list(scope.projects)
    budgets = [p.budget for p in shown if p.budget]
    return sum(budgets) if budgets and len(budgets) == len(shown) else None


def _header(
    counts: dict[int, ObjectCounts],
    spent: dict[int, Effort],
    recent: int,
    working: int,
    escalated: int,
    work: Work,
    paces: list[float],
) -> Header:
    total = sum(counts.values(), ObjectCounts())
    return Header(
        accepted=total.accepted,
        open=total.open,
        settled=total.settled,
        answers=sum(e.answers for e in spent.values()),
        answers_per_minute=recent / work.recent_s * 60,
        working=working,
        cost=sum(e.cost for e in spent.values()),
        active_s=work.active_s,
        seconds_per_object=ratio(work.active_s, total.accepted),
        eta_s=eta_s(work),
        eta_late_s=eta_late_s(work, paces),
        auto_share=ratio(total.by_machine, total.accepted),
        escalated_share=ratio(escalated, total.settled + total.open),
        escalated=escalated,
    )


def _queue(rows: list[QueueRow]) -> tuple[QueueLine, ...]:
    scale = widths([row.open + row.resolved for row in rows])
    return tuple(
        QueueLine(
            row=row,
            open_width=length * row.open / max(row.open + row.resolved, 1),
            resolved_width=length * row.resolved / max(row.open + row.resolved, 1),
        )
        for row, length in zip(rows, scale, strict=True)
    )


def people(found: Mapping[int, Status], working: set[int], held: dict[int, int]) -> tuple[PersonLine, ...]:
    """Those who answered last, at most 60."""
    rows = queries.answers_by_person(found, MAX_PEOPLE)
    pks = [row.person for row in rows]
    persons = User.objects.in_bulk(pks)
    records = {r.annotator_id: r for r in AnnotatorRecord.objects.filter(annotator__in=pks)}
    return tuple(_person(row, persons[row.person], records.get(row.person), held, working) for row in rows)


def _person(
    row: Worked, person: User, record: AnnotatorRecord | None, held: dict[int, int], working: set[int]
) -> PersonLine:
    stored = record.record if record else None
    right, known = TrackRecord.from_json(stored).gold_total() if stored else (0.0, 0.0)
    return PersonLine(
        person=person,
        answers=row.answers,
        seconds_per_answer=ratio(row.active_s, row.answers),
        gold=ratio(right, known),
        gold_answers=round(known),
        standing=("paused" if record.held else record.standing) if record else "ok",
        standing_reason=(record.held or record.standing_reason) if record else "",
        holds=held.get(person.pk, 0),
        active=person.pk in working,
        last=row.last,
    )


def runs(scope: Scope) -> tuple[RunLine, ...]:
    """The newest background computations."""
    projects = [scope.chosen] if scope.chosen else list(scope.projects)
    found = (
        Run.objects.filter(project__in=projects)
        .select_related("project", "dataset")
        .order_by("-pk")[:MAX_RUNS]
    )
    return tuple(RunLine(run, _percent(run), str(run.progress.get("note", ""))) for run in found)


def _percent(run: Run) -> float | None:
    if run.state == Run.State.DONE:
        return 100.0
    done, total = run.progress.get("done"), run.progress.get("total")
    known = isinstance(done, int | float) and isinstance(total, int | float) and total > 0
    return min(100.0, 100.0 * done / total) if known else None


def _projects(
    scope: Scope, lines: list[DatasetLine], late: Mapping[int, float | None]
) -> tuple[ProjectLine, ...]:
    shown = [scope.chosen] if scope.chosen else list(scope.projects)
    grouped = [
        ProjectLine(p, tuple(line for line in lines if line.dataset.project_id == p.pk), late.get(p.pk))
        for p in shown
    ]
    return tuple(line for line in grouped if line.datasets)


def _dataset(dataset: Dataset, counts: ObjectCounts, spent: Effort) -> DatasetLine:
    known = ratio(counts.settled, counts.settled + counts.open)
    tiles = ratio(counts.tiles_complete, counts.tiles)
    return DatasetLine(
        dataset=dataset,
        counts=counts,
        effort=spent,
        percent=None if known is None else 100 * known,
        tiles_percent=None if tiles is None else 100 * tiles,
    )
