"""The dispatcher of one web process: gathers what arrives within a few milliseconds and commits it together.

Sockets put requests into queues; one task takes whatever has gathered, runs it in one transaction on one database thread,
and answers everybody after the commit. So the cost per answer falls as the load rises, SQLite has its single writer, and
nothing is acknowledged before it is durable.
"""

import asyncio
import gc
import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Any

from django.conf import settings
from django.db import DatabaseError

from webapp.feed import metrics, trace
from webapp.feed.idlers import Idlers
from webapp.feed.limits import Tabs
from webapp.feed.rounds import Given, Round, Rounds
from webapp.feed.seats import (
    Seat,
    idle_frame,
    offer_frame,
    paused_frame,
    reply_frame,
    resumed_frame,
    revoked_frame,
)
from webapp.feed.wake import WorkListener
from webapp.labeling.holding import lease_length
from webapp.labeling.operations import Ack, Refusal, Submission

log = logging.getLogger(__name__)

GATHER_S = 0.001  # how long a round waits for company at least,
GATHER_MOST_S = (
    0.03  # and at most, while more keeps coming; in between, a quarter of what the last round took
)
QUIET_S = 0.004  # for so long nobody came: no more are expected
LOOK_S = 2.0 if settings.REDIS_URL else 0.25  # how often idle annotators are tried again unasked
# Another kind of question costs half as much time again for three tasks (10 s or so), so waiting for more of the same is
# worth it while a task is on the screen and nobody notices; whoever has nothing to do hardly waits for it.
STAY_S, STAY_BUSY_S = 0.05, 6.0
MOST_ANSWERS = 192  # per transaction: bounds how long a commit holds its locks
MOST_SEATS = 144  # annotators matched per transaction
MOST_PRESENT = 256  # whom scarce work may be left for; of more, somebody among these will do
MOST_QUEUED = (
    20_000  # answers waiting for a database that is away; more are refused, and sent again by their clients
)
BACKOFF_S = (0.02, 0.1, 0.3, 1.0)  # after a failed round
AWAY_S = 600.0  # without an answer for longer, somebody has left the workbench open and is not there
EXPIRY_S = 2.0  # how often run-out leases are taken back from open sockets


