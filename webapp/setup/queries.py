"""Reads of the set-up pages: bounded, one organisation only."""

from dataclasses import dataclass

from django.db.models import Exists, OuterRef, QuerySet

from webapp.people.models import User
from webapp.pipeline.models import ModelVersion, Run
from webapp.projects.models import Project
from webapp.projects.queries import projects_of
from webapp.scenes.models import Dataset, Scene
from webapp.scenes.queries import scenes_of

MODELS_SHOWN = 20
PICTURES_SHOWN = 24
PROJECTS_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Listed:
    """A line of the list of projects; `state` is draft, running, paused or done."""

    project: Project
    state: str
    datasets: int
    pictures: int


def listed(viewer: User) -> list[Listed]:
    """The organisation's projects, newest first."""
    return [_listed(p) for p in projects_of(viewer).order_by("-pk")[:PROJECTS_SHOWN]]


def _listed(project: Project) -> Listed:
    states = list(project.datasets.values_list("state", flat=True)[:1000])
    pictures = Scene.objects.filter(dataset__project=project).count()
    return Listed(project, state_of(project, states), len(states), pictures)


def state_of(project: Project, datasets: list[str]) -> str:
    """Return draft, paused, running or done."""
    if is_draft(project):
        return "draft"
    if project.paused:
        return "paused"
    return "done" if datasets and all(s == Dataset.State.DONE for s in datasets) else "running"


def is_draft(project: Project) -> bool:
    """Whether nothing was started yet: it may still be discarded."""
    opened = project.datasets.exclude(state=Dataset.State.NEW).exists()
    return not opened and not Run.objects.filter(project=project).exists()


def to_start(project: Project) -> QuerySet[Dataset]:
    """The data sets that hold pictures which nobody is asked about yet, newest first."""
    unopened = Scene.objects.filter(dataset=OuterRef("pk"), tiles__isnull=True)
    return project.datasets.filter(Exists(unopened)).order_by("-pk")


def pictures_of(viewer: User, project: Project) -> list[Scene]:
    """The newest pictures of a project."""
    found = scenes_of(viewer).filter(dataset__project=project).select_related("dataset")
    return list(found.order_by("-pk")[:PICTURES_SHOWN])


def models_for(viewer: User, project: Project) -> list[ModelVersion]:
    """The models that may propose in a project: its own and those of everybody, promoted ones first."""
    own = ModelVersion.objects.filter(project=project)
    shared = ModelVersion.objects.filter(project__isnull=True)
    return list((own | shared).order_by("-promoted_at", "-pk")[:MODELS_SHOWN])
