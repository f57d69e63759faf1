"""Consensus of outlines on public crowd answers: cells against gold, nodules against the reader who is held out.

Beside it in one run, on the same answers: pixel majority, STAPLE and, where it is installed, crowd-kit's segmentation.
Truth only scores, except where a row says "audit". `transfer` shows what the fusion's constants are worth on people whom
they were not chosen on.

Traps: readers of LIDC and the crowd of BU-BIL are slots, not persons, so no skill is fitted there; LIDC has no truth, so
the outline of a held-out reader stands for it, drawn as the pixels inside or on the traced line.
"""

import csv
import importlib
import itertools
import random
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import shapely
from routing_sets import crowd_kit

from routing.annotation.crowd_forms import parse_crowd
from routing.annotation.shapes import Mask, Polygon
from routing.consensus import regions
from routing.consensus.contract import loss_scale
from routing.consensus.masks import common_frame, encode_mask, fuse_masks, mask_iou, outward_bias
from routing.consensus.polygons import fuse_polygons, polygon_iou, shape_of
from routing.consensus.stopping import gain_of_answer

ANSWER_PRICE = 0.017  # expected IoU that another outline must win
AUDIT = 0.1
STAPLE_STEPS = 30
STAPLE_OVERLAPS = (2, 3, 5)  # it takes most of the time
PUBLISHED_CELLS = 302
OUTLINE_STRIDE = 3
# Of `routing.consensus.regions`, for `transfer`: half and double of what is in use, and none.
GRID = {"BANDWIDTH": (0.075, 0.15, 0.3), "LOOSE": (0.0, 0.08, 0.16, 0.32), "AGREEMENT_POWER": (0.0, 2.0, 4.0)}


def rows(data_dir: Path, name: str, file: str) -> Iterator[dict[str, str]]:
    """Yield the rows of one file of a set."""
    csv.field_size_limit(10**9)
    with (data_dir / name / f"{file}.csv").open(newline="") as lines:
        yield from csv.DictReader(lines)


def shapes(data_dir: Path, name: str, geometry: str, **wanted: str) -> dict[str, dict[str, Any]]:
    """Return {task: {worker: first shape}}."""
    out: dict[str, dict[str, Any]] = {}
    for row in rows(data_dir, name, "answers"):
        if all(row[key] == value for key, value in wanted.items()):
            answer = parse_crowd(row["geometry"], geometry, row["task"])
            if answer.shapes:
                out.setdefault(row["task"], {})[row["worker"]] = answer.shapes[0]
    return out


def timed(seconds: Counter[str], name: str, work: Callable[..., Any], *given: Any) -> Any:
    """Return work(*given) and book its CPU seconds under `name`."""
    start = time.process_time()
    out = work(*given)
    seconds[name] += time.process_time() - start
    return out


def pixel_majority(masks: Sequence[Mask]) -> Mask:
    """Return the pixels that more than half (of two: both or one) marked."""
    pixels, x, y = common_frame(masks)
    inside = pixels.mean(0) >= 0.5 if len(masks) == 2 else pixels.mean(0) > 0.5
    return encode_mask(inside if inside.any() else pixels[0], (x, y))


def staple(masks: Sequence[Mask]) -> Mask:
    """Return the STAPLE estimate (Warfield, Zou and Wells, 2004): EM over everybody's sensitivity and specificity."""
    pixels, x, y = common_frame(masks)
    flat = pixels.reshape(len(masks), -1).astype(np.float64)
    prior = flat.mean()
    sensitivity, specificity = np.full(len(masks), 0.9), np.full(len(masks), 0.99)
    for _ in range(STAPLE_STEPS):
        yes = np.log(sensitivity) @ flat + np.log(1 - sensitivity) @ (1 - flat) + np.log(prior)
        no = np.log(1 - specificity) @ flat + np.log(specificity) @ (1 - flat) + np.log(1 - prior)
        p = 1 / (1 + np.exp(np.clip(no - yes, -500, 500)))
        sensitivity = np.clip(flat @ p / p.sum(), 1e-4, 1 - 1e-4)
        specificity = np.clip((1 - flat) @ (1 - p) / (1 - p).sum(), 1e-4, 1 - 1e-4)
    inside = (p > 0.5).reshape(pixels.shape[1:])
    return encode_mask(inside if inside.any() else pixels[0], (x, y))


