"""Who may open which page: the one place that decides. Every view is wrapped in one of these or is public."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from webapp.people.models import Role, User

P = ParamSpec("P")


class MemberRequest(HttpRequest):
    """A request that one of the guards below has let through."""

    user: User


Inner = Callable[Concatenate[MemberRequest, P], HttpResponseBase]
Outer = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def is_manager(person: User) -> bool:
    """Return whether this person may see and steer the operations room."""
    return person.organisation_id is not None and person.manages


def is_specialist(person: User) -> bool:
    """Return whether this person settles disputed cases."""
    return person.organisation_id is not None and (person.role == Role.SPECIALIST or person.is_specialist)


def is_member(person: User) -> bool:
    """Return whether this person belongs to an organisation at all."""
    return person.organisation_id is not None


def _only(allowed: Callable[[User], bool], otherwise: str) -> Callable[[Inner[P]], Outer[P]]:
    def decorate(view: Inner[P]) -> Outer[P]:
        @wraps(view)
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            person = request.user
            if isinstance(person, AnonymousUser):
                return _to_login(request)
            if not allowed(person):
                raise PermissionDenied(otherwise if is_member(person) else NO_ORGANISATION)
            return view(cast(MemberRequest, request), *args, **kwargs)

        return guarded

    return decorate


def _to_login(request: HttpRequest) -> HttpResponse:
    if request.headers.get("HX-Request"):
        # A poll of a page whose session ended must lead to the login page, not paint it inside a panel.
        return HttpResponse(status=204, headers={"HX-Redirect": settings.LOGIN_URL})
    return redirect_to_login(request.get_full_path(), settings.LOGIN_URL)


NO_ORGANISATION = (
    "This account belongs to no organisation. Ask whoever runs this server to assign one in the admin."
)

member_required = _only(is_member, NO_ORGANISATION)
specialist_required = _only(is_specialist, "This page is for specialists.")
manager_required = _only(is_manager, "This page is for operations managers.")
