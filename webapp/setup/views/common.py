"""What the views of the set-up share."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from webapp.people.permissions import MemberRequest
from webapp.projects.models import Project
from webapp.projects.queries import projects_of
from webapp.setup.steps import after, steps_of


def project_or_404(request: MemberRequest, pk: int) -> Project:
    """The viewer's project with this id."""
    return get_object_or_404(projects_of(request.user).select_related("organisation"), pk=pk)


def show(
    request: MemberRequest, project: Project, step: str, *, status: int = 200, **context: Any
) -> HttpResponse:
    """Render one step."""
    context |= {"project": project, "steps": steps_of(project, step), "step": step, "after": after(step)}
    return render(request, f"setup/{step}.html", context, status=status)


def go_on(request: MemberRequest, project: Project, step: str) -> HttpResponse:
    """After a step was saved: to the next one, or back to itself where the form said so."""
    target = step if request.POST.get("then") == "stay" else after(step)
    return redirect(f"setup:{target}", project.pk)
