"""How good the models and the engine are, on real images: prints a table and writes out/bench/engine.json.

Run by `make bench-engine` (40 minutes on an idle core). ARGS="--only photos scale" narrows it, ARGS=--quick takes small
sizes where a section has them, ARGS=--resume goes on where a run was stopped: what this very code has measured stays, and
trainings are kept (out/bench/models). Needs the shared data (TESSERA_SHARED); a section whose data or model is missing says so and is null.
Each number stands beside the baseline that it was measured against and the goal.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from enginebench import clicks, learning, loop, nodes, photos, scale, tiling
from enginebench.cells import CODE
from enginebench.common import Unavailable

ROOT = Path(__file__).resolve().parents[2]

SECTIONS = {
    "photos": (photos.measure, ("coco128_ap50", "person_oks", "person_mask_iou")),
    "clicks": (clicks.measure, ("click_mask_iou",)),
    "scale": (scale.measure, ("ray_efficiency",)),
    "nodes": (nodes.measure, ("node_efficiency",)),
    "faults": (scale.measure_faults, ("rows_exactly_once",)),
    "tiling": (tiling.measure, ("tiling_recall_gap", "peak_gb")),
    "loop": (loop.measure, ("human_seconds_ratio", "loop_precision", "loop_recall", "active_vs_random")),
    "learning": (learning.measure, ("bccd_ap50_full", "bccd_ap50_20", "ece", "certified_coverage")),
}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="*", choices=SECTIONS, default=list(SECTIONS), help="sections to run")
    parser.add_argument(
        "--quick", action="store_true", help="small sizes: checks that it runs, not how good it is"
    )
    parser.add_argument("--resume", action="store_true", help="leave out what this code has measured already")
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "bench" / "engine.json")
    options = parser.parse_args()
    # Of all processes that sections start. Ray's workers yield to all others on the machine; beside raw processes, which
    # do not, that is no fair race.
    os.environ.update(OMP_NUM_THREADS="1", RAY_worker_niceness="0")
    rows: dict[str, Any] = json.loads(options.out.read_text()) if options.out.exists() else {}
    with_code = f"{CODE[:16]}{'-quick' if options.quick else ''}"
    for name in options.only:
        measure, keys = SECTIONS[name]
        if options.resume and all((rows.get(key) or {}).get("code") == with_code for key in keys):
            print(f"{name}: measured already", flush=True)
            continue
        started = time.monotonic()
        for key in keys:
            rows.setdefault(key, None)
        try:
            found = measure(quick=options.quick)
        except Unavailable as missing:
            print(f"{name}: not measured: {missing}", flush=True)
            found = {}
        for key, measurement in found.items():
            rows[key] = {**measurement.to_json(), "code": with_code}
            print(measurement.line(key), flush=True)
        print(f"{name}: {time.monotonic() - started:.0f} s", flush=True)
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(rows, indent=1, sort_keys=True))
    missed = [key for key, row in rows.items() if row and row["reached"] is False]
    print(f"wrote {options.out}" + (f"; below the goal: {', '.join(missed)}" if missed else ""))
    return 0


if __name__ == "__main__":
    sys.exit(main())
