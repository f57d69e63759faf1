"""Questions that nobody may answer any more, because whoever still could was paused, left, or has answered since."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, Max, OuterRef

from webapp.labeling.book import Book, object_ids
from webapp.labeling.lifecycle import escalate, fulfil_wishes
from webapp.labeling.models import Assignment, Microtask, Tile
from webapp.labeling.refining import concerns
from webapp.labeling.searching import review_tiles
from webapp.scenes.models import Dataset

PATIENCE = timedelta(seconds=30)  # after it was asked; most such questions are seen to when they are asked
SPAN = 20_000  # ids looked at in one round,
REST = timedelta(seconds=5)  # and how long after it began a walk through all of them may begin again
MOST_TASKS = 200  # settled in one transaction
MOST_PEOPLE = 200  # a larger workforce is never used up by one question


@dataclass
class Walk:
    """How far a janitor has come: it looks at a stretch of micro-tasks per round, so that a round costs the same however
    many there are."""

    at: int = 0
    next_from: datetime | None = None

    def stretch(self, last: int, now: datetime) -> tuple[int, int] | None:
        """The ids to look at now, of those up to `last`: (after, up to and including). None while it rests."""
        if self.at == 0:
            if self.next_from is not None and now < self.next_from:
                return None
            self.next_from = now + REST
        begin, self.at = self.at, self.at + SPAN
        if self.at >= last:
            self.at = 0
        return begin, begin + SPAN


def settle_the_abandoned(*, now: datetime, walk: Walk | None = None) -> int:
    """Settle or escalate what waits for an answer that nobody may give; returns how many micro-tasks that were.

    With a `walk` it looks at the next stretch only, without one at everything.
    """
    book = Book(now)
    waiting = Microtask.objects.filter(
        state=Microtask.State.OPEN, created_at__lt=now - PATIENCE, dataset__state=Dataset.State.OPEN,
    )  # fmt: skip
    wanted = Assignment.objects.filter(microtask=OuterRef("pk"), state=Assignment.State.OPEN)
    # What nobody is kept off from is never abandoned.
    waiting = waiting.filter(Exists(wanted)).exclude(excluded=[]).order_by("pk").select_related("project")
    if walk is not None:
        stretch = walk.stretch(Microtask.objects.aggregate(last=Max("pk"))["last"] or 0, now)
        if stretch is None:
            return 0
        waiting = waiting.filter(pk__gt=stretch[0], pk__lte=stretch[1])
    count = 0
    for task in waiting.iterator(chunk_size=1_000):
        eligible = book.eligible(task.project, task.tier)
        if concerns(task) or len(eligible) > MOST_PEOPLE:
            continue  # refinements see to it themselves whenever somebody answers
        if book.nobody_left(task.project, task.tier, task.excluded):
            _settle(book, task.pk)
            count += 1
            if count == MOST_TASKS:
                break
    if count:
        book.save_objects()
        review_tiles(book)
        fulfil_wishes(book)
        book.save_objects()
        book.save_rest()
    return count


def _settle(book: Book, pk: int) -> None:
    book.load_microtasks([pk])
    task = book.microtasks[pk]
    book.resolve(task, "machine", {"abandoned": True})
    rows = [book.objects[id] for id in object_ids(task)]
    for row in rows:
        tile = book.tiles[row.tile_id]
        escalate(book, row, tile, tier="specialist", reason="nobody else may answer")
    if not rows and task.tile_id:
        tile = book.tiles[task.tile_id]
        tile.state = Tile.State.WAITING
        book.touch(tile)
        book.settled_tiles.add(tile.pk)
