"""Notes from the managers, as the feed page shows them, and putting one away."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.http import require_GET, require_POST

from webapp.people.models import Note, User
from webapp.people.notes import notes_for, put_away, text_in
from webapp.people.permissions import MemberRequest, member_required
from webapp.people.queries import tenant


@require_GET
@member_required
def notes(request: MemberRequest) -> HttpResponse:
    """The list alone, which an open page asks for now and then."""
    return render(request, "people/notes.html", {"notes": shown_to(request.user)})


@require_POST
@member_required
def note_read(request: MemberRequest, pk: int) -> HttpResponse:
    """Never show this note to who reads it again."""
    note = get_object_or_404(Note, pk=pk, organisation=tenant(request.user))
    put_away(note=note.pk, person=request.user)
    return redirect("feed")


def shown_to(person: User) -> list[tuple[int, str, str]]:
    """Id, text and language of each note that somebody sees, in the language of their pages where there is one."""
    language = get_language() or "en"
    return [(note.pk, *text_in(note.texts, language)) for note in notes_for(person, timezone.now())]
