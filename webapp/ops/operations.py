"""What managers change from the operations room."""

from django.db import transaction
from django.utils import timezone

from webapp.labeling.models import Event
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


def acknowledge(*, alert: Alert, by: User) -> bool:
    """Note who sees to an alert; return False when somebody else does already."""
    mine = Alert.objects.filter(pk=alert.pk, acknowledged_at__isnull=True)
    return mine.update(acknowledged_by=by, acknowledged_at=timezone.now()) == 1
