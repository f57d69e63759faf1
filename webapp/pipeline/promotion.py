"""Which version of a model pre-labels a project's new scenes, and how that changes: forward by proof, back at once.

Old runs keep the version they used. A version that was rolled back stays in the table and may be promoted again.
"""

from typing import Any

from django.db import transaction
from django.utils import timezone

from webapp.pipeline.models import ModelVersion
from webapp.projects.models import Project


class NotPromoted(ValueError):
    """A version may not take over, or there is nothing to go back to; the message says why and what to do."""


def current_model(project: Project) -> ModelVersion | None:
    """Return the version promoted last, or None: the pretrained model serves."""
    promoted = project.model_versions.filter(promoted_at__isnull=False)
    return promoted.order_by("-promoted_at", "-pk").first()


def promote(version: ModelVersion, comparison: dict[str, Any], *, force_reason: str = "") -> None:
    """Let a version take over. `comparison` is `engine.jobs.evaluate` of it against the current one.

    Raises NotPromoted unless it is better by its interval and surely worse nowhere, or `force_reason` says why it should
    take over all the same; the reason is kept with the version.
    """
    if not comparison["better"] and not force_reason:
        raise NotPromoted(f"{version} was not promoted: {comparison['verdict']}")
    with transaction.atomic():
        row = ModelVersion.objects.select_for_update().get(pk=version.pk)
        row.promoted_at = timezone.now()
        entry = {"at": row.promoted_at.isoformat(), "verdict": comparison["verdict"], "forced": force_reason}
        row.metrics = {**row.metrics, "promotions": [*row.metrics.get("promotions", []), entry]}
        row.save(update_fields=["promoted_at", "metrics"])


def promote_if_better(version: ModelVersion) -> dict[str, Any]:
    """Let a new version serve if the comparison in its own metrics proves it better.

    Return {promoted, verdict} for the result of its run. A version that serves already goes on serving, so that a run
    that was cut off after promoting may be carried out again.
    """
    comparison = version.metrics.get("comparison")
    if comparison is None:
        return {"promoted": False, "verdict": "too few annotations to hold any out and measure"}
    if version.promoted_at is None and comparison["better"]:
        promote(version, comparison)
        version.refresh_from_db()
    return {"promoted": version.promoted_at is not None, "verdict": comparison["verdict"]}


def rollback(project: Project) -> tuple[ModelVersion, ModelVersion | None]:
    """Withdraw the current version; return it and the one that serves now (None: the pretrained one).

    Raises NotPromoted when no version was promoted.
    """
    with transaction.atomic():
        Project.objects.select_for_update().get(pk=project.pk)  # Two rollbacks at once go back one step each.
        bad = current_model(project)
        if bad is None:
            raise NotPromoted(f"no version of {project} is promoted; the pretrained model serves already")
        bad.metrics = {**bad.metrics, "rolled_back_at": timezone.now().isoformat()}
        bad.promoted_at = None
        bad.save(update_fields=["promoted_at", "metrics"])
        return bad, current_model(project)
