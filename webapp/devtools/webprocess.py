"""One real web process: uvicorn with the application, as production runs it, on a free loopback port."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

ROOT = Path(__file__).resolve().parents[2]
PR_SET_PDEATHSIG = 1  # prctl(2): the signal that a child gets when its parent dies
START_S = 120.0


class WebProcess:
    """Starts on entry, is healthy when entered, stops on exit; `kill` and `start` again in between keep the port."""

    def __init__(self, database_url: str, redis_url: str = "", **environment: str) -> None:
        self.servers, self.extra = (database_url, redis_url), environment
        self.program = ["uvicorn"]  # a module that takes uvicorn's arguments, with arguments of its own
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self._environment = {
            **os.environ, "DATABASE_URL": database_url, "REDIS_URL": redis_url, "OMP_NUM_THREADS": "1",
            "DJANGO_SETTINGS_MODULE": "webapp.config.settings", **environment,
        }  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  # closed on exit

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> str:
        """What the process has said since it was made, over all its starts."""
        self._log.seek(0)
        return self._log.read().decode(errors="replace")

    def start(self, *, wait: bool = True) -> None:
        command = [
            sys.executable, "-m", *self.program, "webapp.config.asgi:application", "--host", "127.0.0.1",
            "--port", str(self.port), "--ws", "websockets-sansio", "--loop", "uvloop",
            "--ws-per-message-deflate", "false", "--log-level", "warning", "--backlog", "8192",
        ]  # fmt: skip
        self._log.seek(0, os.SEEK_END)
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=self._environment, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log,
            preexec_fn=_die_with_parent,  # noqa: PLW1509  # set between fork and exec; uses no Python locks
        )  # fmt: skip
        if wait:
            self.wait_until_healthy()

    def wait_until_healthy(self) -> None:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if not self.running:
                break
            try:
                with urllib.request.urlopen(f"{self.base}/healthz", timeout=2) as response:
                    if response.status == 200:
                        return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        raise RuntimeError(f"the web process did not come up; its log:\n{self.log[-4000:]}")

    def kill(self) -> None:
        """`kill -9`, as an accident would."""
        self._end(signal.SIGKILL)

    def terminate(self) -> None:
        """SIGTERM: drain and leave. Insists after 30 seconds."""
        self._end(signal.SIGTERM)

    def send_signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def wait(self, seconds: float) -> int:
        """Wait until it ends by itself; its exit status."""
        assert self._process is not None
        return self._process.wait(seconds)

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        if self.running:
            self._process.send_signal(number)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        self._log.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def get(url: str, **headers: str) -> tuple[int, Any]:
    """Status and body of a page, whatever the status."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