OUTLINES: dict[str, Callable[[Sequence[Mask]], Mask]] = {
    "tessera": lambda masks: fuse_masks(masks).shape,
    "majority": pixel_majority,
    "staple": staple,
}
KIT = {name: f"Segmentation{name}" for name in ("MajorityVote", "EM", "RASA")}


class Contest:
    """Every method's IoU with the truth and CPU seconds on the same answers, by the number of answers."""

    def __init__(self) -> None:
        self.cases: dict[int, list[tuple[Sequence[Mask], Mask]]] = {}
        self.ious: dict[int, dict[str, list[float]]] = {}
        self.seconds: Counter[str] = Counter()

    def add(self, masks: Sequence[Mask], truth: Mask) -> None:
        """Fuse one object's masks with every method and score the results."""
        self.cases.setdefault(len(masks), []).append((masks, truth))
        table = self.ious.setdefault(len(masks), {})
        for name, fuse in OUTLINES.items():
            if name != "staple" or len(masks) in STAPLE_OVERLAPS:
                shape = timed(self.seconds, name, fuse, masks)
                table.setdefault(name, []).append(mask_iou(shape, truth))

    def add_crowd_kit(self, overlaps: Sequence[int]) -> None:
        """Score crowd-kit's methods, where it is installed; its times leave out the reading of run lengths."""
        for k in overlaps if crowd_kit() else ():
            for name, shapes_ in crowd_kit_outlines(
                [masks for masks, _ in self.cases[k]], self.seconds
            ).items():
                ious = [mask_iou(one, truth) for one, (_, truth) in zip(shapes_, self.cases[k], strict=True)]
                self.ious[k][f"crowd-kit {name}"] = ious

    def figures(self, tasks: int) -> dict[str, Any]:
        """Return what is told of each number of answers, with our margin over pixel majority."""
        out: dict[str, Any] = {}
        for k, table in sorted(self.ious.items()):
            out[f"k{k}"] = {name: told(ious, k, tasks) for name, ious in table.items()}
            gain = np.array(table["tessera"]) - np.array(table["majority"])
            out[f"k{k}"]["over majority"] = {"iou": float(gain.mean()), "se": spread(gain, tasks)}
        fused = {n: sum(len(table.get(n, ())) for table in self.ious.values()) for n in self.seconds}
        each = {n: 1e3 * spent / fused[n] for n, spent in self.seconds.items() if fused[n]}
        ratios = {n: spent / each["tessera"] for n, spent in each.items() if n != "tessera"}
        return {**out, "ms an object": each, "times our time": ratios}


def crowd_kit_outlines(cases: Sequence[Sequence[Mask]], seconds: Counter[str]) -> dict[str, list[Mask]]:
    """Return what crowd-kit's segmentation methods make of each case."""
    kit = importlib.import_module("crowdkit.aggregation.image_segmentation")
    pandas = importlib.import_module("pandas")
    frames = [common_frame(masks) for masks in cases]
    drawn = [(c, str(w), one) for c, (pixels, _, _) in enumerate(frames) for w, one in enumerate(pixels)]
    out: dict[str, list[Mask]] = {}
    for name, method in KIT.items():
        table = pandas.DataFrame(drawn, columns=["task", "worker", "segmentation"])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pandas, about how crowd-kit uses it
            found = timed(seconds, f"crowd-kit {name}", getattr(kit, method)().fit_predict, table)
        inside = [np.asarray(found[c], dtype=bool) for c in range(len(frames))]
        out[name] = [
            encode_mask(one if one.any() else pixels[0], (x, y))
            for one, (pixels, x, y) in zip(inside, frames, strict=True)
        ]
    return out


def spread(values: Sequence[float] | np.ndarray, tasks: int) -> float:
    """Return the standard error of the mean, as if answers to one task said the same."""
    return float(np.std(values) / np.sqrt(tasks))


def told(ious: Sequence[float], answers: float, tasks: int) -> dict[str, float]:
    """Return mean IoU and its standard error, share of failures (below one half) and answers a task."""
    table = np.array(ious)
    failed = float((table < 0.5).mean())
    return {"iou": float(table.mean()), "se": spread(table, tasks), "failed": failed, "answers": answers}


