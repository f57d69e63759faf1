"""The guideline, as the fragment that the workbench shows beside a task, and what is new in it."""

import json
from typing import Any

from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from webapp.people.permissions import MemberRequest, member_required
from webapp.projects.examples import examples_of
from webapp.projects.models import Project
from webapp.projects.queries import current_guideline, current_schema, projects_of
from webapp.projects.reading import News, NotAsked, acknowledge, news


@require_GET
@member_required
def guideline(request: MemberRequest, pk: int) -> HttpResponse:
    """All of it; with `?class=` only the examples that bear on that class."""
    project = get_object_or_404(projects_of(request.user), pk=pk)
    current = current_guideline(project)
    examples = examples_of(current.examples, _class(request)) if current else []
    context = {
        "project": project, "guideline": current, "examples": examples, "schema": current_schema(project),
    }  # fmt: skip
    return render(request, "projects/guideline.html", context)


@require_http_methods(["GET", "POST"])
@member_required
def guideline_news(request: MemberRequest, pk: int) -> HttpResponse:
    """GET `?class=`: `{version, changed, example: null | {image}}`, what this person is asked once about a new version.
    POST `{version, said: "right" | "wrong" | null}` answers: `{correct, caption, verdict}`, null where nothing was asked."""
    project = get_object_or_404(projects_of(request.user), pk=pk)
    if request.method == "GET":
        return JsonResponse(_asked(project, news(project, request.user, _class(request))))
    try:
        body = json.loads(request.body)
        version, said = int(body["version"]), body.get("said")
        found = acknowledge(project, request.user, _class(request), version, said)
    except NotAsked as refusal:
        return JsonResponse({"message": str(refusal)}, status=409)
    except (ValueError, KeyError, TypeError, AttributeError):
        return JsonResponse({"message": "send {version, said}"}, status=400)
    told = found.example
    return JsonResponse(
        {
            "correct": told and said == told.verdict,
            "caption": told and told.caption,
            "verdict": told and told.verdict,
        }
    )


def _asked(project: Project, found: News) -> dict[str, Any]:
    image = None
    if found.number is not None:
        image = {"image": reverse("setup:example", args=[project.pk, found.version, found.number])}
    return {"version": found.version, "changed": found.changed, "example": image}


def _class(request: MemberRequest) -> int | None:
    given = request.GET.get("class", "")
    return int(given) if given.isdecimal() and len(given) < 9 else None
