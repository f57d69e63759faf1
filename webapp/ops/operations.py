"""What managers change from the operations room."""

from django.db import transaction
from django.utils import timezone

from webapp.labeling.models import Event
from webapp.ops.models import Alert
from webapp.people.models import User
from webapp.projects.models import Project
from webapp.projects.operations import set_paused


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


def acknowledge(*, alert: Alert, by: User) -> bool:
    """Note who sees to an alert; return False when somebody else does already."""
    mine = Alert.objects.filter(pk=alert.pk, acknowledged_at__isnull=True)
    return mine.update(acknowledged_by=by, acknowledged_at=timezone.now()) == 1