# Sets ----------------------------------------------------------------------------------------------------------------

Crowds = dict[str, dict[str, Mask]]


def gold_cells(data_dir: Path) -> tuple[Crowds, dict[str, Mask], Counter[str]]:
    """Return the crowd's masks by task and worker, gold masks, and how many cells each part of the set holds."""
    crowd = shapes(data_dir, "bubil_masks", "mask", tier="crowd")
    gold = {r["task"]: r for r in rows(data_dir, "bubil_masks", "truth") if r["task"] in crowd}
    truth = {task: parse_crowd(r["geometry"], "mask", task).shapes[0] for task, r in sorted(gold.items())}
    return crowd, truth, Counter(r["subset"] for r in gold.values())


def cells(data_dir: Path, seeds: int) -> dict[str, Any]:
    """Return the figures of BU-BIL: fixed numbers of answers, adaptive ones, and adaptive ones with an audit."""
    crowd, truth, parts = gold_cells(data_dir)
    held = ", ".join(f"{part} {number}" for part, number in sorted(parts.items()))
    contest = Contest()
    for k in (1, 2, 3, 5, 7):
        for seed in range(seeds):
            dice = random.Random(seed)
            for task in truth:
                names = dice.sample(sorted(crowd[task]), min(k, len(crowd[task])))
                if len(names) == k:
                    contest.add([crowd[task][w] for w in names], truth[task])
    contest.add_crowd_kit((3, 5))
    out = {
        "tasks": len(truth),
        "set": f"{len(truth)} of the {PUBLISHED_CELLS} published cells ({held}), on which the goals were measured",
        **contest.figures(len(truth)),
    }
    for name, share in (("adaptive", 0.0), ("adaptive, 10% audit", AUDIT)):
        runs = [_adaptive_cells(crowd, truth, seed, share) for seed in range(seeds)]
        out[name] = {key: float(np.mean([run[key] for run in runs])) for key in runs[0]}
    return out


def _adaptive_cells(crowd: Crowds, truth: dict[str, Mask], seed: int, audit: float) -> dict[str, float]:
    dice = random.Random(seed)
    order = {task: dice.sample(sorted(crowd[task]), len(crowd[task])) for task in truth}
    ruled = set(dice.sample(sorted(truth), round(audit * len(truth))))
    bias, scale = 0.0, 1.0
    if ruled:
        audited = [fuse_masks([crowd[t][w] for w in order[t][:3]]) for t in sorted(ruled)]
        bias = outward_bias([one.shape for one in audited], [truth[t] for t in sorted(ruled)])
        lost = [1 - mask_iou(one.shape, truth[t]) for one, t in zip(audited, sorted(ruled), strict=True)]
        scale = loss_scale([one.expected_loss for one in audited], lost)
    ious, voted, expected, cost = [], [], [], 0
    for task in (t for t in truth if t not in ruled):
        for n in range(2, len(order[task]) + 1):
            given = [crowd[task][w] for w in order[task][:n]]
            fused = fuse_masks(given, biases=np.full(n, bias) if bias else None)
            if gain_of_answer(fused) < ANSWER_PRICE:
                break
        cost += n
        ious.append(mask_iou(fused.shape, truth[task]))
        voted.append(mask_iou(pixel_majority(given), truth[task]))
        expected.append(fused.expected_loss * scale)
    return {
        **told(ious, cost / len(ious), len(ious)),
        "majority of the same answers": float(np.mean(voted)),
        "expected_iou": 1 - float(np.mean(expected)),
        "outward_bias": bias,
    }


def as_pixels(outlines: Sequence[Polygon]) -> list[Mask]:
    """Return the pixels whose centres lie inside or on each outline, on one frame."""
    drawn = [shape_of(outline) for outline in outlines]
    bounds = np.array([shape.bounds for shape in drawn])
    x0, y0 = (int(v) for v in np.floor(bounds[:, :2].min(0)) - 1)
    x1, y1 = (int(v) for v in np.ceil(bounds[:, 2:].max(0)) + 2)
    x, y = np.meshgrid(np.arange(x0, x1), np.arange(y0, y1))
    for shape in drawn:
        shapely.prepare(shape)
    return [encode_mask(shapely.intersects_xy(shape, x, y), (x0, y0)) for shape in drawn]


