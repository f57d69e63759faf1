"""The dispatcher of one web process: gathers what arrives within a few milliseconds and commits it together.

Sockets put requests into a queue; one task takes whatever has gathered, runs it in one transaction on one database
thread, and answers everybody after the commit. So the cost per answer falls as the load rises, SQLite has its single
writer, and nothing is acknowledged before it is durable.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from django.db import close_old_connections, transaction
from django.utils import timezone

from routing.assignment import Waiting
from routing.track_record import TrackRecord
from webapp.labeling import grids, operations
from webapp.labeling.models import AnnotatorRecord, Assignment
from webapp.labeling.operations import Ack, Desk, Leased, Refusal, Submission
from webapp.people.models import User

log = logging.getLogger(__name__)

GATHER_S = 0.004  # how long a batch waits for company
IDLE_S = 0.25  # how often idle annotators are tried again: other processes make work too
MOST_ANSWERS = 128  # per transaction: bounds how long a commit holds its locks


@dataclass
class Seat:
    """One annotator's socket, as the dispatcher sees it. Touched only on the event loop."""

    session: str
    person: User
    domains: frozenset[str]
    deliver: Callable[[dict[str, Any]], None]
    want: int = 0
    held: set[int] = field(default_factory=set)
    greeted: bool = False  # offers of an earlier socket were looked for
    told_idle: bool = False
    last_kind: str | None = None
    last_lane: str | None = None
    answered: int = 0


@dataclass
class Round:
    """What one transaction did, to be delivered after its commit."""

    replies: list[tuple[Seat, Submission, Ack | Refusal]] = field(default_factory=list)
    resumed: list[tuple[Seat, list[Assignment]]] = field(default_factory=list)
    leased: Leased = field(default_factory=Leased)
    seats: dict[int, Seat] = field(default_factory=dict)


