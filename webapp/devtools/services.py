"""Throw-away PostgreSQL and Redis servers on free loopback ports, for tests, benchmarks and kill -9 trials.

    with postgres() as database_url, redis() as redis_url:
        ...

``TESSERA_TEST_DATABASE_URL`` and ``TESSERA_TEST_REDIS_URL`` name running servers to use instead. ``Postgres`` and
``Redis`` are for who must stop, kill and start one again: port, password and data stay the same until ``close()``.
Each server has a random password, keeps everything in one temporary folder and dies with the process that made it,
even when that one is killed.
"""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import psycopg

from webapp.devtools.binaries import ServiceError, find_postgres, find_redis
from webapp.devtools.server import Server

__all__ = ["Postgres", "Redis", "Server", "ServiceError", "postgres", "redis"]


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
