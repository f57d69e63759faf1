"""The stage of the feed's benchmarks: durable PostgreSQL, Redis, web processes, people; and what is measured on it."""

import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import psycopg

from webapp.devtools.services import Postgres, Redis
from webapp.devtools.webprocess import WebProcess, get

HERE = Path(__file__).resolve().parent
TICK = os.sysconf("SC_CLK_TCK")
SETTINGS = {"shared_buffers": "512MB", "max_wal_size": "4GB", "checkpoint_timeout": "15min"}
BARE_CLIENTS = 32


def say(text: str) -> None:
    print(text, flush=True)


def cpu_s(pid: int) -> float:
    """Processor seconds of a process, its living children and those it has waited for."""
    total = 0
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    stack = [pid]
    while stack:
        current = stack.pop()
        stack += parents.get(current, [])
        try:
            fields = Path(f"/proc/{current}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(int(fields[i]) for i in (11, 12, 13, 14))
    return total / TICK


def rounds(base: str) -> float:
    """How many transactions a web process's dispatcher has committed."""
    _, page = get(f"{base}/metrics")
    lines = page.decode().splitlines()
    return next(
        float(line.split()[1]) for line in lines if line.startswith("tessera_feed_round_seconds_count")
    )


def main_thread_s(pid: int) -> float:
    """Processor seconds of a process's first thread: in a web process, that of the event loop."""
    fields = Path(f"/proc/{pid}/task/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


class Bench:
    """Servers that live inside the block, and the measurements on them."""

    def __init__(self, scratch: Path, *, processes: int, people: int) -> None:
        self.scratch, self.processes, self.people = scratch, processes, people
        self.journal = scratch / "journal.txt"
        self.tokens = scratch / "tokens.json"
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self.pg = self._stack.enter_context(Postgres(durable=True, settings=SETTINGS))
        self.redis = self._stack.enter_context(Redis())
        os.environ |= {
            "DATABASE_URL": self.pg.url, "REDIS_URL": self.redis.url, "TESSERA_VAR": str(self.scratch / "var"),
            "DJANGO_SETTINGS_MODULE": "webapp.config.settings", "SECRET_KEY": "bench",
        }  # fmt: skip
        self.manage("migrate", "--verbosity", "0")
        self.stock("open", str(self.people), str(self.tokens))
        self.web = [
            self._stack.enter_context(WebProcess(self.pg.url, self.redis.url, SECRET_KEY="bench"))
            for _ in range(self.processes)
        ]
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    # Stock -------------------------------------------------------------------------------------------------------

    def manage(self, *arguments: str) -> None:
        subprocess.run([sys.executable, "manage.py", *arguments], check=True, cwd=HERE.parents[1])

    def stock(self, *arguments: str) -> None:
        subprocess.run([sys.executable, str(HERE / "stocker.py"), *arguments], check=True)

    def deliver(self, lanes: int, tasks: int) -> None:
        start = time.monotonic()
        self.stock("deliver", str(lanes), str(tasks))
        say(f"{tasks:,} tasks over {lanes} lanes in {time.monotonic() - start:.1f} s")
        with psycopg.connect(self.pg.url, autocommit=True) as connection:
            connection.execute("CHECKPOINT")

    def clear(self) -> None:
        """Withdraw whatever is open."""
        with psycopg.connect(self.pg.url, autocommit=True) as connection:
            connection.execute("UPDATE labeling_assignment SET state = 'withdrawn' WHERE state = 'open'")
            connection.execute("VACUUM ANALYZE labeling_assignment")

    def hold(self, leases: int) -> None:
        """Lease tasks of their own to people who do not work: none of them will be answered."""
        self.stock("deliver", "200", str(leases))
        self.stock("hold", str(leases))

    # Measurements ------------------------------------------------------------------------------------------------

    def cycles(self, annotators: int, secs: float, **options: float) -> dict[str, Any]:
        """Drive annotators through the websocket; rates, latencies, processor time, and the audit of the journal."""
        self.journal.write_text("")
        command = [
            sys.executable, str(HERE / "driver.py"), "--tokens", str(self.tokens), "-n", str(annotators),
            "--secs", str(secs), "--journal", str(self.journal),
            *[part for web in self.web for part in ("--base", web.base)],
            *[part for key, value in options.items() for part in (f"--{key}", str(value))],
        ]  # fmt: skip
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as driver:
            assert driver.stdout is not None
            before = self._usage(driver.stdout.readline())
            after = self._usage(driver.stdout.readline())
            measured = json.loads(driver.stdout.read() or "{}")
        spent = {name: after[name] - before[name] for name in before}
        cycles = max(measured["cycles"], 1)
        result = {
            "cycles_s": round(measured["cycles_s"], 1),
            "cpu_ms_per_cycle": round(1000 * (spent["server"] + spent["database"]) / cycles, 4),
            "server_ms": round(1000 * spent["server"] / cycles, 4), "database_ms": round(1000 * spent["database"] / cycles, 4),
            "sockets_ms": round(1000 * spent["sockets"] / cycles, 4), "answers_a_round": round(cycles / max(spent["rounds"], 1), 1),
            "p50_ms": measured["submit_ms"].get("p50", 0.0), "p95_ms": measured["submit_ms"].get("p95", 0.0),
            "p99_ms": measured["submit_ms"].get("p99", 0.0), "next_ms": measured["next_ms"],
            **self.audit(), **{k: measured[k] for k in ("dropped", "statuses", "errors", "idle", "last_error", "driver_cpu_s")},
        }  # fmt: skip
        say(f"ours, {annotators} annotators: {json.dumps(result)}")
        return result

    def _usage(self, line: str) -> dict[str, float]:
        if line.strip() not in ("warm", "done"):
            raise RuntimeError(f"the driver failed: {line}\n{self.web[0].log[-3000:]}")
        return {
            "server": sum(cpu_s(web.pid) for web in self.web), "database": cpu_s(self.pg.pid),
            "sockets": sum(main_thread_s(web.pid) for web in self.web), "rounds": sum(rounds(web.base) for web in self.web),
        }  # fmt: skip

    def audit(self) -> dict[str, int]:
        """Compare what the driver was told with what the database has."""
        promised = [line.split() for line in self.journal.read_text().splitlines()]
        ids = [answer for answer, _ in promised]
        accepted = sum(status == "accepted" for _, status in promised)
        with psycopg.connect(self.pg.url) as connection:
            kept, counted = connection.execute(
                "SELECT count(*), count(*) FILTER (WHERE NOT late) FROM labeling_answer WHERE id = ANY(%s::uuid[])",
                [ids],
            ).fetchone()  # type: ignore[misc]
            twice = connection.execute(
                "SELECT count(*) FROM (SELECT 1 FROM labeling_answer WHERE NOT late GROUP BY microtask_id, annotator_id"
                " HAVING count(*) > 1 UNION ALL SELECT 1 FROM labeling_answer WHERE NOT late GROUP BY assignment_id"
                " HAVING count(*) > 1) t"
            ).fetchone()[0]  # type: ignore[index]
        return {"lost": len(set(ids)) - kept, "duplicates": twice + abs(counted - accepted)}

    def bare_loop(self, secs: float) -> dict[str, Any]:
        """Claim with SKIP LOCKED, then answer: two transactions a cycle, 32 connections, nothing else."""
        before = cpu_s(self.pg.pid)
        command = [sys.executable, str(HERE / "bare_loop.py"), self.pg.url, str(BARE_CLIENTS // 2), str(secs)]
        pair = [subprocess.Popen([*command, str(half)], stdout=subprocess.PIPE, text=True) for half in (0, 1)]
        done = [json.loads(process.communicate()[0]) for process in pair]
        cycles = sum(run["cycles"] for run in done)
        cpu = cpu_s(self.pg.pid) - before + sum(run["cpu_s"] for run in done)
        result = {
            "cycles_s": round(sum(run["cycles"] / run["secs"] for run in done), 1),
            "cpu_ms_per_cycle": round(1000 * cpu / max(cycles, 1), 4),
        }
        say(f"bare loop, {BARE_CLIENTS} connections: {json.dumps(result)}")
        return result

    def tpcb(self, secs: float) -> dict[str, Any]:
        """pgbench's TPC-B, 32 clients, prepared, scale 20."""
        environment = {**os.environ, "PGPASSWORD": self.pg.password}
        program = [str(self.pg.bin / "pgbench"), "-h", "127.0.0.1", "-p", str(self.pg.port), "-U", "postgres"]
        with psycopg.connect(self.pg.url, autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = 'tpcb'").fetchone():
                connection.execute("CREATE DATABASE tpcb")
                subprocess.run(
                    [*program, "-i", "-q", "-s", "20", "tpcb"],
                    check=True,
                    env=environment,
                    capture_output=True,
                )
        out = subprocess.run(
            [*program, "-n", "-M", "prepared", "-c", "32", "-j", "2", "-T", str(int(secs)), "tpcb"],
            check=True, env=environment, capture_output=True, text=True,
        ).stdout  # fmt: skip
        tps = next(float(line.split()[2]) for line in out.splitlines() if line.startswith("tps"))
        say(f"TPC-B, 32 clients: {tps:.0f} tps")
        return {"tps": round(tps, 1)}