class Dispatcher:
    """One per process and event loop; made by `dispatcher()`."""

    def __init__(self) -> None:
        self.seats: dict[str, Seat] = {}
        self._answers: list[tuple[Seat, Submission]] = []
        self._left: list[str] = []
        self._calls: list[tuple[Callable[[], Any], asyncio.Future[Any]]] = []
        self._wake = asyncio.Event()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="dispatcher")
        self._rng = np.random.default_rng()
        self.task = asyncio.get_running_loop().create_task(self._run())

    # Called by sockets, on the event loop ----------------------------------------------------------------------

    def sit(self, seat: Seat) -> None:
        self.seats[seat.session] = seat

    def rise(self, seat: Seat) -> None:
        """The socket closed: what it held waits for the person to come back."""
        self.seats.pop(seat.session, None)
        self._left.append(seat.session)
        self._wake.set()

    def ready(self, seat: Seat, want: int) -> None:
        seat.want = want
        seat.told_idle = False
        self._wake.set()

    def submit(self, seat: Seat, submission: Submission) -> None:
        self._answers.append((seat, submission))
        self._wake.set()

    async def call(self, function: Callable[[], Any]) -> Any:
        """Run a small write on the database thread, between batches."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._calls.append((function, future))
        self._wake.set()
        return await future

    # The loop ----------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), IDLE_S if self._hungry() else None)
            self._wake.clear()
            await asyncio.sleep(GATHER_S)
            try:
                await self._round()
            except Exception:
                log.exception("a batch failed; its answers stay unacknowledged and will be sent again")
                await asyncio.sleep(0.2)

    def _hungry(self) -> list[Seat]:
        return [s for s in self.seats.values() if s.want > len(s.held)]

    async def _round(self) -> None:
        loop = asyncio.get_running_loop()
        calls, self._calls = self._calls, []
        for function, future in calls:
            await self._answer_call(function, future)
        answers, self._answers = self._answers[:MOST_ANSWERS], self._answers[MOST_ANSWERS:]
        left, self._left = self._left, []
        for seat, submission in answers:
            seat.held.discard(submission.assignment)
        hungry = self._hungry()
        if not (answers or left or hungry):
            return
        done = await loop.run_in_executor(self._thread, self._commit, answers, left, hungry)
        self._deliver(done)
        if self._answers:
            self._wake.set()

    async def _answer_call(self, function: Callable[[], Any], future: "asyncio.Future[Any]") -> None:
        try:
            result = await asyncio.get_running_loop().run_in_executor(self._thread, _in_transaction, function)
        except Exception as error:
            if not future.cancelled():
                future.set_exception(error)
        else:
            if not future.cancelled():
                future.set_result(result)

    # On the database thread --------------------------------------------------------------------------------------

    def _commit(self, answers: list[tuple[Seat, Submission]], left: list[str], hungry: list[Seat]) -> Round:
        close_old_connections()
        try:
            return self._transact(answers, left, hungry)
        except Exception:
            if len(answers) <= 1:
                if answers:
                    seat, submission = answers[0]
                    log.exception("answer %s of %s failed", submission.id, seat.person)
                    refusal = Refusal(
                        submission.id, "bad_answer", "the server could not take this answer; it was logged"
                    )
                    return Round(replies=[(seat, submission, refusal)])
                raise
            log.exception("a batch of %d answers failed; taking them one by one", len(answers))
            done = Round()
            for pair in answers:  # One poisonous answer must not take the others down.
                done.replies += self._commit([pair], [], []).replies
            return done

    def _transact(self, answers: list[tuple[Seat, Submission]], left: list[str], hungry: list[Seat]) -> Round:
        now = timezone.now()
        done = Round()
        with transaction.atomic():
            if left:
                operations.leave(left, now=now)
            if answers:
                replies = operations.submit_answers([s for _, s in answers], now=now)
                done.replies = [(seat, s, reply) for (seat, s), reply in zip(answers, replies, strict=True)]
            grids.form_pages(now=now, rng=self._rng)
            for seat in [s for s in hungry if not s.greeted]:
                done.resumed.append(
                    (seat, operations.resume(seat.person, seat.session, now=now, most=seat.want))
                )
            self._lease(hungry, done, now)
        return done

    def _lease(self, hungry: list[Seat], done: Round, now: Any) -> None:
        resumed = {seat.session: len(rows) for seat, rows in done.resumed}
        # One seat per person and round, so that two tabs of one person are never offered the same task.
        done.seats = {
            seat.person.pk: seat
            for seat in hungry
            if seat.want > len(seat.held) + resumed.get(seat.session, 0)
        }
        if not done.seats:
            return
        records = {
            row.annotator_id: row for row in AnnotatorRecord.objects.filter(annotator__in=list(done.seats))
        }
        desks = [
            Desk(seat.person, seat.session, waiting(seat, records.get(pk), resumed.get(seat.session, 0)))
            for pk, seat in sorted(done.seats.items())
        ]
        done.leased = operations.lease(desks, now=now, rng=self._rng)

    # After the commit, on the event loop ---------------------------------------------------------------------------

    def _deliver(self, done: Round) -> None:
        for seat, submission, reply in done.replies:
            seat.deliver(_reply(submission, reply))
            if isinstance(reply, Ack) and reply.status == "accepted":
                seat.answered += 1
            elif isinstance(reply, Refusal) and reply.code == "bad_answer":
                seat.held.add(submission.assignment)
        for seat, rows in done.resumed:
            seat.greeted = True
            self._offer(seat, rows)
        for pk, rows in done.leased.offers.items():
            self._offer(done.seats[pk], rows)
        for pk, reasons in done.leased.idle.items():
            seat = done.seats[pk]
            if not seat.told_idle and not seat.held:
                seat.told_idle = True
                seat.deliver({"type": "idle", "reasons": reasons})

    def _offer(self, seat: Seat, rows: list[Assignment]) -> None:
        if seat.session not in self.seats and rows:
            self._left.append(seat.session)  # It closed while its offers were being leased.
            self._wake.set()
            return
        for row in rows:
            seat.held.add(row.pk)
            seat.told_idle = False
            seat.last_kind, seat.last_lane = row.microtask.kind, row.lane
            seat.deliver({"type": "offer", "row": row})


def waiting(seat: Seat, row: AnnotatorRecord | None, resumed: int) -> Waiting:
    record = (
        TrackRecord.from_json(row.record) if row else TrackRecord.new(seat.person.tier, sorted(seat.domains))
    )
    held = len(seat.held) + resumed
    return Waiting(
        id=seat.person.pk, tier=seat.person.tier, domains=seat.domains, languages=frozenset(seat.person.languages),
        record=record, want=seat.want, held=held, paused=_paused(row), last_kind=seat.last_kind, last_lane=seat.last_lane,
        answers_today=seat.answered, simulated=seat.person.simulated,
    )  # fmt: skip


def _paused(row: AnnotatorRecord | None) -> str:
    return row.standing_reason or "your work is paused" if row and row.standing == "paused" else ""


def _reply(submission: Submission, reply: Ack | Refusal) -> dict[str, Any]:
    if isinstance(reply, Ack):
        return {"type": "ack", "id": reply.id, "status": reply.status, "feedback": reply.feedback}
    return {"type": "error", "code": reply.code, "message": reply.message, "ref": reply.id}


def _in_transaction(function: Callable[[], Any]) -> Any:
    close_old_connections()
    with transaction.atomic():
        return function()


_dispatchers: dict[asyncio.AbstractEventLoop, Dispatcher] = {}


def dispatcher() -> Dispatcher:
    """The dispatcher of the running event loop, started on first use."""
    loop = asyncio.get_running_loop()
    if loop not in _dispatchers or _dispatchers[loop].task.done():
        _dispatchers[loop] = Dispatcher()
    return _dispatchers[loop]
