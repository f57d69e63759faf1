"""The decision core measured: matching, updates, skill by domain on real crowds, and whole jobs over a simulated one.

`run(data_dir)` returns plain JSON values; `python tests/bench/routing_core.py [data_dir]` prints them.
"""

import csv
import dataclasses
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

from routing.assignment import Candidate, Waiting, choose
from routing.belief import Belief
from routing.outcomes import Outcome
from routing.policy import RoutingPolicy
from routing.pool import Pool
from routing.redundancy import ObjectCase, after_look, next_step
from routing.simulation.batch import PARTS, simulate_batch
from routing.simulation.policy_table import policy_table
from routing.simulation.spam import spam_trial
from routing.simulation.specialists import specialist_trial
from routing.simulation.world import Settings
from routing.track_record import TrackRecord, replay

POLICY = RoutingPolicy()
KINDS = ("verify_box", "grid_verify", "coverage_tile", "draw_missed", "fix_box", "compare_two")
STATES = ("good", "geometry", "phantom")
SAYS = ("ok", "geometry", "not_object")
CLASS_SETS = (
    "bluebirds", "d_possent", "d_product", "dog", "face", "music", "rte", "s_adult", "trec", "ws_amt",
    "zencrowd_in", "zencrowd_us",
)  # fmt: skip
HELD_OUT, SPLITS, LOTS = 0.3, 3, 4
JOB = Settings(scenes=8, objects=80, people=24, specialists=3, overconfidence=2.0, domain_sd=0.6)
REPEATS = 8
# Three times the work for half the people, whose skill differs much between domains: here a skill by domain should pay.
LONG_JOB = Settings(
    scenes=18, objects=80, people=14, specialists=3, overconfidence=2.0, domains=3, domain_sd=1.0
)
LONG_REPEATS = 5
ERROR_S = max(POLICY.error_cost_s.values())  # seconds of the crowd that one wrong or missed object is worth
JOB_KEYS = (
    "error", "stated_error", "precision", "recall", "mean_iou", "seconds_per_object", "answers", "auto_accepted",
    "auto_error", "escalated",
)  # fmt: skip


def run(data_dir: Path) -> dict[str, Any]:
    """Return every measurement of this section, and which goals are met."""
    domain = domain_log_loss(data_dir / "crowd")
    report: dict[str, Any] = {
        "speed": speed(),
        "domain_log_loss": domain,
        "policy_table": table(),
        "jobs": jobs(JOB, REPEATS, PARTS, 3),
        "long_jobs": jobs(LONG_JOB, LONG_REPEATS, ("domain",)),
        "spam": spam_trial(each=60, seed=3),
        "specialists": specialists(),
    }
    return {**report, "goals": goals(report)}


def _best(call: Callable[[], object], repeats: int) -> dict[str, float]:
    """Return the least and the median wall time and the least CPU time of a call, in seconds."""
    wall, cpu = [], []
    for _ in range(repeats):
        w, c = time.perf_counter(), time.process_time()
        call()
        wall.append(time.perf_counter() - w)
        cpu.append(time.process_time() - c)
    return {"least": min(wall), "median": float(np.median(wall)), "least_cpu": min(cpu)}


def speed() -> dict[str, Any]:
    """Return the times of matching 256 people to 1,024 tasks, and of absorbing one answer and taking the next step."""
    rng = np.random.default_rng(0)
    people, tasks = _window(rng)
    matching = _best(lambda: choose(people, tasks, POLICY, now=0.0, rng=rng), 15)
    record = people[0].record
    outcome = Outcome("verify_box", "d0", 1, "ok", "good", 0.9, seconds=2.0)
    cases = [ObjectCase(Belief.of(rng.dirichlet((3, 1, 1))), cls=1) for _ in range(1000)]

    def answers() -> None:
        for case in cases:
            record.updated(outcome)
            seen = after_look(
                case, kind="verify_box", verdict="ok", record=record, domain="d0", policy=POLICY
            )
            next_step(seen, POLICY, domain="d0")

    first = _best(answers, 1)
    later = _best(answers, 5)
    return {
        "choose_256x1024_ms": {name: 1e3 * value for name, value in matching.items()},
        "answer_and_next_step_us": {name: 1e6 * value / len(cases) for name, value in later.items()},
        "the_same_for_beliefs_not_met_before_us": 1e6 * first["least_cpu"] / len(cases),
        "standing_us": 1e6 * _best(lambda: [record.standing(POLICY) for _ in range(200)], 5)["least"] / 200,
        "load_average": os.getloadavg()[0],
    }


