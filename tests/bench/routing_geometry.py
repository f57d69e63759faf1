"""Consensus of geometry on public crowd answers, beside pixel majority, STAPLE, means and counting votes in one run.

`run(data_dir)` returns what `main` prints; `data_dir` holds one folder for each set (see its README). One configuration for
all sets. Truth only scores, except where a row says "audit": there a tenth of the tasks is ruled by the expert, and these
tasks are left out of the score. Replays use recorded answers only, and answers of the pilot count as cost.

Outlines are in `routing_outlines`. Trap: readers of LIDC are slots, not persons, so no skill is fitted there; LIDC has no
truth, so the box of a held-out reader stands for it.
"""

import argparse
import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from routing_outlines import cells, nodules, rows, shapes, spread, timed, transfer

from routing.annotation import boxes as bx
from routing.annotation.crowd_forms import parse_crowd
from routing.annotation.fields import FieldError
from routing.annotation.shapes import Cuboid, Points, Shape
from routing.consensus.boxes import fuse_boxes
from routing.consensus.cuboids import cuboid_iou, fuse_cuboids
from routing.consensus.points import fuse_points
from routing.consensus.polygons import shape_of
from routing.consensus.scene_audit import fit_scene_audit
from routing.consensus.scenes import BoxCrowd, SceneConsensus, fit_crowd, fuse_scene, match_scene
from routing.consensus.stopping import gain_of_answer, next_look

Array = np.ndarray
LOOK_PRICE = 0.014  # expected errors that another look at a scene must take away
PILOT = (
    0.05,
    5,
)  # share of the scenes, looks at each: what a crowd is like must be seen before it is chosen from
LOAD_CAP = 3.0  # times the fair share of a budget of three looks a scene
AUDIT = 0.1


# Sets ----------------------------------------------------------------------------------------------------------------


def nodule_boxes(data_dir: Path) -> dict[str, Any]:
    """Return 3D IoU of LIDC boxes with the held-out reader."""
    readers = shapes(data_dir, "lidc_cuboids", "cuboid")
    tasks = [task for task in sorted(readers) if len(readers[task]) == 4]
    ious: dict[str, list[float]] = {}
    stated: list[float] = []
    for task in tasks:
        names = sorted(readers[task])
        for held in names:
            others = [readers[task][n] for n in names if n != held]
            for k in (1, 2, 3):
                fused = fuse_cuboids(others[:k])
                ious.setdefault(f"tessera {k}", []).append(cuboid_iou(fused.shape, readers[task][held]))
                ious.setdefault(f"mean {k}", []).append(
                    cuboid_iou(mean_cuboid(others[:k]), readers[task][held])
                )
            stated.append(fused.p_within_tolerance)
    within = float(np.mean(np.array(ious["tessera 3"]) >= 0.7))
    return {
        "tasks": len(tasks),
        **{name: {"iou": float(np.mean(t)), "se": spread(t, len(tasks))} for name, t in ious.items()},
        "P(IoU >= .7) of 3": {"stated": float(np.mean(stated)), "with the held-out reader": within},
    }


def mean_cuboid(cuboids: Sequence[Cuboid]) -> Cuboid:
    """Return the cuboid of the mean centre and sizes; the sets' boxes have no yaw."""
    centers, dims = (np.mean([getattr(c, field) for c in cuboids], axis=0) for field in ("center", "dims"))
    return Cuboid(tuple(centers), tuple(dims), 0.0)


