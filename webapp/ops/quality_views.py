"""The page on the quality of a project's work, and the galleries behind its figures. Views."""

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.http import require_GET

from webapp.ops.quality import KINDS, NOTHING, Confusion
from webapp.ops.quality_page import QualityPage, gallery, meant, quality_page
from webapp.people.models import User
from webapp.people.permissions import MemberRequest, manager_required
from webapp.people.queries import tenant
from webapp.pipeline.models import ModelVersion
from webapp.projects.models import Project
from webapp.projects.queries import current_schema, projects_of

TITLES = {
    "first_pass": (lazy("Right at first"), lazy("proposals that were accepted as they were")),
    "reworked": (lazy("Reworked"), lazy("objects that somebody had to redraw")),
    "phantom": (lazy("Nothing there"), lazy("proposals that were rejected")),
    "machine": (lazy("Auto-accepted"), lazy("accepted without anybody looking")),
    "escalated": (lazy("Escalated"), lazy("objects that a specialist ruled on")),
    "overturned": (lazy("Overturned"), lazy("rulings that changed or rejected the object")),
    "disagreed": (lazy("Disputed"), lazy("objects about which people disagreed")),
    "unsure": (lazy("Unsure"), lazy("objects about which somebody was unsure")),
    "undecidable": (lazy("Undecidable"), lazy("objects that nobody could decide")),
}


@require_GET
@manager_required
def quality(request: MemberRequest, pk: int) -> HttpResponse:
    """How good the work of a project is, from the objects that were settled last."""
    project = get_object_or_404(projects_of(request.user), pk=pk)
    found = quality_page(request.user, project)
    figures = [(name, *TITLES[name], share, KINDS[name].good) for name, share in found.shares]
    context = {"view": found, "project": project, "figures": figures, "matrix": matrix(found)}
    return render(request, "ops/quality.html", context)


def matrix(found: QualityPage) -> list[tuple[str, list[tuple[str, int, float, bool]]]]:
    """The rows of the confusion matrix: (class, cells); a cell is (name of its gallery, objects, share of the row, right)."""
    table: Confusion = found.confusion
    rows = []
    for proposed in table.classes:
        total = sum(table.cells.get((proposed, column), 0) for column in table.columns)
        cells = [
            (f"pair.{proposed}.{column}", n, n / total if total else 0.0, proposed == column)
            for column in table.columns
            for n in [table.cells.get((proposed, column), 0)]
        ]
        rows.append((found.names.get(proposed, f"#{proposed}"), cells))
    return rows


@require_GET
@manager_required
def items(request: MemberRequest, pk: int, which: str) -> HttpResponse:
    """The objects behind one figure."""
    project = get_object_or_404(projects_of(request.user), pk=pk)
    chosen = meant(which)
    if chosen is None:
        raise Http404
    title = _title(request.user, project, which)
    return render(
        request,
        "ops/items.html",
        {"view": gallery(project, chosen, title, request.GET.get("page")), "project": project},
    )


def _title(viewer: User, project: Project, which: str) -> str:
    name, *numbers = which.split(".")
    if name in TITLES:
        return str(TITLES[name][0])
    classes = {c.id: c.name for c in current_schema(project).classes} | {NOTHING: _("nothing there")}
    titles = [classes.get(int(n), f"#{n}") for n in numbers]
    if name == "pair":
        return _("{proposed}, turned out as {found}").format(proposed=titles[0], found=titles[1])
    if name == "person":
        person = User.objects.filter(organisation=tenant(viewer), pk=numbers[0]).first()
        return _("Seen or drawn by {name}").format(
            name=(person.get_full_name() or person.username) if person else f"#{numbers[0]}"
        )
    if name == "model":
        return str(
            ModelVersion.objects.filter(runs__project=project, pk=numbers[0]).first() or f"#{numbers[0]}"
        )
    return titles[0]
