"""Every figure that the routing is held to, with its baseline from the same run beside it, and whether it is reached."""

from collections.abc import Iterator
from typing import Any

import numpy as np

# Cells: what the goals mean over pixel majority (.8176 with three answers, .8311 with five) on all 302 published ones.
CELLS_OVER_MAJORITY = {"adaptive": round(0.820 - 0.8176, 4), "k5": round(0.835 - 0.8311, 4)}

Report = dict[str, Any]
Row = dict[str, Any]


def goals(report: Report) -> list[Row]:
    """Return a row a figure, {what, figure, goal, met, beside}, of the sections that `report` holds."""
    sections = {"labels": _labels, "budget": _budget, "geometry": _geometry, "core": _core, "speed": _speed}
    return [row for name, rows in sections.items() if name in report for row in rows(report[name])]


def _row(what: str, figure: float, goal: float, *, most: bool = False, **beside: object) -> Row:
    met = figure <= goal if most else figure >= goal
    return {
        "what": what,
        "figure": round(float(figure), 4),
        "goal": f"{'<=' if most else '>='} {goal}",
        "met": bool(met),
        "beside": beside,
    }


def _labels(labels: Report) -> Iterator[Row]:
    every = labels["summary"]["all"]
    means = every["means"]
    kit = {name: m for name, m in means.items() if name not in ("tessera", "majority", "dawid_skene")}
    rivals = kit or {"dawid_skene": means["dawid_skene"]}
    best = max(rivals, key=lambda name: rivals[name]["accuracy"])
    ours = means["tessera"]
    yield _row(
        "classes, all answers: points over the best single method beside it",
        100 * (ours["accuracy"] - rivals[best]["accuracy"]),
        0.5,
        **{name: m["accuracy"] for name, m in means.items()},
    )
    yield _row(
        "the same: worst set, points against the better of majority and Dawid-Skene",
        100 * every["worst_to_majority_and_dawid_skene"][0],
        -0.5,
        set=every["worst_to_majority_and_dawid_skene"][1],
    )
    for overlap, wanted in (("2", 3.0), ("3", 2.0), ("5", 1.0)):
        one = labels["summary"][overlap]
        yield _row(
            f"classes, {overlap} answers: points over Dawid-Skene",
            100 * one["over_dawid_skene"],
            wanted,
            **{name: m["accuracy"] for name, m in one["means"].items()},
        )
        worst, name = one["worst_to_majority"]
        yield _row(f"the same: worst set, points against majority, {overlap}", 100 * worst, -0.5, set=name)
    nll = {name: m["nll"] for name, m in means.items()}
    others = min(value for name, value in nll.items() if name != "tessera")
    yield _row(
        "classes: mean negative log-likelihood, below all others'", nll["tessera"], others, most=True, **nll
    )
    ece = {name: m["ece"] for name, m in means.items()}
    yield _row("classes: mean calibration error without an audit", ece["tessera"], 0.07, most=True, **ece)
    audits = labels["audit"]
    large = [one for one in audits if one["large"]]
    for name, some in (("every set", audits), ("sets of 800 tasks or more", large)):
        yield _row(
            f"classes: mean calibration error after an audit of 200, {name}",
            float(np.mean([one["ece"] for one in some])),
            0.03,
            most=True,
            least_by_chance=round(float(np.mean([one["ece_least"] for one in some])), 4),
        )
    gap = max(large, key=lambda one: one["gap"])
    yield _row(
        "stated against realised error after the audit, worst large set",
        gap["gap"],
        0.025,
        most=True,
        set=gap["set"],
    )
    held = min(audits, key=lambda one: one["bound_held"])
    yield _row(
        "share of audits whose certified bound holds, worst set", held["bound_held"], 0.95, set=held["set"]
    )


def _budget(budget: Report) -> Iterator[Row]:
    for assign, mean in budget["mean_share"].items():
        yield _row(
            f"budget, {assign}: share of majority's answers for its accuracy, mean over sets",
            mean,
            0.5,
            most=True,
            sets={one["set"]: one["share"][assign] for one in budget["sets"] if assign in one["share"]},
        )
        yield _row(f"budget, {assign}: the same, worst set", budget["most_share"][assign], 1.0, most=True)
    for votes, wanted in (("5", 0.85), ("15", 1.6)):
        needed = budget["prior"]["needed"]
        yield _row(
            f"budget beside a model: answers an image for the accuracy of {votes} votes",
            needed.get(votes, needed.get(int(votes))),
            wanted,
            most=True,
            majority=float(votes),
        )


