"""The label schema as the editor reads and writes it: plain JSON, versioned on every change."""

from collections.abc import Mapping
from typing import Any

from routing.annotation.schema import LabelSchema
from webapp.labeling.models import Refinement, SceneObject
from webapp.people.models import User
from webapp.projects.models import Project, SchemaVersion
from webapp.projects.operations import new_schema_version
from webapp.projects.queries import current_schema

PARTS = ("classes", "skeletons", "attributes", "scene")


def stored_schema(project: Project) -> dict[str, Any]:
    """Return the newest schema without its version; no classes for a project without one."""
    try:
        schema = current_schema(project).to_json()
    except SchemaVersion.DoesNotExist:
        schema = {"classes": []}
    return {part: schema[part] for part in PARTS if part in schema}


def numbered(wanted: Mapping[str, Any], project: Project) -> dict[str, Any]:
    """Return the wanted schema, its new classes with ids that no version of the project has ever used.

    A new class has no id, or a negative one by which the rest of the schema refers to it until it is saved.
    """
    rows = wanted.get("classes")
    rows = [dict(row) if isinstance(row, Mapping) else row for row in rows] if isinstance(rows, list) else []
    used = {c["id"] for version in project.schemas.all() for c in version.classes}
    used |= {row["id"] for row in rows if isinstance(row, dict) and isinstance(row.get("id"), int)}
    fresh = max(used, default=-1) + 1
    given: dict[int, int] = {}
    for row in rows:
        if isinstance(row, dict) and _is_new(row.get("id")):
            if isinstance(row.get("id"), int):
                given.setdefault(row["id"], fresh)
            row["id"], fresh = fresh, fresh + 1
    for row in rows:
        if isinstance(row, dict):
            _refer(row, ("subclasses",), given)
    out = {**{part: wanted[part] for part in PARTS[1:] if wanted.get(part)}, "classes": rows}
    if isinstance(out.get("scene"), Mapping):
        out["scene"] = dict(out["scene"])
        _refer(out["scene"], ("classes", "regions"), given)
    return out


def _is_new(id: object) -> bool:
    return id is None or (isinstance(id, int) and id < 0)


def _refer(body: dict[str, Any], names: tuple[str, ...], given: Mapping[int, int]) -> None:
    """Let lists of class ids name new classes by the ids that they were given."""
    for name in names:
        if isinstance(body.get(name), list):
            body[name] = [given.get(id, id) if isinstance(id, int) else id for id in body[name]]


def save_schema(*, project: Project, wanted: Mapping[str, Any], by: User) -> SchemaVersion:
    """Add the wanted schema as the next version; raises SchemaError."""
    whole = numbered(wanted, project)
    LabelSchema.from_json(whole)  # before rows are filled up
    rows = [{"key": None, **row} if isinstance(row, dict) else row for row in whole.pop("classes")]
    return new_schema_version(project=project, classes=rows, more=whole, created_by=by)


def same_schema(wanted: Mapping[str, Any], stored: Mapping[str, Any]) -> bool:
    """Whether saving would change nothing."""
    parts = {part: wanted[part] for part in PARTS if wanted.get(part)}
    try:
        return LabelSchema.from_json(parts) == LabelSchema.from_json(dict(stored))
    except ValueError:
        return False


def missing_in(wanted: Mapping[str, Any], stored: Mapping[str, Any], project: Project) -> list[str]:
    """Return the names of stored classes that are gone although there are objects, or answers about scenes, of them."""
    rows = wanted.get("classes")
    kept = {row.get("id") for row in rows if isinstance(row, Mapping)} if isinstance(rows, list) else set()
    gone = [c for c in stored["classes"] if c["id"] not in kept]
    objects = SceneObject.objects.filter(scene__dataset__project=project)
    scenes = _asked_of_scenes(project) if gone else frozenset()
    return [str(c["name"]) for c in gone if c["id"] in scenes or objects.filter(label=c["id"]).exists()]


def _asked_of_scenes(project: Project) -> frozenset[int]:
    """The classes that an answer about a whole scene, or about the regions in it, may hold."""
    about = Refinement.objects.filter(scene__dataset__project=project, object=None)
    found: set[int] = set()
    for kind, part in (("label_region", "regions"), ("classify_image", "classes")):
        if about.filter(kind=kind).exists():
            for more in project.schemas.values_list("more", flat=True):
                found.update((more.get("scene") or {}).get(part, ()))
    return frozenset(found)
