"""Reads for the pages on people: whom managers give work, what they earn, and the notes that are shown now."""

from dataclasses import dataclass
from datetime import datetime

from django.core.paginator import Page, Paginator
from django.db.models import Count, Q

from webapp.labeling.models import AnnotatorRecord
from webapp.ops.hours import Time, pool_time, times_of
from webapp.ops.keep import kept
from webapp.people.models import Note, Qualification, User
from webapp.people.notes import LANGUAGES
from webapp.people.queries import tenant
from webapp.projects.queries import projects_of

PER_PAGE = 50
MOST_NOTES = 20


@dataclass(frozen=True, slots=True)
class Person:
    """One person: what they may do, how they stand, why a manager gives them no work, and their last seven days."""

    person: User
    domains: tuple[str, ...]
    standing: str
    reason: str
    held: str
    time: Time


@dataclass(frozen=True, slots=True)
class PeoplePage:
    page: Page[User]
    people: tuple[Person, ...]
    pool: Time
    domains: tuple[str, ...]


def people_page(viewer: User, *, domain: str, search: str, number: str | None, now: datetime) -> PeoplePage:
    """People of the viewer's organisation, by name, those of one domain or all, with the pool's hours."""
    rows = User.objects.filter(organisation=tenant(viewer), is_active=True)
    if domain:
        rows = rows.filter(qualifications__domain=domain)
    if search:
        rows = rows.filter(Q(username__icontains=search) | Q(first_name__icontains=search))
    page = Paginator(rows.order_by("first_name", "username"), PER_PAGE).get_page(number)
    pool = kept("pool-time", [tenant(viewer)], lambda: pool_time(viewer, now=now))
    return PeoplePage(page, persons(list(page.object_list), now), pool, domains_of(viewer))


def persons(people: list[User], now: datetime) -> tuple[Person, ...]:
    """These people with what the page says of them: one read of each sort."""
    records = {row.annotator_id: row for row in AnnotatorRecord.objects.filter(annotator__in=people)}
    times = times_of(people, now=now)
    domains: dict[int, list[str]] = {}
    for pk, domain in Qualification.objects.filter(person__in=people).values_list("person", "domain"):
        domains.setdefault(pk, []).append(domain)
    return tuple(
        _person(p, sorted(domains.get(p.pk, [])), records.get(p.pk), times.get(p.pk, Time())) for p in people
    )


def _person(person: User, domains: list[str], record: AnnotatorRecord | None, time: Time) -> Person:
    if record is None:
        return Person(person, tuple(domains), "ok", "", "", time)
    standing = "paused" if record.held else record.standing
    return Person(person, tuple(domains), standing, record.held or record.standing_reason, record.held, time)


def domains_of(viewer: User) -> tuple[str, ...]:
    """The domains of the organisation's projects."""
    return tuple(projects_of(viewer).order_by("domain").values_list("domain", flat=True).distinct())


def notes_shown(viewer: User, now: datetime) -> list[tuple[Note, list[tuple[str, str]], int]]:
    """Notes that are still shown, the newest first, with (language, text) and how many have put each away."""
    rows = (
        Note.objects.filter(organisation=tenant(viewer), until__gt=now)
        .select_related("by")
        .annotate(readers=Count("read"))
    )
    return [
        (note, [(code, note.texts[code]) for code in LANGUAGES if code in note.texts], note.readers)
        for note in rows.order_by("-pk")[:MOST_NOTES]
    ]
