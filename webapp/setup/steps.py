"""The steps of the set-up, which of them are done, and what keeps a project from starting."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from webapp.projects.models import Project
from webapp.scenes.models import Scene
from webapp.setup.queries import is_draft
from webapp.setup.workforce import Crew, crew_of

TITLES = {
    "basics": gettext_lazy("Name"),
    "images": gettext_lazy("Pictures"),
    "schema": gettext_lazy("Classes"),
    "guideline": gettext_lazy("Guideline"),
    "targets": gettext_lazy("Quality and cost"),
    "people": gettext_lazy("People"),
    "start": gettext_lazy("Review and start"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One step as the navigation shows it."""

    key: str
    number: int
    title: str
    url: str
    here: bool
    done: bool


@dataclass(frozen=True, slots=True)
class Readiness:
    """What a project has so far. `problems` keep it from starting, `warnings` do not; both are (step, text)."""

    pictures: int
    classes: int
    guideline: int
    crew: Crew
    draft: bool
    problems: tuple[tuple[str, str], ...]
    warnings: tuple[tuple[str, str], ...]


def steps_of(project: Project, here: str) -> list[Step]:
    """The navigation of a project's set-up."""
    done = {
        "basics": True,
        "images": Scene.objects.filter(dataset__project=project).exists(),
        "schema": project.schemas.exists(),
        "guideline": project.guidelines.filter(version__gt=1).exists(),
        "targets": bool(project.policy) or project.budget is not None,
        "people": crew_of(project).total > 0,
        "start": not is_draft(project),
    }
    return [
        Step(key, number, str(title), reverse(f"setup:{key}", args=[project.pk]), key == here, done[key])
        for number, (key, title) in enumerate(TITLES.items(), start=1)
    ]


def after(key: str) -> str:
    """The step behind this one."""
    keys = list(TITLES)
    return keys[min(keys.index(key) + 1, len(keys) - 1)]


def readiness(project: Project) -> Readiness:
    """Look at everything that a start needs."""
    pictures = Scene.objects.filter(dataset__project=project).count()
    schema = project.schemas.order_by("-version").first()
    guideline = project.guidelines.order_by("-version").values_list("version", flat=True).first()
    crew = crew_of(project)
    problems, warnings = [], []
    if not pictures:
        problems.append(("images", _("There are no pictures yet.")))
    if schema is None:
        problems.append(("schema", _("There are no classes yet.")))
    if guideline in (None, 1):
        warnings.append(
            ("guideline", _("The guideline is still the general one; say what your classes mean."))
        )
    if not crew.total:
        warnings.append(("people", _("Nobody may work on it yet: tasks would wait.")))
    elif not crew.specialists:
        warnings.append(
            ("people", _("There is no specialist: disputed cases would end with their stated risk."))
        )
    return Readiness(
        pictures, len(schema.classes) if schema else 0, guideline or 0, crew, is_draft(project), tuple(problems),
        tuple(warnings),
    )  # fmt: skip
