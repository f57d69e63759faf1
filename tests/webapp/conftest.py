"""The cast and the stage of the web application's tests.

acme: ada and bob (annotators), sam (senior), olga (specialist), otto (operations manager); evil: mallory (everything).
"""

import json
import os
import random
import time
from collections.abc import Callable, Iterator
from functools import cache as once
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from zlib import crc32

import numpy as np
import pytest
from django.core.cache import cache
from django.db import connection
from jsonschema import Draft202012Validator
from PIL import Image
from pytest_django import Settings

from webapp.devtools.webprocess import WebProcess
from webapp.people.models import Organisation, Role, Tier, User
from webapp.people.operations import create_organisation, create_person
from webapp.projects.models import Project
from webapp.projects.operations import create_project
from webapp.scenes.models import Dataset

WEB_ENVIRONMENT = {"SECRET_KEY": "only for tests"}
LUCK = int(os.environ.get("TESSERA_TEST_LUCK", "0"))  # another number: other ids and other dice


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> Path:
    """A media folder of its own for each test."""
    settings.MEDIA_DIR = tmp_path / "var" / "media"
    settings.VAR_DIR = tmp_path / "var"
    return tmp_path / "var" / "media"


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def _fresh_cache() -> None:
    cache.clear()


@once
def _restart_ids() -> str:
    """Statement that lets the ids of every empty table of PostgreSQL start above a given number."""
    quote = connection.ops.quote_name
    restarted = [
        f"setval('{quote(s['name'])}', (SELECT coalesce(max({quote(s['column'])}), %(base)s) + 1 FROM {quote(s['table'])}), false)"
        for s in connection.introspection.sequence_list()
    ]
    return f"SELECT {', '.join(restarted)}"


def _ids_of(test: str) -> int:
    """Other ids for every test: the web processes of a module live on, and would take the rows of the next test for those
    that they remember, were the ids the same."""
    return LUCK + 1000 * (crc32(test.encode()) % 2_000_000)


@pytest.fixture(autouse=True)
def _same_luck(request: pytest.FixtureRequest) -> None:
    """The same dice and the same ids whatever ran before, since people and questions draw their luck from their ids: a
    failure can be repeated. ``TESSERA_TEST_LUCK=7 pytest tests/webapp`` looks for tests that only this luck lets pass."""
    random.seed(LUCK)
    wanted = {"db", "transactional_db"} & set(request.fixturenames)
    if wanted or request.node.get_closest_marker("django_db"):
        request.getfixturevalue("db")
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(_restart_ids(), {"base": _ids_of(request.node.nodeid)})


@pytest.fixture
def acme(db: None) -> Organisation:
    return create_organisation(name="Acme Surveys")


@pytest.fixture
def evil(db: None) -> Organisation:
    return create_organisation(name="Evil Corp")


@pytest.fixture
def ada(acme: Organisation) -> User:
    return create_person(organisation=acme, username="ada", domains=["aerial"])


@pytest.fixture
def bob(acme: Organisation) -> User:
    return create_person(organisation=acme, username="bob", domains=["aerial"])


@pytest.fixture
def sam(acme: Organisation) -> User:
    return create_person(organisation=acme, username="sam", tier=Tier.SENIOR, domains=["aerial"])


@pytest.fixture
def olga(acme: Organisation) -> User:
    return create_person(organisation=acme, username="olga", role=Role.SPECIALIST, domains=["aerial"])


@pytest.fixture
def otto(acme: Organisation) -> User:
    return create_person(organisation=acme, username="otto", role=Role.MANAGER)


@pytest.fixture
def mallory(evil: Organisation) -> User:
    """Manager and specialist of another organisation."""
    return create_person(
        organisation=evil,
        username="mallory",
        role=Role.ADMINISTRATOR,
        tier=Tier.SPECIALIST,
        domains=["aerial"],
    )


@pytest.fixture
def project(acme: Organisation) -> Project:
    return create_project(organisation=acme, name="Trees", domain="aerial", classes=["tree", "car"])


@pytest.fixture
def dataset(project: Project) -> Dataset:
    return Dataset.objects.create(project=project, name="north")


def save_picture(path: Path, *, seed: int = 0, size: tuple[int, int] = (64, 48)) -> Path:
    """Write a small noisy picture; each seed gives other content."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder with three pictures of 64×48 pixels: a.png, b.png and c.jpg."""
    folder = tmp_path / "pictures"
    for seed, name in enumerate(("a.png", "b.png", "c.jpg")):
        save_picture(folder / name, seed=seed)
    return folder


# Real web processes ------------------------------------------------------------------------------------------


def database_url() -> str:
    """Address of the test database, as another process wants it."""
    url = urlsplit(os.environ["DATABASE_URL"])
    return urlunsplit(url._replace(path=f"/{connection.settings_dict['NAME']}"))


@pytest.fixture(scope="module")
def web(django_db_setup: None) -> Iterator[WebProcess]:
    """A real web process on the test database; the tests of a module share it."""
    if connection.vendor != "postgresql":
        pytest.skip("a second process cannot see the in-memory SQLite of this run; leave out --no-services")
    with WebProcess(database_url(), os.environ["REDIS_URL"], **WEB_ENVIRONMENT) as process:
        yield process


@pytest.fixture(scope="module")
def other_web(django_db_setup: None) -> Iterator[WebProcess]:
    """A second one beside it."""
    with WebProcess(database_url(), os.environ["REDIS_URL"], **WEB_ENVIRONMENT) as process:
        yield process


@pytest.fixture(scope="module")
def strict_web(django_db_setup: None) -> Iterator[WebProcess]:
    """A web process that lets one person ask for six things at once, and hardly for any more after them."""
    strict = {"TESSERA_FEED_RATE": "0.001", "TESSERA_FEED_BURST": "6"}
    with WebProcess(database_url(), os.environ["REDIS_URL"], **WEB_ENVIRONMENT, **strict) as process:
        yield process


@pytest.fixture(scope="session")
def check_message() -> Callable[[str, dict[str, Any]], None]:
    """Checks one message of the client or the server against docs/feed-protocol.schema.json."""
    schema = json.loads((Path(__file__).parents[2] / "docs" / "feed-protocol.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    validators = {
        side: Draft202012Validator({"$ref": f"#/$defs/{side}", "$defs": schema["$defs"]})
        for side in ("client", "server")
    }

    def check(side: str, message: dict[str, Any]) -> None:
        validators[side].validate(message)

    return check


@pytest.fixture
def settled(db: None) -> Iterator[None]:
    """Afterwards, waits until the web processes are done with what the test left, before its rows are removed."""
    yield
    others = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND (state <> 'idle' OR state_change > clock_timestamp() - interval '80 ms')"
    )
    deadline = time.monotonic() + 5
    time.sleep(0.05)
    with connection.cursor() as cursor:
        while time.monotonic() < deadline:
            cursor.execute(others)
            if cursor.fetchone()[0] == 0:
                return
            time.sleep(0.02)
