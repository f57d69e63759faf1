"""Requests for background computation."""

from typing import Any

from webapp.pipeline.models import ModelVersion, Run
from webapp.projects.models import Project
from webapp.scenes.models import Dataset


def request_prelabel(
    *, dataset: Dataset, model: ModelVersion | None, options: dict[str, Any] | None = None
) -> Run:
    """Ask for a dataset to be pre-labelled and split into micro-tasks; without a model people search everywhere.

    Asking again for a dataset that is not finished returns the run that is there.
    """
    run, _ = Run.objects.get_or_create(
        dataset=dataset,
        kind=Run.Kind.PRELABEL,
        defaults={"project": dataset.project, "model": model, "options": options or {}},
    )
    return run


def request_retrain(*, project: Project, dataset: Dataset, options: dict[str, Any] | None = None) -> Run:
    """Ask for the model to be trained on what people settled in a dataset."""
    run, _ = Run.objects.get_or_create(
        dataset=dataset, kind=Run.Kind.RETRAIN, defaults={"project": project, "options": options or {}}
    )
    return run