def iguanas(data_dir: Path) -> dict[str, Any]:
    """Return errors of the number of animals in images where experts and volunteers saw some."""
    answers: dict[str, dict[str, Points]] = {}
    for row in rows(data_dir, "iguanas_points", "answers"):
        marks = parse_crowd(row["geometry"], "points", row["task"]).shapes[0]
        answers.setdefault(row["task"], {})[row["worker"]] = marks
    truth = {r["task"]: r for r in rows(data_dir, "iguanas_points", "truth")}
    silent = {t: round(float(r["volunteers_no"] or 0)) for t, r in truth.items()}
    # Those who said "none here" looked too: without their empty answers every mark would seem confirmed.
    looked = {
        t: {**a, **{f"none{i}": Points(()) for i in range(silent.get(t, 0))}} for t, a in answers.items()
    }
    start = time.process_time()
    fused = fuse_points(looked)
    seconds = time.process_time() - start
    scored = [t for t in sorted(answers) if t in truth and float(truth[t]["expert_count"]) > 0]
    true = np.array([float(truth[t]["expert_count"]) for t in scored])
    counted = {
        "tessera": [sum(m.p_exists >= 0.5 for m in fused[t][0]) for t in scored],
        "tessera, expected number": [sum(m.p_exists for m in fused[t][0]) for t in scored],
        "median of markers' counts": [
            np.median([len(p.points) for p in answers[t].values()]) for t in scored
        ],
    }
    errors = {name: np.array(values, dtype=np.float64) - true for name, values in counted.items()}
    return {
        "tasks": len(scored),
        "seconds": seconds,
        **{name: {"mae": float(np.abs(e).mean()), "bias": float(e.mean())} for name, e in errors.items()},
    }


def slumps(data_dir: Path) -> dict[str, Any]:
    """Return how many thaw slumps the experts' outlines hold; there is no truth, so nothing is scored."""
    answers: dict[str, dict[str, list[Shape]]] = {}
    slips = 0
    for row in rows(data_dir, "rts_polygons", "answers"):
        drawn = answers.setdefault(row["task"], {}).setdefault(row["worker"], [])
        for ring in json.loads(row["geometry"]):
            try:
                drawn += parse_crowd(json.dumps([ring]), "polygon", row["task"]).shapes
            except FieldError:  # a click without an area, or an outline that falls apart
                slips += 1
    start = time.process_time()
    out: dict[str, Any] = {}
    for task, people in sorted(answers.items()):
        bounds = {
            w: np.array([shape_of(s).bounds for s in drawn]).reshape(-1, 4) for w, drawn in people.items()
        }
        found = fuse_scene(bounds)
        counts = [len(drawn) for drawn in people.values()]
        out[task] = {
            "experts": len(people),
            "outlines each, fewest to most": [min(counts), max(counts)],
            "accepted": len(found.accepted()),
            "expected missed": found.missed,
        }
    return {**out, "slips left out": slips, "seconds": time.process_time() - start}


# Pedestrians: whole scenes -------------------------------------------------------------------------------------------

Scenes = dict[str, dict[str, Array]]


def pedestrians(data_dir: Path, seeds: int) -> dict[str, Any]:
    """Return errors (false + missing) a scene and IoU of matches for fixed and adaptive numbers of annotators."""
    answers: Scenes = {}
    for row in rows(data_dir, "pedestrians_boxes", "answers"):
        drawn = [one.xyxy for one in parse_crowd(row["geometry"], "boxes", row["task"]).shapes]
        answers.setdefault(row["task"], {})[row["worker"]] = np.array(drawn, dtype=np.float64).reshape(-1, 4)
    truth = {
        r["task"]: bx.as_boxes(json.loads(r["geometry"] or "[]"))
        for r in rows(data_dir, "pedestrians_boxes", "truth")
    }
    out: dict[str, Any] = {"tasks": len(answers), "scored": len(truth)}
    seconds: Counter[str] = Counter()
    for k in (1, 2, 3, 4, 5, 7):
        ours, votes, missed, calibration = [], [], [], []
        for seed in range(seeds if k < 7 else 1):
            dice = random.Random(seed)
            some = {
                t: {w: answers[t][w] for w in dice.sample(sorted(answers[t]), k)} for t in sorted(answers)
            }
            crowd = timed(seconds, "fit the crowd", fit_crowd, some)
            fused = timed(seconds, "fuse", fuse_all, some, sorted(truth), crowd)
            ours.append(errors({t: accepted(s) for t, s in fused.items()}, truth))
            voted = timed(seconds, "vote, median", vote_all, some, sorted(truth))
            votes.append(errors(voted, truth))
            missed.append(_missed(fused, some, truth, seed))
            calibration.append(
                [float(np.mean([s.expected_errors() for s in fused.values()])), ours[-1]["errors"]]
            )
        out[f"k{k}"] = {
            "tessera": _mean(ours),
            "vote, median": _mean(votes),
            "missed, 10% audit": _mean(missed),
            "expected errors": float(np.mean([a for a, _ in calibration])),
        }
    for assign in ("random", "best"):
        out[f"adaptive, {assign}"] = _mean(
            [_adaptive_scenes(answers, truth, seed, assign) for seed in range(seeds)]
        )
    return {**out, "seconds": dict(seconds)}


