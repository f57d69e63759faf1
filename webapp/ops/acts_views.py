"""What the managers did, and taking it back. Views."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from webapp.ops.acts import undo
from webapp.ops.acts_page import act_of, acts_of
from webapp.ops.views import forget_room
from webapp.people.permissions import MemberRequest, manager_required
from webapp.projects.queries import projects_of


@require_GET
@manager_required
def acts(request: MemberRequest) -> HttpResponse:
    """Who did what, when, to which project, data set or person; the newest first."""
    chosen, by, below = (_number(request, name) for name in ("project", "by", "below"))
    projects = list(projects_of(request.user).order_by("name"))
    project = next((p for p in projects if p.pk == chosen), None)
    if chosen is not None and project is None:
        raise Http404
    view = acts_of(request.user, project=chosen, by=by, below=below)
    context = {"view": view, "projects": projects, "project": project, "by": by}
    return render(request, "ops/acts.html", context)


@require_POST
@manager_required
def undo_act(request: MemberRequest, pk: int) -> HttpResponse:
    """Take one act back, as far as what it led to is still so."""
    act = act_of(request.user, pk)
    if act is None:
        raise Http404
    if undo(act, by=request.user, now=timezone.now()):
        messages.success(request, _("That is taken back."))
    else:
        messages.error(request, _("Things have changed since; that can no longer be taken back."))
    forget_room(request, *([act.project_id] if act.project_id else []))
    return redirect("ops:acts")


def _number(request: MemberRequest, name: str) -> int | None:
    """A number of the address, None where it is left out; anything else leads nowhere."""
    text = request.GET.get(name, "")
    if text and not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise Http404
    return int(text) if text else None
