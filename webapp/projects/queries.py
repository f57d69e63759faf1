"""Reads about projects, always within the viewer's organisation."""

from dataclasses import dataclass

from django.db.models import QuerySet

from routing.annotation.schema import LabelSchema
from webapp.people.models import User
from webapp.people.queries import tenant
from webapp.projects.examples import Example, read_examples
from webapp.projects.models import GuidelineVersion, Project


@dataclass(frozen=True, slots=True)
class Guideline:
    """A guideline as shown: its version, its paragraphs as plain text, its examples."""

    version: int
    paragraphs: tuple[str, ...]
    examples: tuple[Example, ...] = ()


def projects_of(viewer: User) -> QuerySet[Project]:
    """The projects of the viewer's organisation."""
    return Project.objects.filter(organisation_id=tenant(viewer))


def current_schema(project: Project) -> LabelSchema:
    """The newest label schema of a project; raises SchemaVersion.DoesNotExist for a project without one."""
    newest = project.schemas.latest("version")
    return LabelSchema.from_json({**newest.more, "version": newest.version, "classes": newest.classes})


def current_guideline(project: Project) -> Guideline | None:
    """The newest guideline of a project, a paragraph per line."""
    try:
        newest = project.guidelines.latest("version")
    except GuidelineVersion.DoesNotExist:
        return None
    paragraphs = tuple(line.strip() for line in newest.text.splitlines() if line.strip())
    return Guideline(newest.version, paragraphs, tuple(read_examples(newest.examples)))
