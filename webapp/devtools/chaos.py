"""The fault matrix: a crowd works through two web processes while things are killed, and nothing acknowledged is lost.

    python -m webapp.devtools.chaos            every fault, with 24 annotators
    python -m webapp.devtools.chaos --quick    fewer and shorter, for continuous integration

After each fault the audit recomputes from the crowd's own journal, written when an acknowledgement arrived: answers lost,
counted twice or bought beyond what was wanted, assignments held twice, leases that nobody took back.
"""

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import psycopg
import websockets

from webapp.devtools.feedclient import Tab, answer_to
from webapp.devtools.services import Postgres, Redis
from webapp.devtools.webprocess import ROOT, WebProcess

ENVIRONMENT = {"SECRET_KEY": "chaos", "TESSERA_DRAIN_S": "3"}
STUCK_S = 10  # a lease that ended longer ago than this, and is still held, is stuck


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
                    with suppress(Exception):
                        await tab.close()
            except (OSError, TimeoutError, EOFError, websockets.WebSocketException):
                await asyncio.sleep(0.1 + 0.3 * self.rng.random())

    async def work(self, tab: Tab) -> None:
        crowd = self.crowd
        for message in list(self.unacknowledged.values()):
            await tab.send(message)
        await tab.ready(0 if crowd.closing else 2)
        while not crowd.over(self):
            if crowd.dropping and self.rng.random() < 0.02:
                tab.drop()
                return
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
                    await self.answer(tab, message)
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

    async def answer(self, tab: Tab, offer: dict[str, Any]) -> None:
        message = answer_to(offer)
        self.unacknowledged[message["id"]] = message
        for _ in range(2 if self.crowd.doubled else 1):
            await tab.send(message)


class Crowd:
    def __init__(self, site: Site) -> None:
        self.site = site
        self.journal: dict[str, tuple[str, int]] = {}
        self.refused: list[dict[str, Any]] = []
        self.closing = self.dropping = self.doubled = self.late = False
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


Fault = Callable[[Crowd], Awaitable[None]]

# Faults ------------------------------------------------------------------------------------------------------


async def nothing(crowd: Crowd) -> None:
    """Nothing goes wrong."""


async def a_web_process_is_killed(crowd: Crowd) -> None:
    victim = crowd.site.web[0]
    victim.kill()
    await asyncio.sleep(1)
    await asyncio.to_thread(victim.start)


async def postgresql_is_killed(crowd: Crowd) -> None:
    crowd.site.pg.kill()
    await asyncio.sleep(1)
    await asyncio.to_thread(crowd.site.pg.start)


async def redis_is_killed(crowd: Crowd) -> None:
    crowd.site.redis.kill()
    await asyncio.sleep(1.5)
    await asyncio.to_thread(crowd.site.redis.start)


async def the_janitor_is_killed(crowd: Crowd) -> None:
    crowd.site.kill_janitor()
    await asyncio.sleep(1)
    crowd.site.start_janitor()


async def sockets_drop(crowd: Crowd) -> None:
    crowd.dropping = True
    await asyncio.sleep(3)
    crowd.dropping = False


async def every_answer_is_sent_twice(crowd: Crowd) -> None:
    crowd.doubled = True
    await asyncio.sleep(3)
    crowd.doubled = False


async def leases_end_early_and_answers_come_late(crowd: Crowd) -> None:
    crowd.late = True
    for _ in range(6):
        await asyncio.sleep(0.5)
        crowd.site.execute(
            "UPDATE labeling_assignment SET lease_expires_at = now() - interval '1 second' WHERE state = 'leased' AND id %% 3 = 0"
        )
    crowd.late = False


async def connections_are_cut_at_commit(crowd: Crowd) -> None:
    for _ in range(5):
        crowd.site.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND state <> 'idle'"
            " AND datname = current_database()"
        )
        await asyncio.sleep(0.5)


async def a_release_is_deployed(crowd: Crowd) -> None:
    for process in crowd.site.web:
        await asyncio.to_thread(process.terminate)
        await asyncio.to_thread(process.start)


FAULTS = (
    nothing, every_answer_is_sent_twice, sockets_drop, a_web_process_is_killed, redis_is_killed, the_janitor_is_killed,
    leases_end_early_and_answers_come_late, connections_are_cut_at_commit, postgresql_is_killed, a_release_is_deployed,
)  # fmt: skip
QUICK = (sockets_drop, a_web_process_is_killed, leases_end_early_and_answers_come_late, postgresql_is_killed)


