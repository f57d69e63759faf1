"""What every folder of tests may use. Imports neither Django, Ray nor torch: the pure folders start at once."""

import os
from pathlib import Path

import hypothesis
import numpy as np
import pytest

from webapp.devtools.browser import find_chromium

ROOT = Path(__file__).resolve().parent.parent
IN_CI = bool(os.environ.get("CI"))

# Times depend on the machine, so no deadline. CI draws the same examples on every run: a failure there can be repeated.
hypothesis.settings.register_profile("dev", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("ci" if IN_CI else "dev")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if any("gpu" in item.keywords for item in items) and not Path("/proc/driver/nvidia/version").exists():
        for item in items:
            if "gpu" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="this machine has no NVIDIA GPU"))


@pytest.fixture
def rng() -> np.random.Generator:
    """A random generator with a fixed seed, one per test."""
    return np.random.default_rng(20_240_229)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real images and real crowds' answers, which are not part of this repository."""
    folder = Path(os.environ.get("TESSERA_SHARED", ROOT.parent / "shared")) / "data"
    if not folder.is_dir():
        pytest.skip(f"no shared data at {folder}; set TESSERA_SHARED to the folder that holds data/")
    return folder


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Path of a Chromium. Without one the test fails in CI and is skipped elsewhere."""
    found = find_chromium()
    if found is None:
        message = "no Chromium on this machine: run `python3 .ci/setup.py browser` or set TESSERA_CHROMIUM"
        if IN_CI:
            pytest.fail(message)
        pytest.skip(message)
    return found
