"""Micro-tasks, who holds them, what was answered and what was concluded.

One `Assignment` row per wanted answer. Leasing is a conditional update; `(microtask, annotator)` is unique, so
nobody can answer twice; "ask one more" inserts a row. Nothing is ever counted to find out what is free.
"""

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from webapp.labeling.acts import ACTS
from webapp.labeling.rollups import Workhour  # noqa: F401  # a table of this application
from webapp.pipeline.models import ModelVersion, Run
from webapp.projects.models import Project
from webapp.scenes.models import Dataset, Scene


class Tile(models.Model):
    """A crop of a scene whose completeness is judged as a whole; owns the objects centred in its core."""

    class State(models.TextChoices):
        WAITING = "waiting"  # objects or drawings are unsettled
        LOOKING = "looking"  # a coverage micro-task is open
        COMPLETE = "complete"

    scene = models.ForeignKey(Scene, models.CASCADE, related_name="tiles")
    x = models.FloatField(help_text="Core, scene pixels.")
    y = models.FloatField()
    w = models.FloatField()
    h = models.FloatField()
    halo = models.FloatField(help_text="Context shown around the core, pixels.")
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    looks = models.JSONField(
        default=list, blank=True, help_text="routing.coverage.Look, one per coverage answer."
    )
    refused_seeds = models.JSONField(
        default=list, blank=True, help_text="Points where nothing was found: [x, y]."
    )
    expected_missed = models.FloatField(null=True, blank=True)
    hints = models.JSONField(
        default=list,
        blank=True,
        help_text="Proposals too weak to be shown, for clicks: [x1, y1, x2, y2, class, P(right), P(there)].",
    )
    run = models.ForeignKey(Run, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scene", "x", "y"], name="one_tile_per_place")]


class SceneObject(models.Model):
    """An object of a scene, as believed now. Its outlines are `ObjectVersion` rows."""

    class State(models.TextChoices):
        GRID = "grid"  # waits for a page of the grid
        ASKED = "asked"  # a micro-task about it is open
        ACCEPTED = "accepted"
        REJECTED = "rejected"
        UNDECIDABLE = "undecidable"

    class Source(models.TextChoices):
        MODEL = "model"
        PERSON = "person"

    SETTLED = (State.ACCEPTED, State.REJECTED, State.UNDECIDABLE)

    # Nobody looks objects up by model or run, and `objects_of_a_scene` begins with the scene: indexes of these foreign
    # keys would only cost every insertion.
    scene = models.ForeignKey(Scene, models.CASCADE, related_name="scene_objects", db_index=False)
    tile = models.ForeignKey(Tile, models.CASCADE, related_name="scene_objects")
    state = models.CharField(max_length=12, choices=State, default=State.GRID)
    label = models.IntegerField(help_text="Class id of the label schema.")
    box = models.JSONField(help_text="[x1, y1, x2, y2] of the current version, scene pixels.")
    version = models.PositiveIntegerField(default=1, help_text="The current version.")
    versions_made = models.PositiveIntegerField(default=1)
    source = models.CharField(max_length=10, choices=Source, help_text="Who proposed the object.")
    model = models.ForeignKey(
        ModelVersion, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    run = models.ForeignKey(Run, models.PROTECT, null=True, blank=True, related_name="+", db_index=False)
    case = models.JSONField(default=dict, help_text="routing.redundancy.ObjectCase as JSON.")
    signals = models.JSONField(default=dict, blank=True)
    evidence = models.JSONField(
        default=list, blank=True, help_text="Looks at it: {annotator, kind, verdict, version, seconds}."
    )
    touched = models.JSONField(
        default=list, blank=True, help_text="Ids of everyone who drew or looked at it."
    )
    risk = models.FloatField(null=True, blank=True, help_text="Stated P(wrong) when it was settled.")
    settled_by = models.CharField(max_length=12, blank=True, help_text="machine | consensus | specialist")
    audited = models.BooleanField(default=False, help_text="Auto-accepted, then drawn for audit.")
    created_at = models.DateTimeField(auto_now_add=True)
    queued_at = models.DateTimeField(null=True, blank=True, help_text="Since when it waits for a grid page.")
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["scene", "state"], name="objects_of_a_scene"),
            models.Index(fields=["queued_at"], condition=Q(state="grid"), name="objects_for_grid_pages"),
        ]


class ObjectVersion(models.Model):
    """One outline of an object; never changed."""

    object = models.ForeignKey(SceneObject, models.CASCADE, related_name="versions", db_index=False)
    number = models.PositiveIntegerField()
    box = models.JSONField()
    label = models.IntegerField()
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    model = models.ForeignKey(
        ModelVersion, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["object", "number"], name="one_outline_per_version")]
        indexes = [
            models.Index(fields=["author"], condition=Q(author__isnull=False), name="versions_of_a_person")
        ]
        ordering = ["number"]


