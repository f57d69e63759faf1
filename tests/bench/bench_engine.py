"""How good the models and the engine are, on real images: prints a table and writes out/bench/engine.json.

Run by `make bench-engine` (half an hour on an idle core). ARGS="--only photos scale" narrows it, ARGS=--quick takes small sizes where a
section has them. Needs the shared data (TESSERA_SHARED); a section whose data or model is missing says so and is null.
Each number stands beside the baseline that it was measured against and the goal.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from enginebench import learning, loop, photos, scale, tiling
from enginebench.common import Unavailable

ROOT = Path(__file__).resolve().parents[2]

SECTIONS = {
    "photos": photos.measure,
    "learning": learning.measure,
    "loop": loop.measure,
    "tiling": tiling.measure,
    "scale": scale.measure,
}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="*", choices=SECTIONS, default=list(SECTIONS), help="sections to run")
    parser.add_argument(
        "--quick", action="store_true", help="small sizes: checks that it runs, not how good it is"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "bench" / "engine.json")
    options = parser.parse_args()
    rows: dict[str, Any] = json.loads(options.out.read_text()) if options.out.exists() else {}
    for name in options.only:
        started = time.monotonic()
        try:
            found = SECTIONS[name](quick=options.quick)
        except Unavailable as missing:
            print(f"{name}: not measured: {missing}", flush=True)
            continue
        for key, measurement in found.items():
            rows[key] = measurement.to_json()
            print(measurement.line(key), flush=True)
        print(f"{name}: {time.monotonic() - started:.0f} s", flush=True)
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(rows, indent=1, sort_keys=True))
    missed = [key for key, row in rows.items() if row["reached"] is False]
    print(f"wrote {options.out}" + (f"; below the goal: {', '.join(missed)}" if missed else ""))
    return 0


if __name__ == "__main__":
    sys.exit(main())
