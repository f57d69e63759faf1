"""N annotators that loop `next task -> submit` over websockets, in one cheap process; prints one JSON object.

    driver.py --base http://127.0.0.1:8001 --base http://127.0.0.1:8002 --tokens tokens.json -n 256 --secs 8 --journal j.txt

The socket is spoken by hand (RFC 6455, text frames, mask 0), so that the driver takes as little of the machine as it can.
Every acknowledged answer id is written to the journal: what was promised is checked against the database afterwards.
"""

import argparse
import asyncio
import base64
import json
import os
import resource
import struct
import sys
import time
import urllib.parse
from pathlib import Path
from typing import Any, TextIO

import orjson
import uvloop

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from webapp.devtools.feedclient import answer_to

WARM_S = 2.0


class Annotator(asyncio.Protocol):
    """One socket in a closed loop: every offer is answered at once, or after `think_s`."""

    def __init__(self, crowd: "Crowd", path: str, host: str) -> None:
        self.crowd, self.path, self.host = crowd, path, host
        self.buffer = bytearray()
        self.upgraded = False
        self.pending: dict[str, float] = {}
        self.asked_at = 0.0

    def connection_made(
        self, transport: Any
    ) -> None:  # uvloop's transports share no base class with asyncio's
        self.transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            f"GET {self.path} HTTP/1.1\r\nHost: {self.host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def connection_lost(self, error: Exception | None) -> None:
        self.crowd.dropped += not self.crowd.closing

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if not self.upgraded:
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            assert b" 101 " in self.buffer[:20], bytes(self.buffer[:200])
            del self.buffer[: end + 4]
            self.upgraded = True
            self.send({"type": "hello", "v": 1, "app": "bench"})
        for payload in self.frames():
            self.take(orjson.loads(payload))

    def frames(self) -> Any:
        buffer = self.buffer
        while len(buffer) >= 2:
            size, start = buffer[1], 2
            if size == 126:
                if len(buffer) < 4:
                    return
                size, start = struct.unpack_from("!H", buffer, 2)[0], 4
            elif size == 127:
                if len(buffer) < 10:
                    return
                size, start = struct.unpack_from("!Q", buffer, 2)[0], 10
            if len(buffer) < start + size:
                return
            opcode, payload = buffer[0] & 15, bytes(buffer[start : start + size])
            del buffer[: start + size]
            if opcode == 1:
                yield payload
            elif opcode == 9:
                self.write(0x8A, payload)

    def write(self, head: int, payload: bytes) -> None:
        size = len(payload)
        if size < 126:
            frame = bytes((head, 0x80 | size))
        else:
            frame = bytes((head, 0xFE)) + struct.pack("!H", size)
        self.transport.write(frame + b"\0\0\0\0" + payload)

    def send(self, message: dict[str, Any]) -> None:
        self.write(0x81, orjson.dumps(message))

    def take(self, message: dict[str, Any]) -> None:
        now = time.perf_counter()
        crowd = self.crowd
        match message["type"]:
            case "welcome":
                crowd.welcomed(self)
            case "offer":
                if self.asked_at:
                    crowd.next_ms.append((now, (now - self.asked_at) * 1000))
                if crowd.think_s:
                    crowd.loop.call_later(crowd.think_s * (0.5 + crowd.random()), self.answer, message)
                else:
                    self.answer(message)
            case "ack":
                sent = self.pending.pop(message["id"], now)
                crowd.acknowledged(message, now, (now - sent) * 1000)
            case "error":
                crowd.errors[message["code"]] = crowd.errors.get(message["code"], 0) + 1
                crowd.last_error = message["message"]
            case "idle":
                crowd.idle += 1

    def answer(self, offer: dict[str, Any]) -> None:
        if self.crowd.closing:
            return
        message = answer_to(offer)
        self.asked_at = self.pending[message["id"]] = time.perf_counter()
        self.send(message)