class Refinement(models.Model):
    """What an accepted object (or, without one, a whole scene) still lacks: an outline, joints, attributes, a class.

    At most one micro-task about it is open at a time, and its lock guards this row.
    """

    class State(models.TextChoices):
        OPEN = "open"
        SETTLED = "settled"  # a null value: nobody could say
        CANCELLED = "cancelled"  # the object is gone, or no longer of a class that wants this

    scene = models.ForeignKey(Scene, models.CASCADE, related_name="refinements")
    object = models.ForeignKey(SceneObject, models.CASCADE, null=True, blank=True, related_name="refinements")
    aspect = models.CharField(
        max_length=40,
        help_text="outline | skeleton | line | cuboid | attributes | class | state | same:<other object>",
    )
    kind = models.CharField(max_length=20, help_text="The micro-task kind that is asked first.")
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    box = models.JSONField(null=True, blank=True, help_text="The object's box when it was asked.")
    case = models.JSONField(
        default=dict, help_text="routing.refinement.RefinementCase: ask, said, unsure, waiting."
    )
    value = models.JSONField(null=True, blank=True, help_text="The settled answer.")
    risk = models.FloatField(null=True, blank=True, help_text="Stated P(wrong) when it was settled.")
    settled_by = models.CharField(max_length=12, blank=True, help_text="consensus | specialist | nobody")
    rounds = models.PositiveIntegerField(default=1, help_text="How often it was asked from the start.")
    created_at = models.DateTimeField(auto_now_add=True)
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["object", "aspect"],
                condition=Q(object__isnull=False),
                name="one_refinement_per_aspect",
            ),
            models.UniqueConstraint(
                fields=["scene", "aspect"], condition=Q(object__isnull=True), name="one_refinement_per_scene"
            ),
        ]
        indexes = [
            models.Index(fields=["scene"], condition=Q(state="open"), name="refinements_open"),
        ]


class Microtask(models.Model):
    """The smallest question answerable alone."""

    class State(models.TextChoices):
        OPEN = "open"
        RESOLVED = "resolved"
        CANCELLED = "cancelled"

    # Micro-tasks are looked up by data set, never by project alone; `microtasks_by_state` begins with the data set.
    project = models.ForeignKey(Project, models.CASCADE, related_name="microtasks", db_index=False)
    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="microtasks", db_index=False)
    scene = models.ForeignKey(Scene, models.CASCADE, related_name="microtasks")
    tile = models.ForeignKey(Tile, models.CASCADE, null=True, blank=True, related_name="microtasks")
    object = models.ForeignKey(SceneObject, models.CASCADE, null=True, blank=True, related_name="microtasks")
    kind = models.CharField(max_length=20)
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    domain = models.CharField(max_length=60)
    tier = models.CharField(max_length=20, default="crowd")
    payload = models.JSONField(help_text="What the annotator sees; docs/microtask-kinds.md.")
    secret = models.JSONField(
        default=dict, blank=True, help_text="What the annotator must not see: cells, gold."
    )
    excluded = models.JSONField(default=list, blank=True, help_text="Ids of people who may not answer.")
    value = models.FloatField(
        default=0.0, help_text="Risk at stake: expected loss that an answer could remove."
    )
    expected_s = models.FloatField(default=5.0, help_text="Expected human seconds.")
    reason = models.CharField(max_length=200, blank=True, help_text="Why it is asked.")
    created_at = models.DateTimeField(auto_now_add=True)
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["dataset", "state", "kind"], name="microtasks_by_state")]


class Assignment(models.Model):
    """One wanted answer: open, held by someone, or answered."""

    class State(models.TextChoices):
        OPEN = "open"
        LEASED = "leased"
        ANSWERED = "answered"
        WITHDRAWN = "withdrawn"  # the question is settled without it

    # The foreign keys' own indexes would repeat the first columns of those below, and every lease would pay for them.
    microtask = models.ForeignKey(Microtask, models.CASCADE, related_name="assignments", db_index=False)
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    annotator = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="assignments",
        db_index=False,
    )
    lease = models.CharField(max_length=32, blank=True, help_text="Random token of the current hold.")
    session = models.CharField(
        max_length=32, blank=True, help_text="The socket that holds it; empty after it closed."
    )
    epoch = models.PositiveIntegerField(default=0, help_text="Counts the holds of this assignment.")
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    offer = models.JSONField(
        default=dict, blank=True, help_text="Why this person: terms, runner-up, propensity."
    )
    blind = models.JSONField(null=True, blank=True, help_text="Adjudication: the answer before the reveal.")
    # Copied from the micro-task so that the queue is read from one small index.
    project = models.ForeignKey(Project, models.CASCADE, related_name="+", db_index=False)
    lane = models.CharField(max_length=120, help_text="Interchangeable work: kind/domain/tier.")
    rank = models.FloatField(default=0.0, help_text="Order within the lane; highest first.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["microtask", "annotator"], name="nobody_answers_twice"),
            models.CheckConstraint(
                condition=Q(state__in=["open", "withdrawn"]) | Q(annotator__isnull=False),
                name="held_by_somebody",
            ),
        ]
        indexes = [
            models.Index(
                fields=["project", "lane", "-rank"], condition=Q(state="open"), name="assignments_to_lease"
            ),
            models.Index(
                fields=["lease_expires_at"], condition=Q(state="leased"), name="assignments_to_reap"
            ),
            models.Index(fields=["annotator"], condition=Q(state="leased"), name="assignments_held"),
        ]


