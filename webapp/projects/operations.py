"""Everything that changes projects."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max

from routing.annotation.schema import LabelSchema
from routing.policy import RoutingPolicy
from webapp.people.models import Organisation, User
from webapp.projects.examples import Example
from webapp.projects.models import GuidelineVersion, Project, SchemaVersion

DEFAULT_GUIDELINE = """Every object of the listed classes gets one box.

The box touches the outermost visible pixels of the object on all four sides.

Cut off or half hidden objects count: draw what can be seen."""


@transaction.atomic
def create_project(
    *,
    organisation: Organisation,
    name: str,
    domain: str,
    classes: Sequence[str | Mapping[str, Any]],
    guideline: str = DEFAULT_GUIDELINE,
    policy: Mapping[str, Any] | None = None,
    more: Mapping[str, Any] | None = None,
    created_by: User | None = None,
) -> Project:
    """Make a project with version 1 of its schema and guideline.

    A class is a name or `{"name", "id"?, "color"?, "key"?, wants?}`; `more` holds the skeletons, attributes and scene
    questions of the schema (docs/microtask-kinds.md). Raises SchemaError, PolicyError or IntegrityError (the
    organisation has a project of that name).
    """
    RoutingPolicy.from_json(policy or {})
    project = Project.objects.create(
        organisation=organisation, name=name, domain=domain, policy=dict(policy or {})
    )
    new_schema_version(project=project, classes=classes, more=more, created_by=created_by)
    new_guideline_version(project=project, text=guideline, created_by=created_by)
    return project


@transaction.atomic
def new_schema_version(
    *,
    project: Project,
    classes: Sequence[str | Mapping[str, Any]],
    more: Mapping[str, Any] | None = None,
    created_by: User | None = None,
) -> SchemaVersion:
    """Add the next version of the label schema; raises SchemaError naming the field and the fix."""
    version = _next(project.schemas.aggregate(last=Max("version"))["last"])
    rows = [_class_row(entry, index) for index, entry in enumerate(classes)]
    schema = LabelSchema.from_json({**(more or {}), "version": version, "classes": rows})
    stored = [c.to_json() for c in schema.classes]
    return SchemaVersion.objects.create(
        project=project, version=version, classes=stored, more=schema.more(), created_by=created_by
    )


def new_guideline_version(
    *, project: Project, text: str, examples: Sequence[Example] = (), created_by: User | None = None
) -> GuidelineVersion:
    """Add the next version of the guideline."""
    version = _next(project.guidelines.aggregate(last=Max("version"))["last"])
    return GuidelineVersion.objects.create(
        project=project,
        version=version,
        text=text,
        examples=[e.to_json() for e in examples],
        created_by=created_by,
    )


def set_targets(
    *,
    project: Project,
    policy: Mapping[str, Any],
    budget: float | None,
    priority: float | None = None,
    deadline: datetime | None = None,
) -> None:
    """Replace a project's differences from the default policy, its budget and its deadline; raises PolicyError."""
    RoutingPolicy.from_json(policy)
    project.policy, project.budget, project.deadline = dict(policy), budget, deadline
    project.priority = project.priority if priority is None else priority
    project.save(update_fields=["policy", "budget", "priority", "deadline"])


def rename_project(*, project: Project, name: str, domain: str) -> None:
    """Give a project another name and domain; raises IntegrityError when the name is taken."""
    project.name, project.domain = name, domain
    with transaction.atomic():
        project.save(update_fields=["name", "domain"])


def set_paused(*, project: Project, paused: bool) -> bool:
    """Stop or resume offering the project's micro-tasks; return whether that changed anything."""
    changed = Project.objects.filter(pk=project.pk).exclude(paused=paused).update(paused=paused) == 1
    project.paused = paused
    return changed


def _next(last: int | None) -> int:
    return (last or 0) + 1


def _class_row(entry: str | Mapping[str, Any], index: int) -> dict[str, Any]:
    row: dict[str, Any] = {"name": entry} if isinstance(entry, str) else dict(entry)
    row.setdefault("id", index)
    if "key" not in row and index < 9:
        row["key"] = str(index + 1)
    return row
