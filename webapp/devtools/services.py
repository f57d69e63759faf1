"""Throw-away PostgreSQL and Redis servers on free loopback ports, for tests, benchmarks and kill -9 trials.

    with postgres() as database_url, redis() as redis_url:
        ...

``TESSERA_TEST_DATABASE_URL`` and ``TESSERA_TEST_REDIS_URL`` name running servers to use instead. ``Postgres`` and
``Redis`` are for who must stop, kill and start one again: port, password and data stay the same until ``close()``.
Each server has a random password, keeps everything in one temporary folder and dies with the process that made it,
even when that one is killed.
"""

import os
import secrets
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg

from webapp.devtools.binaries import (
    ServiceError,
    find_postgres,
    find_redis,
    server_account,
    temporary_folder,
)

START_SECONDS = 60.0
STOP_SECONDS = 20.0

# Reads until the pipe from our process closes, which the kernel does however that process ends. Arguments: pid file,
# folder, signal. "$1" is gone when the server was stopped properly.
WATCHDOG = 'read -r _; if [ -f "$1" ]; then kill -"$3" "$(cat "$1")" 2>/dev/null; sleep 1; fi; rm -rf "$2"'


class Server(ABC):
    """One server process with its folder. Usable as a context manager: starts on entry, closes on exit.

    Attributes:
        folder: holds data, log and password; removed by ``close``.
        port: TCP port on 127.0.0.1, the same over restarts.
        password: of the only account.
    """

    scheme: str
    graceful: signal.Signals
    abrupt: signal.Signals

    def __init__(self, *, durable: bool = False) -> None:
        """Choose folder, port and account; nothing runs before ``start``.

        Args:
            durable: write-through to disk as in production. Without it nothing is forced to disk: much faster, and
                still safe against the death of any process, though not of the machine.
        """
        self.durable = durable
        self.account = server_account()
        self.folder = temporary_folder(self.account)
        self.port = _free_port()
        self.password = secrets.token_urlsafe(24)
        self._process: subprocess.Popen[bytes] | None = None
        self._watchdog = _watch(self._pid_file, self.folder, self.abrupt)

    @property
    @abstractmethod
    def url(self) -> str:
        """Address with account and password, as DATABASE_URL or REDIS_URL wants it."""

    @property
    def pid(self) -> int:
        """Process id of the running server. Raises ServiceError when it does not run."""
        if self._process is None:
            raise ServiceError(f"{type(self).__name__} is not running")
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start on the folder's data and return once connections are answered.

        Raises ServiceError with the end of the log when the server does not come up within 60 s.
        """
        if self.running:
            return
        if not self.folder.exists():
            raise ServiceError(f"{type(self).__name__} was closed; make a new one")
        command = self._prepare()
        with open(self._log, "ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                **self._as_account(),
            )
        self._pid_file.write_text(str(self._process.pid))
        _wait(self._answers, START_SECONDS, self._failed_start)

    def stop(self) -> None:
        """Shut down in good order, keeping the data; as ``kill`` when that takes more than 20 s."""
        if self._process is None:
            return
        self._process.send_signal(self.graceful)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        self._forget()

    def kill(self) -> None:
        """``kill -9`` of the server and of every process it started, as an accident would; the data stay."""
        if self._process is None:
            return
        pid = self._process.pid
        children = []
        if self.running:
            _send(pid, signal.SIGSTOP)  # It can no longer start a child that we would miss.
            children = _children(pid)
            for victim in (pid, *children):
                _send(victim, signal.SIGKILL)
            self._process.wait()
        _wait(lambda: not any(map(_alive, children)), STOP_SECONDS, lambda: None)
        self._forget()

    def close(self) -> None:
        """Stop, and remove the folder. May be called twice."""
        self.stop()
        if self._watchdog.stdin is not None:
            self._watchdog.stdin.close()  # It removes the folder, and would even if we were killed here.
        self._watchdog.wait()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @abstractmethod
    def _prepare(self) -> list[str]:
        """Write what the first start needs; the command that starts the server in the foreground."""

    @abstractmethod
    def _connect(self) -> bool:
        """Whether the server answers now."""

    @property
    def _log(self) -> Path:
        return self.folder / "server.log"

    @property
    def _pid_file(self) -> Path:
        return self.folder / "server.pid"

    def _answers(self) -> bool:
        if not self.running:
            raise self._failed_start()
        return self._connect()

    def _failed_start(self) -> ServiceError:
        self.kill()
        log = self._log.read_text(errors="replace").splitlines()[-15:]
        return ServiceError("\n  ".join([f"{type(self).__name__} did not start; the end of its log:", *log]))

    def _forget(self) -> None:
        self._process = None
        self._pid_file.unlink(missing_ok=True)

    def _as_account(self) -> dict[str, Any]:
        """Arguments of Popen: a session of its own, away from the terminal's Ctrl-C, and an unprivileged account."""
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))
        }
        options: dict[str, Any] = {"start_new_session": True, "env": environment | {"LC_ALL": "C"}}
        if self.account is not None:
            options |= {"user": self.account.uid, "group": self.account.gid, "extra_groups": []}
        return options


