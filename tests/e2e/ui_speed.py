"""Measures the workbench: milliseconds from an answer to the next task's pixels, and how much code a page loads.

Run by `make bench-ui`; its name keeps it out of the test run.
"""

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from webapp.devtools import rehearsal

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parent.parent.parent
BUILT = ROOT / "webapp" / "static" / "workbench"
OUT = ROOT / "out" / "bench" / "ui.json"
ANSWERS = 60
GOALS = {"submit_to_paint_ms_p95": 50.0, "js_kb_gzip": 250.0}


def gzipped_kb(path: Path) -> float:
    return round(len(gzip.compress(path.read_bytes(), 9)) / 1000, 1)


def spread(times: list[float]) -> dict[str, float]:
    p50, p95 = np.percentile(times, [50, 95])
    return {"p50": round(float(p50), 1), "p95": round(float(p95), 1), "answers": len(times)}


def test_speed(server: Any, tab: Callable[..., Any], tmp_path: Path) -> None:
    picture = rehearsal.orchard(tmp_path / "orchard.png", size=(1200, 960), trees=80)
    world = rehearsal.build(picture)
    rehearsal.open_tiles(world, tile_px=100)
    page = tab(world.ada).open()
    for count in range(1, ANSWERS + 1):
        page.task("coverage_tile")
        page.press("Space")
        page.until(f"c.sent >= {count}")
    page.acknowledged(ANSWERS)
    times = page.page.evaluate("() => window.__tessera.submitToPaintMs")
    assert len(times) > ANSWERS / 2, "most tasks were not here in time: prefetching does not work"
    own = page.page.evaluate("() => window.__tessera.submitToShownMs")
    found = {
        "submit_to_paint_ms": spread(times),
        "submit_to_shown_ms": spread(own),  # without the browser's own drawing, which is slow without a GPU
        "load_average": [round(load, 1) for load in os.getloadavg()],  # times on a busy machine say little
        "js_kb_gzip": gzipped_kb(BUILT / "workbench.js"),
        "css_kb_gzip": gzipped_kb(BUILT / "workbench.css"),
        "goals": GOALS,
    }
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(found, indent=2) + "\n")
    print(f"\n{json.dumps(found, indent=2)}\nwritten to {OUT.relative_to(ROOT)}")
