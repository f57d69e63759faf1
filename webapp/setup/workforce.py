"""Who may work on a project: people of the organisation with a qualification for its domain."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q

from webapp.ops.workforce import set_skill
from webapp.people.models import Qualification, Role, Tier, User
from webapp.projects.models import Project

MOST = 200  # people on one page; beyond them a search finds the rest


@dataclass(frozen=True, slots=True)
class Candidate:
    """A person and whether they may work here."""

    person: User
    qualified: bool


@dataclass(frozen=True, slots=True)
class Crew:
    """How many may work, by tier."""

    crowd: int
    seniors: int
    specialists: int

    @property
    def total(self) -> int:
        return self.crowd + self.seniors + self.specialists


def candidates(project: Project, search: str = "") -> list[Candidate]:
    """People of the organisation: those who may work first, then by name."""
    people = User.objects.filter(organisation=project.organisation_id, is_active=True)
    if search:
        people = people.filter(Q(username__icontains=search) | Q(first_name__icontains=search))
    allowed = _allowed(project)
    first = list(people.filter(pk__in=allowed).order_by("first_name", "username")[:MOST])
    rest = people.exclude(pk__in=allowed).order_by("first_name", "username")[: MOST - len(first)]
    return [*(Candidate(p, True) for p in first), *(Candidate(p, False) for p in rest)]


def crew_of(project: Project) -> Crew:
    """Count who may work."""
    tiers = list(User.objects.filter(pk__in=_allowed(project), is_active=True).values_list("tier", flat=True))
    return Crew(tiers.count(Tier.CROWD), tiers.count(Tier.SENIOR), tiers.count(Tier.SPECIALIST))


@transaction.atomic
def choose_crew(
    *, project: Project, shown: Iterable[int], chosen: Iterable[int], by: User
) -> tuple[int, int]:
    """Qualify the chosen ones of those shown and nobody else of them; return how many were added and removed.

    Ids of other organisations are ignored.
    """
    ours = User.objects.filter(organisation=project.organisation_id, pk__in=set(shown))
    wanted, had = set(chosen), set(_allowed(project))
    added = removed = 0
    for person in ours:
        if person.pk in wanted and person.pk not in had:
            added += set_skill(person=person, domain=project.domain, granted=True, by=by)
        elif person.pk not in wanted and person.pk in had:
            removed += set_skill(person=person, domain=project.domain, granted=False, by=by)
    return added, removed


def _allowed(project: Project) -> list[int]:
    rows = Qualification.objects.filter(domain=project.domain, person__organisation=project.organisation_id)
    return list(rows.values_list("person", flat=True))


ROLES = (Role.ANNOTATOR, Role.SPECIALIST, Role.MANAGER)  # administrators are made in the admin
