"""Holds an engine back that is ahead of the people: asks `routing.flow` before every scene, and gives way to other runs."""

import time
from collections.abc import Callable

from django.utils import timezone

from routing.flow import Move, Reserve, next_move
from webapp.labeling import queries
from webapp.pipeline.models import Run

LOOK_S = 1.0  # how old the queue's depth may be


class HeldBack(Exception):
    """Enough work lies ready, and another run waits for the engine: this one goes on later where it was."""


class Gate:
    """One run's way into the queue.

    held: called with the open questions and the full mark whenever the run is held back.
    """

    def __init__(self, run: Run, held: Callable[[int, int], None], reserve: Reserve | None = None) -> None:
        self.run, self.held = run, held
        self.reserve = reserve or Reserve(**run.options.get("reserve", {}))
        self._move: Move = "open"
        self._looked_at = -LOOK_S

    def pass_(self) -> None:
        """Return as soon as the next scene may be opened; raises HeldBack when that is not now and others wait."""
        while not self._open():
            if Run.objects.filter(state=Run.State.WAITING).exclude(pk=self.run.pk).exists():
                raise HeldBack
            time.sleep(LOOK_S)

    def _open(self) -> bool:
        if time.monotonic() < self._looked_at + LOOK_S:
            return self._move == "open"
        pace = queries.answers_per_hour(self.run.project_id, now=timezone.now())
        full = self.reserve.full(pace)
        depth = queries.open_questions(self.run.project_id, at_most=full)
        self._move, self._looked_at = next_move(self._move, depth, pace, self.reserve), time.monotonic()
        if self._move == "hold":
            self.held(depth, full)
        return self._move == "open"
