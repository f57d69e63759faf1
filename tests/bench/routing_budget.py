"""Budgets (goal 2): how many answers the adaptive policy needs for the accuracy of majority vote, by replay."""

import math
import sys
from pathlib import Path

import numpy as np
from routing_sets import SETS, Crowd, load

from routing.answer_table import read_counts, read_probabilities, read_truth
from routing.commands.replay import counts_file
from routing.replay import ReplayPolicy, replay, score_replays
from routing.tabular.labels import truth_index

RISKS = (0.5, 0.35, 0.27, 0.2, 0.15, 0.1, 0.06)
PRIOR_RISKS = (0.06, 0.03, 0.015, 0.008)
LARGE = (
    50_000  # answers from which only one replay is run, and only with whoever comes next: each takes minutes
)
REPLAYED = (
    30_000  # answers that the replays of a smaller set hold together, so that small sets are repeated more
)
SCORED = 1_000  # tasks with a truth that the replays of a set score together at least, or chance would say the most
MOST_REPEATS = 6
QUICK_SETS = ("bluebirds", "rte", "music", "zencrowd_in")


def run(data: Path, *, quick: bool = False) -> dict[str, object]:
    """Return a budget curve a set and assignment, what each needs for majority's accuracy, and the means."""
    sets = []
    for name in QUICK_SETS if quick else SETS:
        crowd = load(data, name)
        wanted = max(REPLAYED // len(crowd.votes.task), math.ceil(SCORED / len(crowd.scored)))
        repeats = min(wanted, MOST_REPEATS)
        sets.append(_set(crowd, 1 if quick else repeats))
        print(f"  budget of {name}: {sets[-1]['share']}", file=sys.stderr, flush=True)
    shares = {a: [float(one["share"][a]) for one in sets if a in one["share"]] for a in ("random", "best")}
    return {
        "sets": sets,
        "mean_share": {a: round(float(np.mean(np.minimum(v, 1.0))), 3) for a, v in shares.items()},
        "most_share": {a: round(float(np.max(v)), 3) for a, v in shares.items()},
        "prior": _prior(data, 1 if quick else 2),
    }


def needed(curve: list[tuple[float, float]], wanted: float) -> float:
    """Return the answers a task at which a curve of (answers, accuracy) first reaches `wanted`; infinite if never."""
    before: tuple[float, float] | None = None
    for answers, accuracy in sorted(curve):
        if accuracy >= wanted:
            if before is None:
                return answers
            part = (wanted - before[1]) / max(accuracy - before[1], 1e-12)
            return before[0] + part * (answers - before[0])
        before = (answers, accuracy)
    return float("inf")


def _set(crowd: Crowd, repeats: int) -> dict[str, object]:
    def curve(policy: ReplayPolicy, seeds: int) -> dict[str, float]:
        runs = [replay(crowd.votes, policy, np.random.default_rng(seed)) for seed in range(seeds)]
        return score_replays(runs, crowd.scored, crowd.truth)

    majority = curve(ReplayPolicy("majority", 5), 5)
    out: dict[str, object] = {
        "set": crowd.name,
        "majority": round(majority["accuracy"], 4),
        "majority_answers": majority["answers_per_task"],
        "repeats": repeats,
    }
    curves, share, need = {}, {}, {}
    large = len(crowd.votes.task) > LARGE
    for assign in ("random",) if large else ("random", "best"):
        points = []
        for risk in RISKS:
            found = curve(ReplayPolicy(risk=risk, assign=assign), repeats)
            points.append((found["answers_per_task"], found["accuracy"]))
            if points[-1][1] >= majority["accuracy"]:
                break  # what comes after costs more
        curves[assign] = [(round(a, 3), round(p, 4)) for a, p in points]
        need[assign] = round(needed(points, majority["accuracy"]), 3)
        share[assign] = round(need[assign] / majority["answers_per_task"], 3)
    return {**out, "curves": curves, "needed": need, "share": share}


def _prior(data: Path, repeats: int) -> dict[str, object]:
    folder = data / "crowd/cifar10h_counts"
    with (folder / "answers.csv").open() as lines:
        file = counts_file(read_counts(lines, "answers.csv"))
    with (folder / "truth.csv").open() as lines:
        tasks, truth = truth_index(file, read_truth(lines, "truth.csv", value="label"))
    with (folder / "model_probs.csv").open() as lines:
        prior = read_probabilities(lines, "model_probs.csv", tasks=file.tasks, classes=file.classes)

    def score(policy: ReplayPolicy, with_prior: bool, seeds: int) -> dict[str, float]:
        runs = [
            replay(file.votes, policy, np.random.default_rng(seed), prior if with_prior else None)
            for seed in range(seeds)
        ]
        return score_replays(runs, tasks, truth)

    votes = {k: score(ReplayPolicy("majority", k), False, 3)["accuracy"] for k in (1, 3, 5, 7, 15)}
    points = []
    for risk in PRIOR_RISKS:
        found = score(ReplayPolicy(risk=risk), True, repeats)
        points.append({k: round(found[k], 4) for k in ("answers_per_task", "accuracy", "stated_risk")})
    curve = [(p["answers_per_task"], p["accuracy"]) for p in points]
    return {
        "majority": {str(k): round(v, 4) for k, v in votes.items()},
        "curve": points,
        "needed": {k: round(needed(curve, votes[k]), 3) for k in (5, 15)},
    }
