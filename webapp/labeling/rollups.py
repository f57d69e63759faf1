"""The table of hours, kept while answers come in."""

from django.conf import settings
from django.db import models

from webapp.projects.models import Project


class Workhour(models.Model):
    """Roll-up per annotator, project and hour, kept in the answer's own transaction: what utilisation and pay are read
    from."""

    annotator = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="workhours", db_index=False
    )
    project = models.ForeignKey(Project, models.CASCADE, related_name="+", db_index=False)
    hour = models.DateTimeField(help_text="Its beginning.")
    answers = models.PositiveIntegerField(default=0)
    active_s = models.FloatField(default=0.0)
    connected_s = models.FloatField(
        default=0.0, help_text="With the workbench open, since the answer before."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["annotator", "hour", "project"], name="one_workhour_per_project")
        ]
