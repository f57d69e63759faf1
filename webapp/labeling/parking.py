"""Work of paused data sets, parked at the far end of its lanes, where no window reaches.

A lane holds the work of all data sets of a project, and windows read only its head: what is paused there would keep the
others' work out of sight. So its open assignments are ranked far below all others (`PARKED`), and come back by the same
distance. The row of the data set is the lock: whoever parks or brings back holds it.
"""

from collections.abc import Iterable

from django.db.models import F

from webapp.labeling import bulk
from webapp.labeling.models import Assignment
from webapp.scenes.models import Dataset

PARKED = -5e8  # ranks are hours since 1970, negative, and a few units of value
DISTANCE = 1e9
MOST_STRAYS = 5_000  # parked in one go: about 50 ms

Held = Assignment.State


def park(dataset: Dataset) -> int:
    """Park the open assignments of a data set that was just paused, in the caller's transaction; returns how many."""
    rows = Assignment.objects.filter(microtask__dataset=dataset, microtask__state="open", rank__gt=PARKED)
    return rows.filter(state=Held.OPEN).update(rank=F("rank") - DISTANCE)


def bring_back(dataset: Dataset) -> set[tuple[int, str]]:
    """Undo `park`, in the caller's transaction; returns the lanes that have work again."""
    rows = Assignment.objects.filter(microtask__dataset=dataset, rank__lt=PARKED)
    # A window that is a moment old may have leased one meanwhile.
    waiting = rows.filter(state__in=[Held.OPEN, Held.LEASED])
    lanes = set(waiting.order_by().values_list("project", "lane").distinct())
    waiting.update(rank=F("rank") + DISTANCE)
    return lanes


def park_strays(datasets: Iterable[int], lanes: Iterable[tuple[int, str]]) -> None:
    """Park what came into these lanes after its data set was paused: follow-ups of answers, returned leases, new scenes."""
    locked = Dataset.objects.filter(pk__in=datasets, paused=True)
    if bulk.is_postgresql():
        locked = locked.select_for_update(skip_locked=True)
    still = [dataset.pk for dataset in locked]
    for project, lane in lanes:
        rows = Assignment.objects.filter(project=project, lane=lane, state=Held.OPEN, rank__gt=PARKED)
        rows = rows.filter(microtask__dataset__in=still).order_by("-rank")
        if bulk.is_postgresql():
            rows = rows.select_for_update(skip_locked=True, of=("self",))
        ids = [row.pk for row in rows.only("pk")[:MOST_STRAYS]]
        Assignment.objects.filter(pk__in=ids).update(rank=F("rank") - DISTANCE)
