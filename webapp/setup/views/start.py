"""Review, start, and how far the start is."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from webapp.people.permissions import MemberRequest, manager_required
from webapp.pipeline.models import Run
from webapp.projects.models import Project
from webapp.scenes.models import Dataset, Scene
from webapp.setup.forms import StartForm
from webapp.setup.opening import Start, needs_engine, open_some, opened, start, tiles_per_scene
from webapp.setup.queries import models_for, to_start
from webapp.setup.steps import readiness
from webapp.setup.targets import targets_of
from webapp.setup.views.common import project_or_404, show

SIZES = (8, 16, 48, 150)  # smallest objects that matter, scene pixels


@require_http_methods(["GET", "POST"])
@manager_required
def review(request: MemberRequest, pk: int) -> HttpResponse:
    """Show what is there and what is missing; a POST starts the newest data set that waits."""
    project = project_or_404(request, pk)
    ready = readiness(project)
    form = StartForm(request.POST or None, initial={"proposer": "people", "smallest_px": 16})
    dataset = to_start(project).first()
    if request.method == "POST" and form.is_valid() and not ready.problems and dataset is not None:
        run = start(dataset=dataset, how=_how(form, request, project), by=request.user)
        return redirect("setup:opening", project.pk, run.pk)
    return show(
        request, project, "start", ready=ready, form=form, dataset=dataset, targets=targets_of(project.policy),
        models=models_for(request.user, project), sizes=_sizes(dataset), running=_running(project),
        status=422 if form.errors else 200,
    )  # fmt: skip


def _how(form: StartForm, request: MemberRequest, project: Project) -> Start:
    proposer, smallest = form.cleaned_data["proposer"], form.cleaned_data["smallest_px"]
    model = next((m for m in models_for(request.user, project) if str(m.pk) == proposer), None)
    return Start(smallest, pretrained=proposer == "pretrained", model=model)


def _sizes(dataset: Dataset | None) -> list[tuple[int, int]]:
    """For each size of smallest objects, into how many tiles the first picture would be cut."""
    scene = dataset.scenes.order_by("pk").first() if dataset else None
    if scene is None:
        return [(size, 0) for size in SIZES]
    return [(size, tiles_per_scene(scene.width, scene.height, size)) for size in SIZES]


def _running(project: Project) -> list[Dataset]:
    return list(project.datasets.exclude(state=Dataset.State.NEW).order_by("-pk")[:20])


@require_http_methods(["GET", "POST"])
@manager_required
def opening(request: MemberRequest, pk: int, run: int) -> HttpResponse:
    """How far the start is. Every POST opens some more scenes, so the page goes on for as long as it is open."""
    project = project_or_404(request, pk)
    row = get_object_or_404(Run.objects.select_related("dataset__project"), pk=run, project=project)
    if row.dataset is None or row.kind != Run.Kind.PRELABEL:
        return redirect("setup:start", project.pk)
    by_engine = needs_engine(row)
    if request.method == "POST" and not by_engine:
        far = open_some(row)
    else:
        far = opened(row.dataset)
    if far.finished and request.htmx:  # type: ignore[attr-defined]  # set by django_htmx's middleware
        messages.success(
            request, _("{name} is running. The first tasks are waiting.").format(name=project.name)
        )
        return HttpResponse(status=204, headers={"HX-Redirect": reverse("setup:started", args=[project.pk])})
    if far.finished:
        return redirect("setup:started", project.pk)
    row.refresh_from_db()
    template = "setup/opening_part.html" if request.htmx else "setup/opening.html"  # type: ignore[attr-defined]
    percent = 100 * far.done / max(far.total, 1)
    context = {"project": project, "run": row, "far": far, "by_engine": by_engine, "percent": percent}
    return render(request, template, context)


@require_http_methods(["GET"])
@manager_required
def started(request: MemberRequest, pk: int) -> HttpResponse:
    """What to do now."""
    project = project_or_404(request, pk)
    scenes = Scene.objects.filter(dataset__project=project).count()
    mine = request.user.qualifications.filter(domain=project.domain).exists()
    return render(request, "setup/started.html", {"project": project, "scenes": scenes, "mine": mine})
