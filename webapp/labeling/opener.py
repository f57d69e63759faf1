"""Opens scene after scene, several at a time: while PostgreSQL checks and stores the rows of one, the next is decided."""

from collections.abc import Sequence
from queue import Queue
from threading import Thread
from types import TracebackType
from typing import Self

import numpy as np
from django.db import connection, transaction
from django.utils import timezone

from webapp.labeling import bulk
from webapp.labeling.intake import open_scene
from webapp.labeling.planned import PlannedObject, PlannedTile
from webapp.labeling.shelf import Shelf
from webapp.pipeline.models import Run
from webapp.scenes.models import Scene

WORKERS = 2  # scenes opened at once: one waits for the database while the other computes

Plan = tuple[Scene, Sequence[PlannedTile], Sequence[PlannedObject]]


class Opener:
    """Opens the scenes of a run behind its caller, each in a transaction of its own, until the block ends.

    An error of one scene is raised by the next call or at the end of the block; what was opened before stays open. On
    SQLite, which has one writer, and inside a transaction, which other connections cannot see, scenes are opened at once.
    """

    def __init__(self, run: Run, *, workers: int = WORKERS) -> None:
        self._run = run
        self._shelf = Shelf()
        self._queue: Queue[Plan | None] = Queue(maxsize=1)
        self._error: Exception | None = None
        behind = bulk.is_postgresql() and not connection.in_atomic_block
        self._threads = [Thread(target=self._work, daemon=True) for _ in range(workers if behind else 0)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()
        if kind is None:
            self._raise()

    def open(self, scene: Scene, tiles: Sequence[PlannedTile], objects: Sequence[PlannedObject]) -> None:
        """Open a scene soon; waits while as many as there are workers are under way."""
        self._raise()
        if self._threads:
            self._queue.put((scene, tiles, objects))
        else:
            self._open((scene, tiles, objects), self._shelf)

    def wait(self) -> None:
        """Return when all scenes are open, so that what is asked next sees them; raises what went wrong with one."""
        self._queue.join()
        self._raise()

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

    def _work(self) -> None:
        shelf = Shelf()
        try:
            while (plan := self._queue.get()) is not None:
                try:
                    if self._error is None:
                        self._open(plan, shelf)
                except Exception as error:  # It is the caller's, who hears of it at the next call.
                    self._error = error
                finally:
                    self._queue.task_done()
        finally:
            connection.close()

    def _open(self, plan: Plan, shelf: Shelf) -> None:
        scene, tiles, objects = plan
        rng = np.random.default_rng([self._run.pk, scene.pk])
        with transaction.atomic():
            open_scene(self._run, scene, tiles, objects, now=timezone.now(), rng=rng, shelf=shelf)
