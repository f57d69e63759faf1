"""The guideline, as the fragment that the workbench shows beside a task."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from webapp.people.permissions import MemberRequest, member_required
from webapp.projects.queries import current_guideline, current_schema, projects_of


@require_GET
@member_required
def guideline(request: MemberRequest, pk: int) -> HttpResponse:
    project = get_object_or_404(projects_of(request.user), pk=pk)
    context = {"project": project, "guideline": current_guideline(project), "schema": current_schema(project)}
    return render(request, "projects/guideline.html", context)
