"""The list of projects, a new one, its name, and discarding a draft."""

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from webapp.people.permissions import MemberRequest, manager_required
from webapp.people.queries import tenant
from webapp.projects.operations import create_project, rename_project
from webapp.setup.forms import BasicsForm, NewProjectForm
from webapp.setup.operations import discard_draft, known_domains
from webapp.setup.queries import is_draft, listed
from webapp.setup.views.common import go_on, project_or_404, show


@require_GET
@manager_required
def projects(request: MemberRequest) -> HttpResponse:
    return render(request, "setup/projects.html", {"projects": listed(request.user)})


@require_http_methods(["GET", "POST"])
@manager_required
def new(request: MemberRequest) -> HttpResponse:
    """The first page: what the project is called, what it is about, what to look for."""
    form = NewProjectForm(request.POST or None, organisation=tenant(request.user))
    if request.method == "POST" and form.is_valid():
        assert request.user.organisation is not None
        project = create_project(
            organisation=request.user.organisation, created_by=request.user,
            **{name: form.cleaned_data[name] for name in ("name", "domain", "classes")},
        )  # fmt: skip
        return redirect("setup:images", project.pk)
    context = {"form": form, "domains": known_domains(request.user)}
    return render(request, "setup/new.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@manager_required
def basics(request: MemberRequest, pk: int) -> HttpResponse:
    project = project_or_404(request, pk)
    start = {"name": project.name, "domain": project.domain}
    form = BasicsForm(request.POST or None, initial=start, organisation=tenant(request.user), project=project)
    if request.method == "POST" and form.is_valid():
        rename_project(project=project, **form.cleaned_data)
        return go_on(request, project, "basics")
    return show(
        request, project, "basics", form=form, domains=known_domains(request.user), draft=is_draft(project),
        status=422 if form.errors else 200,
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
@manager_required
def discard(request: MemberRequest, pk: int) -> HttpResponse:
    """Ask first, then delete a project that was never started, with its pictures."""
    project = project_or_404(request, pk)
    if request.method == "GET":
        return render(request, "setup/discard.html", {"project": project, "draft": is_draft(project)})
    with transaction.atomic():
        gone = discard_draft(project=project)
    if not gone:
        messages.error(
            request, _("{name} has been started, so it is kept. Pause it instead.").format(name=project)
        )
        return redirect("setup:basics", project.pk)
    messages.success(request, _("{name} was discarded.").format(name=project.name))
    return redirect("setup:projects")
