"""What the operations room keeps: alerts, and how far each dataset is."""

from django.db import models

from webapp.people.models import Organisation, User
from webapp.projects.models import Project
from webapp.scenes.models import Dataset


class Alert(models.Model):
    """Something that a manager should know. At most one of a kind is open about the same subject; it closes when the
    measure has fallen below its lower threshold (`webapp.ops.alerts`)."""

    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="alerts")
    project = models.ForeignKey(Project, models.CASCADE, null=True, blank=True, related_name="alerts")
    kind = models.CharField(max_length=20, help_text="A key of webapp.ops.alerts.RULES.")
    subject = models.CharField(
        max_length=80, help_text="What it is about: `project:3`, `person:7`, `lane:…`."
    )
    title = models.CharField(
        max_length=200, blank=True, help_text="The subject's name when the alert opened."
    )
    value = models.FloatField(help_text="The measure when it was last looked at.")
    worst = models.FloatField(help_text="The highest value of the measure so far.")
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    acknowledged_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "kind", "subject"],
                condition=models.Q(closed_at__isnull=True),
                name="one_open_alert_per_subject",
            )
        ]


class DatasetStatus(models.Model):
    """The roll-up of one dataset that pages read instead of counting; `webapp.ops.status` computes it."""

    dataset = models.OneToOneField(Dataset, models.CASCADE, related_name="status")
    content = models.JSONField(default=dict)
    took_s = models.FloatField(default=0.0, help_text="How long it took to compute, seconds.")
    at = models.DateTimeField(help_text="As of when.")


class Reopening(models.Model):
    """Settled objects that a manager wants asked about again, by a query. Many need the consent of a second manager."""

    class State(models.TextChoices):
        WAITING = "waiting"  # for a second manager
        DONE = "done"
        DECLINED = "declined"
        WITHDRAWN = "withdrawn"  # by who asked for it
        EXPIRED = "expired"
        TAKEN_BACK = "taken_back"  # after it was done, as far as nobody had answered

    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="reopenings")
    query = models.JSONField(help_text="webapp.ops.selection.Query.")
    way = models.CharField(max_length=12, help_text="again | specialist")
    note = models.CharField(max_length=150, blank=True)
    state = models.CharField(max_length=12, choices=State, default=State.WAITING)
    objects_meant = models.PositiveIntegerField(help_text="How many the query found when it was asked for.")
    opened = models.JSONField(
        default=list, blank=True, help_text="What was opened: [id, state, settled by, settled at] before."
    )
    asked_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    decided_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["expires_at"], condition=models.Q(state="waiting"), name="reopenings_waiting"
            )
        ]
        ordering = ["-pk"]
