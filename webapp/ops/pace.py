"""How much work is left, and how fast people get through it; reads of `Tally`, one organisation only."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from webapp.ops import queries
from webapp.ops.estimates import WINDOW_S, Work, late_risk
from webapp.ops.queries import Effort, Scope
from webapp.ops.status import ObjectCounts, Status

CHART_MINUTES = 30


def work_left(
    counts: dict[int, ObjectCounts],
    spent: dict[int, Effort],
    minutes: dict[tuple[datetime, str], Effort],
    now: datetime,
) -> tuple[Work, list[float]]:
    """What is left, and the paces of the last whole minutes."""
    total = sum(counts.values(), ObjectCounts())
    # Whole minutes, the running one included: it is shorter than a minute.
    since = now.replace(second=0, microsecond=0) - timedelta(seconds=WINDOW_S)
    work = Work(
        open_objects=total.open,
        settled_objects=total.settled,
        active_s=sum(e.active_s for e in spent.values()),
        open_tiles=total.tiles - total.tiles_complete,
        recent_active_s=sum(e.active_s for (minute, _), e in minutes.items() if minute >= since),
        recent_s=(now - since).total_seconds(),
    )
    return work, _paces(minutes, since, now)


def _paces(minutes: dict[tuple[datetime, str], Effort], since: datetime, now: datetime) -> list[float]:
    """Active seconds per second in each whole minute since then."""
    whole = int((now - since).total_seconds() // 60)
    sums = [0.0] * whole
    for (minute, _), spent in minutes.items():
        index = int((minute - since).total_seconds() // 60)
        if 0 <= index < whole:
            sums[index] += spent.active_s / 60
    return sums


def by_minute(minutes: dict[tuple[datetime, str], Effort], now: datetime) -> list[float]:
    """Active seconds of each minute of the chart, the oldest first."""
    first = now.replace(second=0, microsecond=0) - timedelta(minutes=CHART_MINUTES - 1)
    sums = [0.0] * CHART_MINUTES
    for (minute, _), spent in minutes.items():
        index = int((minute - first).total_seconds() // 60)
        if 0 <= index < CHART_MINUTES:
            sums[index] += spent.active_s
    return sums


def late_risks(scope: Scope, found: Mapping[int, Status], now: datetime) -> dict[int, float | None]:
    """P(a project misses its deadline), for those that have one, at the pace of the last half hour."""
    shown = [scope.chosen] if scope.chosen else list(scope.projects)
    due = {p.pk: p.deadline for p in shown if p.deadline}
    if not due:
        return {}
    since = now.replace(second=0, microsecond=0) - timedelta(minutes=CHART_MINUTES)
    minutes = queries.seconds_by_project([d.pk for d in scope.datasets if d.project_id in due], since=since)
    spent = queries.effort(scope, found)
    risks: dict[int, float | None] = {}
    for project, deadline in due.items():
        ids = [d.pk for d in scope.datasets if d.project_id == project]
        counts = sum((found[pk].objects for pk in ids), ObjectCounts())
        work = Work(
            counts.open,
            counts.settled,
            sum(spent[pk].active_s for pk in ids),
            counts.tiles - counts.tiles_complete,
            0.0,
        )
        whole = [since + timedelta(minutes=n) for n in range(CHART_MINUTES)]
        paces = [minutes.get((project, minute), 0.0) / 60 for minute in whole]
        risks[project] = late_risk(work, paces, (deadline - now).total_seconds())
    return risks
