"""What managers do from the operations room: acknowledge, decide appeals, open settled work again. Views."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from webapp.labeling.models import SceneObject
from webapp.ops import reopening
from webapp.ops.appeals import decide_appeal
from webapp.ops.history import object_page
from webapp.ops.models import Alert
from webapp.ops.operations import acknowledge
from webapp.ops.reopen_views import MAX_NOTE, way_of
from webapp.ops.views import forget_room
from webapp.people.models import Appeal, User
from webapp.people.permissions import MemberRequest, manager_required
from webapp.people.queries import tenant


@require_POST
@manager_required
def acknowledge_alert(request: MemberRequest, pk: int) -> HttpResponse:
    """Say that somebody sees to it; the alert stays until its cause is gone."""
    alert = get_object_or_404(Alert, pk=pk, organisation=tenant(request.user))
    acknowledge(alert=alert, by=request.user)
    forget_room(request, *([alert.project_id] if alert.project_id else []))
    return redirect("ops:room")


@require_http_methods(["GET", "POST"])
@manager_required
def appeal(request: MemberRequest, pk: int) -> HttpResponse:
    """What somebody says about their pause, the evidence, and the decision."""
    found = get_object_or_404(
        Appeal.objects.select_related("person__track_record"),
        pk=pk,
        person__organisation=tenant(request.user),
    )
    if request.method == "GET":
        return render(request, "ops/appeal.html", {"appeal": found})
    granted, reply = request.POST.get("decision") == "grant", request.POST.get("reply", "").strip()[:2000]
    if decide_appeal(appeal=found, granted=granted, reply=reply, by=request.user):
        text = _("{name} may work again.") if granted else _("{name} stays paused.")
        messages.success(request, text.format(name=_name(found.person)))
    else:
        messages.error(request, _("Somebody else has decided this already."))
    forget_room(request)
    return redirect("ops:room")


def _name(person: User) -> str:
    return person.get_full_name() or person.get_username()


@require_GET
@manager_required
def item(request: MemberRequest, pk: int) -> HttpResponse:
    """One object with its whole history."""
    found = object_page(request.user, pk)
    if found is None:
        raise Http404
    return render(request, "ops/object.html", {"view": found})


@require_POST
@manager_required
def reopen_object(request: MemberRequest, pk: int) -> HttpResponse:
    """Ask again about one settled object."""
    rows = SceneObject.objects.select_related("scene__dataset")
    found = get_object_or_404(rows, pk=pk, scene__dataset__project__organisation=tenant(request.user))
    way, note = way_of(request.POST), request.POST.get("note", "").strip()[:MAX_NOTE]
    if reopening.reopen_object(found, way=way, note=note, by=request.user, now=timezone.now()):
        messages.success(request, _("Object {pk} is asked about again.").format(pk=pk))
    elif found.state not in SceneObject.SETTLED:
        messages.error(request, _("Object {pk} is being asked about already.").format(pk=pk))
    else:
        messages.error(
            request,
            _("Nobody is left who has not seen object {pk}. Qualify more people for the domain.").format(
                pk=pk
            ),
        )
    return redirect("ops:object", pk)
