"""The suite must run on the servers that production runs on; on SQLite most races could not even happen."""

import os

import pytest
import redis
from django.conf import settings
from django.db import connection


@pytest.fixture(autouse=True)
def _services(pytestconfig: pytest.Config) -> None:
    if pytestconfig.getoption("no_services") and not os.environ.get("CI"):
        pytest.skip("--no-services was asked for")


@pytest.mark.django_db
def test_database_is_a_postgresql_that_answers() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version_num')::int")
        (version,) = cursor.fetchone()

    assert connection.vendor == "postgresql"
    assert version >= 140000


@pytest.mark.django_db
def test_database_is_not_the_one_that_settings_name() -> None:
    assert connection.settings_dict["NAME"].startswith("test_")


def test_redis_answers_and_carries_the_channel_layer() -> None:
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        assert client.ping()

    assert settings.CHANNEL_LAYERS["default"]["BACKEND"].startswith("channels_redis.")


def test_channel_layer_has_a_prefix_of_its_own() -> None:
    # Pub/sub ignores Redis database numbers, so two runs on one server would hear each other.
    assert settings.CHANNEL_LAYERS["default"]["CONFIG"]["prefix"].startswith("test-")


def test_files_go_to_a_temporary_folder() -> None:
    assert not settings.VAR_DIR.is_relative_to(settings.BASE_DIR)