class Crowd:
    """All annotators of this process and what they measured."""

    def __init__(self, active: int, think_s: float, journal: TextIO) -> None:
        self.active, self.think_s, self.journal = active, think_s, journal
        self.loop = asyncio.get_running_loop()
        self.people: list[Annotator] = []
        self.up = asyncio.Event()
        self.count = self.dropped = self.idle = 0
        self.closing = False
        self.next_ms: list[tuple[float, float]] = []
        self.ack_ms: list[tuple[float, float]] = []
        self.statuses: dict[str, int] = {}
        self.errors: dict[str, int] = {}
        self.last_error = ""
        self._state = 1

    def random(self) -> float:
        self._state = (self._state * 1103515245 + 12345) % 2**31
        return self._state / 2**31

    def welcomed(self, person: Annotator) -> None:
        self.people.append(person)
        if len(self.people) == self.count:
            self.up.set()

    async def until(self, cycles: int, at_most_s: float = 60.0) -> None:
        """Return when that many answers are acknowledged."""
        deadline = time.perf_counter() + at_most_s
        while len(self.ack_ms) < cycles and time.perf_counter() < deadline:
            await asyncio.sleep(0.002)

    def acknowledged(self, message: dict[str, Any], now: float, took: float) -> None:
        self.ack_ms.append((now, took))
        self.statuses[message["status"]] = self.statuses.get(message["status"], 0) + 1
        self.journal.write(f"{message['id']} {message['status']}\n")


async def run(options: argparse.Namespace) -> dict[str, Any]:
    tokens = json.loads(Path(options.tokens).read_text())[options.skip : options.skip + options.n]
    with open(options.journal, "a") as journal:
        crowd = Crowd(options.active or len(tokens), options.think, journal)
        crowd.count = len(tokens)
        start = time.perf_counter()
        await connect(crowd, tokens, options.base)
        async with asyncio.timeout(40):
            await crowd.up.wait()
        connected_s = time.perf_counter() - start
        for person in crowd.people[: crowd.active]:
            person.send({"type": "ready", "want": 1})
        if options.cycles:
            await crowd.until(options.cycles // 3)
        else:
            await asyncio.sleep(WARM_S)
        print("warm", flush=True)
        t0 = time.perf_counter()
        if options.cycles:
            await crowd.until(options.cycles + options.cycles // 3)
        else:
            await asyncio.sleep(options.secs)
        t1 = time.perf_counter()
        print("done", flush=True)
        crowd.closing = True
        await asyncio.sleep(options.linger)
    took = [ms for at, ms in crowd.ack_ms if t0 <= at <= t1]
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "cycles": len(took), "cycles_s": len(took) / (t1 - t0), "submit_ms": percentiles(took),
        "next_ms": percentiles([ms for at, ms in crowd.next_ms if t0 <= at <= t1]), "statuses": crowd.statuses,
        "errors": crowd.errors, "last_error": crowd.last_error, "dropped": crowd.dropped, "idle": crowd.idle,
        "connected_s": connected_s, "sockets": len(crowd.people), "driver_cpu_s": usage.ru_utime + usage.ru_stime,
    }  # fmt: skip


async def connect(crowd: Crowd, tokens: list[str], bases: list[str]) -> None:
    """Open all sockets, spread over the servers, at most 64 at a time."""
    gate = asyncio.Semaphore(64)

    async def one(index: int, token: str) -> None:
        url = urllib.parse.urlsplit(bases[index % len(bases)])
        async with gate:
            await crowd.loop.create_connection(
                lambda: Annotator(crowd, f"/ws/feed/?token={token}", url.netloc), url.hostname, url.port
            )
            await asyncio.sleep(0.005)

    await asyncio.gather(*(one(index, token) for index, token in enumerate(tokens)))


def percentiles(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    if not ordered:
        return {}
    return {
        name: round(ordered[min(len(ordered) - 1, int(len(ordered) * share))], 2)
        for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--base", action="append", required=True, help="address of a web process; repeat for several"
    )
    parser.add_argument("--tokens", required=True, help="JSON list of API tokens, one per annotator")
    parser.add_argument("-n", type=int, default=256, help="annotators, one socket each")
    parser.add_argument("--skip", type=int, default=0, help="tokens to leave to another driver")
    parser.add_argument(
        "--active", type=int, default=0, help="how many of them work; the others hold idle sockets (0: all)"
    )
    parser.add_argument("--think", type=float, default=0.0, help="mean seconds between offer and answer")
    parser.add_argument("--secs", type=float, default=8.0)
    parser.add_argument(
        "--cycles", type=int, default=0, help="stop after so many instead, having warmed up for a third of it"
    )
    parser.add_argument(
        "--linger", type=float, default=0.5, help="seconds to wait for the last acknowledgements"
    )
    parser.add_argument("--journal", required=True)
    print(json.dumps(uvloop.run(run(parser.parse_args()))))


if __name__ == "__main__":
    main()
