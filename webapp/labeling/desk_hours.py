"""How long specialists have been at cases in the last 24 hours, and the limit after which they get no more of them.

Operations set the most (`RoutingPolicy.desk_hours`, the least of an organisation's projects); everybody may choose less.
"""

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from django.db.models import Sum

from routing.annotation.kinds import KINDS
from routing.eligibility import Waiting, rank
from routing.policy import RoutingPolicy
from webapp.labeling.models import Event, Tally
from webapp.people.models import User
from webapp.projects.models import Project

DAY = timedelta(hours=24)
LEAST_H = 0.5  # nobody chooses less
FRESH_S = 30.0  # how long the feed believes what it has read
CASES = "adjudicate"
OTHERS = frozenset(KINDS) - {CASES}


@dataclass(frozen=True, slots=True)
class DeskHours:
    """Hours: spent in the last 24, the own limit, and the most that operations allow."""

    spent: float
    limit: float
    most: float

    @property
    def spent_s(self) -> float:
        """Return the time spent, in seconds."""
        return self.spent * 3600

    @property
    def rest(self) -> bool:
        """Whether it is enough for a day."""
        return self.spent >= self.limit


def desk_hours(people: Collection[int], organisation: int | None, now: datetime) -> dict[int, DeskHours]:
    """Return each of these people's hours at the desk."""
    rows = Tally.objects.filter(annotator__in=people, kind=CASES, minute__gt=now - DAY)
    spent = dict(rows.values_list("annotator").annotate(total=Sum("active_s")))
    most = most_hours(organisation)
    own: dict[int, float] = {}
    chosen = Event.objects.filter(kind="desk_hours", annotator__in=people).order_by("pk")
    for person, data in chosen.values_list("annotator_id", "data"):
        own[person] = float(data["hours"])
    return {pk: DeskHours((spent.get(pk) or 0.0) / 3600, min(own.get(pk, most), most), most) for pk in people}


def most_hours(organisation: int | None) -> float:
    """Return the most that operations allow: the least of the organisation's projects, or the default without any."""
    policies = Project.objects.filter(organisation=organisation).values_list("policy", flat=True)
    usual = RoutingPolicy().desk_hours
    return min((float(policy.get("desk_hours", usual)) for policy in policies), default=usual)


def choose_hours(person: User, hours: float) -> float:
    """Set a person's own limit, cut to what may be chosen; return it."""
    chosen = min(max(hours, LEAST_H), most_hours(person.organisation_id))
    Event.objects.create(kind="desk_hours", annotator=person, data={"hours": chosen})
    return chosen


@dataclass
class Resting:
    """Who is to rest from cases, as one process of the feed knows it."""

    _known: dict[int, tuple[float, bool]] = field(default_factory=dict)

    def without_cases(
        self, waiting: Sequence[Waiting], organisation: int | None, now: datetime
    ) -> list[Waiting]:
        """The same people; whoever has ruled long enough takes everything but cases. Simulated people do not tire."""
        clock = time.monotonic()
        asked = [w.id for w in waiting if rank(w.tier) >= rank("specialist") and not w.simulated]
        stale = [pk for pk in asked if self._known.get(pk, (-FRESH_S, False))[0] <= clock - FRESH_S]
        if stale:
            hours = desk_hours(stale, organisation, now)
            self._known.update((pk, (clock, hours[pk].rest)) for pk in stale)
        resting = {pk for pk in asked if self._known[pk][1]}
        return [
            replace(w, kinds=OTHERS if w.kinds is None else w.kinds & OTHERS) if w.id in resting else w
            for w in waiting
        ]
