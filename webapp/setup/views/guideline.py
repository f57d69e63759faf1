"""The guideline with right and wrong examples; every save that changes something makes the next version."""

import json
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from webapp.ops.reopening import at_stake
from webapp.people.permissions import MemberRequest, manager_required, member_required
from webapp.projects.examples import MAX_CAPTION, MOST, Example, read_examples
from webapp.projects.models import GuidelineVersion, Project
from webapp.projects.operations import new_guideline_version
from webapp.projects.queries import current_schema
from webapp.scenes.images import cached_view
from webapp.scenes.models import Scene
from webapp.scenes.queries import file_of, views_folder
from webapp.setup.queries import pictures_of
from webapp.setup.views.common import go_on, project_or_404, show

MAX_TEXT = 50_000
VERSIONS_SHOWN = 20
EXAMPLE_PX = 320


class BadExamples(ValueError):
    """The examples cannot be stored; the message says which one and why."""


@require_http_methods(["GET", "POST"])
@manager_required
def guideline(request: MemberRequest, pk: int) -> HttpResponse:
    project = project_or_404(request, pk)
    newest = project.guidelines.order_by("-version").first()
    text = newest.text if newest else ""
    examples: list[dict[str, Any]] = newest.examples if newest else []
    shown, error = json.dumps(examples, ensure_ascii=False), ""
    if request.method == "POST":
        text, shown = request.POST.get("text", "")[:MAX_TEXT].strip(), request.POST.get("examples", "[]")
        try:
            wanted = _examples(shown, project)
            if not text:
                raise BadExamples(_("Write at least one sentence."))
        except BadExamples as problem:
            error = str(problem)
        else:
            if newest is None or text != newest.text or wanted != read_examples(examples):
                made = new_guideline_version(
                    project=project, text=text, examples=wanted, created_by=request.user
                )
                messages.success(
                    request, _("Version {n} of the guideline is in force.").format(n=made.version)
                )
            return go_on(request, project, "guideline")
    versions = project.guidelines.select_related("created_by").defer("text").order_by("-version")
    return show(
        request, project, "guideline", text=text, examples=shown, error=error,
        version=newest.version if newest else 0, versions=versions[:VERSIONS_SHOWN],
        stakes=at_stake(project) if newest else [],
        pictures=[_picture(s) for s in pictures_of(request.user, project)], texts=texts(), status=422 if error else 200,
        classes=[{"id": c.id, "name": c.name} for c in current_schema(project).classes],
    )  # fmt: skip


def _picture(scene: Scene) -> dict[str, Any]:
    return {"id": scene.pk, "name": scene.name, "width": scene.width, "height": scene.height}


def _examples(text: str, project: Project) -> list[Example]:
    """Read the editor's examples; raise BadExamples."""
    try:
        found = read_examples(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadExamples(_("The examples cannot be read; reload the page.")) from error
    if len(found) > MOST:
        raise BadExamples(_("At most {n} examples are kept; remove some.").format(n=MOST))
    scenes = Scene.objects.filter(dataset__project=project).in_bulk({e.scene for e in found})
    for number, example in enumerate(found, start=1):
        problem = _problem(example, scenes.get(example.scene))
        if problem:
            raise BadExamples(_("Example {n}: {problem}").format(n=number, problem=problem))
    return found


def _problem(example: Example, scene: Scene | None) -> str:
    if scene is None:
        return _("its picture is gone; remove it.")
    if example.verdict not in ("right", "wrong"):
        return _("say whether it is right or wrong.")
    if not isinstance(example.caption, str) or not 0 < len(example.caption.strip()) <= MAX_CAPTION:
        return _("say in up to {n} characters what it shows.").format(n=MAX_CAPTION)
    if not all(isinstance(v, int | float) for v in example.rect):
        return _("mark the place in the picture again.")
    x, y, w, h = example.rect
    if not (
        w >= 4 and h >= 4 and x >= 0 and y >= 0 and x + w <= scene.width + 1 and y + h <= scene.height + 1
    ):
        return _("mark the place in the picture again.")
    return ""


def texts() -> dict[str, str]:
    """What the example editor says."""
    return {
        "right": _("Right"), "wrong": _("Wrong"), "caption": _("What it shows"), "class": _("Class"),
        "all": _("All classes"), "remove": _("Remove this example"), "add": _("Add an example"),
        "choose": _("Choose a picture"), "place": _("Click where the example is; the arrow keys move it"),
        "size": _("Size"), "use": _("Use this place"), "cancel": _("Cancel"), "none": _("No examples yet."),
        "nopictures": _("Add pictures first; examples are cut from them."), "picture": _("Picture"),
    }  # fmt: skip


@require_GET
@member_required
def example(request: MemberRequest, pk: int, version: int, number: int) -> HttpResponse:
    """One example of a guideline as JPEG: everybody who works here may see it."""
    project = project_or_404(request, pk)
    row = get_object_or_404(GuidelineVersion, project=project, version=version)
    examples = read_examples(row.examples)
    if number >= len(examples):
        raise Http404
    scene = get_object_or_404(Scene, pk=examples[number].scene, dataset__project=project)
    try:
        view = cached_view(file_of(scene), views_folder(), longest=EXAMPLE_PX, rect=examples[number].rect)
    except ValueError as error:  # The file is gone or no picture any more.
        raise Http404 from error
    response = HttpResponse(view, content_type="image/jpeg")
    response["Cache-Control"] = "private, max-age=86400, immutable"
    return response
