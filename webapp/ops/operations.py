"""What managers change from the operations room."""

from django.db import transaction
from django.utils import timezone

from routing.annotation.kinds import KINDS
from webapp.labeling.models import Event, Lane
from webapp.labeling.parking import bring_back, park
from webapp.labeling.wakeups import announce_on_commit
from webapp.ops.models import Alert
from webapp.people.models import User
from webapp.projects.models import Project
from webapp.projects.operations import set_paused
from webapp.scenes.models import Dataset


@transaction.atomic
def pause_project(*, project: Project, paused: bool, by: User) -> bool:
    """Stop or resume a project's offers and log who did it; return whether anything changed.

    Tasks that people hold may still be answered.
    """
    changed = set_paused(project=project, paused=paused)
    if changed:
        Event.objects.create(
            kind="project_paused" if paused else "project_resumed", project=project, annotator=by
        )
    return changed


@transaction.atomic
def pause_dataset(*, dataset: Dataset, paused: bool, by: User) -> bool:
    """Stop or resume the offers of one data set and log who did it; return whether anything changed.

    Tasks that people hold may still be answered; what follows from them waits.
    """
    # This locks the row, so two managers take turns.
    changed = Dataset.objects.filter(pk=dataset.pk).exclude(paused=paused).update(paused=paused) == 1
    dataset.paused = paused
    if not changed:
        return False
    if paused:
        park(dataset)
    else:
        announce_on_commit(bring_back(dataset))
    kind = "dataset_paused" if paused else "dataset_resumed"
    Event.objects.create(kind=kind, project_id=dataset.project_id, dataset=dataset, annotator=by)
    return True


@transaction.atomic
def pause_kind(*, project: Project, kind: str, paused: bool, by: User) -> bool:
    """Stop or resume the offers of one kind of micro-task in a project; return whether anything changed.

    Tasks that people hold may still be answered. Raises ValueError for a kind that does not exist.
    """
    if kind not in KINDS:
        raise ValueError(f"kind: there is no kind {kind!r}; choose one of {', '.join(KINDS)}")
    row = Project.objects.select_for_update().get(pk=project.pk)
    if (kind in row.paused_kinds) == paused:
        return False
    row.paused_kinds = sorted({*row.paused_kinds, kind} if paused else {*row.paused_kinds} - {kind})
    row.save(update_fields=["paused_kinds"])
    project.paused_kinds = row.paused_kinds
    if not paused:
        lanes = Lane.objects.filter(project=row, key__startswith=f"{kind}/")
        announce_on_commit(lanes.values_list("project_id", "key"))
    Event.objects.create(
        kind="kind_paused" if paused else "kind_resumed", project=row, annotator=by, data={"kind": kind}
    )
    return True


def acknowledge(*, alert: Alert, by: User) -> bool:
    """Note who sees to an alert; return False when somebody else does already."""
    mine = Alert.objects.filter(pk=alert.pk, acknowledged_at__isnull=True)
    return mine.update(acknowledged_by=by, acknowledged_at=timezone.now()) == 1