def nodules(data_dir: Path, stride: int) -> dict[str, Any]:
    """Return the figures of LIDC outlines against the held-out reader, every reader held out in turn."""
    readers = shapes(data_dir, "lidc_polygons", "polygon")
    full = [task for task in sorted(readers) if len(readers[task]) == 4]
    contest = Contest()
    smooth: dict[int, list[float]] = {2: [], 3: []}
    for number, task in enumerate(full[::stride]):
        names = sorted(readers[task])
        masks = dict(zip(names, as_pixels([readers[task][name] for name in names]), strict=True))
        for held in names:
            others = [name for name in names if name != held]
            two = [name for name in others if name != others[number % 3]]
            for some in (others[number % 3 :][:1], two, others):
                contest.add([masks[name] for name in some], masks[held])
        if number % OUTLINE_STRIDE:  # the outlines themselves take longer
            continue
        held = names[number // OUTLINE_STRIDE % 4]
        for k in smooth:
            drawn = [readers[task][name] for name in names if name != held][:k]
            fused = timed(contest.seconds, "tessera, outlines", fuse_polygons, drawn)
            smooth[k].append(polygon_iou(fused.shape, readers[task][held]))
    contest.add_crowd_kit((3,))
    tasks = len(full[::stride])
    out = {
        "tasks": tasks,
        "set": f"{tasks} of the {len(full)} nodules that four readers outlined",
        "mended": "outlines that touch themselves keep their largest part",
        **contest.figures(tasks),
    }
    for k, table in smooth.items():
        out[f"k{k}"]["tessera, outlines"] = told(table, k, len(table))
    return out


# Constants ------------------------------------------------------------------------------------------------------------


def transfer(data_dir: Path, stride: int) -> dict[str, Any]:
    """Return what the fusion's constants reach on either set when the other set chooses them from a grid.

    The constants in use were chosen on both. The difference to them is part of what they flatter these two sets by; the
    method itself was chosen here, too.
    """
    both = {"cells": _cell_cases(data_dir), "nodules": _nodule_cases(data_dir, stride)}
    tried: dict[tuple[float, float, float], dict[str, float]] = {}
    for constants in itertools.product(*GRID.values()):
        with patch.multiple(regions, **dict(zip(GRID, constants, strict=True))):
            tried[constants] = {name: _reached(cases) for name, cases in both.items()}
    out: dict[str, Any] = {}
    for name, other in (("cells", "nodules"), ("nodules", "cells")):
        chosen = max(tried, key=lambda constants: tried[constants][other])
        out[f"{name}, constants chosen on {other}"] = {
            "iou": tried[chosen][name],
            "with the constants in use": _reached(both[name]),
            "with its own best": max(figures[name] for figures in tried.values()),
            "majority": float(np.mean([mask_iou(pixel_majority(m), true) for m, true in both[name]])),
            **dict(zip((constant.lower() for constant in GRID), chosen, strict=True)),
        }
    return out


def _reached(cases: Sequence[tuple[Sequence[Mask], Mask]]) -> float:
    return float(np.mean([mask_iou(fuse_masks(masks).shape, true) for masks, true in cases]))


def _cell_cases(data_dir: Path) -> list[tuple[list[Mask], Mask]]:
    crowd, truth, _ = gold_cells(data_dir)
    dice = random.Random(0)
    return [
        ([crowd[task][w] for w in dice.sample(sorted(crowd[task]), min(k, len(crowd[task])))], true)
        for k in (3, 5)
        for task, true in truth.items()
    ]


def _nodule_cases(data_dir: Path, stride: int) -> list[tuple[list[Mask], Mask]]:
    readers = shapes(data_dir, "lidc_polygons", "polygon")
    cases = []
    for task in [task for task in sorted(readers) if len(readers[task]) == 4][::stride]:
        masks = as_pixels([readers[task][name] for name in sorted(readers[task])])
        cases += [(masks[:held] + masks[held + 1 :], masks[held]) for held in range(len(masks))]
    return cases
