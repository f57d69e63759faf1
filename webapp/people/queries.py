"""Reads about people."""

from django.db.models import QuerySet
from django.urls import reverse

from webapp.people.models import Organisation, User
from webapp.people.permissions import is_manager, is_specialist


def tenant(viewer: User) -> int:
    """The id of the viewer's organisation; 0, which no organisation has, for a person without one."""
    return viewer.organisation_id or 0


def people_of(viewer: User) -> QuerySet[User]:
    """The people of the viewer's organisation."""
    return User.objects.filter(organisation_id=tenant(viewer))


def organisations_of(viewer: User) -> QuerySet[Organisation]:
    """The viewer's organisation, as a query of at most one row."""
    return Organisation.objects.filter(pk=tenant(viewer))


def home_of(viewer: User) -> str:
    """The address of the page on which this person works."""
    if is_manager(viewer):
        return reverse("ops:room")
    if is_specialist(viewer):
        return reverse("desk:desk")
    return reverse("feed")
