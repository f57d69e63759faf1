"""The page that carries the workbench; everything else of the feed goes over its socket."""

from dataclasses import asdict, dataclass

from django.contrib.staticfiles import finders
from django.http import HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET

from routing.policy import RoutingPolicy
from webapp.people.note_views import shown_to
from webapp.people.permissions import MemberRequest, member_required


@dataclass(frozen=True, slots=True)
class Workbench:
    """What the workbench is told by the page that carries it."""

    socket: str
    user: str
    wage: float
    csrf: str


@require_GET
@ensure_csrf_cookie
@member_required
def feed(request: MemberRequest) -> HttpResponse:
    """The empty page that the workbench fills over its socket."""
    person = request.user
    wage = RoutingPolicy().wage_per_hour[person.tier]
    workbench = Workbench("/ws/feed/", person.get_username(), wage, get_token(request))
    built = finders.find("workbench/workbench.js") is not None
    return render(request, "feed/feed.html", {
        "built": built, "workbench": asdict(workbench), "notes": shown_to(person),
    })  # fmt: skip
