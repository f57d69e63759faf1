"""Datasets and the scenes in them."""

from django.db import models

from webapp.projects.models import Project

DARK = models.Q(light__lt=0.08)  # most of it is nearly black
TINY = models.Q(width__lt=64) | models.Q(height__lt=64)  # px: smaller than the crop of one task
UNMEASURED = models.Q(light__isnull=True, deep__isnull=True)  # imported before brightness was measured


class Dataset(models.Model):
    """A named set of scenes that is annotated, tracked and exported together."""

    class State(models.TextChoices):
        NEW = "new"
        OPEN = "open"  # micro-tasks are being answered
        DONE = "done"

    project = models.ForeignKey(Project, models.CASCADE, related_name="datasets")
    name = models.CharField(max_length=200)
    state = models.CharField(max_length=10, choices=State, default=State.NEW)
    paused = models.BooleanField(
        default=False, help_text="Nothing of it is offered, whatever its project does."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    done_at = models.DateTimeField(null=True, blank=True)
    refused = models.JSONField(
        default=list,
        blank=True,
        help_text="Files that an import refused or left out: [name, why], newest last.",
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="one_dataset_of_a_name")]

    def __str__(self) -> str:
        return self.name


class Scene(models.Model):
    """One image that the customer wants fully annotated. The file is stored under its hash."""

    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="scenes")
    name = models.CharField(max_length=300, help_text="File name as imported; never shown to annotators.")
    sha256 = models.CharField(max_length=64)
    file = models.CharField(max_length=300, help_text="Path below the media folder.")
    width = models.PositiveIntegerField(help_text="Pixels, after EXIF orientation.")
    height = models.PositiveIntegerField(help_text="Pixels, after EXIF orientation.")
    deep = models.JSONField(
        null=True,
        blank=True,
        help_text="engine.deep.Greyness of a grey of more than 8 bits; null for other pictures.",
    )
    light = models.FloatField(
        null=True, blank=True, help_text="Median brightness, 0 black to 1 white; null: not measured."
    )
    imported = models.JSONField(default=dict, blank=True, help_text="Annotations that came with the import.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["dataset", "sha256"], name="one_scene_per_content"),
            models.UniqueConstraint(fields=["dataset", "name"], name="one_scene_per_name"),
        ]
        indexes = [
            models.Index(fields=["dataset"], condition=DARK, name="scenes_dark"),
            models.Index(fields=["dataset"], condition=TINY, name="scenes_tiny"),
            models.Index(fields=["dataset"], condition=UNMEASURED, name="scenes_unmeasured"),
        ]

    def __str__(self) -> str:
        return self.name
