"""How quick the workbench is in a browser: writes out/bench/ui.json and prints it.

A real server and Chromium; the measuring itself is in tests/e2e/ui_speed.py, which shares the browser tests' fixtures.
"""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

if __name__ == "__main__":
    sys.exit(pytest.main([str(ROOT / "tests" / "e2e" / "ui_speed.py"), "-q", "-s", *sys.argv[1:]]))
