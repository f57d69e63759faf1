"""Aggregation of classes (goal 1): our one configuration beside majority, Dawid-Skene and crowd-kit, and the audit."""

import math
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from routing_sets import SETS, Crowd, crowd_kit, dawid_skene, load, thinned

from routing.consensus.audit import apply_audit, unaudited_bound
from routing.consensus.labels import fuse_labels
from routing.consensus.votes import Votes
from routing.scores import calibration_error, fair_hits, log_loss

Method = Callable[[Votes], np.ndarray]
OVERLAPS = (2, 3, 5)
AUDITED = 200
RESAMPLED = 1000  # audits on which the bound is tried
LARGE = 800  # scored tasks from which an audit of 200 leaves enough to judge it by


def run(data: Path, *, quick: bool = False) -> dict[str, object]:
    """Return accuracies by set, method and overlap, their means, and what an audit of 200 tasks does."""
    ours: dict[str, Method] = {
        "majority": lambda votes: votes.shares(),
        "dawid_skene": dawid_skene,
        "tessera": lambda votes: fuse_labels(votes).probability,
    }
    kit = crowd_kit()
    if quick:
        kit = {name: kit[name] for name in ("DawidSkene", "OneCoinDawidSkene") if name in kit}
    crowds = [load(data, name) for name in SETS]
    table = {"all": _table(crowds, {**ours, **kit}, 0, 1)}
    fast = {**ours, **({"DawidSkene": kit["DawidSkene"]} if kit else {})}
    for overlap in OVERLAPS:
        table[str(overlap)] = _table(crowds, fast, overlap, 1 if quick else 3)
    return {
        "crowd_kit": bool(kit),
        "accuracy": table,
        "summary": {overlap: _summary(rows) for overlap, rows in table.items()},
        "audit": [_audit(crowd, 10 if quick else 40) for crowd in crowds if len(crowd.scored) > AUDITED + 50],
    }


def _table(
    crowds: list[Crowd], methods: dict[str, Method], overlap: int, seeds: int
) -> dict[str, dict[str, dict[str, float]]]:
    rows: dict[str, dict[str, dict[str, float]]] = {}
    for crowd in crowds:
        if overlap and len(crowd.votes.task) / crowd.votes.tasks < min(overlap, 4):
            continue
        rows[crowd.name] = {}
        for name, method in methods.items():
            if name == "GLAD" and len(crowd.votes.task) > 21_000:
                continue  # minutes to a quarter of an hour each
            scores = [
                _score(crowd, method(thinned(crowd.votes, overlap, seed) if overlap else crowd.votes))
                for seed in range(seeds)
            ]
            rows[crowd.name][name] = {key: float(np.mean([s[key] for s in scores])) for key in scores[0]}
        print(f"  {crowd.name} at {overlap or 'all'}", file=sys.stderr, flush=True)
    return rows


def _score(crowd: Crowd, probability: np.ndarray) -> dict[str, float]:
    p = probability[crowd.scored]
    right = fair_hits(p, crowd.truth)
    return {
        "accuracy": float(right.mean()),
        "nll": log_loss(p, crowd.truth),
        "ece": calibration_error(p.max(1), right),
    }


def _summary(rows: dict[str, dict[str, dict[str, float]]]) -> dict[str, object]:
    """Return means over the sets that every method ran on, and the worst difference to the baselines."""
    names = {name for row in rows.values() for name in row}
    everywhere = [name for name in sorted(names) if all(name in row for row in rows.values())]
    means = {
        name: {
            key: round(float(np.mean([row[name][key] for row in rows.values()])), 4)
            for key in ("accuracy", "nll", "ece")
        }
        for name in everywhere
    }
    skene = "DawidSkene" if "DawidSkene" in everywhere else "dawid_skene"

    def worst(*others: str) -> tuple[float, str]:
        return min(
            (row["tessera"]["accuracy"] - max(row[o]["accuracy"] for o in others), name)
            for name, row in rows.items()
        )

    return {
        "means": means,
        "sets": len(rows),
        "worst_to_majority": worst("majority"),
        "worst_to_majority_and_dawid_skene": worst("majority", skene),
        "over_dawid_skene": means["tessera"]["accuracy"] - means[skene]["accuracy"],
    }


def _audit(crowd: Crowd, draws: int) -> dict[str, object]:
    """Return how stated and realised error compare after audits of AUDITED random tasks, and how often the bound holds.

    ece_least is what a perfectly calibrated statement would score here, by the chance of the tasks that are left alone.
    """
    found = fuse_labels(crowd.votes)
    known = crowd.truth >= 0
    scored, truth = crowd.scored[known], crowd.truth[known]
    rows = []
    for seed in range(draws):
        rng = np.random.default_rng(seed)
        order = rng.permutation(len(scored))
        audit, rest = order[:AUDITED], order[AUDITED:]
        corrected = apply_audit(found, scored[audit], truth[audit])
        stated = corrected.confidence[scored[rest]]
        right = fair_hits(corrected.probability[scored[rest]], truth[rest])
        lucky = (rng.random(len(rest)) < stated).astype(np.float64)
        rows.append(
            (
                abs(float(right.mean() - stated.mean())),
                calibration_error(stated, right),
                float(right.mean()),
                calibration_error(stated, lucky),
            )
        )
    gaps, eces, accuracies, least = np.array(rows).T
    return {
        "set": crowd.name,
        "scored": len(scored),
        "large": len(scored) >= LARGE,
        "gap": round(float(gaps.mean()), 4),
        "gap_p90": round(float(np.quantile(gaps, 0.9)), 4),
        "ece": round(float(eces.mean()), 4),
        "ece_least": round(float(least.mean()), 4),
        "accuracy": round(float(accuracies.mean()), 4),
        "bound_held": round(_bound_held(fair_hits(found.probability[scored], truth)), 4),
    }


def _bound_held(right: np.ndarray) -> float:
    """Return how often the bound holds for the labels as they stood before an audit chose among opinions."""
    size = len(right)
    bounds: dict[int, float] = {}
    held = 0
    for seed in range(RESAMPLED):
        order = np.random.default_rng(seed).permutation(size)
        wrong = math.ceil(float((1 - right[order[:AUDITED]]).sum()) - 1e-9)
        if wrong not in bounds:
            bounds[wrong] = unaudited_bound(wrong, AUDITED, size)
        held += 1 - float(right[order[AUDITED:]].mean()) <= bounds[wrong]
    return held / RESAMPLED
