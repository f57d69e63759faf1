"""The label schema: every save makes the next version, because answers refer to the old ones."""

import json
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from routing.annotation.schema import PALETTE, SchemaError
from webapp.people.permissions import MemberRequest, manager_required
from webapp.projects.models import Project
from webapp.setup.schemas import missing_in, same_schema, save_schema, stored_schema
from webapp.setup.views.common import go_on, project_or_404, show

MOST_CHARS = 2_000_000


@require_http_methods(["GET", "POST"])
@manager_required
def schema(request: MemberRequest, pk: int) -> HttpResponse:
    project = project_or_404(request, pk)
    stored = stored_schema(project)
    text, error = json.dumps(stored, ensure_ascii=False, indent=1), ""
    if request.method == "POST":
        text = request.POST.get("schema", "")[:MOST_CHARS]
        error = _saved(request, project, text, stored)
        if not error:
            return go_on(request, project, "schema")
    return show(
        request, project, "schema", text=text, error=error, version=_version(project), palette=list(PALETTE),
        texts=texts(), status=422 if error else 200,
    )  # fmt: skip


def _saved(request: MemberRequest, project: Project, text: str, stored: dict[str, Any]) -> str:
    """Store the next version where something changed; return what is wrong with it, or ""."""
    try:
        wanted = json.loads(text)
    except ValueError as error:
        return _("This is not JSON: {error}").format(error=error)
    if not isinstance(wanted, dict):
        return _("Give an object with “classes”.")
    if same_schema(wanted, stored):
        return ""
    gone = missing_in(wanted, stored, project)
    if gone:
        names = ", ".join(gone)
        return _(
            "There are objects or answers of these classes, so they must stay (they may be renamed): {names}"
        ).format(names=names)
    try:
        save_schema(project=project, wanted=wanted, by=request.user)
    except SchemaError as error:
        return str(error)
    return ""


def _version(project: Project) -> int:
    newest = project.schemas.order_by("-version").first()
    return newest.version if newest else 0


def texts() -> dict[str, str]:
    """What the schema editor says."""
    return {
        "name": _("Name"), "colour": _("Colour"), "key": _("Key"), "shape": _("Shape"), "remove": _("Remove {name}"),
        "up": _("Move {name} up"), "down": _("Move {name} down"), "add": _("Add a class"), "unnamed": _("the class"),
        "box": _("Box"), "polygon": _("Polygon"), "mask": _("Mask"), "keypoints": _("Skeleton"),
        "polyline": _("Line"), "cuboid": _("Cuboid"),
        "noname": _("Give every class a name."), "samename": _("“{name}” is there twice."),
        "samekey": _("The key {key} is used twice."), "nokey": _("none"),
        "attributes": _("Attributes"), "addattribute": _("Add an attribute"), "attribute": _("Attribute"),
        "options": _("Options, separated by commas"), "multi": _("Several may apply"), "asked": _("Asked of"),
        "skeletons": _("Skeletons"), "addskeleton": _("Add a skeleton"), "skeleton": _("Skeleton"),
        "joints": _("Joints, separated by commas"), "bones": _("Connections, as “from-to”, separated by commas"),
        "left": _("on the left"), "right": _("on the right"), "side": _("Side"), "keys": _("Keys"),
        "noskeleton": _("Choose a skeleton"), "many": _("Paste several names, one a line, to add them at once."),
        "sizes": _("Usual size in metres"), "length": _("Length"), "width": _("Width"), "height": _("Height"),
        "nodims": _("Give length, width and height in metres, above 0 to 100."), **_whole_pictures(),
    }  # fmt: skip


def _whole_pictures() -> dict[str, str]:
    return {
        "finer": _("Finer classes"), "addfiner": _("Name a class more finely"), "class": _("Class"),
        "finerhint": _("People first find objects of the class; then they say which of the finer ones each is."),
        "named": _("Named as one of"), "onefiner": _("With one alone there is nothing to choose; tick two or more."),
        "pictures": _("Whole pictures"), "triage": _("Ask first whether a picture can be used at all"),
        "sorted": _("What the whole picture is"),
        "sortedhint": _("Tick two or more classes, and people say of every picture which one it is."),
        "onesorted": _("With one class there is nothing to choose; tick two or more, or none."),
        "regions": _("What covers every part of the picture"),
        "regionshint": _("Tick classes such as road, grass or water, and people colour every part of a picture "
                         "with them, block by block. Leave all of them empty to ask nothing."),
        "share": _("Share of the blocks that people are asked about (%)"),
        "badshare": _("Give a number above 0, at most 100."),
    }  # fmt: skip
