"""Re-openings by a query: done at once when they are few, by two managers when they are many, and taken back."""

from datetime import datetime, timedelta

from django.db import transaction

from webapp.labeling.book import Book, object_ids
from webapp.labeling.lifecycle import fulfil_wishes
from webapp.labeling.models import Assignment, Event, Microtask, SceneObject
from webapp.labeling.searching import review_tiles
from webapp.ops.models import Reopening
from webapp.ops.reopening import MOST, PORTION, Reopened, reopen_objects
from webapp.ops.selection import Query, count, matching
from webapp.people.models import User
from webapp.people.queries import tenant
from webapp.scenes.models import Dataset

ALONE = 100  # objects that one manager may open again without a second
VALID = timedelta(days=3)  # how long a request waits for one
SHOWN = 20
State = Reopening.State


def ask_to_reopen(
    *, dataset: Dataset, query: Query, way: str, note: str, by: User, now: datetime
) -> tuple[Reopening, Reopened | None]:
    """Open again what a query means, or, of more than `ALONE` objects, ask for a second manager (None)."""
    meant = count(dataset, query)
    with transaction.atomic():
        row = Reopening.objects.create(
            dataset=dataset, query=query.to_json(), way=way, note=note, objects_meant=meant.objects, asked_by=by,
            asked_at=now, expires_at=now + VALID,
        )  # fmt: skip
        if meant.objects > ALONE or meant.about:
            _log("reopening_asked", row, by)
            return row, None
    return row, _carry_out(row, by=by, most=ALONE, now=now)


@transaction.atomic
def decide(*, row: Reopening, granted: bool, by: User, now: datetime) -> Reopened | None:
    """Consent to a request of another manager, or decline it; None when it was not open to this person any more.

    Who asked cannot consent, but may withdraw the request.
    """
    own = row.asked_by_id == by.pk
    if granted and own:
        return None
    state = State.DONE if granted else State.WITHDRAWN if own else State.DECLINED
    mine = Reopening.objects.filter(pk=row.pk, state=State.WAITING, expires_at__gt=now)
    if not mine.update(state=state, decided_by=by, decided_at=now):
        return None
    row.state, row.decided_by, row.decided_at = state, by, now
    if granted:
        # Not more than what both have seen, should the query mean more by now.
        return _carry_out(row, by=by, most=min(row.objects_meant, MOST), now=now)
    _log("reopening_withdrawn" if own else "reopening_declined", row, by)
    return Reopened(0, 0)


def _carry_out(row: Reopening, *, by: User, most: int, now: datetime) -> Reopened:
    found = matching(row.dataset, Query.from_json(row.query)).order_by("-risk", "pk")
    ids = list(found.values_list("pk", flat=True)[:most])
    done = reopen_objects(ids, way=row.way, note=row.note, by=by, now=now)
    row.state, row.opened, row.decided_by, row.decided_at = (
        State.DONE,
        [list(b) for b in done.before],
        by,
        now,
    )
    row.save(update_fields=["state", "opened", "decided_by", "decided_at"])
    _log("reopening_done", row, by)
    return done


def waiting_for(viewer: User, now: datetime) -> list[Reopening]:
    """Requests of the viewer's organisation that wait for a second manager, the oldest first."""
    rows = Reopening.objects.filter(
        dataset__project__organisation=tenant(viewer), state=State.WAITING, expires_at__gt=now
    )
    return list(rows.select_related("dataset", "asked_by").order_by("pk")[:SHOWN])


def expire(now: datetime) -> int:
    """Close requests that nobody decided in time; returns how many."""
    return Reopening.objects.filter(state=State.WAITING, expires_at__lte=now).update(
        state=State.EXPIRED, decided_at=now
    )


def take_back(*, row: Reopening, by: User, now: datetime) -> int:
    """Undo a re-opening as far as nobody holds or has answered its questions; returns how many objects are as before."""
    if not Reopening.objects.filter(pk=row.pk, state=State.DONE).update(state=State.TAKEN_BACK):
        return 0
    restored = 0
    for at in range(0, len(row.opened), PORTION):
        restored += _restore(row.opened[at : at + PORTION], now)
    _log("reopening_taken_back", row, by, restored=restored)
    return restored


@transaction.atomic
def _restore(before: list[tuple[int, str, str, str]], now: datetime) -> int:
    was = {pk: rest for pk, *rest in before}
    tasks = Microtask.objects.filter(
        object__in=was, state=Microtask.State.OPEN, reason__startswith="re-opened"
    )
    rows = Assignment.objects.select_for_update().filter(microtask__in=tasks.values("pk"))
    by_task: dict[int, list[Assignment]] = {}
    for row in rows:
        by_task.setdefault(row.microtask_id, []).append(row)
    free = [pk for pk, held in by_task.items() if all(a.state == Assignment.State.OPEN for a in held)]
    book = Book(now)
    book.load_microtasks(free)
    restored = 0
    for pk in free:
        task = book.microtasks[pk]
        (about,) = object_ids(task)
        item = book.objects[about]
        if item.state != SceneObject.State.ASKED:
            continue
        state, settled_by, at = was[item.pk]
        item.state, item.settled_by = state, settled_by
        item.settled_at = datetime.fromisoformat(at) if at else now
        book.touch(item)
        book.resolve(task, "machine", {"taken_back": True})
        book.settled_tiles.add(item.tile_id)
        restored += 1
    book.save_objects()
    review_tiles(book)
    fulfil_wishes(book)
    book.save_objects()
    book.save_rest()
    return restored


def _log(kind: str, row: Reopening, by: User, **more: int) -> None:
    data = {"reopening": row.pk, "objects": row.objects_meant, "opened": len(row.opened), **more}
    project = row.dataset.project_id
    Event.objects.create(kind=kind, project_id=project, dataset=row.dataset, annotator=by, data=data)
