"""One round of the dispatcher on its database thread: answers in, decisions made, leases out, one commit."""

import logging
import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from django.db import OperationalError, connection, transaction

from routing.assignment import Waiting
from webapp.feed.seats import Seat, paused, waiting
from webapp.feed.skills import Skills
from webapp.labeling import bulk, grids, holding, operations
from webapp.labeling.book import Book
from webapp.labeling.holding import Desk, Taken
from webapp.labeling.models import Assignment
from webapp.labeling.operations import Ack, Refusal, Submission
from webapp.labeling.presence import Presence, dead_sessions
from webapp.labeling.shelf import Shelf
from webapp.labeling.windows import Windows

log = logging.getLogger(__name__)

QUEUED_S = 0.2  # how often objects are put on grid pages while more of them come,
BUSY_S = 0.5  # while everybody has work, so that looking costs less and pages are fuller,
PAGES_S = 1.0  # and when nothing new waits for a page
RESUME_S = 3.0  # how long after a socket opened its person's orphaned offers are looked for

Given = tuple[Seat, Submission]


@dataclass
class Round:
    """What one transaction did, to be delivered after its commit."""

    replies: list[tuple[Seat, Submission, Ack | Refusal]] = field(default_factory=list)
    resumed: list[tuple[Seat, list[Assignment]]] = field(default_factory=list)
    taken: Taken = field(default_factory=Taken)
    seats: dict[int, Seat] = field(default_factory=dict)
    paused: dict[int, str] = field(default_factory=dict)


class Rounds:
    """Everything that the database thread of one process keeps between rounds."""

    def __init__(self) -> None:
        self.shelf = Shelf()
        self.windows = Windows(self.shelf)
        self.presence = Presence()
        self.skills = Skills()
        self._rng = np.random.default_rng()
        self._pages_at = 0.0
        self._queued = True
        self._short = True  # somebody found nothing to do
        self._begun = False

    def run(
        self,
        answers: Sequence[Given],
        left: Sequence[str],
        hungry: Sequence[Seat],
        clock: float,
        present: Sequence[Seat] = (),
    ) -> Round:
        """Commit one round. `present`: others for whom scarce work may be left (`routing.calling`). Raises
        OperationalError, with nothing done, when the database is away or gave up on it.

        Whatever else fails is traced to the answer that causes it, which alone is refused.
        """
        try:
            self.windows.share = self.presence.refresh()
            self.skills.refresh(self.presence.now())
            if not self._begun:
                self._begin()
            if left:
                with transaction.atomic():
                    holding.leave(left, now=self.presence.now())
            return self._transact(answers, hungry, clock, present)
        except OperationalError:
            self.windows.forget()
            if not connection.is_usable():
                connection.close()
            raise
        except Exception:
            self.windows.forget()
            if not answers:
                raise
            log.exception("a round of %d answers failed; its answers are taken apart", len(answers))
            return self._halved(answers, clock)

    def _begin(self) -> None:
        """On SQLite this is the only web process: whatever sockets hold leases were another's, which is gone."""
        if connection.vendor == "sqlite":
            with transaction.atomic():
                holding.leave(dead_sessions({self.presence.prefix}), now=self.presence.now())
        self._begun = True

    def _halved(self, answers: Sequence[Given], clock: float) -> Round:
        """One poisonous answer must not take the others down: bisect until it is alone."""
        if len(answers) == 1:
            seat, given = answers[0]
            try:
                return self._transact(answers, [], clock)
            except OperationalError:
                raise
            except Exception:
                log.exception("answer %s of %s failed", given.id, seat.person)
                text = "the server could not take this answer; the fault was logged"
                return Round(replies=[(seat, given, Refusal(given.id, "server", text))])
        done = Round()
        for half in (answers[: len(answers) // 2], answers[len(answers) // 2 :]):
            try:
                done.replies += self._transact(half, [], clock).replies
            except OperationalError:
                raise
            except Exception:
                done.replies += self._halved(half, clock).replies
        return done

    def _transact(
        self, answers: Sequence[Given], hungry: Sequence[Seat], clock: float, present: Sequence[Seat] = ()
    ) -> Round:
        now = self.presence.now()
        done = Round()
        # What is written need not be waited for before the next step is worked out: only the commit waits for all of it.
        with transaction.atomic(), bulk.pipeline():
            if answers:
                book = Book(now, self.shelf)
                replies = operations.submit([given for _, given in answers], book)
                done.replies = [(seat, given, r) for (seat, given), r in zip(answers, replies, strict=True)]
                self._queued |= book.queued
                self.windows.news.append(book.lanes)
            self._form_pages(now)
            if hungry:
                self._resume(hungry, done, now, clock)
                self._lease(hungry, present, done, now, clock)
        return done

    def _form_pages(self, now: datetime) -> None:
        clock = time.monotonic()
        soon = QUEUED_S if self._short else BUSY_S
        if clock > self._pages_at + (soon if self._queued else PAGES_S):
            self._queued, self._pages_at = False, clock
            grids.form_pages(
                now=now, rng=self._rng, shelf=self.shelf
            )  # Its lanes are announced with the commit.

    def _resume(self, hungry: Iterable[Seat], done: Round, now: datetime, clock: float) -> None:
        """Look for what an earlier socket of somebody who has just come left behind."""
        fresh = [seat for seat in hungry if seat.sat_at > clock - RESUME_S]
        people = holding.with_orphans([seat.person.pk for seat in fresh])
        for seat in fresh:
            if seat.person.pk in people:
                people.discard(seat.person.pk)
                most = seat.want - len(seat.held)
                done.resumed.append((seat, holding.resume(seat.person, seat.session, now=now, most=most)))

    def _busy(
        self, organisation: int | None, hungry: Sequence[Seat], present: Sequence[Seat]
    ) -> list[Waiting]:
        """Those of an organisation who are at a task now, and want no more before it is done."""
        asking = {seat.person.pk for seat in hungry}
        seats = [
            seat
            for seat in present
            if seat.held and seat.person.pk not in asking and seat.person.organisation_id == organisation
        ]
        self.shelf.load_records({seat.person.pk for seat in seats})
        believed = ((seat, self.shelf.believed(seat.person.pk)) for seat in seats)
        return [waiting(seat, known, 0, math.inf) for seat, known in believed if not paused(known)]

    def _lease(
        self, hungry: Sequence[Seat], present: Sequence[Seat], done: Round, now: datetime, clock: float
    ) -> None:
        resumed = {seat.session: len(rows) for seat, rows in done.resumed}
        # One seat per person and round, so that two tabs of one person are never offered the same task.
        done.seats = {
            seat.person.pk: seat
            for seat in hungry
            if seat.want > len(seat.held) + resumed.get(seat.session, 0)
        }
        if not done.seats:
            return
        self.shelf.load_records(done.seats)
        desks = []
        for pk, seat in done.seats.items():
            seat.domains = self.skills.of(pk, seat.domains)
            believed = self.shelf.believed(pk)
            if reason := paused(believed):
                done.paused[pk] = reason
            else:
                wish = waiting(seat, believed, resumed.get(seat.session, 0), clock)
                desks.append(Desk(seat.person, seat.session, wish))
        done.taken = holding.take(
            desks, self.windows, now=now, rng=self._rng, busy=lambda org: self._busy(org, hungry, present)
        )
        self._short = bool(done.taken.idle)
        done.paused |= done.taken.paused

    def call(self, function: Callable[[], Any]) -> Any:
        """Run a small read or write of one annotator, in a transaction of its own."""
        try:
            with transaction.atomic():
                return function()
        except OperationalError:
            if not connection.is_usable():
                connection.close()
            raise