def _window(rng: np.random.Generator) -> tuple[list[Waiting], list[Candidate]]:
    people = []
    for n in range(256):
        history = [
            Outcome(
                "verify_box", f"d{rng.integers(3)}", int(rng.integers(3)), str(rng.choice(SAYS)), str(rng.choice(STATES)),
                0.9, seconds=float(rng.gamma(2, 1)),
            )
            for _ in range(60)
        ]  # fmt: skip
        domains = frozenset({"d0", "d1", "d2"} if n % 3 else {"d0"})
        tier = "specialist" if n % 10 == 0 else "crowd"
        people.append(Waiting(n, tier, domains, frozenset({"en"}), replay(history)))
    tasks = [
        Candidate(
            n, n // 2, 1, KINDS[n % 6], f"lane {n % 12}", f"d{n % 3}", None, "crowd", "en",
            frozenset({int(rng.integers(256))}), float(rng.uniform(1, 20)), Belief.of(rng.dirichlet((2, 1, 1))), 0.0,
            float(rng.uniform(0, 900)),
        )
        for n in range(1024)
    ]  # fmt: skip
    return people, tasks


def domain_log_loss(crowd: Path) -> dict[str, dict[str, float]]:
    """Return, per set, the held-out log-loss of "will this person's answer be right": with one skill a person, with a
    skill per domain (the task's true class), and with the crowd's pool of the domain beside it; and, to see what domains
    cost that mean nothing, with a skill per group of tasks drawn by lot."""
    return {name: _log_losses(crowd / name) for name in CLASS_SETS if (crowd / name).is_dir()}


def _log_losses(folder: Path) -> dict[str, float]:
    with (folder / "truth.csv").open(encoding="utf-8", newline="") as file:
        truth = {row["task"]: row["label"] for row in csv.DictReader(file)}
    with (folder / "answers.csv").open(encoding="utf-8", newline="") as file:
        rows = [
            (row["worker"], truth[row["task"]], row["label"] == truth[row["task"]], row["task"])
            for row in csv.DictReader(file)
            if row["task"] in truth
        ]
    sums: dict[str, float] = defaultdict(float)
    for seed in range(SPLITS):
        order = np.random.default_rng(seed).permutation(len(rows))
        cut = int((1 - HELD_OUT) * len(rows))
        dealt = [rows[i] for i in order]
        by_class = [row[:3] for row in dealt]
        by_lot = [(who, f"lot {crc32(task.encode()) % LOTS}", right) for who, _, right, task in dealt]
        losses = _one_split(by_class[:cut], by_class[cut:])
        losses["by_lot"] = _one_split(by_lot[:cut], by_lot[cut:])["by_domain"]
        for name, loss in losses.items():
            sums[name] += loss / SPLITS
    return {name: round(loss, 4) for name, loss in sums.items()}


def _one_split(known: list[tuple[str, str, bool]], held_out: list[tuple[str, str, bool]]) -> dict[str, float]:
    history: dict[str, list[Outcome]] = defaultdict(list)
    for person, domain, right in known:
        history[person].append(Outcome("verify_box", domain, None, "ok" if right else "geometry", "good"))
    records = {person: replay(outcomes) for person, outcomes in history.items()}
    pool = Pool.of(record.counts for record in records.values())
    newcomer = TrackRecord.new()
    losses: dict[str, list[float]] = defaultdict(list)
    for person, domain, right in held_out:
        record = records.get(person, newcomer)
        ways = {
            "one_skill": record.verdict_rows("verify_box", ""),
            "by_domain": record.verdict_rows("verify_box", domain),
            "by_domain_and_pool": record.among(pool).verdict_rows("verify_box", domain),
        }
        for name, table_of in ways.items():
            p = min(max(table_of[0][0], 1e-4), 1 - 1e-4)
            losses[name].append(-float(np.log(p if right else 1 - p)))
    return {name: float(np.mean(values)) for name, values in losses.items()}


