"""The websocket of one annotator's tab: docs/feed-protocol.md. It parses, hands on to the dispatcher, and serialises."""

import asyncio
import logging
import secrets
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import orjson
from channels.db import database_sync_to_async
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.contrib.auth.models import AnonymousUser
from django.db import DatabaseError

from routing.annotation.kinds import AnswerError, validate_blind
from webapp.feed import metrics, trace
from webapp.feed.dispatcher import dispatcher
from webapp.feed.limits import Bucket
from webapp.feed.messages import Refused, assignment_of, submission_of, text, whole
from webapp.feed.seats import Seat
from webapp.labeling import operations, queries
from webapp.labeling.models import Assignment
from webapp.people.models import User

log = logging.getLogger(__name__)

VERSION = 1
MAX_FRAME = 256 * 1024  # bytes; a full grid answer is under 4 kB
MAX_WANT = 5
HEARTBEAT_S = 25
MALFORMED_LIMIT = 3  # per minute, then the socket is closed
OUTBOX = 200  # frames waiting for a slow reader before it is given up
FLOOD_LIMIT = 1_000  # messages beyond that rate, then the socket is closed
PONG = '{"type":"pong"}'


class FeedConsumer(AsyncWebsocketConsumer):
    channel_layer_alias = "none"  # Nothing is broadcast to sockets, so none of them listens to a layer.
    seat: Seat | None = None
    writer: "asyncio.Task[None] | None" = None
    person: User
    left = True  # not logged in yet, or gone

    async def dispatch(self, message: dict[str, Any]) -> None:
        # Channels' own dispatch hops to a thread for every message to close stale database connections. This consumer
        # touches the database only through the dispatcher, whose thread looks after its connection.
        await getattr(self, message["type"].replace(".", "_"))(message)

    async def connect(self) -> None:
        person = self.scope.get("user") or AnonymousUser()
        if not isinstance(person, User) or not person.is_active:
            await self.accept()
            await self.close(4401, "log in first")
            return
        self.person = person
        self.session = dispatcher().prefix + secrets.token_hex(8)
        self.malformed: list[float] = []
        self.bucket, self.floods = Bucket(), 0
        self.outbox: deque[str] = deque()
        await self.accept()
        self.left = False
        dispatcher().tabs.come(person.pk, self)

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        self._leave()
        if self.writer is not None:
            self.writer.cancel()
        raise StopConsumer

    def make_room(self) -> None:
        """Close this socket, because its person has opened too many after it. What it holds waits for them."""
        metrics.REFUSED.labels("too_many_tabs").inc()
        self._leave()
        self._close(4409, f"you opened {dispatcher().tabs.most} more tabs after this one")

    def _leave(self) -> None:
        if not self.left:
            self.left = True
            dispatcher().tabs.go(self.person.pk, self)
        if self.seat is not None:
            dispatcher().rise(self.seat)
            self.seat = None

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.left:
            return
        try:
            message = self._parse(text_data if text_data is not None else bytes_data)
            await self._handle(message)
        except Refused as refusal:
            metrics.REFUSED.labels(refusal.code).inc()
            self._say({"type": "error", "code": refusal.code, "message": refusal.message, "ref": refusal.ref})
            if refusal.code in ("malformed", "too_large", "rate_limited"):
                self._count_offence(refusal.code)

    # Incoming --------------------------------------------------------------------------------------------------

    def _parse(self, frame: str | bytes | None) -> dict[str, Any]:
        metrics.MESSAGES.inc()
        if self.bucket.take(time.monotonic()):
            raise Refused("rate_limited", f"more than {self.bucket.rate:g} messages a second; slow down")
        if frame is None or len(frame) > MAX_FRAME:
            raise Refused("too_large", f"a frame may have {MAX_FRAME} bytes")
        try:
            message = orjson.loads(frame)
        except orjson.JSONDecodeError as error:
            raise Refused("malformed", f"not JSON: {error}") from None
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            raise Refused("malformed", "a message is an object with a text field 'type'")
        return message

    def _count_offence(self, code: str) -> None:
        """Three malformed messages in a minute close the socket, and so does a flood that goes on."""
        now = time.monotonic()
        if code == "rate_limited":
            self.floods += 1
            if self.floods >= FLOOD_LIMIT:
                self._close(4429, "too many messages")
            return
        self.malformed = [t for t in self.malformed if t > now - 60] + [now]
        if len(self.malformed) >= MALFORMED_LIMIT:
            self._close(4400, "too many malformed messages")

    async def _handle(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        if kind == "ping":
            self._send(PONG)
        elif kind == "hello":
            await self._hello(message)
        elif self.seat is None:
            raise Refused("hello_first", "send hello before anything else")
        elif kind == "ready":
            dispatcher().ready(self.seat, whole(message, "want", 0, MAX_WANT))
        elif kind == "answer":
            self._answer(message)
        elif kind in ("extend", "release", "reveal", "explain"):
            await getattr(self, f"_{kind}")(message, assignment_of(message))
        else:
            raise Refused("unknown_type", f"unknown message type {kind[:40]!r}")

    async def _hello(self, message: dict[str, Any]) -> None:
        if message.get("v") != VERSION:
            raise Refused(
                "version", f"this server speaks version {VERSION} of the feed protocol; reload the page"
            )
        if self.seat is None:
            domains = await database_sync_to_async(_domains)(self.person)
            if self.left:  # It had to make room for another tab in the meantime.
                return
            self.seat = Seat(self.session, self.person, domains, self._send)
            dispatcher().sit(self.seat)
        annotator = {
            "id": self.person.pk,
            "name": self.person.get_full_name() or self.person.username,
            "tier": self.person.tier,
        }
        lease_s = operations.lease_length("verify_box").total_seconds()
        self._say(
            {
                "type": "welcome",
                "v": VERSION,
                "annotator": annotator,
                "lease_s": lease_s,
                "heartbeat_s": HEARTBEAT_S,
            }
        )
        if dispatcher().draining:
            self._say({"type": "drain", "reconnect_s": 1})

    def _answer(self, message: dict[str, Any]) -> None:
        assert self.seat is not None
        submission = submission_of(message, self.person)
        trace.received(self.session, submission.id, submission.assignment)
        dispatcher().submit(self.seat, submission)

    async def _extend(self, message: dict[str, Any], assignment: int) -> None:
        lease, now = text(message, "lease", 64), dispatcher().now()
        seconds = await self._call(
            lambda: operations.extend(self.person, assignment, lease, now=now), assignment
        )
        if not seconds:
            raise Refused("bad_lease", "this lease has passed on", assignment)
        if self.seat is not None:
            dispatcher().extended(self.seat, assignment, seconds)

    async def _release(self, message: dict[str, Any], assignment: int) -> None:
        lease = text(message, "lease", 64)
        if not await self._call(lambda: operations.release(self.person, assignment, lease), assignment):
            raise Refused("bad_lease", "this lease has passed on", assignment)
        if self.seat is not None:
            dispatcher().released(self.seat, assignment)

    async def _call(self, function: Callable[[], Any], ref: int) -> Any:
        try:
            return await dispatcher().call(function)
        except DatabaseError as error:
            log.warning("a request of %s failed: %s", self.person, error)
            raise Refused("server", "the database does not answer; try again", ref) from error

    async def _reveal(self, message: dict[str, Any], assignment: int) -> None:
        lease = text(message, "lease", 64)
        case = await self._call(
            lambda: reveal(self.person, assignment, lease, message.get("blind")), assignment
        )
        if case is None:
            raise Refused("bad_lease", "this lease has passed on", assignment)
        self._say({"type": "case", "assignment": assignment, "case": case})

    async def _explain(self, message: dict[str, Any], assignment: int) -> None:
        why = await self._call(lambda: queries.explanation(self.person, assignment), assignment)
        if why is None:
            raise Refused("not_your_assignment", "this task is not with you", assignment)
        self._say({"type": "explanation", "assignment": assignment, **why})

    # Outgoing --------------------------------------------------------------------------------------------------

    def _say(self, message: dict[str, Any]) -> None:
        self._send(orjson.dumps(message).decode())

    def _send(self, frame: str) -> None:
        """Queue a frame. A task that lives only while there is something to say sends them in order, so that a slow
        reader delays nobody else and an idle socket costs nothing."""
        if len(self.outbox) >= OUTBOX:
            self._give_up()
            return
        self.outbox.append(frame)
        if self.writer is None or self.writer.done():
            self.writer = asyncio.get_running_loop().create_task(self._write())

    async def _write(self) -> None:
        try:
            while self.outbox:
                await self.base_send({"type": "websocket.send", "text": self.outbox.popleft()})
        except (OSError, RuntimeError):
            self.outbox.clear()  # The socket closed under our hands; `websocket_disconnect` follows.

    def _give_up(self) -> None:
        """The reader is gone or stuck: drop the socket; its offers return and its answers are sent again."""
        if self.writer is not None:
            self.writer.cancel()
        self.outbox.clear()
        self._close(4408, "you do not read what is sent")

    def _close(self, code: int, reason: str) -> None:
        self.closer = asyncio.get_running_loop().create_task(self.close(code, reason))


def reveal(person: User, assignment: int, lease: str, blind: Any) -> dict[str, Any] | None:
    """Store an adjudicator's blind answer and return the case; None when the lease has passed on."""
    row = (
        Assignment.objects.select_related("microtask")
        .filter(pk=assignment, annotator=person, lease=lease, state="leased")
        .first()
    )
    if row is None or row.microtask.kind != "adjudicate":
        return None
    try:
        value = validate_blind(row.microtask.payload, blind)
    except AnswerError as error:
        raise Refused("bad_answer", str(error), assignment) from None
    held = operations.store_blind(person, assignment, lease, value)
    return queries.case_file(held) if held else None


def _domains(person: User) -> frozenset[str]:
    return frozenset(person.qualifications.values_list("domain", flat=True))
