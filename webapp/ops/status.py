"""How far each data set is, read from a roll-up instead of counted. Small data sets are counted whenever somebody looks;
what is dear to count is stored (`DatasetStatus`) and counted again behind the back of whoever looks, at most a twentieth
of the time."""

import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db import IntegrityError, connection
from django.db.models import Count, Max, Min, Sum
from django.utils import timezone

from webapp.labeling.models import Microtask, SceneObject, Tally, Tile
from webapp.ops.models import DatasetStatus
from webapp.scenes.models import Dataset

CHEAP_S = 0.05  # what is counted in less is counted every time
SPARE = 20  # what is dear is counted again after this many times its own duration
MOST_PEOPLE = 60  # per data set, those who answered last
State = SceneObject.State


@dataclass(frozen=True, slots=True)
class ObjectCounts:
    """How far the objects of a dataset are, and its tiles."""

    accepted: int = 0
    rejected: int = 0
    undecidable: int = 0
    open: int = 0
    by_machine: int = 0
    by_specialist: int = 0
    tiles: int = 0
    tiles_complete: int = 0
    scenes: int = 0

    @property
    def settled(self) -> int:
        return self.accepted + self.rejected + self.undecidable

    @property
    def known(self) -> int:
        return self.settled + self.open

    def __add__(self, other: "ObjectCounts") -> "ObjectCounts":
        return ObjectCounts(*(getattr(self, f) + getattr(other, f) for f in self.__dataclass_fields__))