def fuse_all(answers: Scenes, tasks: Sequence[str], crowd: BoxCrowd) -> dict[str, SceneConsensus]:
    """Return the consensus of each scene."""
    return {task: fuse_scene(answers[task], crowd) for task in tasks}


def accepted(scene: SceneConsensus) -> Array:
    """Return the boxes (N, 4) of a scene's accepted objects."""
    return np.array([o.xyxy for o in scene.accepted()], dtype=np.float64).reshape(-1, 4)


def vote(answers: dict[str, Array]) -> Array:
    """Return the edge-wise medians of what at least half of the people marked."""
    found = [np.stack(list(m.values())) for m in match_scene(answers) if 2 * len(m) >= len(answers)]
    return np.array([np.median(boxes, axis=0) for boxes in found]).reshape(-1, 4)


def vote_all(answers: Scenes, tasks: Sequence[str]) -> dict[str, Array]:
    """Return the voted boxes of each scene."""
    return {task: vote(answers[task]) for task in tasks}


def errors(found: dict[str, Array], truth: dict[str, Array]) -> dict[str, float]:
    """Return false + missing objects a scene, each kind, and the IoU of matches (IoU 1/2, greedy, one to one)."""
    false = missing = 0
    ious: list[float] = []
    for task, boxes in found.items():
        pairs = bx.match(boxes, truth[task], min_iou=0.5)
        false, missing = false + len(boxes) - len(pairs), missing + len(truth[task]) - len(pairs)
        ious += [iou for _, _, iou in pairs]
    n = len(found)
    return {
        "errors": (false + missing) / n,
        "false": false / n,
        "missing": missing / n,
        "iou": float(np.mean(ious)),
    }


def _missed(
    fused: dict[str, SceneConsensus], some: Scenes, truth: dict[str, Array], seed: int
) -> dict[str, float]:
    """Return objects that nobody marked outside an audited tenth: real number, what is expected with the audit."""
    dice = random.Random(1000 + seed)
    ruled = set(dice.sample(sorted(truth), round(AUDIT * len(truth))))
    audit = fit_scene_audit([fused[t] for t in sorted(ruled)], [truth[t] for t in sorted(ruled)])
    rest = [t for t in sorted(truth) if t not in ruled]
    real = 0
    for task in rest:
        marked = np.concatenate(list(some[task].values()))
        real += int((bx.iou_matrix(truth[task], marked).max(1, initial=0.0) < 0.5).sum())
    expected = sum(audit.applied(fused[t]).missed for t in rest)
    corrected = errors({t: accepted(audit.applied(fused[t])) for t in rest}, truth)
    return {
        "real": real,
        "expected": expected,
        "ratio": expected / max(real, 1),
        "errors": corrected["errors"],
    }


def _adaptive_scenes(answers: Scenes, truth: dict[str, Array], seed: int, assign: str) -> dict[str, float]:
    """Return errors and looks a scene when every scene is looked at until no look is worth LOOK_PRICE."""
    dice = random.Random(seed)
    tasks = sorted(answers)
    dice.shuffle(tasks)
    order = {t: dice.sample(sorted(answers[t]), len(answers[t])) for t in tasks}
    pilot = max(round(PILOT[0] * len(tasks)), 30)
    seen: Scenes = {
        t: {w: answers[t][w] for w in order[t][: PILOT[1]]} if i < pilot else {} for i, t in enumerate(tasks)
    }
    load = Counter(w for looks in seen.values() for w in looks)
    people = {w for looks in answers.values() for w in looks}
    most = LOAD_CAP * 3 * len(tasks) / len(people)
    open_tasks = tasks[pilot:]
    while open_tasks:
        crowd = fit_crowd({t: looks for t, looks in seen.items() if looks})
        still: list[str] = []
        for task in open_tasks:
            left = [w for w in order[task] if w not in seen[task]]
            free = left[:1] if assign == "random" else [w for w in left if load[w] < most] or left[:1]
            price = LOOK_PRICE if seen[task] else -np.inf
            who = next_look(fuse_scene(seen[task], crowd), crowd, free, price=price)
            if who is not None:
                seen[task][who] = answers[task][who]
                load[who] += 1
                still.append(task)
        open_tasks = still
    return _scene_figures(seen, truth, load)


