"""Requests for background computation."""

from typing import Any

from webapp.pipeline.models import ModelVersion, Run
from webapp.projects.models import Project
from webapp.scenes.models import Dataset


def request_prelabel(
    *, dataset: Dataset, model: ModelVersion | None, options: dict[str, Any] | None = None
) -> Run:
    """Ask for a dataset to be pre-labelled and split into micro-tasks; without a model people search everywhere.

    Asking again returns the run that is there, and tries it again if it failed.
    """
    run, _ = Run.objects.get_or_create(
        dataset=dataset,
        kind=Run.Kind.PRELABEL,
        defaults={"project": dataset.project, "model": model, "options": options or {}},
    )
    return _tried_again(run)


def request_retrain(*, project: Project, dataset: Dataset, options: dict[str, Any] | None = None) -> Run:
    """Ask for the model to be trained on what people settled in a dataset; asking again as for `request_prelabel`."""
    run, _ = Run.objects.get_or_create(
        dataset=dataset, kind=Run.Kind.RETRAIN, defaults={"project": project, "options": options or {}}
    )
    return _tried_again(run)


def _tried_again(run: Run) -> Run:
    if Run.objects.filter(pk=run.pk, state=Run.State.FAILED).update(
        state=Run.State.WAITING, error="", claimed_by="", finished_at=None
    ):
        run.refresh_from_db()
    return run
