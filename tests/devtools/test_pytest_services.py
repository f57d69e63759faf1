"""The pytest plugin: which runs get servers, and that the suite works on servers from packages alone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from webapp.devtools.pytest_services import is_pure

ROOT = Path(__file__).resolve().parents[2]


class TestIsPure:
    @pytest.mark.parametrize(
        "chosen",
        [
            ["tests/routing"],
            ["tests/routing/test_redundancy.py::TestNextStep::test_accepts", "tests/engine"],
            [str(ROOT / "tests" / "models")],
            ["tests/../tests/routing"],
        ],
    )
    def test_paths_to_pure_code_need_no_servers(self, chosen: list[str]) -> None:
        assert is_pure(chosen, ROOT, ROOT)

    @pytest.mark.parametrize(
        "chosen",
        [
            [],
            ["tests"],
            ["tests/routing", "tests/webapp"],
            ["tests/routing_of_mail"],
            ["tests/routing/../webapp"],
        ],
    )
    def test_anything_else_gets_servers(self, chosen: list[str]) -> None:
        assert not is_pure(chosen, ROOT, ROOT)

    def test_paths_are_taken_from_where_pytest_was_called(self) -> None:
        assert is_pure(["routing"], ROOT / "tests", ROOT)
        assert not is_pure(["routing"], ROOT, ROOT)


def test_suite_runs_on_servers_from_packages_alone() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    environment |= {"TESSERA_SERVICES_FROM": "wheels"}

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_suite_environment.py"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 passed" in done.stdout
