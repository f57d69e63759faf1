"""Reads about datasets and scenes, always within the viewer's organisation."""

from pathlib import Path

from django.conf import settings
from django.db.models import QuerySet

from webapp.people.models import User
from webapp.people.queries import tenant
from webapp.scenes.models import Dataset, Scene


def datasets_of(viewer: User) -> QuerySet[Dataset]:
    """The datasets of the viewer's organisation."""
    return Dataset.objects.filter(project__organisation_id=tenant(viewer))


def scenes_of(viewer: User) -> QuerySet[Scene]:
    """The scenes of the viewer's organisation."""
    return Scene.objects.filter(dataset__project__organisation_id=tenant(viewer))


def views_folder() -> Path:
    """Where small views of pictures are kept; it may be emptied at any time."""
    return Path(settings.VAR_DIR) / "views"


def file_of(scene: Scene) -> Path:
    """Where the picture of a scene lies on disk."""
    return Path(settings.MEDIA_DIR) / scene.file
