"""A client of the feed for tests, trials and benchmarks: one annotator's tab that remembers what it was told."""

import asyncio
import json
import uuid
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import websockets

Check = Callable[[str, dict[str, Any]], None]


class Tab:
    """One socket of one annotator.

    Attributes:
        offers: offered and neither answered nor given back, by assignment.
        acknowledged: answer id to status: what this client was told is safe.
        sent: answers by id, as they went out; an answer stays in `unacknowledged` until its acknowledgement came.
    """

    def __init__(self, base: str, token: str, *, check: Check | None = None, hello: bool = True) -> None:
        self._url = f"{base.replace('http', 'ws', 1)}/ws/feed/?token={token}"
        self._check, self._hello = check, hello
        self.copies = 1  # how often every message is sent
        self._socket: Any = None
        self.offers: dict[int, dict[str, Any]] = {}
        self.acknowledged: dict[str, str] = {}
        self.sent: dict[str, dict[str, Any]] = {}
        self.unacknowledged: dict[str, dict[str, Any]] = {}
        self.seen: list[dict[str, Any]] = []

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def connect(self) -> None:
        """Open the socket and, unless told otherwise, say hello and wait for the welcome."""
        self.offers.clear()
        self._socket = await websockets.connect(
            self._url, compression=None, max_size=2**22, ping_interval=None, open_timeout=30
        )
        if self._hello:
            await self.send({"type": "hello", "v": 1, "app": "test"})
            await self.wait("welcome")

    async def close(self) -> None:
        await self._socket.close()

    def drop(self) -> None:
        """Vanish without a closing handshake, as a laptop that is shut does."""
        self._socket.transport.abort()

    def freeze(self) -> None:
        """Stop reading and say nothing more, not even that the socket closes, as behind a router that lost its table."""
        self._socket.transport.pause_reading()

    async def send(self, message: dict[str, Any]) -> None:
        if self._check:
            self._check("client", message)
        for _ in range(self.copies):
            await self._socket.send(json.dumps(message))

    async def send_raw(self, frame: str | bytes) -> None:
        await self._socket.send(frame)

    async def receive(self, timeout: float = 30.0) -> dict[str, Any]:
        """The next message; raises TimeoutError or websockets' ConnectionClosed."""
        async with asyncio.timeout(timeout):
            message: dict[str, Any] = json.loads(await self._socket.recv())
        if self._check:
            self._check("server", message)
        self.seen.append(message)
        match message["type"]:
            case "offer":
                self.offers[message["assignment"]] = message
            case "ack":
                self.acknowledged[message["id"]] = message["status"]
                self.unacknowledged.pop(message["id"], None)
            case "revoked":
                self.offers.pop(message["assignment"], None)
        return message

    async def wait(self, *types: str, timeout: float = 30.0) -> dict[str, Any]:
        """The next message of these types; others are taken in on the way."""
        async with asyncio.timeout(timeout):
            while True:
                message = await self.receive(timeout)
                if message["type"] in types:
                    return message

    async def quiet(self, seconds: float = 0.3) -> list[dict[str, Any]]:
        """What comes within some seconds."""
        got = []
        try:
            async with asyncio.timeout(seconds):
                while True:
                    got.append(await self.receive(seconds + 1))
        except TimeoutError:
            return got

    async def hear(self, count: int, seconds: float = 0.3) -> list[dict[str, Any]]:
        """The next messages, however long they take, and what else comes within some seconds after them."""
        return [*[await self.receive() for _ in range(count)], *await self.quiet(seconds)]

    async def ready(self, want: int = 1) -> None:
        await self.send({"type": "ready", "want": want})

    async def offer(self, want: int = 1, timeout: float = 30.0) -> dict[str, Any]:
        """Ask for work and take the first offer."""
        await self.ready(want)
        return await self.wait("offer", timeout=timeout)

    async def answer(self, offer: dict[str, Any], **changes: Any) -> dict[str, Any]:
        """Send an answer to an offer, without waiting; returns the message."""
        message = {**answer_to(offer), **changes}
        self.sent[message["id"]] = self.unacknowledged[message["id"]] = message
        self.offers.pop(offer["assignment"], None)
        await self.send(message)
        return message

    async def submit(self, offer: dict[str, Any], **changes: Any) -> dict[str, Any]:
        """Send an answer and wait for what the server says of it."""
        await self.answer(offer, **changes)
        return await self.wait("ack", "error")


def answer_to(offer: dict[str, Any]) -> dict[str, Any]:
    """A valid answer, mostly agreeing, to any offer; the verdict depends on the assignment alone."""
    outcome, value = "answered", plausible(offer["task"], offer["assignment"])
    return {
        "type": "answer", "id": str(uuid.uuid4()), "assignment": offer["assignment"], "lease": offer["lease"],
        "outcome": outcome, "value": value, "report": None, "telemetry": {"active_ms": 1800.0, "input": "key"},
    }  # fmt: skip


def plausible(task: dict[str, Any], number: int) -> dict[str, Any]:
    """What somebody might answer: one verdict in sixteen finds a wrong outline, one in sixteen nothing there."""
    match task["kind"]:
        case "verify_box":
            return {"verdict": {3: "geometry", 11: "not_object"}.get(number % 16, "ok")}
        case "fix_box":
            x1, y1, x2, y2 = task["object"]["xyxy"]
            return {"xyxy": [x1 + 1, y1, x2, y2], "class": task["object"]["class"], "deleted": False}
        case "compare_two":
            return {"choice": "A"}
        case "grid_verify":
            return {"bad": [], "unsure": [], "viewed": [cell["id"] for cell in task["cells"]]}
        case "coverage_tile":
            return {"complete": True, "points": [], "bad_objects": []}
        case "draw_missed":
            return {"objects": [], "none": True}
        case "adjudicate":
            box, label = task["object"]["xyxy"], task["object"]["class"]
            return {
                "ruling": "accept",
                "xyxy": box,
                "class": label,
                "make_gold": False,
                "rubric": {},
                "note": "",
            }
        case other:
            raise ValueError(f"no answer is known for {other}")
