"""The pictures of a project: uploaded in small portions, each stored whole or not at all."""

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from webapp.people.permissions import MemberRequest, manager_required
from webapp.projects.models import Project
from webapp.scenes.importers.records import ImportRefused
from webapp.scenes.models import Dataset, Scene
from webapp.scenes.operations import ImportReport
from webapp.setup.queries import pictures_of
from webapp.setup.uploads import import_uploads
from webapp.setup.views.common import project_or_404, show

DATASETS_SHOWN = 50


@require_GET
@manager_required
def images(request: MemberRequest, pk: int) -> HttpResponse:
    project = project_or_404(request, pk)
    datasets = list(project.datasets.order_by("-pk")[:DATASETS_SHOWN])
    return show(
        request, project, "images", datasets=datasets, dataset_name=_suggested(project, datasets),
        pictures=pictures_of(request.user, project),
        total=Scene.objects.filter(dataset__project=project).count(), texts=texts(),
    )  # fmt: skip


@require_POST
@manager_required
def upload(request: MemberRequest, pk: int) -> HttpResponse:
    """Import one portion. A script gets JSON; a plain form gets the page again."""
    project = project_or_404(request, pk)
    name = request.POST.get("dataset", "").strip()[:200] or _("Pictures")
    plain = request.headers.get("Accept", "").startswith("text/html")
    try:
        report = import_uploads(project=project, dataset_name=name, files=request.FILES.getlist("files"))
    except ImportRefused as refused:
        lines = [line.replace("another --dataset", _("another data set")) for line in refused.lines()]
        if not plain:
            return JsonResponse({"ok": False, "problems": lines, "count": len(refused.problems)}, status=422)
        for line in lines:
            messages.error(request, line)
    else:
        if not plain:
            total = Scene.objects.filter(dataset__project=project).count()
            known = len(report.already_there) + len(report.copies)
            body = {
                "ok": True,
                "scenes": report.scenes,
                "known": known,
                "boxes": report.boxes,
                "total": total,
            }
            return JsonResponse(body)
        messages.success(request, _said(report))
    return redirect("setup:images", project.pk)


def _said(report: ImportReport) -> str:
    text = ngettext("%(n)d picture added.", "%(n)d pictures added.", report.scenes) % {"n": report.scenes}
    known = len(report.already_there) + len(report.copies)
    if known:
        text += " " + ngettext("%(n)d was there already.", "%(n)d were there already.", known) % {"n": known}
    return text


def _suggested(project: Project, datasets: list[Dataset]) -> str:
    """Go on with the data set that is not started yet, else propose a new one."""
    waiting = next((d.name for d in datasets if d.state == Dataset.State.NEW), None)
    if waiting or not datasets:
        return waiting or _("Pictures")
    return _("Pictures {number}").format(number=len(datasets) + 1)


def texts() -> dict[str, str]:
    """What the uploading script says."""
    return {
        "sending": _("Sending and checking: {done} of {total}"),
        "checking": _("Sent. Checking the pictures…"),
        "added": _("{n} added"),
        "known": _("{n} were there already"),
        "failed": _("{n} could not be used"),
        "lost": _("The connection broke. What was checked is kept; choose the same files again to go on."),
        "expired": _(
            "Your session has ended. Log in again and choose the same files; what was checked is kept."
        ),
        "nothing": _("No pictures among these files."),
        "reload": _("Show them"),
    }
