"""Asking again about what was settled: one object, or those of a data set that a query finds."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from routing.policy import RoutingPolicy
from webapp.labeling.book import Book
from webapp.labeling.lifecycle import fulfil_wishes, wish_about
from webapp.labeling.models import Event, Microtask, SceneObject, Tile
from webapp.ops.selection import Query, matching
from webapp.people.models import User
from webapp.projects.models import Project
from webapp.scenes.models import Dataset

WAYS = ("again", "specialist")  # somebody else looks, or a specialist rules
KIND = {"again": "verify_box", "specialist": "adjudicate"}
TIER = {"again": "crowd", "specialist": "specialist"}
MOST = 2000  # objects that one request opens again
COUNTED = 10_000  # beyond this, "more than" is enough
STAKES = 10  # data sets that the guideline page counts
PORTION = 200  # objects of one transaction


@dataclass(frozen=True, slots=True)
class Reopened:
    """How many are asked about again; `skipped` are those where nobody is left to ask, or somebody is asked already."""

    opened: int
    skipped: int
    before: tuple[tuple[int, str, str, str], ...] = ()  # what they were: id, state, settled by, settled at


@dataclass(frozen=True, slots=True)
class Stake:
    """Accepted objects of one data set, and what asking one more person about each takes at least.

    `more` says that there are more than `COUNTED`; `seconds` and `cost` are then of those that were counted.
    """

    dataset: Dataset
    objects: int
    more: bool
    seconds: float
    cost: float


def at_stake(project: Project) -> list[Stake]:
    """Return what a change of the guideline puts in doubt: the newest data sets with accepted objects."""
    policy = RoutingPolicy.from_json(project.policy)
    wage = policy.wage_per_hour[TIER["again"]]
    found = []
    for dataset in Dataset.objects.filter(project=project).order_by("-pk")[:STAKES]:
        count = matching(dataset, Query())[: COUNTED + 1].count()
        seconds = min(count, COUNTED) * expected_s("again", policy)
        found.append(Stake(dataset, min(count, COUNTED), count > COUNTED, seconds, seconds / 3600 * wage))
    return [stake for stake in found if stake.objects]


def expected_s(way: str, policy: RoutingPolicy) -> float:
    """Human seconds that asking again about one object takes at least."""
    return float(policy.expected_s[KIND[way]])


def reopen_objects(ids: Sequence[int], *, way: str, note: str, by: User, now: datetime) -> Reopened:
    """Ask again about settled objects of the caller's organisation; in portions, so that no lock lasts."""
    total = Reopened(0, 0)
    for at in range(0, min(len(ids), MOST), PORTION):
        part = _portion(ids[at : at + PORTION], way=way, note=note, by=by, now=now)
        total = Reopened(total.opened + part.opened, total.skipped + part.skipped, total.before + part.before)
    return total


@transaction.atomic
def reopen_object(row: SceneObject, *, way: str, note: str, by: User, now: datetime) -> bool:
    """Ask again about one settled object, as an act of its own; return False when that is not possible now."""
    if not reopen_objects([row.pk], way=way, note=note, by=by, now=now).opened:
        return False
    dataset = row.scene.dataset
    Event.objects.create(
        kind="object_reopened", project_id=dataset.project_id, dataset=dataset, object=row, annotator=by,
        data={"way": way, "note": note},
    )  # fmt: skip
    return True


@transaction.atomic
def _portion(ids: Sequence[int], *, way: str, note: str, by: User, now: datetime) -> Reopened:
    book = Book(now)
    book.load_objects(ids)
    book.load_tiles({row.tile_id for row in book.objects.values()})
    asked = set(
        Microtask.objects.filter(object__in=ids, state=Microtask.State.OPEN).values_list("object", flat=True)
    )
    before: list[tuple[int, str, str, str]] = []
    datasets: set[int] = set()
    for row in list(book.objects.values()):
        tile = book.tiles[row.tile_id]
        project = tile.scene.dataset.project
        mine = project.organisation_id == by.organisation_id
        settled = row.state in SceneObject.SETTLED and row.pk not in asked
        if not mine or not settled or book.nobody_left(project, TIER[way], row.touched):
            continue
        at = row.settled_at.isoformat() if row.settled_at else ""
        before.append((row.pk, str(row.state), row.settled_by, at))
        _reopen(book, row, tile, way=way, note=note, by=by)
        datasets.add(tile.scene.dataset_id)
    book.save_objects()
    fulfil_wishes(book)
    book.save_rest()
    closed = Dataset.objects.filter(pk__in=datasets, state=Dataset.State.DONE)
    closed.update(state=Dataset.State.OPEN, done_at=None)
    return Reopened(len(before), len(ids) - len(before), tuple(before))


def _reopen(book: Book, row: SceneObject, tile: Tile, *, way: str, note: str, by: User) -> None:
    """The evidence stays; a new question is asked whatever it says."""
    data: dict[str, Any] = {"way": way, "note": note, "was": str(row.state), "by": row.settled_by}
    row.state, row.settled_at, row.settled_by = SceneObject.State.ASKED, None, ""
    book.touch(row)
    if tile.state != Tile.State.WAITING:
        tile.state = Tile.State.WAITING
        book.touch(tile)
    reason = f"re-opened: {note}" if note else "re-opened by a manager"
    book.wishes.append(wish_about(row, tile, KIND[way], tier=TIER[way], reason=reason))
    book.log(
        "reopened", project=tile.scene.dataset.project, dataset_id=tile.scene.dataset_id, object=row, annotator=by,
        data=data,
    )  # fmt: skip
