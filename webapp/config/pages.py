"""The pages that belong to no single app: the way in, the feed's shell, the health check."""

from dataclasses import asdict, dataclass

from django.contrib.staticfiles import finders
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET

from routing.policy import RoutingPolicy
from webapp.people.permissions import MemberRequest, member_required
from webapp.people.queries import home_of


@dataclass(frozen=True, slots=True)
class Workbench:
    """What the workbench is told by the page that carries it."""

    socket: str
    user: str
    wage: float
    csrf: str


@require_GET
@member_required
def home(request: MemberRequest) -> HttpResponse:
    """Lead everybody to where they work."""
    return redirect(home_of(request.user))


@require_GET
@ensure_csrf_cookie
@member_required
def feed(request: MemberRequest) -> HttpResponse:
    """The empty page that the workbench fills over its socket."""
    person = request.user
    wage = RoutingPolicy().wage_per_hour[person.tier]
    workbench = Workbench("/ws/feed/", person.get_username(), wage, get_token(request))
    built = finders.find("workbench/workbench.js") is not None
    return render(request, "feed/feed.html", {"built": built, "workbench": asdict(workbench)})


@require_GET
def healthz(request: HttpRequest) -> JsonResponse:
    """Answer 200 when this process reaches its database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"ok": True})
