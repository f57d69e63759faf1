"""Pytest plugin: every run happens on a PostgreSQL and a Redis of its own, started before Django reads its settings.

Loaded by ``addopts`` in pyproject.toml, because a conftest is too late: pytest-django reads the settings before it, and
the suite would quietly run on SQLite. The plugin also points TESSERA_VAR and TESSERA_OUT to a temporary folder.

Runs that name only the folders of pure code (``pytest tests/routing tests/models tests/engine``) start at once: no
servers and no Django. ``--no-services`` or TESSERA_NO_SERVICES=1 runs the rest on SQLite and the in-memory channel
layer.
"""

import atexit
import os
import secrets
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from webapp.devtools.binaries import ServiceError

SETTINGS = "webapp.config.settings"
PURE = (
    "tests/routing",
    "tests/models",
    "tests/engine",
    "tests/test_architecture.py",
    "tests/devtools",
)
RUNNING = pytest.StashKey[ExitStack]()
HEADER = pytest.StashKey[str]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--no-services",
        action="store_true",
        default=os.environ.get("TESSERA_NO_SERVICES") == "1",
        help="run on SQLite and the in-memory channel layer instead of a throw-away PostgreSQL and Redis",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    options = early_config.known_args_namespace
    if options.help or options.version or "PYTEST_XDIST_WORKER" in os.environ:
        return  # A worker of pytest-xdist inherits the environment of the process that started the servers.
    if is_pure(options.file_or_dir, early_config.invocation_params.dir, early_config.rootpath):
        os.environ.pop("DJANGO_SETTINGS_MODULE", None)
        early_config.stash[HEADER] = "services: none, only pure code is tested"
        return
    running = ExitStack()
    early_config.stash[RUNNING] = running
    atexit.register(running.close)  # pytest_unconfigure is not reached when Django cannot be set up.
    os.environ["DJANGO_SETTINGS_MODULE"] = SETTINGS
    scratch = Path(tempfile.mkdtemp(prefix="tessera-tests-"))
    running.callback(shutil.rmtree, scratch, ignore_errors=True)
    os.environ["TESSERA_VAR"] = str(scratch / "var")
    os.environ["TESSERA_OUT"] = str(scratch / "out")
    os.environ["TESSERA_CHANNEL_PREFIX"] = f"test-{secrets.token_hex(4)}"
    if options.no_services or options.collectonly:
        os.environ.pop("DATABASE_URL", None)
        os.environ.pop("REDIS_URL", None)
        early_config.stash[HEADER] = "services: SQLite and the in-memory channel layer"
        return
    start_services(running)
    early_config.stash[HEADER] = "services: a PostgreSQL and a Redis of this run"


def is_pure(chosen: Sequence[str], invoked_in: Path, root: Path) -> bool:
    """Whether the paths on the command line lead to tests of pure code only; no path at all means every test."""
    folders = [root / name for name in PURE]
    paths = [(invoked_in / argument.split("::")[0]).resolve() for argument in chosen]
    return bool(paths) and all(any(path.is_relative_to(folder) for folder in folders) for path in paths)


def start_services(running: ExitStack) -> None:
    """Start both servers into ``running`` and publish their addresses in the environment."""
    from webapp.devtools.services import postgres, redis  # Loads psycopg, which the pure folders do not need.

    try:
        os.environ["DATABASE_URL"] = running.enter_context(postgres())
        os.environ["REDIS_URL"] = running.enter_context(redis())
    except ServiceError as problem:
        running.close()
        raise pytest.UsageError(f"the test servers: {problem}") from problem


def pytest_report_header(config: pytest.Config) -> str:
    return config.stash.get(HEADER, "services: inherited")


def pytest_unconfigure(config: pytest.Config) -> None:
    running = config.stash.get(RUNNING, None)
    if running is not None:
        running.close()
