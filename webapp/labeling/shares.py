"""How the offers of one process are shared among an organisation's projects: by weight, and more as a deadline nears."""

import math
from collections.abc import Iterable
from datetime import datetime

from routing.flow import deadline_factor, fair_factors
from webapp.projects.models import Project

HALF_S = 60.0  # after which an offer counts half
STEP = 0.25  # least change of a priority that is worth telling, in doublings


class Shares:
    """Recent offers by project, and each project's priority as `routing.assignment` wants it: doublings of urgency."""

    def __init__(self) -> None:
        self._served: dict[int, float] = {}
        self._priority: dict[int, float] = {}
        self._halved_at: datetime | None = None

    def count(self, projects: Iterable[int]) -> None:
        """Add one offer for each."""
        for pk in projects:
            self._served[pk] = self._served.get(pk, 0.0) + 1.0

    def of(self, project: int) -> float:
        return self._priority.get(project, 0.0)

    def revise(self, projects: Iterable[Project], now: datetime) -> set[int]:
        """Weigh these projects, which have work now, against each other; returns those whose priority changed."""
        self._age(now)
        weights = {p.pk: max(p.priority, 1e-6) * deadline_factor(_left_s(p, now)) for p in projects}
        if not weights:
            return set()
        changed = set()
        for pk, factor in fair_factors(weights, self._served).items():
            priority = math.log2(factor)
            if abs(priority - self.of(pk)) >= STEP:
                self._priority[pk] = priority
                changed.add(pk)
        return changed

    def _age(self, now: datetime) -> None:
        if self._halved_at is not None:
            left = 0.5 ** (max((now - self._halved_at).total_seconds(), 0.0) / HALF_S)
            self._served = {pk: n * left for pk, n in self._served.items() if n * left > 0.01}
        self._halved_at = now


def _left_s(project: Project, now: datetime) -> float | None:
    return (project.deadline - now).total_seconds() if project.deadline else None
