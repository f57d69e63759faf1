"""Appeals of people whose work is paused, and what managers decide about them."""

from django.db import transaction
from django.utils import timezone

from routing.track_record import TrackRecord
from webapp.labeling.models import AnnotatorRecord, Event
from webapp.ops.workforce import pause_person
from webapp.people.models import Appeal, User
from webapp.people.queries import tenant

SHOWN = 20


def open_appeals(viewer: User) -> list[Appeal]:
    """Appeals of the viewer's organisation that nobody has decided, the oldest first."""
    rows = Appeal.objects.filter(person__organisation=tenant(viewer), state=Appeal.State.OPEN)
    return list(rows.select_related("person", "person__track_record").order_by("pk")[:SHOWN])


@transaction.atomic
def decide_appeal(*, appeal: Appeal, granted: bool, reply: str, by: User) -> bool:
    """Close an appeal; return False when another manager was first.

    Who is granted it works again as before where a manager had paused them. Otherwise they begin anew: what was believed
    of them is kept in the event `reinstated` and forgotten, or the next answer would pause them again on the old evidence.
    Replaying the log starts at that event.
    """
    state = Appeal.State.GRANTED if granted else Appeal.State.DECLINED
    decided = Appeal.objects.filter(pk=appeal.pk, state=Appeal.State.OPEN).update(
        state=state, reply=reply, decided_by=by, decided_at=timezone.now()
    )
    if not decided:
        return False
    if granted:
        _begin_anew(appeal.person, by)
    else:
        Event.objects.create(kind="appeal_declined", annotator=by, data={"person": appeal.person_id})
    return True


def _begin_anew(person: User, by: User) -> None:
    row = AnnotatorRecord.objects.select_for_update().filter(annotator=person).first()
    if row is None or pause_person(person=person, reason="", by=by):
        return  # A manager had paused them: nothing that is believed of them was the reason.
    domains = person.qualifications.values_list("domain", flat=True)
    Event.objects.create(kind="reinstated", annotator=person, data={"by": by.pk, "record": row.record})
    row.record = TrackRecord.new(person.tier, sorted(domains)).to_json()
    row.version += 1
    row.standing, row.standing_reason = "ok", ""
    row.save(update_fields=["record", "version", "standing", "standing_reason", "updated_at"])
