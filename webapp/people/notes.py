"""What managers tell their people: who sees a note, and putting it away."""

from collections.abc import Mapping
from datetime import datetime

from django.conf import settings
from django.db.models import Exists, OuterRef

from webapp.people.models import Note, NoteRead, User
from webapp.people.queries import tenant

SHOWN = 3  # of the notes that somebody has not put away, the newest
MOST_CHARACTERS = 500
LANGUAGES = tuple(code for code, _ in settings.LANGUAGES)


def notes_for(person: User, now: datetime) -> list[Note]:
    """Return the newest notes to somebody that they have not put away, the newest first."""
    read = NoteRead.objects.filter(note=OuterRef("pk"), person=person)
    rows = Note.objects.filter(organisation=tenant(person), until__gt=now).exclude(Exists(read))
    domains = ["", *person.qualifications.values_list("domain", flat=True)]
    return list(rows.filter(domain__in=domains).order_by("-pk")[:SHOWN])


def text_in(texts: Mapping[str, str], language: str) -> tuple[str, str]:
    """Return the text in a language, else in English, else in any, and the language that it is in."""
    for code in (language, language.partition("-")[0], "en", *texts):
        if texts.get(code):
            return texts[code], code
    return "", language


def put_away(*, note: int, person: User) -> bool:
    """Never show a note to this person again; False when it is not to their organisation or was put away before."""
    if not Note.objects.filter(pk=note, organisation=tenant(person)).exists():
        return False
    return NoteRead.objects.get_or_create(note_id=note, person=person)[1]
