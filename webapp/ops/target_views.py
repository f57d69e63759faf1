"""How sure a project has to be: the forecast before, the change, and its undoing. Views."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from routing.policy import RoutingPolicy
from webapp.ops.audits import audit_forecast
from webapp.ops.retarget import change_audit, change_target, forecast, last_change, undo_change
from webapp.people.permissions import MemberRequest, manager_required
from webapp.projects.queries import projects_of

LEAST, HIGHEST = 0.0005, 0.5  # the range of `RoutingPolicy.target_risk`
MOST_LOOKS = 50


@require_http_methods(["GET", "POST"])
@manager_required
def target(request: MemberRequest, pk: int) -> HttpResponse:
    """Choose another risk target and cap of answers, see what they lead to, then apply them."""
    project = get_object_or_404(projects_of(request.user), pk=pk)
    policy = RoutingPolicy.from_json(project.policy)
    given = request.POST if request.method == "POST" else request.GET
    risk, looks = _risk(given.get("risk", ""), policy), _looks(given.get("looks", ""), policy)
    if request.method == "POST" and request.POST.get("sure") == "1":
        if change_target(project=project, risk=risk, looks=looks, by=request.user):
            messages.success(request, _("The new target is in force for what is still open."))
        return redirect("ops:target", pk)
    changed = (risk, looks) != (policy.target_risk, policy.max_looks)
    context = {"project": project, "risk": risk, "looks": looks, "policy": policy, "changed": changed}
    if "risk" in given:
        context["found"] = forecast(project, risk=risk, looks=looks) if changed else None
    if request.headers.get("HX-Request"):
        return render(request, "ops/target_forecast.html", context)
    last = last_change(project)
    share = _share(request.GET.get("audit", ""), policy)
    audited = audit_forecast(project, share=share)
    return render(request, "ops/target.html", {**context, "last": last, "audit": share, "audited": audited})


@require_POST
@manager_required
def audits(request: MemberRequest, pk: int) -> HttpResponse:
    """Audit another share of what is auto-accepted from now on."""
    project = get_object_or_404(projects_of(request.user), pk=pk)
    share = _share(request.POST.get("audit", ""), RoutingPolicy.from_json(project.policy))
    if change_audit(project=project, share=share, by=request.user):
        messages.success(request, _("The new share is audited of what is pre-labelled from now on."))
    return redirect("ops:target", pk)


@require_POST
@manager_required
def undo_target(request: MemberRequest, pk: int) -> HttpResponse:
    """Go back to the target before the last change."""
    project = get_object_or_404(projects_of(request.user), pk=pk)
    if undo_change(project=project, by=request.user):
        messages.success(request, _("The target is as it was before."))
    else:
        messages.error(
            request, _("The settings have changed since; look at them before you change them again.")
        )
    return redirect("ops:target", pk)


def _risk(text: str, policy: RoutingPolicy) -> float:
    """A share from a number of percent; what makes no sense leaves the target as it is."""
    try:
        found = float(text) / 100
    except ValueError:
        return policy.target_risk
    return round(min(max(found, LEAST), HIGHEST), 6) if found == found else policy.target_risk


def _share(text: str, policy: RoutingPolicy) -> float:
    """A share from a number of percent; what makes no sense leaves the audits as they are."""
    try:
        found = float(text) / 100
    except ValueError:
        return policy.audit_share
    return round(min(max(found, 0.0), 1.0), 6) if found == found else policy.audit_share


def _looks(text: str, policy: RoutingPolicy) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 4):
        return policy.max_looks
    return min(max(int(text), 1), MOST_LOOKS)
