"""`make bench-routing`: the routing's quality and speed on public crowds, beside what others publish, in one run.

    python tests/bench/bench_routing.py [--quick] [--crowd-kit] [--only labels,budget,geometry,core,speed] [--jobs 2]

Sections run in processes of their own, two at a time, with one thread each; speed comes last and alone. `goals` holds
every figure with its baseline and what is wanted of it.

Data: $TESSERA_SHARED/data or ../shared/data. Writes out/bench/routing.json. --crowd-kit installs crowd-kit and what it
needs into out/bench/crowd-kit, away from the project's environment; where that folder is there, it is measured too.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = (
    "1"  # before numpy is loaded, here or in a child
)

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import routing_budget  # noqa: E402
import routing_core  # noqa: E402
import routing_geometry  # noqa: E402
import routing_labels  # noqa: E402
import routing_speed  # noqa: E402
from routing_goals import goals  # noqa: E402
from routing_sets import install_crowd_kit  # noqa: E402

OUT = ROOT / "out/bench/routing.json"
SECTIONS = ("geometry", "labels", "budget", "core", "speed")
ALONE = "speed"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer repeats and sets; minutes less")
    parser.add_argument("--crowd-kit", action="store_true", help="install crowd-kit beside the output first")
    parser.add_argument("--only", default=",".join(SECTIONS), help="sections, with commas")
    parser.add_argument("--jobs", type=int, default=2, help="processes at a time (2)")
    options = parser.parse_args()
    names = options.only.split(",")
    for name in names:
        if name not in SECTIONS:
            parser.error(f"--only: no section {name!r}; choose among {', '.join(SECTIONS)}")
    data = Path(os.environ.get("TESSERA_SHARED", ROOT.parent / "shared")) / "data"
    if not (data / "crowd").is_dir():
        print(f"no crowds at {data}; set TESSERA_SHARED to the folder that holds data/", file=sys.stderr)
        return 2
    if options.crowd_kit:
        install_crowd_kit()
    report: dict = {}
    for name, found in measured(names, data, quick=options.quick, jobs=options.jobs):
        # Read again each time: another run may have written other sections meanwhile.
        report = {**(json.loads(OUT.read_text()) if OUT.exists() else {}), name: found}
        report["goals"] = goals(report)
        OUT.parent.mkdir(parents=True, exist_ok=True)
        OUT.write_text(json.dumps(report, indent=1) + "\n")
        show({name: found})
    show({"goals": report["goals"]})
    return 0


def measured(names: list[str], data: Path, *, quick: bool, jobs: int) -> Iterator[tuple[str, dict]]:
    """Yield each section's name and figures as soon as it ends."""
    together = [name for name in SECTIONS if name in names and name != ALONE]
    # Spawned, not forked: a child then loads numpy with one thread and nobody else's state.
    with ProcessPoolExecutor(max(jobs, 1), mp_context=get_context("spawn")) as pool:
        running: dict[Future[dict], str] = {pool.submit(section, n, data, quick): n for n in together}
        for done in as_completed(running):
            yield running[done], done.result()
        if ALONE in names:
            yield ALONE, pool.submit(section, ALONE, data, quick).result()


def section(name: str, data: Path, quick: bool) -> dict:
    """Return one section's figures, with the wall and CPU seconds that it took."""
    runs: dict[str, Callable[[], dict]] = {
        "labels": lambda: routing_labels.run(data, quick=quick),
        "budget": lambda: routing_budget.run(data, quick=quick),
        "speed": lambda: routing_speed.run(data, quick=quick),
        "geometry": lambda: routing_geometry.run(data / "crowd", quick=quick),
        "core": lambda: routing_core.run(data),
    }
    wall, cpu = time.perf_counter(), time.process_time()
    found = runs[name]()
    spent = {
        "section_seconds": round(time.perf_counter() - wall, 1),
        "section_cpu_seconds": round(time.process_time() - cpu, 1),
    }
    return {**found, **spent}


def show(report: dict) -> None:
    """Print the tables of the sections that were run, at any time."""
    if "labels" in report:
        _show_labels(report["labels"])
    if "budget" in report:
        _show_budget(report["budget"])
    for name in ("speed", "geometry", "core"):
        if name in report:
            print(f"\n{name}\n{json.dumps(report[name], indent=1)}")
    for row in report.get("goals", []):
        print(
            f"{'met ' if row['met'] else 'MISS'} {row['what']}: {row['figure']} (wanted {row['goal']}) {row['beside']}"
        )
    sys.stdout.flush()


def _show_labels(labels: dict) -> None:
    for overlap, rows in labels["accuracy"].items():
        methods = list(next(iter(rows.values())))
        print(f"\naccuracy, {overlap} answers a task\n{'set':12}" + "".join(f"{m[:12]:>14}" for m in methods))
        for name, row in rows.items():
            cells = (f"{100 * row[m]['accuracy']:14.1f}" if m in row else f"{'.':>14}" for m in methods)
            print(f"{name:12}" + "".join(cells))
        print(json.dumps(labels["summary"][overlap]))
    print("\naudit of 200 tasks")
    for row in labels["audit"]:
        print(row)


def _show_budget(budget: dict) -> None:
    print("\nanswers a task for the accuracy of majority vote with 5 (share of majority's)")
    for one in budget["sets"]:
        need, share = one["needed"], one["share"]
        cells = "".join(f"  {a} {need[a]:.2f} ({share[a]:.2f})" for a in need)
        print(f"{one['set']:12} {100 * one['majority']:.1f} % at {one['majority_answers']:.2f}:{cells}")
    print(json.dumps({k: budget[k] for k in ("mean_share", "most_share", "prior")}))


if __name__ == "__main__":
    sys.exit(main())