def table() -> dict[str, dict[str, dict[str, float]]]:
    """Return the policy table of the small world without pictures."""
    rows = policy_table(objects=6000)
    return {name: {str(p): dataclasses.asdict(row) for p, row in by.items()} for name, by in rows.items()}


def jobs(job: Settings, repeats: int, parts: Sequence[str], *overlaps: int) -> dict[str, dict[str, float]]:
    """Return simulated jobs, the product beside fixed overlaps and beside itself without each of the parts.

    cost: see `_cost`. costs_more and its standard error: than the product does, over worlds and crowds that both meet.
    """
    ways: dict[str, tuple[tuple[str, ...], int]] = {"product": ((), 0)}
    ways |= {f"fixed_overlap_{overlap}": ((), overlap) for overlap in overlaps}
    ways |= {f"without_{part}": ((part,), 0) for part in parts}
    out: dict[str, dict[str, float]] = {}
    costs: dict[str, np.ndarray] = {}
    for name, (without, overlap) in ways.items():
        reports = [
            simulate_batch(
                dataclasses.replace(job, seed=job.seed + n), POLICY, without=without, fixed_overlap=overlap
            )
            for n in range(repeats)
        ]
        costs[name] = np.array([_cost(r) for r in reports])
        more = costs[name] - costs["product"]
        out[name] = {key: round(float(np.mean([r[key] or 0.0 for r in reports])), 4) for key in JOB_KEYS}
        out[name] |= {
            "cost": round(float(costs[name].mean()), 2),
            "costs_more": round(float(more.mean()), 2),
            "standard_error": round(float(more.std(ddof=1) / np.sqrt(repeats)), 2),
        }
        out[name]["spammers_paused"] = float(
            np.sum([r["spam"]["paused"] for r in reports]) / np.sum([r["spam"]["spammers"] for r in reports])
        )
    return out


def _cost(report: dict[str, Any]) -> float:
    """Return what a job costs an object, in seconds of the crowd: everybody's wages, and what wrong and missed ones are worth."""
    paid = 3600 * report["cost"] / POLICY.wage_per_hour["crowd"] / report["objects"]
    return float(paid + ERROR_S * (report["error"] + 1 - report["recall"]))


def specialists() -> dict[str, float]:
    """Return the share of right rulings by the matched, a random and the truly best specialist, over five seeds."""
    trials = [specialist_trial(seed=seed) for seed in range(5)]
    return {way: round(float(np.mean([t[way] for t in trials])), 4) for way in trials[0]}


def goals(report: dict[str, Any]) -> dict[str, bool]:
    """Return which of the section's goals hold; speed is CPU time, for the machine may be shared."""
    losses, spam = report["domain_log_loss"].values(), report["spam"]
    pace = report["speed"]
    careless = [spam[kind] for kind in ("yes_spam", "random", "systematic", "bot")]
    rulings = report["specialists"]
    unaudited, undivided = report["jobs"]["without_audit"], report["long_jobs"]["without_domain"]
    return {
        "choose under 20 ms": pace["choose_256x1024_ms"]["least_cpu"] < 20,
        "answer and next step under 100 us": pace["answer_and_next_step_us"]["least_cpu"] < 100,
        "a new belief under 1 ms": pace["the_same_for_beliefs_not_met_before_us"] < 1000,
        "skill by domain never worse": all(loss["by_domain"] <= loss["one_skill"] for loss in losses),
        "careless found within 40 answers": all(
            c["paused"] + c["coached"] >= 0.9 and (c["answers_until"] or 99) <= 40 for c in careless
        ),
        "false alarms under 1 %": spam["diligent"]["paused"] + spam["diligent"]["coached"] < 0.01,
        "a job without audit is dearer, beyond chance": unaudited["costs_more"]
        > 2 * unaudited["standard_error"],
        "a long job without skill by domain is dearer": undivided["costs_more"] > 0,
        "matched specialists err a fifth less": 1 - rulings["matched"] <= 0.8 * (1 - rulings["random"]),
    }


if __name__ == "__main__":
    here = Path(__file__).resolve().parents[3]
    default = Path(os.environ.get("TESSERA_SHARED", here / "shared")) / "data"
    json.dump(run(Path(sys.argv[1]) if len(sys.argv) > 1 else default), sys.stdout, indent=2)
    print()
