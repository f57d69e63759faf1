"""Reads about people."""

from django.urls import reverse

from webapp.people.models import User
from webapp.people.permissions import is_manager, is_specialist


def tenant(viewer: User) -> int:
    """The id of the viewer's organisation; 0, which no organisation has, for a person without one."""
    return viewer.organisation_id or 0


def home_of(viewer: User) -> str:
    """The address of the page on which this person works."""
    if is_manager(viewer):
        return reverse("ops:room")
    if is_specialist(viewer):
        return reverse("desk:desk")
    return reverse("feed")
