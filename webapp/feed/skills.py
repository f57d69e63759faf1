"""What people may work in, while their workbench is open: changes of managers reach it without a reload."""

import time
from collections.abc import Iterable
from datetime import datetime, timedelta

from webapp.labeling.models import Event
from webapp.people.models import Qualification

EVERY_S = 1.0  # how often a process looks for changes
SINCE = timedelta(seconds=10)  # longer than a change takes to commit, so that none is missed
MOST = 100
KINDS = ("skill_granted", "skill_revoked", "people_moved")


class Skills:
    """The domains of those for whom they were changed since this process began."""

    def __init__(self) -> None:
        self._domains: dict[int, frozenset[str]] = {}
        self._read_at = float("-inf")

    def refresh(self, now: datetime) -> None:
        """Look for changes, at most once a second."""
        clock = time.monotonic()
        if clock < self._read_at + EVERY_S:
            return
        self._read_at = clock
        recent = Event.objects.filter(kind__in=KINDS, at__gt=now - SINCE).order_by("-pk")[:MOST]
        people = {pk for data in recent.values_list("data", flat=True) for pk in _about(data)}
        if people:
            self._domains |= _domains(people)

    def of(self, person: int, before: frozenset[str]) -> frozenset[str]:
        """The person's domains; `before`, those when their workbench opened."""
        return self._domains.get(person, before)


def _about(data: dict[str, object]) -> Iterable[int]:
    people = data.get("people", [data.get("person")])
    return [pk for pk in people if isinstance(pk, int)] if isinstance(people, list) else []


def _domains(people: Iterable[int]) -> dict[int, frozenset[str]]:
    found: dict[int, set[str]] = {pk: set() for pk in people}
    for pk, domain in Qualification.objects.filter(person__in=found).values_list("person", "domain"):
        found[pk].add(domain)
    return {pk: frozenset(domains) for pk, domains in found.items()}
