"""Organisations (tenants), people and what they are allowed to work on."""

from django.contrib.auth.models import AbstractUser
from django.db import models


class Organisation(models.Model):
    """A tenant: its rows, images and people are never seen by another."""

    name = models.CharField(max_length=200, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    ANNOTATOR = "annotator"
    SPECIALIST = "specialist"
    MANAGER = "manager", "operations manager"
    ADMINISTRATOR = "administrator"


class Tier(models.TextChoices):
    """How high on the ladder of escalation; each tier may also do the work below it."""

    CROWD = "crowd"
    SENIOR = "senior"
    SPECIALIST = "specialist"


class User(AbstractUser):
    """A person (or, with `simulated`, a member of the simulated crowd)."""

    organisation = models.ForeignKey(
        Organisation, models.PROTECT, null=True, blank=True, related_name="people"
    )
    role = models.CharField(max_length=20, choices=Role, default=Role.ANNOTATOR)
    tier = models.CharField(max_length=20, choices=Tier, default=Tier.CROWD)
    languages = models.JSONField(default=list, blank=True)
    simulated = models.BooleanField(default=False)

    @property
    def manages(self) -> bool:
        """Whether this person may see the operations room."""
        return self.is_superuser or self.role in (Role.MANAGER, Role.ADMINISTRATOR)

    @property
    def is_specialist(self) -> bool:
        return self.is_superuser or self.tier == Tier.SPECIALIST


class Qualification(models.Model):
    """Permission to work in a domain."""

    person = models.ForeignKey(User, models.CASCADE, related_name="qualifications")
    domain = models.CharField(max_length=60)
    granted_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    granted_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "domain"], name="one_qualification_per_domain")
        ]

    def __str__(self) -> str:
        return f"{self.person} in {self.domain}"


class Appeal(models.Model):
    """What a paused person says to the operations managers, and what one of them decided. One is open at a time."""

    class State(models.TextChoices):
        OPEN = "open"
        GRANTED = "granted"  # the pause was lifted
        DECLINED = "declined"

    person = models.ForeignKey(User, models.CASCADE, related_name="appeals")
    message = models.TextField()
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    reply = models.TextField(blank=True)
    decided_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person"], condition=models.Q(state="open"), name="one_open_appeal_per_person"
            )
        ]
        ordering = ["-pk"]


class Note(models.Model):
    """What a manager tells the people of a domain, or everybody; each of them may put it away."""

    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="notes")
    domain = models.CharField(
        max_length=60, blank=True, help_text="Only who may work in it; empty: everybody."
    )
    texts = models.JSONField(
        help_text="Text by language of the interface; `en` stands in for what is missing."
    )
    by = models.ForeignKey(User, models.PROTECT, related_name="+")
    at = models.DateTimeField()
    until = models.DateTimeField(help_text="Shown until then, or until it is withdrawn.")

    class Meta:
        indexes = [models.Index(fields=["organisation", "until"], name="notes_shown")]


class NoteRead(models.Model):
    """Somebody has put a note away."""

    note = models.ForeignKey(Note, models.CASCADE, related_name="read")
    person = models.ForeignKey(User, models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["note", "person"], name="one_reading_per_note")]