class Dispatcher:
    """One per process and event loop; made by `dispatcher()`."""

    def __init__(self) -> None:
        self.seats: dict[str, Seat] = {}
        self.tabs = Tabs(settings.FEED_TABS)
        self.draining = False
        self._answers: deque[tuple[float, Given]] = deque()
        self._left: list[str] = []
        self._waiting: dict[
            str, Seat
        ] = {}  # want work and have not been tried since they or the work changed
        self._wake = asyncio.Event()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="dispatcher")
        self._rounds = Rounds()
        self._idle = Idlers(self._rounds.windows)  # want work, and there was none
        self._last_s = 0.0
        self._failures = 0
        self._underway = False  # a round is being committed or told
        self._number = 0  # of the round
        self._loop = asyncio.get_running_loop()
        self._listener = WorkListener(self.stir)
        self.task = self._loop.create_task(self._run())

    @property
    def prefix(self) -> str:
        """What the sessions of this process begin with."""
        return self._rounds.presence.prefix

    def now(self) -> datetime:
        """The time by which leases are given."""
        return self._rounds.presence.now()

    @property
    def round_id(self) -> str:
        """What the log calls the round that is under way."""
        return f"{self.prefix}-{self._number}"

    # Called by sockets, on the event loop ------------------------------------------------------------------------

    def sit(self, seat: Seat) -> None:
        seat.sat_at = self._loop.time()
        self.seats[seat.session] = seat
        metrics.SOCKETS.set(len(self.seats))

    def rise(self, seat: Seat) -> None:
        """The socket closed: what it held waits for the person to come back."""
        self.seats.pop(seat.session, None)
        self._waiting.pop(seat.session, None)
        self._idle.drop(seat)
        metrics.SOCKETS.set(len(self.seats))
        self._left.append(seat.session)
        self._wake.set()

    def ready(self, seat: Seat, want: int) -> None:
        seat.want = want
        seat.told_idle = False
        self._line_up(seat)

    def submit(self, seat: Seat, submission: Submission) -> None:
        if len(self._answers) >= MOST_QUEUED:
            text = "too many answers wait for the database; this one will be taken when it is sent again"
            seat.deliver(reply_frame(Refusal(submission.id, "server", text)))
            return
        now = self._loop.time()
        connected_s = min(now - max(seat.sat_at, seat.seen_at), AWAY_S)
        seat.seen_at = now
        self._answers.append((now, (seat, replace(submission, connected_s=connected_s))))
        self._wake.set()

    async def call(self, function: Callable[[], Any]) -> Any:
        """Run a small write on the database thread, between rounds."""
        return await self._loop.run_in_executor(self._thread, self._rounds.call, function)

    def extended(self, seat: Seat, assignment: int, seconds: float) -> None:
        if assignment in seat.held:
            seat.held[assignment] = self._loop.time() + seconds

    def released(self, seat: Seat, assignment: int) -> None:
        seat.held.pop(assignment, None)
        self._line_up(seat)

    def stir(self, lanes: frozenset[tuple[int, str]] | None = None) -> None:
        """There may be work, in these lanes or in any, for those who have none: they are tried in turn."""
        self._rounds.windows.news.append(lanes)
        self._idle.stir(lanes)
        if self._idle.due:
            self._wake.set()

    def _line_up(self, seat: Seat) -> None:
        if seat.hungry and seat.session in self.seats and not self.draining:
            self._idle.drop(seat)
            self._waiting[seat.session] = seat
            self._wake.set()
        elif not seat.hungry:
            self._waiting.pop(seat.session, None)
            self._idle.drop(seat)

    # The loop ------------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        expiry_at = self._loop.time()
        while True:
            if not self._due:
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_S if self._idle else EXPIRY_S):
                        await self._wake.wait()
                if not self._wake.is_set() and self._idle:
                    self.stir()
            self._wake.clear()
            if self._loop.time() > expiry_at + EXPIRY_S:
                expiry_at = self._loop.time()
                self._take_back_expired()
            if self._due:
                await self._gather()
                self._underway = True
                self._number += 1
                try:
                    await self._round()
                except Exception:  # What is committed is committed: clients that hear nothing send again.
                    log.exception("what a round did could not be told")
                finally:
                    self._underway = False

    @property
    def _due(self) -> bool:
        """Whether there is anything to do."""
        return bool(self._answers or self._left or self._waiting or self._idle.due)

    async def _gather(self) -> None:
        """Wait for company: the longer, the longer rounds take, because a large round costs less per answer; not when
        nobody comes."""
        now = self._loop.time()
        deadline = now + min(GATHER_MOST_S, max(GATHER_S, 0.25 * self._last_s))
        gathered, quiet_at = 0, now + QUIET_S
        while now < min(deadline, quiet_at) and gathered < MOST_ANSWERS:
            await asyncio.sleep(GATHER_S)
            now, before = self._loop.time(), gathered
            gathered = len(self._answers) + len(self._waiting)
            if gathered > before:
                quiet_at = now + QUIET_S

    async def _round(self) -> None:
        arrived = [self._answers.popleft() for _ in range(min(MOST_ANSWERS, len(self._answers)))]
        answers = [given for _, given in arrived]
        left, self._left = self._left, []
        for seat, submission in answers:
            seat.held.pop(submission.assignment, None)
            seat.stays_until = self._loop.time() + (STAY_BUSY_S if seat.held else STAY_S)
            self._line_up(seat)
        hungry, tried = self._next_hungry()
        begun = self._loop.time()
        present = tuple(islice(self.seats.values(), MOST_PRESENT))
        try:
            done = await self._loop.run_in_executor(
                self._thread, self._rounds.run, answers, left, hungry, begun, present
            )
        except DatabaseError as error:
            await self._put_back(arrived, left, hungry, error)
            return
        except Exception:
            log.exception("a round failed; its answers stay unacknowledged and will be sent again")
            for seat in hungry:
                self._idle.add(seat)
            self._failures += 1
            await asyncio.sleep(BACKOFF_S[min(self._failures, len(BACKOFF_S)) - 1])
            return
        self._failures = 0
        self._last_s = self._loop.time() - begun
        metrics.ROUND_S.observe(self._last_s)
        metrics.ROUND_SIZE.observe(len(answers))
        offers = (hold.assignment for holds in done.taken.offers.values() for hold in holds)
        trace.committed(self.round_id, (s.id for _, s in answers), offers, self._last_s)
        self._deliver(done, hungry)
        if tried:
            self._idle.tried(served=any(done.taken.offers.get(seat.person.pk) for seat in tried))
        if arrived:
            metrics.WAIT_S.observe(self._loop.time() - arrived[0][0])

    def _next_hungry(self) -> tuple[list[Seat], list[Seat]]:
        """Those who wait, with those for whom there was nothing and who are tried again; and the latter alone."""
        if self.draining:
            self._waiting.clear()
            self._idle.rest()
            return [], []
        chosen = list(self._waiting.values())[:MOST_SEATS]
        for seat in chosen:
            del self._waiting[seat.session]
        tried = self._idle.take(MOST_SEATS - len(chosen))
        return chosen + tried, tried

    async def _put_back(
        self, arrived: list[tuple[float, Given]], left: list[str], hungry: list[Seat], error: Exception
    ) -> None:
        """The database is away, or gave up on the transaction: nothing happened, and everything is tried again."""
        metrics.FAILED.inc()
        self._failures += 1
        ids = (submission.id for _, (_, submission) in arrived)
        trace.failed(self.round_id, ids, self._failures, error)
        self._answers.extendleft(reversed(arrived))
        self._left = left + self._left
        for seat in hungry:
            self._line_up(seat)
        await asyncio.sleep(BACKOFF_S[min(self._failures, len(BACKOFF_S)) - 1])

    # After the commit ------------------------------------------------------------------------------------------------

    def _deliver(self, done: Round, hungry: list[Seat]) -> None:
        for seat, submission, reply in done.replies:
            seat.deliver(reply_frame(reply))
            status = reply.status if isinstance(reply, Ack) else reply.code
            trace.acknowledged(self.round_id, seat.session, reply.id, status)
            if isinstance(reply, Ack):
                metrics.ANSWERS.labels(reply.status).inc()
                seat.answered += reply.status == "accepted"
            else:
                metrics.ANSWERS.labels(reply.code).inc()
                if reply.code == "bad_answer":
                    # The lease stays; how long, its owner knows better than we do now.
                    seat.held[submission.assignment] = self._loop.time() + 3600
        self._resume(done)
        for seat, rows in done.resumed:
            for row in rows:
                if self._seated(seat, row.pk, row.microtask.kind, row.lane):
                    seat.deliver(resumed_frame(row))
        for pk, holds in done.taken.offers.items():
            for hold in holds:
                if self._seated(done.seats[pk], hold.assignment, hold.question.kind, hold.lane[1]):
                    done.seats[pk].deliver(offer_frame(hold))
                    metrics.OFFERS.inc()
        metrics.MISSED.inc(done.taken.missed)
        self._seat_the_rest(done, hungry)

    def _seat_the_rest(self, done: Round, hungry: list[Seat]) -> None:
        """Whoever still wants work waits: for the next round if somebody else was faster, else until there is some."""
        for seat in hungry:
            if not seat.hungry or seat.session not in self.seats:
                continue
            pk = seat.person.pk
            if done.seats.get(pk) is not seat or (pk not in done.taken.idle and pk not in done.paused):
                if done.taken.missed or done.seats.get(pk) is not seat:
                    self._line_up(seat)
                else:
                    self._idle.add(seat)
                continue
            self._idle.add(seat)
            if pk in done.paused:
                if not seat.told_paused:
                    seat.told_paused = True
                    seat.deliver(paused_frame(done.paused[pk]))
                continue
            if self._loop.time() < seat.stays_until:
                self._loop.call_at(seat.stays_until, self._line_up, seat)
                continue
            if not seat.told_idle and not seat.held:
                seat.told_idle = True
                seat.deliver(idle_frame(done.taken.idle[pk]))
        metrics.IDLE.set(len(self._idle))

    def _resume(self, done: Round) -> None:
        """Tell whoever had been told to pause that there may be work again."""
        for pk, seat in done.seats.items():
            if seat.told_paused and pk not in done.paused:
                seat.told_paused = False
                seat.told_idle = False
                seat.send({"type": "resumed"})

    def _seated(self, seat: Seat, assignment: int, kind: str, lane: str) -> bool:
        """Note an offer; False when the socket closed while the offer was being leased."""
        if seat.session not in self.seats:
            self._left.append(seat.session)
            self._wake.set()
            return False
        seat.held[assignment] = self._loop.time() + lease_length(kind).total_seconds()
        seat.told_idle = False
        seat.last_kind, seat.last_lane = kind, lane
        return True

    def _take_back_expired(self) -> None:
        """An offer whose time ran out makes room for another; its answer, if it still comes, is not lost."""
        now = self._loop.time()
        for seat in list(self.seats.values()):
            for assignment in [pk for pk, until in seat.held.items() if until < now]:
                del seat.held[assignment]
                seat.deliver(revoked_frame(assignment, "the time for it ran out"))
                self._line_up(seat)

    # Going away --------------------------------------------------------------------------------------------------------

    async def drain(self, seconds: float, reconnect_s: float) -> None:
        """Make no more offers, tell everybody, and wait until all that was submitted is acknowledged and offers are
        answered, or the time is over."""
        self.draining = True
        for seat in self.seats.values():
            seat.send({"type": "drain", "reconnect_s": reconnect_s})
        deadline = self._loop.time() + seconds
        while self._loop.time() < deadline and (
            self._answers or self._underway or any(s.held for s in self.seats.values())
        ):
            await asyncio.sleep(0.05)
        while (self._answers or self._underway) and self._loop.time() < deadline + seconds:
            await asyncio.sleep(0.02)

    def close(self) -> None:
        self._listener.close()
        self.task.cancel()


_dispatchers: dict[asyncio.AbstractEventLoop, Dispatcher] = {}


def dispatcher() -> Dispatcher:
    """The dispatcher of the running event loop, started on first use."""
    loop = asyncio.get_running_loop()
    if not _dispatchers:
        _spare_the_collector()
    if loop not in _dispatchers or _dispatchers[loop].task.done():
        _dispatchers[loop] = Dispatcher()
    return _dispatchers[loop]


def _spare_the_collector() -> None:
    """The rounds make many objects and hardly any cycles, beside caches of millions that never change: at the usual
    thresholds a seventh of their time goes into looking for garbage."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def running_dispatcher() -> Dispatcher | None:
    """The dispatcher of the running event loop, if it has one."""
    return _dispatchers.get(asyncio.get_running_loop())
