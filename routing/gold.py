"""Tasks with a known answer: when to inject them, how to make them, how to score them.

Gold is a plain dict kept on the server only: verify_box `{"truth": "good|geometry|phantom"}`; grid_verify
`{"bad": [ids], "good": [ids]}`; fix_box and draw_missed `{"xyxy": [...] | null, "class": id}`; coverage_tile
`{"hidden": [{"id", "xyxy", "class"}]}`; compare_two `{"choice": "A|B"}`; adjudicate `{"ruling", "xyxy", "class"}`;
questions about shapes, choices and regions as `routing.gold_refined` says.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from routing.annotation import boxes as bx
from routing.gold_refined import TOLD, score_refined
from routing.gold_score import GoldScore
from routing.policy import RoutingPolicy
from routing.refinement_fusing import ASPECTS
from routing.track_record import TrackRecord

PASS_IOU = 0.80  # of a drawn gold box
PASS_IOU_SMALL = 0.70  # the same under SMALL_PX, where one pixel costs several points of IoU
SMALL_PX = 32.0
WRONG_MARGIN = 0.08  # known-wrong boxes stay this far below the tolerance, so that nobody can rightly say ok
TRIES = 40


@dataclass(frozen=True, slots=True)
class Seed:
    """One box whose state is known by construction; `source` is the index of the box it was made from."""

    xyxy: tuple[float, float, float, float]
    truth: str
    source: int


def gold_due(record: TrackRecord, kind: str, policy: RoutingPolicy, rng: np.random.Generator) -> bool:
    """Return whether the next task of this kind should be gold: often for newcomers, rarely later, never zero."""
    new = record.answers(kind) < policy.newcomer_answers
    return bool(rng.random() < (policy.gold_share_new if new else policy.gold_share))


def seeds_needed(cells: int, wrong_share: float, policy: RoutingPolicy) -> int:
    """Return how many known-wrong cells lift a page of `cells` objects to `policy.seed_share` wrong ones.

    >>> seeds_needed(24, 0.02, RoutingPolicy())
    3
    """
    target = policy.seed_share
    if wrong_share >= target or cells <= 0:
        return 0
    return max(1, math.ceil(cells * (target - wrong_share) / (1 - target) - 1e-9))


def make_seed_boxes(
    boxes: npt.ArrayLike,
    rng: np.random.Generator,
    policy: RoutingPolicy,
    scene_wh: tuple[float, float],
    *,
    count: int | None = None,
) -> list[Seed]:
    """Return known-wrong boxes made from real ones (N, 4): shifted off their object, or moved to an empty place.

    In turn, they are shifted by 25 to 60 % of a side (state geometry), or lie where every real box overlaps them by IoU
    below .3 and by little area (state phantom). The first is either: pages often have one seed, and without the other
    state nobody would ever be measured on it. Fewer than `count` come back where the scene leaves no room.
    """
    live = bx.as_boxes(boxes)
    wanted = seeds_needed(len(live), 0.0, policy) if count is None else count
    if not len(live):
        return []
    seeds: list[Seed] = []
    first = int(rng.integers(2))
    for index in range(first, first + wanted):
        source = int(rng.integers(len(live)))
        make = _shifted if index % 2 == 0 else _elsewhere
        box = make(live, source, rng, policy, scene_wh)
        if box is not None:
            seeds.append(Seed(_four(box), "geometry" if index % 2 == 0 else "phantom", source))
    return seeds


def make_verify_gold(
    boxes: npt.ArrayLike,
    index: int,
    rng: np.random.Generator,
    policy: RoutingPolicy,
    scene_wh: tuple[float, float],
) -> Seed:
    """Return a verify task with a known answer from settled box `index`: half as it is, half wrong by construction."""
    live = bx.as_boxes(boxes)
    if rng.random() >= 0.5:
        make = _shifted if rng.random() < 0.7 else _elsewhere
        wrong = make(live, index, rng, policy, scene_wh)
        if wrong is not None:
            return Seed(_four(wrong), "geometry" if make is _shifted else "phantom", index)
    return Seed(_four(live[index]), "good", index)


def _shifted(
    live: bx.Array, source: int, rng: np.random.Generator, policy: RoutingPolicy, wh: tuple[float, float]
) -> bx.Array | None:
    """Return the box moved by 25 to 60 % of a side, well below the tolerance of every real box, or None."""
    box = live[source]
    sides = box[2:] - box[:2]
    for _ in range(TRIES):
        angle = rng.uniform(0, 2 * math.pi)
        by = rng.uniform(0.25, 0.60)
        moved = bx.clip(
            bx.shift(box[None], by * sides[0] * math.cos(angle), by * sides[1] * math.sin(angle)), *wh
        )
        best = float(bx.iou_matrix(moved, live).max())
        if best < policy.tolerance_iou - WRONG_MARGIN and _keeps_size(moved[0], box):
            return np.asarray(moved[0])
    return None


def _elsewhere(
    live: bx.Array, source: int, rng: np.random.Generator, policy: RoutingPolicy, wh: tuple[float, float]
) -> bx.Array | None:
    """Return the box moved near its place to where it shows no whole object, or None when there is no room."""
    box = live[source]
    sides = box[2:] - box[:2]
    reach = 6 * float(sides.max())
    for _ in range(TRIES):
        dx, dy = rng.uniform(-reach, reach, 2)
        moved = bx.clip(bx.shift(box[None], float(dx), float(dy)), *wh)
        if not _keeps_size(moved[0], box):
            continue
        if bx.iou_matrix(moved, live).max() < 0.3 and bx.ios_matrix(moved, live).max() < 0.35:
            return np.asarray(moved[0])
    return None


def _keeps_size(moved: bx.Array, box: bx.Array) -> bool:
    return bool((moved[2:] - moved[:2] >= 0.7 * (box[2:] - box[:2])).all())


def _four(box: bx.Array) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = (float(v) for v in box)
    return (x1, y1, x2, y2)


def score_answer(
    kind: str, payload: Mapping[str, Any], gold: Mapping[str, Any], value: Mapping[str, Any]
) -> GoldScore:
    """Return how a validated answer compares with the gold; raise ValueError for an unknown kind."""
    try:
        if kind in ASPECTS or kind in ("verify_mask", "verify_cuboid", "point_yesno"):
            return score_refined(kind, payload, gold, value)
        return _SCORERS[kind](payload, gold, value)
    except KeyError as error:
        raise ValueError(f"gold of kind {kind}: {error} is missing or the kind is unknown") from None


def _verify(payload: Mapping[str, Any], gold: Mapping[str, Any], value: Mapping[str, Any]) -> GoldScore:
    truth, said_ok = gold["truth"], value["verdict"] == "ok"
    correct = said_ok == (truth == "good")
    return GoldScore(correct, float(correct), {"truth": truth}, "right" if correct else TOLD[truth])


def _grid(payload: Mapping[str, Any], gold: Mapping[str, Any], value: Mapping[str, Any]) -> GoldScore:
    viewed, bad = set(value["viewed"]), set(value["bad"])
    seeds = [id for id in gold.get("bad", ()) if id in viewed]
    fine = [id for id in gold.get("good", ()) if id in viewed]
    missed = sorted(id for id in seeds if id not in bad)
    alarms = sorted(id for id in fine if id in bad)
    n = len(seeds) + len(fine)
    share = 1.0 if not n else 1 - (len(missed) + len(alarms)) / n
    return GoldScore(
        not missed and len(alarms) <= 1, share, {"missed": missed, "alarms": alarms}, "planted" if seeds else "right",
        {"n": len(seeds) - len(missed), "of": len(seeds)},
    )  # fmt: skip


def _drawn(payload: Mapping[str, Any], gold: Mapping[str, Any], value: Mapping[str, Any]) -> GoldScore:
    if "objects" in value:
        boxes = [(o["xyxy"], o["class"]) for o in value["objects"]]
    else:
        boxes = [] if value["deleted"] else [(value["xyxy"], value["class"])]
    target = gold["xyxy"]
    if target is None:
        correct = not boxes
        return GoldScore(correct, float(correct), {}, "right" if correct else "no_object")
    if not boxes:
        return GoldScore(False, 0.0, {"iou": 0.0}, "object_here")
    iou, cls = max((bx.iou(box, target), cls) for box, cls in boxes)
    small = math.sqrt(max((target[2] - target[0]) * (target[3] - target[1]), 0.0)) < SMALL_PX
    needed = PASS_IOU_SMALL if small else PASS_IOU
    right_class = gold.get("class") is None or cls == gold["class"]
    correct = iou >= needed and right_class
    return GoldScore(
        correct, iou if right_class else 0.0, {"iou": iou, "class": right_class},
        "overlap" if right_class else "overlap_other_class", {"percent": round(100 * iou)},
    )  # fmt: skip


def _coverage(payload: Mapping[str, Any], gold: Mapping[str, Any], value: Mapping[str, Any]) -> GoldScore:
    hidden = gold["hidden"]
    if not hidden:
        return GoldScore(True, 1.0)
    live = bx.as_boxes([h["xyxy"] for h in hidden])
    points = np.array([p["xy"] for p in value["points"]], dtype=np.float64).reshape(-1, 2)
    found: list[bool] = np.asarray(bx.holds(live, points).any(axis=1)).tolist()
    missed = [h["id"] for h, hit in zip(hidden, found, strict=True) if not hit]
    return GoldScore(
        not missed, sum(found) / len(found), {"missed": missed}, "marked", {"n": sum(found), "of": len(hidden)},
    )  # fmt: skip


def _compare(payload: Mapping[str, Any], gold: Mapping[str, Any], value: Mapping[str, Any]) -> GoldScore:
    correct = value["choice"] == gold["choice"]
    return GoldScore(correct, float(correct), {}, "right" if correct else f"{gold['choice'].lower()}_closer")


def _ruling(payload: Mapping[str, Any], gold: Mapping[str, Any], value: Mapping[str, Any]) -> GoldScore:
    if value["ruling"] != gold["ruling"] or gold["ruling"] != "accept":
        correct = value["ruling"] == gold["ruling"]
        return GoldScore(correct, float(correct), {}, "right" if correct else "settled_other")
    drawn = {"deleted": False, "xyxy": value["xyxy"], "class": value["class"]}
    return _drawn(payload, gold, drawn)


_SCORERS = {
    "verify_box": _verify,
    "grid_verify": _grid,
    "draw_missed": _drawn,
    "fix_box": _drawn,
    "coverage_tile": _coverage,
    "compare_two": _compare,
    "adjudicate": _ruling,
}
