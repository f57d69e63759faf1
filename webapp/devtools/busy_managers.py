"""What managers have left for each other, for screenshots of the operations room."""

from datetime import timedelta

from django.utils import timezone

from webapp.devtools.rehearsal import World
from webapp.ops.models import Reopening
from webapp.ops.selection import Query
from webapp.people.models import Role, User
from webapp.people.operations import create_person


def wanting(world: World) -> int:
    """Another manager wants objects asked about again, and needs consent; return the request."""
    organisation = world.project.organisation
    username = f"nora-{organisation.pk}"  # of every organisation: names are the site's
    person = User.objects.filter(username=username).first()
    if person is None:
        person = create_person(organisation=organisation, username=username, name="Nora", role=Role.MANAGER)
    now = timezone.now()
    asked = {
        "query": Query(least_risk=0.02).to_json(), "way": "again", "objects_meant": 160, "asked_at": now,
        "note": "Crowns in the shade were cut too tight.", "expires_at": now + timedelta(days=3),
    }  # fmt: skip
    row, _ = Reopening.objects.get_or_create(dataset=world.scene.dataset, asked_by=person, defaults=asked)
    return row.pk
