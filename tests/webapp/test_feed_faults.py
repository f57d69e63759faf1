"""The short fault matrix; `make chaos` plays all of it."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_or_counted_twice_when_things_are_killed() -> None:
    command = [sys.executable, "-m", "webapp.devtools.chaos", "--quick", "--people", "12"]
    done = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True, timeout=280)

    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    assert "4 of 4 faults held" in done.stdout