def _geometry(geometry: Report) -> Iterator[Row]:
    if "k3" in (scenes := geometry.get("pedestrians", {})):
        yield from _scenes(scenes)
    # A report of an older run may lie beside other sections; it says nothing about its set.
    if "set" in (cells := geometry.get("cells", {})):
        adaptive, five = cells["adaptive"], cells["k5"]
        voted = adaptive["majority of the same answers"]
        yield _row(
            "cells, adaptive: IoU",
            adaptive["iou"],
            0.82,
            standard_error=adaptive["se"],
            answers=adaptive["answers"],
            majority_of_the_same_answers=voted,
            over_majority=adaptive["iou"] - voted,
            wanted_over_majority_of_three_on_all=CELLS_OVER_MAJORITY["adaptive"],
            set=cells["set"],
        )
        yield _row("cells, adaptive: answers", adaptive["answers"], 2.65, most=True)
        failed = {name: one["failed"] for name, one in cells["k3"].items() if "failed" in one}
        yield _row("cells, adaptive: failures", adaptive["failed"], 0.019, most=True, three_answers=failed)
        beside = {
            **_others(five),
            "wanted_over_majority_on_all": CELLS_OVER_MAJORITY["k5"],
            "set": cells["set"],
        }
        yield _row("cells, 5 answers: IoU", five["tessera"]["iou"], 0.835, **beside)
    if "set" in (nodules := geometry.get("nodules", {})):
        for k, wanted in (("k2", 0.785), ("k3", 0.805)):
            beside = {**_others(nodules[k]), "set": nodules["set"]}
            yield _row(f"nodules, {k[1]} readers: IoU", nodules[k]["tessera"]["iou"], wanted, **beside)
        times = nodules["times our time"]
        yield _row("outlines: least time of another method over ours", min(times.values()), 1.0, **times)
    if "tessera 3" in (boxes := geometry.get("nodule boxes", {})):
        yield _row(
            "3D boxes, 3 readers: IoU",
            boxes["tessera 3"]["iou"],
            0.73,
            mean=boxes["mean 3"]["iou"],
            standard_error=boxes["tessera 3"].get("se"),
        )


def _scenes(scenes: Report) -> Iterator[Row]:
    tried = ("adaptive, random", "adaptive, best")
    best = min((scenes[name] for name in tried), key=lambda one: one["errors"])
    votes = {f"{k} votes": scenes[f"k{k}"]["vote, median"]["errors"] for k in (3, 4, 5)}
    yield _row(
        "pedestrians, adaptive: errors an image",
        best["errors"],
        0.187,
        most=True,
        looks=best["looks"],
        **votes,
    )
    yield _row("pedestrians, adaptive: annotators", best["looks"], 3.0, most=True)
    yield _row("pedestrians, adaptive: IoU of matches", best["iou"], 0.825)
    for k in (2, 3, 4):
        missed = scenes[f"k{k}"]["missed, 10% audit"]
        ratio = max(missed["ratio"], 1 / max(missed["ratio"], 1e-9))
        yield _row(
            f"pedestrians, {k} looks: missed objects, factor off", ratio, 1.5, most=True, real=missed["real"]
        )


def _others(row: Report) -> dict[str, float]:
    """Return what the others reach on the same answers, our margin over majority and its and our standard errors."""
    over = row["over majority"]
    own = {
        "standard_error": row["tessera"]["se"],
        "over_majority": over["iou"],
        "its_standard_error": over["se"],
    }
    rivals = {n: one["iou"] for n, one in row.items() if n != "over majority" and not n.startswith("tessera")}
    return {**own, **rivals}


def _core(core: Report) -> Iterator[Row]:
    for name, held in core["goals"].items():
        yield {"what": name, "figure": None, "goal": "holds", "met": bool(held), "beside": {}}


def _speed(speed: Report) -> Iterator[Row]:
    yield _row("100,000 answers fused: CPU seconds", speed["fuse_100k_cpu_s"], 1.0, most=True)
    yield _row("100,000 answers fused: peak MB", speed["fuse_100k_peak_mb"], 100.0, most=True)
    for name, times in speed["times_faster_on_rte"].items():
        wanted = 50.0 if name in ("GLAD", "MACE") else 1.0
        yield _row(f"times faster than {name}, rte", times, wanted)
    yield _row(
        "online update and next step of a class, us", speed["online_update_and_step_us"], 100.0, most=True
    )
