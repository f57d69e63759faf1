"""Questions that nobody may answer any more, because whoever still could was paused, left, or has answered since."""

from datetime import datetime, timedelta

from webapp.labeling.book import Book, object_ids
from webapp.labeling.lifecycle import escalate, fulfil_wishes
from webapp.labeling.models import Assignment, Microtask, Tile
from webapp.labeling.refining import concerns
from webapp.labeling.searching import review_tiles
from webapp.projects.models import Project
from webapp.scenes.models import Dataset

PATIENCE = timedelta(seconds=30)  # after it was asked; most such questions are seen to when they are asked
MOST_TASKS = 200  # looked at per project and round, the oldest first
MOST_PEOPLE = 200  # a larger workforce is never used up by one question


def settle_the_abandoned(*, now: datetime) -> int:
    """Settle or escalate what waits for an answer that nobody may give; returns how many micro-tasks that were."""
    book = Book(now)
    count = 0
    for project in Project.objects.filter(datasets__state=Dataset.State.OPEN).distinct():
        waiting = Microtask.objects.filter(
            project=project, state=Microtask.State.OPEN, created_at__lt=now - PATIENCE,
            assignments__state=Assignment.State.OPEN,
        )  # fmt: skip
        for task in waiting.order_by("pk")[:MOST_TASKS]:
            eligible = book.eligible(project, task.tier)
            if concerns(task) or len(eligible) > MOST_PEOPLE:
                continue  # refinements see to it themselves whenever somebody answers
            if book.nobody_left(project, task.tier, task.excluded):
                _settle(book, task.pk)
                count += 1
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
