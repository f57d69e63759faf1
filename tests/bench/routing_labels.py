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
        "audit": [
            _audit(crowd, 10 if quick else 100) for crowd in crowds if len(crowd.scored) > AUDITED + 50
        ],
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
    """Return how stated and realised error compare after audits of AUDITED random tasks, and how often the bound holds."""
    found = fuse_labels(crowd.votes)
    known = crowd.truth >= 0
    scored, truth = crowd.scored[known], crowd.truth[known]
    gaps, eces, held, accuracies = [], [], [], []
    for seed in range(draws):
        order = np.random.default_rng(seed).permutation(len(scored))
        audit, rest = order[:AUDITED], order[AUDITED:]
        corrected = apply_audit(found, scored[audit], truth[audit])
        stated = corrected.confidence[scored[rest]]
        right = fair_hits(corrected.probability[scored[rest]], truth[rest])
        gaps.append(abs(float(right.mean() - stated.mean())))
        eces.append(calibration_error(stated, right))
        accuracies.append(float(right.mean()))
        # The bound is for the labels as they stood before the audit chose among opinions.
        wrong = math.ceil(float((1 - fair_hits(found.probability[scored[audit]], truth[audit])).sum()) - 1e-9)
        real = 1 - float(fair_hits(found.probability[scored[rest]], truth[rest]).mean())
        held.append(real <= unaudited_bound(wrong, AUDITED, len(scored)))
    return {
        "set": crowd.name,
        "scored": len(scored),
        "large": len(scored) >= LARGE,
        "gap": round(float(np.mean(gaps)), 4),
        "gap_p90": round(float(np.quantile(gaps, 0.9)), 4),
        "ece": round(float(np.mean(eces)), 4),
        "accuracy": round(float(np.mean(accuracies)), 4),
        "bound_held": round(float(np.mean(held)), 3),
    }
