"""What the set-up changes beyond one table."""

from pathlib import Path

from django.conf import settings
from django.db import transaction

from webapp.people.models import Qualification, User
from webapp.people.queries import tenant
from webapp.projects.models import Project
from webapp.projects.queries import projects_of
from webapp.scenes.models import Scene
from webapp.scenes.storage import remove_unused
from webapp.setup.queries import is_draft

DOMAINS_SHOWN = 50


def discard_draft(*, project: Project) -> bool:
    """Delete a project that was never started and the files that only it used; return whether it was one."""
    locked = Project.objects.select_for_update().get(pk=project.pk)
    if not is_draft(locked):
        return False
    places = list(Scene.objects.filter(dataset__project=locked).values_list("file", flat=True))
    locked.delete()
    # Files go only once their rows are gone for good.
    transaction.on_commit(lambda: remove_unused(Path(settings.MEDIA_DIR), places))
    return True


def known_domains(viewer: User) -> list[str]:
    """The domains that the organisation knows, to choose from."""
    people = Qualification.objects.filter(person__organisation=tenant(viewer))
    found = set(people.values_list("domain", flat=True).distinct()[:DOMAINS_SHOWN])
    found |= set(projects_of(viewer).values_list("domain", flat=True).distinct()[:DOMAINS_SHOWN])
    return sorted(found)
