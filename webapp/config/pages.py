"""The pages that belong to no single app: the way in and the health check."""

from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET

from webapp.people.permissions import MemberRequest, member_required
from webapp.people.queries import home_of


@require_GET
@member_required
def home(request: MemberRequest) -> HttpResponse:
    """Lead everybody to where they work."""
    return redirect(home_of(request.user))


@require_GET
def healthz(request: HttpRequest) -> JsonResponse:
    """Answer 200 when this process reaches its database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"ok": True})