@dataclass(frozen=True, slots=True)
class Status:
    """The roll-up of a data set.

    waiting: kind -> (open micro-tasks, since when the oldest waits); closed: (kind, state) -> micro-tasks;
    given: kind -> (answers, active seconds); tiers: tier -> the same; people: id -> the same and the last minute.
    """

    objects: ObjectCounts = ObjectCounts()
    waiting: dict[str, tuple[int, datetime]] = field(default_factory=dict)
    closed: dict[tuple[str, str], int] = field(default_factory=dict)
    given: dict[str, tuple[int, float]] = field(default_factory=dict)
    tiers: dict[str, tuple[int, float]] = field(default_factory=dict)
    people: dict[int, tuple[int, float, datetime]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the roll-up as plain JSON values."""
        return {
            "objects": [getattr(self.objects, name) for name in ObjectCounts.__dataclass_fields__],
            "waiting": {kind: [n, first.isoformat()] for kind, (n, first) in self.waiting.items()},
            "closed": [[*key, n] for key, n in self.closed.items()],
            "given": {kind: list(row) for kind, row in self.given.items()},
            "tiers": {tier: list(row) for tier, row in self.tiers.items()},
            "people": [[pk, n, s, last.isoformat()] for pk, (n, s, last) in self.people.items()],
        }

    @classmethod
    def from_json(cls, obj: dict[str, Any]) -> "Status":
        """Read what `to_json` wrote."""
        return cls(
            ObjectCounts(*obj["objects"]),
            {kind: (n, datetime.fromisoformat(first)) for kind, (n, first) in obj["waiting"].items()},
            {(kind, state): n for kind, state, n in obj["closed"]},
            {kind: (n, s) for kind, (n, s) in obj["given"].items()},
            {tier: (n, s) for tier, (n, s) in obj["tiers"].items()},
            {pk: (n, s, datetime.fromisoformat(last)) for pk, n, s, last in obj["people"]},
        )


def statuses(datasets: Iterable[Dataset]) -> dict[int, Status]:
    """Return the roll-up of each data set. Nothing in a finished one changes until it is opened again."""
    found: dict[int, Status] = {}
    rest: list[Dataset] = []
    for dataset in datasets:
        known = cache.get(_key(dataset)) if dataset.state == Dataset.State.DONE else None
        if known is None:
            rest.append(dataset)
        else:
            found[dataset.pk] = known
    stored = {row.dataset_id: row for row in DatasetStatus.objects.filter(dataset__in=rest)} if rest else {}
    stale = [d for d in rest if not _fresh(d, stored.get(d.pk))]
    dear = [d.pk for d in stale if d.pk in stored and stored[d.pk].took_s > CHEAP_S]
    counted = refresh([d.pk for d in stale if d.pk not in dear])
    _behind(dear)
    for dataset in rest:
        status = counted.get(dataset.pk) or Status.from_json(stored[dataset.pk].content)
        found[dataset.pk] = status
        if dataset.state == Dataset.State.DONE:
            cache.set(_key(dataset), status, timeout=3600)
    return found


def _key(dataset: Dataset) -> str:
    return f"ops:status:{dataset.pk}:{dataset.done_at.timestamp() if dataset.done_at else 0}"


def _fresh(dataset: Dataset, row: DatasetStatus | None) -> bool:
    if row is None:
        return False
    if dataset.state == Dataset.State.DONE and dataset.done_at is not None:
        return row.at > dataset.done_at
    return timezone.now() - row.at < timedelta(seconds=SPARE * row.took_s)


def refresh(ids: Sequence[int]) -> dict[int, Status]:
    """Count anew, and store what was dear."""
    if not ids:
        return {}
    at, started = timezone.now(), time.perf_counter()
    counted = _count(ids)
    took = time.perf_counter() - started
    if took > CHEAP_S:
        weights = {
            pk: 1 + status.objects.known + sum(status.closed.values()) for pk, status in counted.items()
        }
        total = sum(weights.values())
        DatasetStatus.objects.bulk_create(
            [
                DatasetStatus(
                    dataset_id=pk, content=status.to_json(), took_s=took * weights[pk] / total, at=at
                )
                for pk, status in counted.items()
            ],
            update_conflicts=True,
            unique_fields=["dataset"],
            update_fields=["content", "took_s", "at"],
        )
    return counted


_counting = threading.Lock()  # one recount at a time in this process


def _behind(ids: Sequence[int]) -> None:
    """Count anew without letting anybody wait for it."""
    if ids and _counting.acquire(blocking=False):
        threading.Thread(target=_recount, args=(list(ids),), name="recount", daemon=True).start()


def _recount(ids: Sequence[int]) -> None:
    try:
        # A data set may be deleted while it is counted; the others are counted at the next look.
        with suppress(IntegrityError):
            refresh(ids)
    finally:
        connection.close()  # this thread's own
        _counting.release()


def _count(ids: Sequence[int]) -> dict[int, Status]:
    objects = _objects(ids)
    found = {pk: Status(objects=objects[pk]) for pk in ids}
    tasks = Microtask.objects.filter(dataset__in=ids).values_list("dataset", "kind", "state")
    for pk, kind, state, n, first in tasks.annotate(n=Count("pk"), first=Min("created_at")):
        if state == Microtask.State.OPEN:
            found[pk].waiting[kind] = (n, first)
        else:
            found[pk].closed[kind, state] = n
    tallies = Tally.objects.filter(dataset__in=ids)
    sums = {"n": Sum("answers"), "s": Sum("active_s")}
    for pk, kind, n, seconds in tallies.values_list("dataset", "kind").annotate(**sums):
        found[pk].given[kind] = (n, seconds)
    for pk, tier, n, seconds in tallies.values_list("dataset", "annotator__tier").annotate(**sums):
        found[pk].tiers[tier] = (n, seconds)
    people = tallies.values_list("dataset", "annotator").annotate(**sums, last=Max("minute"))
    for pk, person, n, seconds, last in people.order_by("-last"):
        if len(found[pk].people) < MOST_PEOPLE:
            found[pk].people[person] = (n, seconds, last)
    return found


def _objects(ids: Sequence[int]) -> dict[int, ObjectCounts]:
    sums: dict[int, dict[str, int]] = {id: defaultdict(int) for id in ids}
    rows = SceneObject.objects.filter(scene__dataset__in=ids)
    for id, state, by, n in rows.values_list("scene__dataset", "state", "settled_by").annotate(n=Count("pk")):
        sums[id][state if state in SceneObject.SETTLED else "open"] += n
        if state == State.ACCEPTED and by == "machine":
            sums[id]["by_machine"] += n
        if state in SceneObject.SETTLED and by == "specialist":
            sums[id]["by_specialist"] += n
    tiles = Tile.objects.filter(scene__dataset__in=ids).values_list("scene__dataset", "state")
    for id, state, n in tiles.annotate(n=Count("pk")):
        sums[id]["tiles"] += n
        sums[id]["tiles_complete"] += n if state == Tile.State.COMPLETE else 0
    for id, n in Dataset.objects.filter(pk__in=ids).annotate(n=Count("scenes")).values_list("pk", "n"):
        sums[id]["scenes"] = n
    return {id: ObjectCounts(**values) for id, values in sums.items()}
