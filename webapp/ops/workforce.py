"""Whom managers give work: pausing somebody, skills, moving people between domains, and notes to them. All logged."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from django.db import transaction

from routing.track_record import TrackRecord
from webapp.labeling.models import AnnotatorRecord, Event
from webapp.people.models import Note, Qualification, User
from webapp.people.notes import LANGUAGES, MOST_CHARACTERS
from webapp.people.operations import grant_qualification, revoke_qualification
from webapp.people.queries import tenant

MOST_REASON = 200


@transaction.atomic
def pause_person(*, person: User, reason: str, by: User) -> bool:
    """Give somebody no more work until a manager says so, or, with no reason, work again; return whether that changed
    anything.

    What they hold they may still answer. What is believed of them stays, and says anew afterwards how they stand.
    """
    _record_of(person)
    # This locks the row, so two managers take turns.
    rows = AnnotatorRecord.objects.filter(annotator=person)
    rows = rows.filter(held="") if reason else rows.exclude(held="")
    if not rows.update(held=reason[:MOST_REASON]):
        return False
    kind = "person_paused" if reason else "person_resumed"
    Event.objects.create(kind=kind, annotator=by, data={"person": person.pk, "reason": reason[:MOST_REASON]})
    return True


def _record_of(person: User) -> None:
    domains = sorted(person.qualifications.values_list("domain", flat=True))
    fresh = {"record": TrackRecord.new(person.tier, domains).to_json()}
    AnnotatorRecord.objects.get_or_create(annotator=person, defaults=fresh)


@transaction.atomic
def set_skill(*, person: User, domain: str, granted: bool, by: User) -> bool:
    """Allow somebody to work in a domain, or not any more; return whether that changed anything."""
    had = Qualification.objects.filter(person=person, domain=domain).exists()
    if had == granted:
        return False
    if granted:
        grant_qualification(person=person, domain=domain, granted_by=by)
    else:
        revoke_qualification(person=person, domain=domain)
    kind = "skill_granted" if granted else "skill_revoked"
    Event.objects.create(kind=kind, annotator=by, data={"person": person.pk, "domain": domain})
    return True


@transaction.atomic
def move_people(*, people: Iterable[User], origin: str, to: str, by: User) -> list[int]:
    """Let people work in another domain instead of theirs; return the ids of those who were moved.

    Whoever may not work in `origin`, or may in `to` already, stays as they are, so that a move can be taken back whole.
    """
    if origin == to or not origin or not to:
        return []
    ours = [p for p in people if p.organisation_id == by.organisation_id]
    rows = Qualification.objects.select_for_update().filter(person__in=ours, domain__in=[origin, to])
    has = {(row.person_id, row.domain) for row in rows}
    moved = [p for p in ours if (p.pk, origin) in has and (p.pk, to) not in has]
    for person in moved:
        revoke_qualification(person=person, domain=origin)
        grant_qualification(person=person, domain=to, granted_by=by)
    ids = [person.pk for person in moved]
    if ids:
        Event.objects.create(
            kind="people_moved", annotator=by, data={"people": ids, "from": origin, "to": to}
        )
    return ids


@transaction.atomic
def send_note(
    *, texts: Mapping[str, str], domain: str, until: datetime, by: User, now: datetime
) -> Note | None:
    """Tell the people of a domain, or everybody, until a moment; None when there is nothing to say."""
    said = {code: texts[code].strip()[:MOST_CHARACTERS] for code in LANGUAGES if texts.get(code, "").strip()}
    if not said:
        return None
    note = Note.objects.create(
        organisation_id=tenant(by), domain=domain, texts=said, by=by, at=now, until=until
    )
    text = next(iter(said.values()))
    data = {"note": note.pk, "domain": domain, "text": text, "languages": list(said)}
    Event.objects.create(kind="note_sent", annotator=by, data=data)
    return note


@transaction.atomic
def withdraw_note(*, note: int, by: User, now: datetime) -> bool:
    """Show a note to nobody any more; return whether it was still shown."""
    if not Note.objects.filter(pk=note, organisation=tenant(by), until__gt=now).update(until=now):
        return False
    Event.objects.create(kind="note_withdrawn", annotator=by, data={"note": note})
    return True


def named(ids: Sequence[int]) -> dict[int, User]:
    """People by id."""
    return User.objects.in_bulk(list(ids))
