"""How much an open socket costs: idle annotators on two web processes, some of them at work at human pace.

Measures memory per idle socket, processor time of all idle sockets, and from answer to next offer with some active. Writes
out/bench/sockets.json.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent)]

from harness import HERE, Bench, cpu_s, say  # noqa: E402  # found through the line above


def rss_kb(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))


def hold(bench: Bench, sockets: int, active: int, secs: float, think_s: float) -> dict[str, Any]:
    """Open the sockets, let `active` of them work, and measure for `secs` seconds."""
    before_kb = sum(rss_kb(web.pid) for web in bench.web)
    command = [
        sys.executable, str(HERE / "driver.py"), "--tokens", str(bench.tokens), "-n", str(sockets), "--secs", str(secs),
        "--active", str(active), "--think", str(think_s), "--journal", str(bench.journal),
        *[part for web in bench.web for part in ("--base", web.base)],
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as driver:
        assert driver.stdout is not None
        if driver.stdout.readline().strip() != "warm":
            raise RuntimeError(f"the driver failed\n{bench.web[0].log[-2000:]}")
        start, cpu = time.monotonic(), sum(cpu_s(web.pid) for web in bench.web)
        driver.stdout.readline()
        seconds = time.monotonic() - start
        cpu = sum(cpu_s(web.pid) for web in bench.web) - cpu
        after_kb = sum(rss_kb(web.pid) for web in bench.web)
        measured = json.loads(driver.stdout.read())
    result = {
        "sockets": measured["sockets"], "active": active, "connected_s": round(measured["connected_s"], 1),
        "kb_per_socket": round((after_kb - before_kb) / sockets, 1), "cores": round(cpu / seconds, 4),
        "cycles_s": round(measured["cycles_s"], 1), "next_ms": measured["next_ms"], "dropped": measured["dropped"],
    }  # fmt: skip
    say(json.dumps(result))
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sockets", type=int, default=5_000)
    parser.add_argument("--active", type=int, default=500)
    parser.add_argument(
        "--think", type=float, default=3.0, help="mean seconds that a person takes for an answer"
    )
    parser.add_argument("--secs", type=float, default=15.0)
    options = parser.parse_args()
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tessera-bench-")))
        bench = stack.enter_context(Bench(scratch, processes=2, people=options.sockets))
        bench.deliver(20, 10_000)
        warm = bench.cycles(
            64, 2.0
        )  # so that what every process needs anyway is not counted as sockets' memory
        idle = hold(bench, options.sockets, 1, 5.0, 60.0)
        busy = hold(bench, options.sockets, options.active, options.secs, options.think)
    out = Path(os.environ.get("TESSERA_OUT", ROOT / "out")) / "bench" / "sockets.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({"idle": idle, "active": busy, "warm": warm}, indent=1))
    say(f"written to {out}")


if __name__ == "__main__":
    main()
