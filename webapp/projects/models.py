"""Projects: a goal with a versioned label schema, a versioned guideline and a routing policy."""

from django.db import models

from webapp.people.models import Organisation, User


class Project(models.Model):
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="projects")
    name = models.CharField(max_length=200)
    domain = models.CharField(
        max_length=60, help_text="Subject area; annotators need a qualification for it."
    )
    policy = models.JSONField(
        default=dict, blank=True, help_text="Differences from the default RoutingPolicy."
    )
    priority = models.FloatField(
        default=1.0, help_text="Weight against other projects: its share of the offers."
    )
    paused = models.BooleanField(default=False)
    paused_kinds = models.JSONField(
        default=list, blank=True, help_text="Kinds of micro-tasks that are not offered for now."
    )
    budget = models.FloatField(
        null=True, blank=True, help_text="Most that people's time may cost, in the currency of the wages."
    )
    deadline = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When it has to be done: its weight grows during the last three days.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organisation", "name"], name="one_project_of_a_name")]

    def __str__(self) -> str:
        return self.name


class SchemaVersion(models.Model):
    """One immutable version of a project's label schema (routing.annotation.schema)."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="schemas")
    version = models.PositiveIntegerField()
    classes = models.JSONField()
    more = models.JSONField(
        default=dict, blank=True, help_text="Skeletons, attributes, and what is asked of whole scenes."
    )
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "version"], name="one_schema_per_version")]
        ordering = ["version"]


class GuidelineVersion(models.Model):
    """One immutable version of a project's guideline: plain paragraphs, and crops of scenes as examples."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="guidelines")
    version = models.PositiveIntegerField()
    text = models.TextField()
    examples = models.JSONField(
        default=list,
        blank=True,
        help_text="webapp.projects.examples.Example: {verdict, caption, class, scene, rect}, rect [x, y, w, h] in px.",
    )
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "version"], name="one_guideline_per_version")
        ]
        ordering = ["version"]


class GuidelineRead(models.Model):
    """Which version of a project's guideline a person has last read, for each class that they worked on."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="+")
    person = models.ForeignKey(User, models.CASCADE, related_name="+")
    label = models.IntegerField(help_text="Class id; -1 for questions about no single class.")
    version = models.PositiveIntegerField()
    example = models.PositiveIntegerField(
        null=True, blank=True, help_text="The new example that was asked about; null: only acknowledged."
    )
    correct = models.BooleanField(
        null=True, blank=True, help_text="Whether that was answered as the guideline does."
    )
    read_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "person", "label"], name="one_reading_per_class")
        ]
