"""The websocket of one annotator's tab: docs/feed-protocol.md. It parses, hands on to the dispatcher, and serialises."""

import asyncio
import logging
import secrets
import time
from typing import Any

import orjson
from channels.db import database_sync_to_async
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from routing.annotation.kinds import AnswerError, validate_blind
from webapp.feed import media
from webapp.feed.dispatcher import Seat, dispatcher
from webapp.labeling import operations, queries
from webapp.labeling.models import Assignment
from webapp.labeling.operations import Submission
from webapp.people.models import User

log = logging.getLogger(__name__)

VERSION = 1
MAX_FRAME = 256 * 1024  # bytes; a full grid answer is under 4 kB
MAX_WANT = 5
HEARTBEAT_S = 25
MALFORMED_LIMIT = 3  # per minute, then the socket is closed
OUTBOX = 200  # messages waiting for a slow reader before it is given up
RATE = 50.0  # messages per second allowed in the long run
BURST = 200.0


class Refused(Exception):
    """A message cannot be taken; sent to the client as an `error`."""

    def __init__(self, code: str, message: str, ref: Any = None) -> None:
        super().__init__(message)
        self.code, self.message, self.ref = code, message, ref


class FeedConsumer(AsyncWebsocketConsumer):
    channel_layer_alias = "none"  # Nothing is broadcast to sockets, so none of them listens to a layer.
    seat: Seat | None = None
    writer: "asyncio.Task[None] | None" = None

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
        self.session = secrets.token_hex(8)
        self.malformed: list[float] = []
        self.tokens, self.refilled = BURST, time.monotonic()
        self.outbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue(OUTBOX)
        await self.accept()
        self.writer = asyncio.get_running_loop().create_task(self._write())

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        if self.seat is not None:
            dispatcher().rise(self.seat)
            self.seat = None
        if self.writer is not None:
            self.writer.cancel()
        raise StopConsumer

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        try:
            message = self._parse(text_data if text_data is not None else bytes_data)
            await self._handle(message)
        except Refused as refusal:
            self._send(
                {"type": "error", "code": refusal.code, "message": refusal.message, "ref": refusal.ref}
            )
            if refusal.code in ("malformed", "too_large"):
                await self._count_malformed()

    # Incoming --------------------------------------------------------------------------------------------------

    def _parse(self, frame: str | bytes | None) -> dict[str, Any]:
        now = time.monotonic()
        self.tokens = min(BURST, self.tokens + (now - self.refilled) * RATE) - 1
        self.refilled = now
        if self.tokens < 0:
            raise Refused("rate_limited", f"more than {RATE:.0f} messages a second; slow down")
        if frame is None or len(frame) > MAX_FRAME:
            raise Refused("too_large", f"a frame may have {MAX_FRAME} bytes")
        try:
            message = orjson.loads(frame)
        except orjson.JSONDecodeError as error:
            raise Refused("malformed", f"not JSON: {error}") from None
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            raise Refused("malformed", "a message is an object with a text field 'type'")
        return message

    async def _count_malformed(self) -> None:
        now = time.monotonic()
        self.malformed = [t for t in self.malformed if t > now - 60] + [now]
        if len(self.malformed) >= MALFORMED_LIMIT:
            self._send({"type": "close", "code": 4400, "reason": "too many malformed messages"})

    async def _handle(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        if kind == "ping":
            self._send({"type": "pong"})
        elif kind == "hello":
            await self._hello(message)
        elif self.seat is None:
            raise Refused("hello_first", "send hello before anything else")
        elif kind == "ready":
            dispatcher().ready(self.seat, _whole(message, "want", 0, MAX_WANT))
        elif kind == "answer":
            self._answer(message)
        elif kind in ("extend", "release", "reveal", "explain"):
            await getattr(self, f"_{kind}")(message, _whole(message, "assignment", 1, 2**62))
        else:
            raise Refused("unknown_type", f"unknown message type {kind[:40]!r}")

    async def _hello(self, message: dict[str, Any]) -> None:
        if message.get("v") != VERSION:
            raise Refused(
                "version", f"this server speaks version {VERSION} of the feed protocol; reload the page"
            )
        if self.seat is None:
            domains = await database_sync_to_async(_domains)(self.person)
            self.seat = Seat(self.session, self.person, domains, self._deliver)
            dispatcher().sit(self.seat)
        annotator = {
            "id": self.person.pk,
            "name": self.person.get_full_name() or self.person.username,
            "tier": self.person.tier,
        }
        lease_s = operations.lease_length("verify_box").total_seconds()
        self._send(
            {
                "type": "welcome",
                "v": VERSION,
                "annotator": annotator,
                "lease_s": lease_s,
                "heartbeat_s": HEARTBEAT_S,
            }
        )

    def _answer(self, message: dict[str, Any]) -> None:
        assert self.seat is not None
        submission = Submission(
            annotator=self.person, id=_text(message, "id", 64), assignment=_whole(message, "assignment", 1, 2**62),
            lease=_text(message, "lease", 64), outcome=message.get("outcome"), value=message.get("value"),
            report=message.get("report"), telemetry=message.get("telemetry"),
        )  # fmt: skip
        dispatcher().submit(self.seat, submission)

    async def _extend(self, message: dict[str, Any], assignment: int) -> None:
        lease = _text(message, "lease", 64)
        if not await dispatcher().call(
            lambda: operations.extend(self.person, assignment, lease, now=timezone.now())
        ):
            raise Refused("bad_lease", "this lease has passed on", assignment)

    async def _release(self, message: dict[str, Any], assignment: int) -> None:
        assert self.seat is not None
        lease = _text(message, "lease", 64)
        if not await dispatcher().call(lambda: operations.release(self.person, assignment, lease)):
            raise Refused("bad_lease", "this lease has passed on", assignment)
        self.seat.held.discard(assignment)

    async def _reveal(self, message: dict[str, Any], assignment: int) -> None:
        lease = _text(message, "lease", 64)
        case = await dispatcher().call(lambda: reveal(self.person, assignment, lease, message.get("blind")))
        if case is None:
            raise Refused("bad_lease", "this lease has passed on", assignment)
        self._send({"type": "case", "assignment": assignment, "case": case})

    async def _explain(self, message: dict[str, Any], assignment: int) -> None:
        why = await dispatcher().call(lambda: queries.explanation(self.person, assignment))
        if why is None:
            raise Refused("not_your_assignment", "this task is not with you", assignment)
        self._send({"type": "explanation", "assignment": assignment, **why})

    # Outgoing --------------------------------------------------------------------------------------------------

    def _deliver(self, message: dict[str, Any]) -> None:
        if message["type"] == "offer":
            message = offer(message["row"])
        self._send(message)

    def _send(self, message: dict[str, Any]) -> None:
        """Queue a message; one task per socket writes them in order, so that a slow reader delays nobody else."""
        try:
            self.outbox.put_nowait(message)
        except asyncio.QueueFull:
            if (
                self.writer is not None
            ):  # The reader is gone or stuck; its offers return when the socket closes.
                self.writer.cancel()

    async def _write(self) -> None:
        while True:
            message = await self.outbox.get()
            if message["type"] == "close":
                await self.close(message["code"], message["reason"])
            else:
                await self.send(text_data=orjson.dumps(message).decode())


def offer(row: Assignment) -> dict[str, Any]:
    seconds = operations.lease_length(row.microtask.kind).total_seconds()
    return {
        "type": "offer",
        "assignment": row.pk,
        "lease": row.lease,
        "lease_s": seconds,
        "task": media.with_media(row.microtask),
    }


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


def _whole(message: dict[str, Any], name: str, low: int, high: int) -> int:
    value = message.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise Refused("malformed", f"{name}: must be a whole number from {low} to {high}")
    return value


def _text(message: dict[str, Any], name: str, most: int) -> str:
    value = message.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= most:
        raise Refused("malformed", f"{name}: must be text of 1 to {most} characters")
    return value
