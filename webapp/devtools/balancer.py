"""A load balancer for tests: one address in front of several web processes, whose connections can be made to fail.

It forwards TCP, so a browser behind it sees what a person behind a real proxy sees, websockets included.
"""

import asyncio
import threading
from collections.abc import Sequence
from itertools import count
from types import TracebackType
from typing import Self

CHUNK = 65_536


class Balancer:
    """Listens on entry, on a free port; every new connection goes to the next of `ports`, or to `only`."""

    def __init__(self, ports: Sequence[int]) -> None:
        self.ports = list(ports)
        self.only: int | None = None
        self.taken: list[int] = []  # the ports that connections went to, in their order
        self._swallows = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._turn = count()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.port = 0

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def swallow(self) -> None:
        """From now on what open connections send to the server is lost, as on a line that has just died."""
        self._swallows = True

    def cut(self) -> None:
        """End every open connection; new ones work again."""
        asyncio.run_coroutine_threadsafe(self._cut(), self._loop).result(10)

    async def _cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()
        self._swallows = False

    async def _serve(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        port = self.only or self.ports[next(self._turn) % len(self.ports)]
        try:
            back, onward = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.transport.abort()
            return
        self.taken.append(port)
        self._writers |= {writer, onward}
        await asyncio.gather(self._pipe(reader, onward, lossy=True), self._pipe(back, writer))
        self._writers -= {writer, onward}

    async def _pipe(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, lossy: bool = False
    ) -> None:
        try:
            while data := await source.read(CHUNK):
                if lossy and self._swallows:
                    continue
                target.write(data)
                await target.drain()
        except OSError:
            pass
        target.close()

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._serve(), self._loop).result(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _stop(self) -> None:
        self._server.close()
        await self._cut()
        await asyncio.sleep(0.05)  # the pipes end by themselves once their connections are gone
