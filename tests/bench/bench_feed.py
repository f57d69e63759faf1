"""The feed's speed beside the database's own: real PostgreSQL and Redis, two real web processes, 256 annotators.

In one run on one machine: pgbench's TPC-B, a bare psycopg loop that claims and answers on the same tables, and whole
cycles (next task + answer, durably committed, routing decided) through the websocket. Wall-clock rates suffer from a busy
machine; processor time per cycle and the ratios within a run do not. Writes out/bench/feed.json.
"""

import argparse
import json
import os
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent)]

from harness import Bench, say  # noqa: E402, I001  # found through the line above


CYCLES = 1_200  # of a growth measurement: what a small stock allows


def headline(bench: Bench, options: argparse.Namespace) -> dict[str, Any]:
    """Ours, the bare loop and TPC-B in alternation, so that a neighbour's load falls on all of them."""
    ours, bare, tpcb = [], [], []
    for _ in range(options.rounds):
        bench.clear()
        bench.deliver(options.lanes, options.tasks)  # Each round needs two thirds of it on a fast machine.
        tpcb.append(bench.tpcb(options.secs))
        bare.append(bench.bare_loop(options.secs))
        ours.append(bench.cycles(options.annotators, options.secs))
    return {"ours": merge(ours), "bare_loop": merge(bare), "tpcb": merge(tpcb)}


def growth(bench: Bench, options: argparse.Namespace) -> dict[str, Any]:
    """Cost per cycle with 1,000 open tasks, 3,000 live leases beside them, and a million open tasks."""
    bench.clear()
    bench.deliver(200, 2_000)  # of which 400 are gone when measuring begins, and 1,200 more when it ends
    few = bench.cycles(64, options.secs, cycles=CYCLES)
    bench.clear()
    bench.hold(3_000)
    bench.deliver(200, 2_000)
    held = bench.cycles(64, options.secs, cycles=CYCLES)
    bench.clear()
    bench.deliver(200, options.many)
    many = bench.cycles(64, options.secs, cycles=CYCLES)
    cost = [run["cpu_ms_per_cycle"] for run in (few, held, many)]
    say(
        f"cost per cycle, ms: {cost[0]:.3f} at 1k, {cost[1]:.3f} with 3k leases, {cost[2]:.3f} at {options.many:,}"
    )
    return {
        "tasks_1k_to_1m": round(cost[2] / cost[0], 3), "leases_0_to_3k": round(cost[1] / cost[0], 3),
        "many": options.many, "runs": [few, held, many],
    }  # fmt: skip


def merge(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Mean of what is a rate or a cost, sum of what counts harm; the runs themselves beside it."""
    counts = {"duplicates", "lost", "dropped"}
    out: dict[str, Any] = {}
    for key, first in runs[0].items():
        if isinstance(first, int | float):
            values = [run[key] for run in runs]
            out[key] = sum(values) if key in counts else round(sum(values) / len(values), 3)
    return {**out, "runs": runs}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--annotators", type=int, default=256)
    parser.add_argument("--secs", type=float, default=6.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--lanes", type=int, default=20)
    parser.add_argument("--tasks", type=int, default=60_000)
    parser.add_argument(
        "--many", type=int, default=1_000_000, help="open tasks of the last growth measurement"
    )
    parser.add_argument("--only", choices=["headline", "growth"])
    options = parser.parse_args()
    result: dict[str, Any] = {}
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tessera-bench-")))
        bench = stack.enter_context(Bench(scratch, processes=2, people=max(options.annotators, 640)))
        if options.only != "growth":
            result |= headline(bench, options)
        if options.only != "headline":
            result["growth"] = growth(bench, options)
    out = Path(os.environ.get("TESSERA_OUT", ROOT / "out")) / "bench" / "feed.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=1))
    if "ours" in result:
        ours, bare, tpcb = result["ours"], result["bare_loop"], result["tpcb"]
        say(
            f"ours {ours['cycles_s']:.0f} cycles/s = {ours['cycles_s'] / bare['cycles_s']:.2f} x the bare loop "
            f"({bare['cycles_s']:.0f}) = {ours['cycles_s'] / tpcb['tps']:.2f} x TPC-B ({tpcb['tps']:.0f}); "
            f"{ours['cpu_ms_per_cycle']:.2f} ms of processor per cycle; p50 {ours['p50_ms']:.0f}, p95 {ours['p95_ms']:.0f}, "
            f"p99 {ours['p99_ms']:.0f} ms; lost {ours['lost']}, duplicates {ours['duplicates']}"
        )
    say(f"written to {out}")


if __name__ == "__main__":
    main()
