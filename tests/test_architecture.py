"""The shape of the code base: who imports whom, how long things may grow, what a web process loads."""

import ast
import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("engine", "models", "routing", "webapp")
MODULE_LINES = 400
FUNCTION_LINES = 60

# Path (and function) -> why it may be longer. Keep it short: an entry is a debt with a reason.
LONG_MODULES: dict[str, str] = {}
LONG_FUNCTIONS: dict[str, str] = {}

LOAD_A_WEB_PROCESS = """
import sys
import django
django.setup()
import webapp.config.asgi, webapp.config.wsgi
from django.urls import get_resolver
get_resolver().reverse_dict
print(*sorted({"ray", "torch"} & set(sys.modules)))
"""


def modules() -> Iterator[Path]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if not {"migrations", "node_modules"} & set(path.parts):
                yield path


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Name and length in lines of each function in a module; its docstring does not count."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0]
            documented = ast.get_docstring(node, clean=False) is not None
            docstring = first.end_lineno - first.lineno + 1 if documented and first.end_lineno else 0
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1 - docstring


@pytest.fixture(scope="module")
def lock_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("tessera_lock", ROOT / ".ci" / "lock.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class TestImports:
    def test_packages_keep_the_import_contracts(self) -> None:
        command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"]

        done = subprocess.run([*command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)

        assert done.returncode == 0, done.stdout + done.stderr

    def test_a_web_process_loads_neither_ray_nor_torch(self, tmp_path: Path) -> None:
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "webapp.config.settings",
            "TESSERA_VAR": str(tmp_path / "var"),
            "TESSERA_OUT": str(tmp_path / "out"),
        }

        done = subprocess.run(
            [sys.executable, "-c", LOAD_A_WEB_PROCESS],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

        assert done.returncode == 0, done.stderr
        assert done.stdout.split() == []


class TestSize:
    def test_modules_are_short(self) -> None:
        lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in modules()}
        too_long = {name: length for name, length in lengths.items() if length > MODULE_LINES}

        assert set(too_long) == set(LONG_MODULES), f"longer than {MODULE_LINES} lines: {too_long}"

    def test_functions_are_short(self) -> None:
        too_long = {
            f"{path.relative_to(ROOT)}:{name}": length
            for path in modules()
            for name, length in functions(path)
            if length > FUNCTION_LINES
        }

        assert set(too_long) == set(LONG_FUNCTIONS), f"longer than {FUNCTION_LINES} lines: {too_long}"

    def test_packages_hold_code(self) -> None:
        assert len(list(modules())) > 20


class TestLocks:
    @pytest.mark.parametrize("name", ["run", "test"])
    def test_lock_was_made_from_the_dependencies_in_pyproject(
        self, lock_script: ModuleType, name: str
    ) -> None:
        expected = lock_script.header(lock_script.inputs_digest(ROOT / "pyproject.toml"))

        text = (ROOT / "requirements" / f"{name}.lock").read_text()

        assert text.startswith(expected), "run: .venv/bin/python .ci/lock.py"

    @pytest.mark.parametrize("name", ["run", "test", "uv"])
    def test_every_pin_has_a_hash(self, name: str) -> None:
        text = (ROOT / "requirements" / f"{name}.lock").read_text()
        blocks = [block for block in text.replace("\\\n", " ").splitlines() if "==" in block]

        assert blocks
        assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []
