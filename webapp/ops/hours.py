"""Utilisation and hourly pay of people, from the hours that are rolled up with their answers (`Workhour`)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt

from routing.policy import RoutingPolicy
from webapp.labeling.rollups import Workhour
from webapp.people.models import User
from webapp.people.queries import tenant
from webapp.projects.models import Project

PERIOD = timedelta(days=7)
MOST_ROWS = 50_000  # hours of people that the pool's figures are read from, the newest
Z = 1.96  # of a 95 % interval
LEAST = 3  # hours before an interval is stated


@dataclass(frozen=True, slots=True)
class Hour:
    """What one person did for one project in one hour: seconds at tasks and with the workbench open, and the wage per
    hour of active time."""

    answers: int
    active_s: float
    connected_s: float
    wage: float


@dataclass(frozen=True, slots=True)
class Time:
    """Hours together. utilisation: active / connected time; low, high: its 95 % interval, None of too few hours; earned: at
    the wages; per_hour: earned by hour of connected time, with the interval of the utilisation."""

    hours: int = 0
    answers: int = 0
    active_s: float = 0.0
    connected_s: float = 0.0
    earned: float = 0.0
    low: float | None = None
    high: float | None = None

    @property
    def utilisation(self) -> float | None:
        return self.active_s / self.connected_s if self.connected_s else None

    @property
    def per_hour(self) -> float | None:
        return self.earned / self.connected_s * 3600 if self.connected_s else None

    @property
    def per_hour_low(self) -> float | None:
        return self._scaled(self.low)

    @property
    def per_hour_high(self) -> float | None:
        return self._scaled(self.high)

    def _scaled(self, end: float | None) -> float | None:
        pay, share = self.per_hour, self.utilisation
        return end / share * pay if end is not None and pay is not None and share else None


def together(hours: Iterable[Hour]) -> Time:
    """Add hours up. The interval is that of a ratio of two sums over hours as blocks (linearised: Cochran 1977, §6.3), so it
    counts how much utilisation differs from hour to hour."""
    rows = list(hours)
    active, connected = sum(h.active_s for h in rows), sum(h.connected_s for h in rows)
    low = high = None
    if len(rows) >= LEAST and connected:
        share = active / connected
        spread = sum((h.active_s - share * h.connected_s) ** 2 for h in rows)
        error = Z * sqrt(spread * len(rows) / (len(rows) - 1)) / connected
        low, high = max(0.0, share - error), min(1.0, share + error)
    earned = sum(h.active_s * h.wage for h in rows) / 3600
    return Time(len(rows), sum(h.answers for h in rows), active, connected, earned, low, high)


def times_of(people: Sequence[User], *, now: datetime) -> dict[int, Time]:
    """The last seven days of each of these people; those who did nothing are left out."""
    tiers = {person.pk: person.tier for person in people}
    rows = Workhour.objects.filter(annotator__in=tiers, hour__gte=now - PERIOD)
    found: dict[int, list[Hour]] = defaultdict(list)
    for person, hour in _hours(rows.order_by("-hour").values_list(*FIELDS)[:MOST_ROWS], tiers):
        found[person].append(hour)
    return {person: together(hours) for person, hours in found.items()}


def pool_time(viewer: User, *, now: datetime) -> Time:
    """The last seven days of everybody in the viewer's organisation."""
    people = User.objects.filter(organisation=tenant(viewer))
    tiers = dict(people.filter(workhours__hour__gte=now - PERIOD).values_list("pk", "tier").distinct())
    rows = Workhour.objects.filter(annotator__in=tiers, hour__gte=now - PERIOD)
    hours = _hours(rows.order_by("-hour").values_list(*FIELDS)[:MOST_ROWS], tiers)
    return together(hour for _, hour in hours)


FIELDS = ("annotator", "project", "answers", "active_s", "connected_s")
Row = tuple[int, int, int, float, float]


def _hours(rows: Iterable[Row], tiers: dict[int, str]) -> list[tuple[int, Hour]]:
    """Rows with the wages of their projects."""
    read = list(rows)
    policies = Project.objects.filter(pk__in={row[1] for row in read}).values_list("pk", "policy")
    wages = {pk: RoutingPolicy.from_json(policy).wage_per_hour for pk, policy in policies}
    return [
        (person, Hour(answers, active, connected, wages[project][tiers[person]]))
        for person, project, answers, active, connected in read
    ]
