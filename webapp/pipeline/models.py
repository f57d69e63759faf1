"""Background computation (runs) and the models it makes and uses."""

from django.db import models

from webapp.projects.models import Project
from webapp.scenes.models import Dataset


class ModelVersion(models.Model):
    """A checkpoint that runs may use: a state_dict with a JSON config, never a pickled object."""

    project = models.ForeignKey(Project, models.CASCADE, null=True, blank=True, related_name="model_versions")
    name = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    ref = models.JSONField(help_text="engine.types.ModelRef as JSON.")
    metrics = models.JSONField(default=dict, blank=True)
    promoted_at = models.DateTimeField(
        null=True, blank=True, help_text="Set when it measured better and took over."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.sha256[:8]})"


class Run(models.Model):
    """A request for background computation, claimed by one engine process at a time."""

    class Kind(models.TextChoices):
        PRELABEL = "prelabel"
        RETRAIN = "retrain"

    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    project = models.ForeignKey(Project, models.CASCADE, related_name="runs")
    dataset = models.ForeignKey(Dataset, models.CASCADE, null=True, blank=True, related_name="runs")
    kind = models.CharField(max_length=20, choices=Kind)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    model = models.ForeignKey(ModelVersion, models.PROTECT, null=True, blank=True, related_name="runs")
    options = models.JSONField(default=dict, blank=True)
    progress = models.JSONField(default=dict, blank=True, help_text="{done, total, note}")
    result = models.JSONField(default=dict, blank=True)
    error = models.TextField(blank=True)
    claimed_by = models.CharField(max_length=100, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["state", "id"], name="runs_to_claim")]

    def __str__(self) -> str:
        return f"{self.kind} #{self.pk}"


class PrelabelledScene(models.Model):
    """A scene that a run has finished: makes a run resumable and its rows exact-once."""

    run = models.ForeignKey(Run, models.CASCADE, related_name="scenes_done")
    scene = models.ForeignKey("scenes.Scene", models.CASCADE, related_name="+")
    predictions = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "scene"], name="one_result_per_run_and_scene")]
