"""The simulated crowd: people of `routing.simulation` who log in and work through the websocket feed.

It is a process of its own and knows only what a browser knows, plus the reference outlines by which its members see
the world. They take their time, much shortened: whoever is quick answers more, and nobody is free before they are done.
"""

import asyncio
import json
from pathlib import Path
from typing import Any, TextIO

from websockets.exceptions import ConnectionClosed

from routing.simulation import Profile, SimulatedAnnotator, Truth
from webapp.demo.client import Feed, LoginFailed, answer_message, log_in

WANT = 2  # offers held at once, as a browser prefetches
HASTE = 40.0  # how many times faster than people they work; their seconds are those of the time model all the same
RETRY_S = 0.5  # after a lost connection


class Truths:
    """Reference outlines by scene id, read again when the file changes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_at = 0.0
        self._known: dict[int, Truth] = {}

    def get(self, scene: int) -> Truth | None:
        if scene not in self._known and self._path.exists() and self._path.stat().st_mtime != self._read_at:
            self._read_at = self._path.stat().st_mtime
            raw = json.loads(self._path.read_text())
            self._known = {int(key): Truth.from_json(value) for key, value in raw.items()}
        return self._known.get(scene)


class Journal:
    """What the crowd was told is safe: one line per acknowledgement, written at once. Audits recompute from it."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: TextIO = path.open("a", buffering=1)

    def acknowledged(self, person: str, answer: dict[str, Any], status: str) -> None:
        line = {"id": answer["id"], "assignment": answer["assignment"], "person": person, "status": status}
        self._file.write(json.dumps(line) + "\n")


class Member:
    """One simulated person at work."""

    def __init__(
        self, base: str, username: str, password: str, profile: Profile, truths: Truths, journal: Journal
    ) -> None:
        self.base, self.username, self.password = base, username, password
        self.mind = SimulatedAnnotator(profile)
        self.truths, self.journal = truths, journal
        self.unacknowledged: dict[str, dict[str, Any]] = {}
        self.offers: dict[int, dict[str, Any]] = {}
        self.done = 0
        self.worked_s = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Log in and work until told to stop; reconnect and resend after any loss of the connection."""
        cookie = ""
        while not stop.is_set():
            try:
                cookie = cookie or await asyncio.to_thread(log_in, self.base, self.username, self.password)
                async with Feed(self.base, cookie) as feed:
                    await self._work(feed, stop)
            except LoginFailed:
                raise
            except (OSError, ConnectionClosed, TimeoutError, EOFError):
                await asyncio.sleep(RETRY_S)
            except Exception as error:
                if (
                    "InvalidStatus" not in type(error).__name__
                    and "InvalidHandshake" not in type(error).__name__
                ):
                    raise
                cookie = ""
                await asyncio.sleep(RETRY_S)

    async def _work(self, feed: Feed, stop: asyncio.Event) -> None:
        self.offers.clear()
        for answer in list(self.unacknowledged.values()):
            await feed.send(answer)
        await feed.send({"type": "ready", "want": WANT})
        stopper = asyncio.create_task(stop.wait())
        stream = aiter(feed.messages())
        try:
            while not stop.is_set():
                incoming = asyncio.ensure_future(anext(stream))
                await asyncio.wait({incoming, stopper}, return_when=asyncio.FIRST_COMPLETED)
                if not incoming.done():
                    incoming.cancel()
                    return
                try:
                    message = incoming.result()
                except StopAsyncIteration:
                    raise EOFError from None
                await self._handle(feed, message)
        finally:
            stopper.cancel()

    async def _handle(self, feed: Feed, message: dict[str, Any]) -> None:
        match message["type"]:
            case "offer":
                self.offers[message["assignment"]] = message
                if message["task"]["kind"] == "adjudicate":
                    await feed.send({
                        "type": "reveal", "assignment": message["assignment"], "lease": message["lease"],
                        "blind": self._think(message).blind,
                    })  # fmt: skip
                else:
                    await self._answer(feed, message)
            case "case":
                if offer := self.offers.get(message["assignment"]):
                    await self._answer(feed, offer)
            case "ack":
                answer = self.unacknowledged.pop(message["id"], None)
                if answer is not None:
                    self.journal.acknowledged(self.username, answer, message["status"])
            case "error" if message["code"] == "bad_answer" and message["ref"] in self.unacknowledged:
                raise AssertionError(
                    f"{self.username}: {message['message']}: {self.unacknowledged[message['ref']]}"
                )
            case "error" if message["ref"] in self.unacknowledged:
                del self.unacknowledged[message["ref"]]

    def _think(self, offer: dict[str, Any]) -> Any:
        task = offer["task"]
        truth = self.truths.get(task["scene"]["id"])
        assert truth is not None, f"no reference outlines for scene {task['scene']['id']}"
        return self.mind.answer(task, truth, tasks_done=self.done, now_s=self.worked_s)

    async def _answer(self, feed: Feed, offer: dict[str, Any]) -> None:
        reply = self._think(offer)
        self.done += 1
        self.worked_s += reply.active_ms / 1000
        await asyncio.sleep((reply.active_ms + reply.idle_ms) / 1000 / HASTE)
        telemetry = {"active_ms": round(reply.active_ms), "simulated": True, "input": "simulation"}
        answer = answer_message(offer, reply.outcome, reply.value, reply.report, telemetry)
        self.unacknowledged[answer["id"]] = answer
        self.offers.pop(offer["assignment"], None)
        await feed.send(answer)


async def work(
    base: str, people: list[dict[str, Any]], truths: Truths, journal: Journal, stop: asyncio.Event
) -> int:
    """Let everybody work until `stop`; returns the number of answers given."""
    members = [
        Member(base, p["username"], p["password"], Profile.from_json(p["profile"]), truths, journal)
        for p in people
    ]
    async with asyncio.TaskGroup() as group:
        for index, member in enumerate(members):
            group.create_task(_later(member, stop, index * 0.02))
    return sum(member.done for member in members)


async def _later(member: Member, stop: asyncio.Event, delay_s: float) -> None:
    await asyncio.sleep(
        delay_s
    )  # Logins hash passwords; all at once would keep the server from everything else.
    await member.run(stop)
