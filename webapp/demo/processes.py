"""The demo's processes: server, janitor, engine and crowd, each a child that dies with the demo."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from django.conf import settings

PR_SET_PDEATHSIG = 1  # prctl(2): the signal that a child gets when its parent dies


class ChildDied(Exception):
    """A process of the demo ended by itself; what is committed is safe and the same command continues."""


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


@dataclass
class Children:
    """Starts processes, notices when one dies, and stops all of them in the end."""

    logs: Path
    running: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def start(self, name: str, *command: str, env: dict[str, str] | None = None) -> None:
        self.logs.mkdir(parents=True, exist_ok=True)
        log = (self.logs / f"{name}.log").open("ab")
        # PR_SET_PDEATHSIG has to be set between fork and exec; the demo is single-threaded when it starts children.
        self.running[name] = subprocess.Popen(
            command, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, preexec_fn=_die_with_parent,  # noqa: PLW1509
            env={**os.environ, "OMP_NUM_THREADS": "1", **(env or {})}, cwd=settings.BASE_DIR,
        )  # fmt: skip

    def manage(self, name: str, *arguments: str) -> None:
        self.start(name, sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments)

    def check(self) -> None:
        """Raise ChildDied, with the end of its log, when a process has ended."""
        for name, process in self.running.items():
            if process.poll() is not None:
                tail = (self.logs / f"{name}.log").read_bytes()[-2000:].decode(errors="replace")
                raise ChildDied(
                    f"the {name} process ended unexpectedly (status {process.returncode}). Nothing that was "
                    f"acknowledged is lost: run the same command again to continue.\nThe end of {self.logs / name}.log:\n{tail}"
                )

    def stop(self, name: str) -> None:
        """Ask one process to end, and insist after 20 seconds."""
        process = self.running.pop(name, None)
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def __enter__(self) -> "Children":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name in reversed(list(self.running)):
            self.stop(name)


def free_port(preferred: int) -> int:
    """The preferred loopback port if it is free, else any."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no free loopback port")


def wait_until_healthy(base: str, children: Children, timeout_s: float = 180.0) -> None:
    """Wait for the server's health check."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        children.check()
        try:
            with urllib.request.urlopen(f"{base}/healthz", timeout=5) as response:
                if response.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise ChildDied(
        f"the server did not answer at {base}/healthz within {timeout_s:.0f} s; see {children.logs}/server.log"
    )