class Lane(models.Model):
    """Interchangeable open work: one row per lane that ever held an assignment, so that lanes are read, not searched."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="lanes")
    key = models.CharField(max_length=120)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "key"], name="one_lane_of_a_key")]


class Answer(models.Model):
    """What one person submitted. The id is chosen by the client, so a resend is recognised."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    assignment = models.ForeignKey(Assignment, models.CASCADE, related_name="answers")
    microtask = models.ForeignKey(Microtask, models.CASCADE, related_name="answers")
    annotator = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="answers")
    outcome = models.CharField(max_length=10)
    value = models.JSONField(null=True, blank=True)
    report = models.JSONField(null=True, blank=True)
    telemetry = models.JSONField(default=dict, blank=True)
    active_s = models.FloatField(default=0.0, help_text="Human seconds: active time on the task.")
    late = models.BooleanField(default=False, help_text="The lease had passed on; kept as evidence only.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            # Late answers are evidence beside the one that counts.
            models.UniqueConstraint(
                fields=["assignment"], condition=Q(late=False), name="one_counted_answer_per_assignment"
            )
        ]


class Resolution(models.Model):
    """The final outcome of a micro-task, however reached."""

    class By(models.TextChoices):
        CONSENSUS = "consensus"
        SPECIALIST = "specialist"
        MACHINE = "machine"

    microtask = models.OneToOneField(Microtask, models.CASCADE, related_name="resolution")
    by = models.CharField(max_length=12, choices=By)
    outcome = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)


UNCHECKED: Any = {"db_index": False, "db_constraint": False}


class Event(models.Model):
    """Append-only log: whatever is estimated or counted can be rebuilt from it.

    Several rows are written per answer, so what they point at is neither checked nor indexed: they are read in order.
    """

    at = models.DateTimeField(auto_now_add=True)
    kind = models.CharField(max_length=30)
    project = models.ForeignKey(
        Project, models.DO_NOTHING, null=True, blank=True, related_name="+", **UNCHECKED
    )
    dataset = models.ForeignKey(
        Dataset, models.DO_NOTHING, null=True, blank=True, related_name="+", **UNCHECKED
    )
    annotator = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, blank=True, related_name="+", **UNCHECKED
    )
    microtask = models.ForeignKey(
        Microtask, models.DO_NOTHING, null=True, blank=True, related_name="+", **UNCHECKED
    )
    object = models.ForeignKey(
        SceneObject, models.DO_NOTHING, null=True, blank=True, related_name="+", **UNCHECKED
    )
    data = models.JSONField(default=dict, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["kind", "id"], name="events_by_kind"),
            models.Index(fields=["-id"], condition=Q(kind__in=ACTS), name="events_of_managers"),
        ]


class AnnotatorRecord(models.Model):
    """What is believed of one annotator: routing.track_record.TrackRecord as JSON."""

    annotator = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="track_record")
    record = models.JSONField(default=dict)
    version = models.PositiveIntegerField(default=0, help_text="Counts the changes of the record.")
    standing = models.CharField(max_length=10, default="ok", help_text="ok | coach | paused")
    standing_reason = models.CharField(max_length=300, blank=True)
    held = models.CharField(
        max_length=200, blank=True, default="", db_default="", help_text="Why a manager gives them no work."
    )
    updated_at = models.DateTimeField(auto_now=True)


class Tally(models.Model):
    """Roll-up per dataset, kind, annotator and minute, kept in the answer's own transaction."""

    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="tallies")
    kind = models.CharField(max_length=20)
    annotator = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    minute = models.DateTimeField()
    answers = models.PositiveIntegerField(default=0)
    active_s = models.FloatField(default=0.0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["dataset", "kind", "annotator", "minute"], name="one_tally_per_minute"
            )
        ]


class Annotation(models.Model):
    """The assembled result for a scene, one row per assembly."""

    scene = models.ForeignKey(Scene, models.CASCADE, related_name="annotations")
    number = models.PositiveIntegerField()
    content = models.JSONField(help_text="engine.assemble: one entry per object, with provenance and risk.")
    expected_missed = models.FloatField(default=0.0)
    about = models.JSONField(
        default=dict,
        blank=True,
        help_text="Of the whole scene: {state, class}, each with its value and risk.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["scene", "number"], name="one_annotation_per_assembly")
        ]
        ordering = ["number"]
