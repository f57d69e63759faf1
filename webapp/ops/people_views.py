"""Pausing people, their skills, moving them between domains, and notes to them. Views."""

from datetime import timedelta
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from webapp.ops.people_page import domains_of, notes_shown, people_page, persons
from webapp.ops.views import forget_room
from webapp.ops.workforce import MOST_REASON, move_people, pause_person, send_note, set_skill, withdraw_note
from webapp.people.models import Note, User
from webapp.people.notes import LANGUAGES, MOST_CHARACTERS
from webapp.people.permissions import MemberRequest, manager_required
from webapp.people.queries import tenant

DAYS = (1, 3, 7, 30)  # how long a note may be shown


@require_GET
@manager_required
def people(request: MemberRequest) -> HttpResponse:
    """Everybody of the organisation, with utilisation and pay of the last seven days."""
    domain, search = request.GET.get("domain", ""), request.GET.get("search", "").strip()[:60]
    view = people_page(
        request.user, domain=domain, search=search, number=request.GET.get("page"), now=timezone.now()
    )
    query = f"{urlencode({'domain': domain, 'search': search})}&"
    context = {"view": view, "domain": domain, "search": search, "query": query}
    return render(request, "ops/people.html", context)


@require_POST
@manager_required
def move(request: MemberRequest) -> HttpResponse:
    """Let the chosen people work in another domain instead."""
    ids = [int(pk) for pk in request.POST.getlist("person") if pk.isascii() and pk.isdecimal()]
    origin, to = request.POST.get("from", ""), request.POST.get("to", "")
    known = domains_of(request.user)
    chosen = User.objects.filter(organisation=tenant(request.user), pk__in=ids)
    moved = move_people(people=chosen, origin=origin, to=to if to in known else "", by=request.user)
    if moved:
        text = ngettext("{n} person works in {domain} now.", "{n} people work in {domain} now.", len(moved))
        messages.success(request, text.format(n=len(moved), domain=to))
    else:
        messages.error(
            request,
            _("Nobody was moved: choose people who work in the first domain and not yet in the second."),
        )
    return redirect("ops:people")


@require_http_methods(["GET", "POST"])
@manager_required
def person(request: MemberRequest, pk: int) -> HttpResponse:
    """One person: pause them with a reason, let them work again, grant a skill or take it back."""
    found = get_object_or_404(User, pk=pk, organisation=tenant(request.user))
    if request.method == "POST":
        _change(request, found)
        forget_room(request)
        return redirect("ops:person", pk)
    (line,) = persons([found], timezone.now())
    others = [domain for domain in domains_of(request.user) if domain not in line.domains]
    context = {"line": line, "person": found, "others": others, "longest": MOST_REASON}
    return render(request, "ops/person.html", context)


def _change(request: MemberRequest, found: User) -> None:
    name, given = found.get_full_name() or found.get_username(), request.POST
    match given.get("act"):
        case "pause" if reason := given.get("reason", "").strip():
            if pause_person(person=found, reason=reason, by=request.user):
                messages.success(request, _("{name} gets no more work for now.").format(name=name))
        case "pause":
            messages.error(request, _("Say why; the person reads it."))
        case "resume":
            if pause_person(person=found, reason="", by=request.user):
                messages.success(request, _("{name} may work again.").format(name=name))
        case "grant" if (domain := given.get("domain", "")) in domains_of(request.user):
            if set_skill(person=found, domain=domain, granted=True, by=request.user):
                text = _("{name} may work in {domain} now.").format(name=name, domain=domain)
                messages.success(request, text)
        case "revoke":
            domain = given.get("domain", "")
            if set_skill(person=found, domain=domain, granted=False, by=request.user):
                text = _("{name} works in {domain} no more.").format(name=name, domain=domain)
                messages.success(request, text)


@require_http_methods(["GET", "POST"])
@manager_required
def notes(request: MemberRequest) -> HttpResponse:
    """Tell the people of a domain, or everybody, something above their workbench."""
    now, known = timezone.now(), domains_of(request.user)
    if request.method == "POST":
        given = request.POST
        domain = given.get("domain", "")
        days = next((n for n in DAYS if str(n) == given.get("days")), DAYS[0])
        texts = {code: given.get(f"text-{code}", "") for code in LANGUAGES}
        until = now + timedelta(days=days)
        if domain and domain not in known:
            messages.error(request, _("Choose one of the domains."))
        elif send_note(texts=texts, domain=domain, until=until, by=request.user, now=now):
            messages.success(request, _("The note is shown above the workbench within half a minute."))
        else:
            messages.error(request, _("Write the note in at least one language."))
        return redirect("ops:notes")
    context = {
        "domains": known, "days": DAYS, "longest": MOST_CHARACTERS, "shown": notes_shown(request.user, now),
        "languages": [("en", "English"), ("de", "Deutsch"), ("ar", "العربية")],
    }  # fmt: skip
    return render(request, "ops/notes.html", context)


@require_POST
@manager_required
def withdraw(request: MemberRequest, pk: int) -> HttpResponse:
    """Show a note to nobody any more."""
    get_object_or_404(Note, pk=pk, organisation=tenant(request.user))
    if withdraw_note(note=pk, by=request.user, now=timezone.now()):
        messages.success(request, _("The note is withdrawn."))
    return redirect("ops:notes")