# Audit -------------------------------------------------------------------------------------------------------


def audit(crowd: Crowd) -> dict[str, int]:
    """Compare the crowd's journal with the rows; every figure but `answers` must be 0."""
    site = crowd.site
    kept = {
        str(pk): (late, a)
        for pk, late, a in site.execute("SELECT id, late, assignment_id FROM labeling_answer")
    }
    counted = [key for key, (late, _) in kept.items() if not late]
    told = [key for key, (status, _) in crowd.journal.items() if status == "accepted"]
    ((twice,),) = site.execute(TWICE)
    ((beyond,),) = site.execute(BEYOND)
    ((stuck,),) = site.execute(STUCK)
    return {
        "answers": len(crowd.journal), "lost": len(crowd.journal.keys() - kept.keys()),
        "not_counted": len(set(told) - set(counted)), "counted_twice": twice, "beyond_overlap": beyond,
        "double_leases": _double_leases(site), "stuck": stuck, "refused": len(crowd.refused),
    }  # fmt: skip


TWICE = """
SELECT count(*) FROM (
  SELECT 1 FROM labeling_answer WHERE NOT late GROUP BY microtask_id, annotator_id HAVING count(*) > 1
) twice
"""
BEYOND = """
SELECT count(*) FROM (
  SELECT microtask_id FROM labeling_answer n WHERE NOT late GROUP BY microtask_id
  HAVING count(*) > (SELECT count(*) FROM labeling_assignment a WHERE a.microtask_id = n.microtask_id AND a.state = 'answered')
) beyond
"""
STUCK = f"""
SELECT count(*) FROM labeling_assignment WHERE state = 'leased' AND lease_expires_at < now() - interval '{STUCK_S} s'
"""


def _double_leases(site: Site) -> int:
    """Leases given while an earlier one of the same assignment had neither ended nor been answered."""
    held: set[int] = set()
    doubles = 0
    for kind, assignment in site.execute(
        "SELECT kind, (data->>'assignment')::bigint FROM labeling_event"
        " WHERE kind IN ('leased', 'lease_ended', 'answered') ORDER BY (data->>'assignment')::bigint,"
        " (data->>'epoch')::int, CASE kind WHEN 'leased' THEN 0 ELSE 1 END"
    ):
        if kind == "leased":
            doubles += assignment in held
            held.add(assignment)
        else:
            held.discard(assignment)
    return doubles


def run(faults: Sequence[Fault], *, people: int, tasks: int, seconds: float) -> int:
    """Play every fault; returns how many ended with a guarantee broken."""
    failures = 0
    with ExitStack() as stack:
        site = Site(stack, people, tasks)
        crowd = Crowd(site)
        for fault in faults:
            before = len(crowd.journal)
            asyncio.run(crowd.work(fault, seconds, seconds))
            site.keep_janitor()
            time.sleep(1.5)  # for the janitor, and whatever is still being committed
            result = audit(crowd)
            done = result.pop("answers") - before
            bad = {name: count for name, count in result.items() if count}
            broken = bool(bad) or not done
            failures += broken
            verdict = "FAILED" if broken else "held  "
            print(
                f"{verdict} {fault.__name__.replace('_', ' ')}: {done} answers {bad or ''}".rstrip(),
                flush=True,
            )
    return failures


def fill(path: str, people: str, tasks: str) -> None:
    """Fill the database that the environment names; a process of its own."""
    import django  # the trial itself must not need Django: its database goes away in the middle

    django.setup()
    from webapp.devtools import stock

    Path(path).write_text(json.dumps(stock.open_shop(hands=int(people), lanes=4, tasks=int(tasks)).tokens))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="four faults, shorter")
    parser.add_argument("--people", type=int, default=24)
    parser.add_argument("--only", help="play only faults whose name contains this")
    parser.add_argument("--fill", nargs=3, metavar=("TOKENS", "PEOPLE", "TASKS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.fill:
        fill(*options.fill)
        return
    every: Sequence[Fault] = QUICK if options.quick else FAULTS
    faults = tuple(f for f in every if not options.only or options.only in f.__name__)
    seconds = 1.5 if options.quick else 3.0
    sys.exit(run(faults, people=options.people, tasks=20_000, seconds=seconds) > 0)


if __name__ == "__main__":
    main()
