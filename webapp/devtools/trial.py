"""The stage of the fault matrix: servers that can be harmed, and a crowd that works through them and keeps a journal."""

import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import psycopg
import websockets

from webapp.devtools.feedclient import Tab, answer_to
from webapp.devtools.services import Postgres, Redis
from webapp.devtools.webprocess import ROOT, WebProcess

ENVIRONMENT = {"SECRET_KEY": "chaos", "TESSERA_DRAIN_S": "3"}


class Site:
    """PostgreSQL that writes to disk, Redis, two web processes and the janitor."""

    def __init__(self, stack: ExitStack, people: int, tasks: int) -> None:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tessera-chaos-")))
        self.pg = stack.enter_context(Postgres(durable=True))
        self.redis = stack.enter_context(Redis())
        self.environment = {
            **os.environ, **ENVIRONMENT, "DATABASE_URL": self.pg.url, "REDIS_URL": self.redis.url,
            "TESSERA_VAR": str(scratch / "var"), "DJANGO_SETTINGS_MODULE": "webapp.config.settings",
        }  # fmt: skip
        self._run("manage.py", "migrate", "--verbosity", "0")
        self._run(
            "-m", "webapp.devtools.chaos", "--fill", str(scratch / "tokens.json"), str(people), str(tasks)
        )
        self.tokens: list[str] = json.loads((scratch / "tokens.json").read_text())
        self.web = [
            stack.enter_context(
                WebProcess(self.pg.url, self.redis.url, **ENVIRONMENT, TESSERA_VAR=str(scratch / "var"))
            )
            for _ in range(2)
        ]
        self.janitor: subprocess.Popen[bytes] | None = None
        self.start_janitor()
        stack.callback(self.kill_janitor)

    def _run(self, *arguments: str) -> None:
        subprocess.run([sys.executable, *arguments], check=True, cwd=ROOT, env=self.environment)

    def start_janitor(self) -> None:
        command = [sys.executable, "manage.py", "run_janitors", "--every", "0.5"]
        self.janitor = subprocess.Popen(
            command, cwd=ROOT, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def kill_janitor(self) -> None:
        if self.janitor is not None:
            self.janitor.kill()
            self.janitor.wait()

    def keep_janitor(self) -> None:
        """As a supervisor would: start it again when it has ended."""
        if self.janitor is None or self.janitor.poll() is not None:
            self.start_janitor()

    def execute(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.pg.url, autocommit=True) as connection:
            cursor = connection.execute(sql, values)
            return cursor.fetchall() if cursor.description else []

    def fill_the_disk(self) -> None:
        """Let the database server write no byte more to any file, until it is started again."""
        pids = {self.pg.pid, *(pid for (pid,) in self.execute("SELECT pid FROM pg_stat_activity"))}
        account = self.pg.account  # Only its own account may limit a process without special rights.
        who: dict[str, Any] = (
            {"user": account.uid, "group": account.gid, "extra_groups": []} if account else {}
        )
        for pid in pids:
            command = ["prlimit", "--pid", str(pid), "--fsize=0:"]
            subprocess.run(command, check=False, capture_output=True, **who)

    def failed_rounds(self) -> int:
        """How often a web process has had to try a transaction again."""
        return sum(process.log.count("round failed") for process in self.web)

    async def restart(self, number: int, *program: str) -> None:
        """Deploy one web process anew, with another program from now on."""
        process = self.web[number]
        await asyncio.to_thread(process.terminate)
        process.program = list(program)
        await asyncio.to_thread(process.start)


class Member:
    """One annotator who never gives up: reconnects anywhere, and sends again what was not acknowledged."""

    def __init__(self, crowd: "Crowd", number: int, token: str) -> None:
        self.crowd, self.token = crowd, token
        self.rng = random.Random(number)
        self.unacknowledged: dict[str, dict[str, Any]] = {}

    async def run(self) -> None:
        while not self.crowd.over(self):
            base = self.rng.choice(self.crowd.site.web).base
            try:
                tab = Tab(base, self.token)
                await tab.connect()
                try:
                    await self.work(tab)
                finally:
                    if tab not in self.crowd.frozen:
                        with suppress(Exception):
                            await tab.close()
            except (OSError, TimeoutError, EOFError, websockets.WebSocketException):
                await asyncio.sleep(0.1 + 0.3 * self.rng.random())

    async def work(self, tab: Tab) -> None:
        crowd = self.crowd
        tab.copies = 2 if crowd.doubled else 1
        for message in list(self.unacknowledged.values()):
            await tab.send(message)
        await tab.ready(0 if crowd.closing else 2)
        while not crowd.over(self):
            if crowd.dropping and self.rng.random() < 0.02:
                tab.drop()
                return
            if crowd.freezing and self.rng.random() < 0.03:
                tab.freeze()
                crowd.frozen.append(tab)
                return
            tab.copies = 2 if crowd.doubled else 1
            try:
                message = await tab.receive(1.0)
            except TimeoutError:
                if crowd.closing and self.unacknowledged:
                    return  # Still not acknowledged: try another way.
                continue
            match message["type"]:
                case "offer" if not crowd.closing:
                    if crowd.late and self.rng.random() < 0.2:
                        asyncio.get_running_loop().call_later(3.0, self.belated, message)
                        continue
                    await asyncio.sleep(0.02 * self.rng.random())
                    await self.treat(tab, message)
                case "ack":
                    sent = self.unacknowledged.pop(message["id"], None)
                    if sent is not None:
                        crowd.journal[message["id"]] = (message["status"], sent["assignment"])
                case "error" if message["ref"] in self.unacknowledged and message["code"] != "server":
                    crowd.refused.append(message)
                    del self.unacknowledged[message["ref"]]
                case "drain":
                    await tab.ready(0)

    def belated(self, offer: dict[str, Any]) -> None:
        """Answer long after the lease has ended: the next connection sends it."""
        message = answer_to(offer)
        self.unacknowledged[message["id"]] = message

    async def treat(self, tab: Tab, offer: dict[str, Any]) -> None:
        """Answer it; now and then, say first that it takes longer, or give it back."""
        held = {"assignment": offer["assignment"], "lease": offer["lease"]}
        luck = self.rng.random()
        if luck < 0.03:
            await tab.send({"type": "release", **held})
            return
        if luck < 0.06:
            await tab.send({"type": "extend", **held})
        message = answer_to(offer)
        self.unacknowledged[message["id"]] = message
        await tab.send(message)


class Crowd:
    def __init__(self, site: Site) -> None:
        self.site = site
        self.journal: dict[str, tuple[str, int]] = {}
        self.refused: list[dict[str, Any]] = []
        self.closing = self.dropping = self.freezing = self.doubled = self.late = False
        self.frozen: list[Tab] = []  # half-open: the server does not hear that nobody is there
        self.deadline = 0.0

    def over(self, member: Member) -> bool:
        if not self.closing:
            return False
        return not member.unacknowledged or time.monotonic() > self.deadline

    async def work(
        self, fault: Callable[["Crowd"], Awaitable[None]], before_s: float, after_s: float
    ) -> None:
        """Work, let the fault happen in the middle, work on, and see every answer through to its acknowledgement."""
        self.closing = False
        members = [Member(self, n, token) for n, token in enumerate(self.site.tokens)]
        async with asyncio.TaskGroup() as group:
            for member in members:
                group.create_task(member.run())
            await asyncio.sleep(before_s)
            await fault(self)
            await asyncio.sleep(after_s)
            self.deadline = time.monotonic() + 30
            self.closing = True