class Postgres(Server):
    """A PostgreSQL server with the database ``postgres``."""

    scheme = "postgresql"
    graceful = signal.SIGINT  # "Fast" shutdown: connections are cut, data are written.
    abrupt = signal.SIGQUIT

    def __init__(self, *, durable: bool = False, settings: Mapping[str, str] | None = None) -> None:
        """See ``Server``; ``settings`` are added to the configuration, for example ``{"shared_buffers": "512MB"}``."""
        super().__init__(durable=durable)
        self.settings = dict(settings or {})

    @property
    def url(self) -> str:
        return f"postgresql://postgres:{self.password}@127.0.0.1:{self.port}/postgres"

    @cached_property
    def bin(self) -> Path:
        """Folder of the programs (``pgbench``, ``pg_dump``...) that belong to this server."""
        return find_postgres(self.account, self.folder)

    def _prepare(self) -> list[str]:
        data = self.folder / "data"
        if not (data / "PG_VERSION").exists():
            self._create_cluster(data)
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "200",
            "shared_buffers": "128MB",
        }
        if not self.durable:
            # Commits still reach the operating system before they are acknowledged, so kill -9 loses none of them.
            settings |= {"fsync": "off", "full_page_writes": "off"}
        options = [
            part for name, value in (settings | self.settings).items() for part in ("-c", f"{name}={value}")
        ]
        return [str(self.bin / "postgres"), "-D", str(data), *options]

    def _create_cluster(self, data: Path) -> None:
        secret = self.folder / "password"
        secret.write_text(self.password + "\n")
        secret.chmod(0o600)
        if self.account is not None:
            self.account.take(secret)
        command = [
            str(self.bin / "initdb"),
            "-D",
            str(data),
            "-U",
            "postgres",
            "--encoding=UTF8",
            "--locale=C",
        ]
        command += ["--auth=scram-sha-256", f"--pwfile={secret}", "--no-sync"]
        with open(self._log, "ab") as log:
            done = subprocess.run(
                command,
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                **self._as_account(),
            )
        secret.unlink()
        if done.returncode != 0:
            raise self._failed_start()

    def _connect(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


class Redis(Server):
    """A Redis or Valkey server. Without ``durable`` its data live in memory only; with it every write is appended."""

    scheme = "redis"
    graceful = signal.SIGTERM
    abrupt = signal.SIGKILL

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def _prepare(self) -> list[str]:
        program = find_redis(self.account, self.folder)
        config = self.folder / "redis.conf"
        lines = [f"bind 127.0.0.1\nport {self.port}\nrequirepass {self.password}\ndir {self.folder}\nsave ''"]
        lines.append("appendonly yes\nappendfsync always" if self.durable else "appendonly no")
        config.touch(mode=0o600)
        config.write_text("\n".join(lines) + "\n")
        if self.account is not None:
            self.account.take(config)
        return [str(program), str(config)]

    def _connect(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\nQUIT\r\n".encode())
                return b"+PONG" in connection.makefile("rb").read()
        except OSError:
            return False


@contextmanager
def postgres(*, durable: bool = False, settings: Mapping[str, str] | None = None) -> Iterator[str]:
    """The URL in ``TESSERA_TEST_DATABASE_URL``, else that of a new server that lives inside the block."""
    if external := os.environ.get("TESSERA_TEST_DATABASE_URL"):
        yield external
        return
    with Postgres(durable=durable, settings=settings) as server:
        yield server.url


@contextmanager
def redis(*, durable: bool = False) -> Iterator[str]:
    """The URL in ``TESSERA_TEST_REDIS_URL``, else that of a new server that lives inside the block."""
    if external := os.environ.get("TESSERA_TEST_REDIS_URL"):
        yield external
        return
    with Redis(durable=durable) as server:
        yield server.url


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _watch(pid_file: Path, folder: Path, abrupt: signal.Signals) -> subprocess.Popen[bytes]:
    command = ["/bin/sh", "-c", WATCHDOG, "watchdog", str(pid_file), str(folder), str(int(abrupt))]
    return subprocess.Popen(command, stdin=subprocess.PIPE, cwd="/", start_new_session=True)


def _wait(condition: Callable[[], bool], seconds: float, failure: Callable[[], Exception | None]) -> None:
    deadline = time.monotonic() + seconds
    pause = 0.01
    while not condition():
        if time.monotonic() > deadline:
            if error := failure():
                raise error
            return
        time.sleep(pause)
        pause = min(pause * 1.5, 0.2)


def _children(pid: int) -> list[int]:
    listing = Path(f"/proc/{pid}/task/{pid}/children")
    if listing.exists():
        return [int(child) for child in listing.read_text().split()]
    table = subprocess.run(["ps", "-axo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    return [
        int(child) for child, parent in (line.split() for line in table.splitlines()) if int(parent) == pid
    ]


def _alive(pid: int) -> bool:
    """Whether a process still runs; one that is dead but not yet collected by its parent does not."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except ProcessLookupError:
        return False
    except FileNotFoundError:
        return Path("/proc").exists() is False


def _send(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


__all__ = ["Postgres", "Redis", "Server", "ServiceError", "postgres", "redis"]
