"""One throw-away server process: where it lives, how it starts, stops, is killed and vanishes."""

import os
import secrets
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from webapp.devtools.binaries import ServiceError, server_account, temporary_folder

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
