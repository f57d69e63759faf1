"""What managers do from the operations room: acknowledge, decide appeals, open settled work again. Views."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from routing.policy import RoutingPolicy
from webapp.labeling.models import SceneObject
from webapp.ops import reopening
from webapp.ops.appeals import decide_appeal
from webapp.ops.history import object_page
from webapp.ops.models import Alert
from webapp.ops.operations import acknowledge
from webapp.ops.views import forget_room
from webapp.people.models import Appeal, User
from webapp.people.permissions import MemberRequest, manager_required
from webapp.people.queries import tenant
from webapp.projects.queries import current_schema
from webapp.scenes.queries import datasets_of

MAX_NOTE = 150


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
    found = get_object_or_404(SceneObject, pk=pk, scene__dataset__project__organisation=tenant(request.user))
    way, note = _way(request), request.POST.get("note", "").strip()[:MAX_NOTE]
    done = reopening.reopen_objects([found.pk], way=way, note=note, by=request.user, now=timezone.now())
    if done.opened:
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


@require_http_methods(["GET", "POST"])
@manager_required
def reopen_dataset(request: MemberRequest, pk: int) -> HttpResponse:
    """Choose settled objects by a query, see how many they are and what asking again takes, then do it."""
    dataset = get_object_or_404(datasets_of(request.user).select_related("project"), pk=pk)
    given = request.POST if request.method == "POST" else request.GET
    query, way = _query(given), _way(request)
    found = reopening.matching(dataset, query)
    count = found[: reopening.COUNTED + 1].count()
    if request.method == "POST" and request.POST.get("sure") == "1":
        ids = list(found.order_by("-risk", "pk").values_list("pk", flat=True)[: reopening.MOST])
        note = request.POST.get("note", "").strip()[:MAX_NOTE]
        done = reopening.reopen_objects(ids, way=way, note=note, by=request.user, now=timezone.now())
        text = ngettext(
            "%(n)d object is asked about again.", "%(n)d objects are asked about again.", done.opened
        )
        messages.success(request, text % {"n": done.opened})
        if done.skipped:
            text = ngettext(
                "%(n)d was left out: nobody is left to ask, or somebody is asked already.",
                "%(n)d were left out: nobody is left to ask, or somebody is asked already.",
                done.skipped,
            )
            messages.warning(request, text % {"n": done.skipped})
        return redirect("ops:dataset", pk)
    policy = RoutingPolicy.from_json(dataset.project.policy)
    seconds = min(count, reopening.MOST) * reopening.expected_s(way, policy)
    wage = policy.wage_per_hour[reopening.TIER[way]]
    context = {
        "dataset": dataset, "query": query, "way": way, "count": min(count, reopening.COUNTED),
        "more": count > reopening.COUNTED, "most": reopening.MOST, "seconds": seconds, "cost": seconds / 3600 * wage,
        "classes": current_schema(dataset.project).classes,
    }  # fmt: skip
    template = "ops/reopen_count.html" if request.headers.get("HX-Request") else "ops/reopen.html"
    return render(request, template, context)


def _way(request: MemberRequest) -> str:
    way = request.POST.get("way") or request.GET.get("way") or "again"
    return way if way in reopening.WAYS else "again"


def _query(given: Any) -> reopening.Query:
    """Read the query; what makes no sense is left out."""
    label = given.get("class", "")
    try:
        risk = min(max(float(given.get("risk") or 0), 0.0), 100.0) / 100
    except ValueError:
        risk = 0.0
    states = tuple(s for s in given.getlist("state") if s in SceneObject.SETTLED)
    return reopening.Query(
        states=states or (str(SceneObject.State.ACCEPTED),),
        label=int(label) if label.isdecimal() and len(label) < 10 else None,
        by=given.get("by", "") if given.get("by") in ("machine", "consensus", "specialist") else "",
        least_risk=risk if risk == risk else 0.0,
    )
