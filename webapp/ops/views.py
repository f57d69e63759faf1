"""The operations room: for managers, and only about their organisation."""

from django.contrib import messages
from django.core.cache import cache
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from routing.annotation.kinds import KINDS
from webapp.ops import queries
from webapp.ops.operations import pause_dataset, pause_kind, pause_project
from webapp.ops.room import Room, room
from webapp.ops.scene_page import RISKS, dataset_page, health_of, read_filter, scene_page
from webapp.ops.watch import look_now_and_then
from webapp.people.permissions import MemberRequest, manager_required
from webapp.people.wording import kind_title
from webapp.projects.queries import projects_of
from webapp.scenes.health import FLAWS
from webapp.scenes.images import cached_view
from webapp.scenes.queries import datasets_of, file_of, scenes_of, views_folder

SHARED_S = 0.9  # several watchers of one room share its reads
PREVIEW_PX, THUMB_PX = 1600, 384


@require_GET
@manager_required
def room_page(request: MemberRequest) -> HttpResponse:
    return render(request, "ops/room.html", {"room": _room(request)})


@require_GET
@manager_required
def live(request: MemberRequest) -> HttpResponse:
    """The part of the room that is asked for every second; now and then it looks for alerts, which a page need not wait
    for."""
    look_now_and_then(request.user, now=timezone.now())
    return render(request, "ops/live.html", {"room": _room(request)})


def _room(request: MemberRequest) -> Room:
    chosen = request.GET.get("project", "")
    if chosen and not chosen.isdecimal():
        raise Http404
    key = _room_key(request, chosen, get_language())
    known: Room | None = cache.get(key)
    if known is not None:
        return known
    scope = queries.scope_of(request.user, int(chosen) if chosen else None)
    if scope is None:
        raise Http404
    found = room(request.user, scope, now=timezone.now())
    cache.set(key, found, SHARED_S)
    return found


@require_http_methods(["GET", "POST"])
@manager_required
def pause(request: MemberRequest, pk: int) -> HttpResponse:
    """Ask first, then stop or resume a project."""
    project = get_object_or_404(projects_of(request.user), pk=pk)
    if request.method == "GET":
        held = queries.held_in(project)
        context = {"project": project, "held": held, "kinds": queries.kinds_in(project)}
        return render(request, "ops/pause.html", context)
    paused = request.POST.get("paused") == "1"
    if pause_project(project=project, paused=paused, by=request.user):
        text = _("{name} is paused.") if paused else _("{name} is running again.")
        messages.success(request, text.format(name=project.name))
    forget_room(request, pk)
    return redirect("ops:room")


@require_POST
@manager_required
def pause_some(request: MemberRequest, pk: int) -> HttpResponse:
    """Stop or resume one kind of micro-task in a project."""
    project = get_object_or_404(projects_of(request.user), pk=pk)
    kind, paused = request.POST.get("kind", ""), request.POST.get("paused") == "1"
    if kind not in KINDS:
        raise Http404
    if pause_kind(project=project, kind=kind, paused=paused, by=request.user):
        text = _("“{name}” is paused.") if paused else _("“{name}” is running again.")
        messages.success(request, text.format(name=kind_title(kind)))
    forget_room(request, pk)
    return redirect("ops:pause", pk)


@require_http_methods(["GET", "POST"])
@manager_required
def pause_one(request: MemberRequest, pk: int) -> HttpResponse:
    """Ask first, then stop or resume one data set."""
    found = get_object_or_404(datasets_of(request.user).select_related("project"), pk=pk)
    if request.method == "GET":
        context = {"project": found.project, "dataset": found, "held": queries.held_of(found)}
        return render(request, "ops/pause.html", context)
    paused = request.POST.get("paused") == "1"
    if pause_dataset(dataset=found, paused=paused, by=request.user):
        text = _("{name} is paused.") if paused else _("{name} is running again.")
        messages.success(request, text.format(name=found.name))
    forget_room(request, found.project_id)
    return redirect("ops:dataset", pk)


def forget_room(request: MemberRequest, *projects: int) -> None:
    """Let the next look at the room show what has just changed."""
    language = get_language()
    cache.delete_many([_room_key(request, str(chosen), language) for chosen in ("", *projects)])


def _room_key(request: MemberRequest, chosen: str, language: str) -> str:
    return f"ops:room:{request.user.organisation_id}:{chosen}:{language}"


@require_GET
@manager_required
def dataset(request: MemberRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(datasets_of(request.user).select_related("project"), pk=pk)
    flaw = request.GET.get("flaw", "")
    page, cards = dataset_page(found, request.GET.get("page"), flaw)
    context = {
        "dataset": found, "page": page, "cards": cards, "flaw": flaw if flaw in FLAWS else "", "health": health_of(found),
    }  # fmt: skip
    return render(request, "ops/dataset.html", context)


@require_GET
@manager_required
def scene(request: MemberRequest, pk: int) -> HttpResponse:
    chosen = read_filter(request.GET)
    found = scene_page(request.user, pk, chosen=chosen, number=request.GET.get("page"))
    if found is None:
        raise Http404
    return render(request, "ops/scene.html", {"view": found, "risks": RISKS})


@require_GET
@manager_required
def preview(request: MemberRequest, pk: int, size: str) -> HttpResponse:
    """The whole scene, small, as JPEG."""
    found = get_object_or_404(scenes_of(request.user), pk=pk)
    longest = PREVIEW_PX if size == "preview" else THUMB_PX
    try:
        view = cached_view(file_of(found), views_folder(), longest=longest)
    except ValueError as error:  # The file is gone or no picture any more.
        raise Http404 from error
    response = HttpResponse(view, content_type="image/jpeg")
    response["Cache-Control"] = "private, max-age=86400, immutable"
    return response