def _scene_figures(seen: Scenes, truth: dict[str, Array], load: Counter[str]) -> dict[str, float]:
    crowd: BoxCrowd = fit_crowd(seen)
    fused = {t: fuse_scene(seen[t], crowd) for t in truth}
    return {
        "looks": sum(load.values()) / len(seen),
        **errors({t: accepted(s) for t, s in fused.items()}, truth),
        "expected errors": float(np.mean([s.expected_errors() for s in fused.values()])),
        "busiest share": max(load.values()) / sum(load.values()),
    }


def _mean(runs: Sequence[dict[str, float]]) -> dict[str, float]:
    return {key: float(np.mean([run[key] for run in runs])) for key in runs[0]}


def speed() -> dict[str, float]:
    """Return milliseconds for a box fused from five answers with the decision of one more."""
    dice = np.random.default_rng(0)
    drawn = [np.array([20.0, 30.0, 80.0, 130.0]) + 3 * dice.normal(size=(5, 4)) for _ in range(500)]
    start = time.process_time()
    asked = sum(gain_of_answer(fuse_boxes(boxes)) > 0.01 for boxes in drawn)
    spent = (time.process_time() - start) / len(drawn)
    return {"fuse and decide, ms a box": spent * 1e3, "asked one more": asked / len(drawn)}


def run(data_dir: Path, *, quick: bool = False, only: Sequence[str] = ()) -> dict[str, Any]:
    """Return the figures of every set (or of `only` these); one that is missing says so."""
    sections: dict[str, tuple[str, Callable[[], dict[str, Any]]]] = {
        "pedestrians": ("pedestrians_boxes", lambda: pedestrians(data_dir, 1 if quick else 3)),
        "cells": ("bubil_masks", lambda: cells(data_dir, 1 if quick else 3)),
        "nodules": ("lidc_polygons", lambda: nodules(data_dir, 3 if quick else 1)),
        "constants of outlines": ("bubil_masks", lambda: transfer(data_dir, 18 if quick else 6)),
        "nodule boxes": ("lidc_cuboids", lambda: nodule_boxes(data_dir)),
        "iguanas": ("iguanas_points", lambda: iguanas(data_dir)),
        "slumps": ("rts_polygons", lambda: slumps(data_dir)),
    }
    out: dict[str, Any] = {"speed": speed()}
    for name, (folder, measure) in sections.items():
        if only and name not in only:
            continue
        missing = not (data_dir / folder / "answers.csv").exists()
        out[name] = {"skipped": f"no {folder} in the shared data"} if missing else measure()
    return out


def table(figures: dict[str, Any], indent: str = "") -> Iterator[str]:
    """Yield the figures as lines."""
    for name, value in figures.items():
        if isinstance(value, dict):
            flat = all(not isinstance(v, dict) for v in value.values())
            line = "  ".join(f"{k} {v:.3f}" if isinstance(v, float) else f"{k} {v}" for k, v in value.items())
            yield f"{indent}{name:<24} {line}" if flat else f"{indent}{name}"
            if not flat:
                yield from table(value, indent + "  ")
        else:
            yield (
                f"{indent}{name:<24} {value:.3f}"
                if isinstance(value, float)
                else f"{indent}{name:<24} {value}"
            )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures; --quick takes one seed instead of three and every third nodule."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    shared = os.environ.get("TESSERA_SHARED", Path(__file__).resolve().parents[3] / "shared")
    parser.add_argument("--data", type=Path, default=Path(shared) / "data" / "crowd")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", nargs="+", default=(), metavar="SECTION")
    options = parser.parse_args(arguments)
    print("\n".join(table(run(options.data, quick=options.quick, only=options.only))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
