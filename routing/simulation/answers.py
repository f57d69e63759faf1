"""How a simulated person answers each kind of micro-task, from its payload and the truth of its scene."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from routing.annotation import boxes as bx
from routing.simulation import perception as eye
from routing.simulation.crowd import Profile
from routing.simulation.truth import Truth
from routing.skill import logit, sigmoid
from routing.workflow import screen_px

UNSURE_SHARE = 0.008  # of easy tasks
UNSURE_HARD = 0.06  # of tasks harder than 1.5 standard deviations
FALSE_CLICK = 0.025  # clicks on nothing, per click on an object
DOUBLE_CLICK = 0.012  # clicks on objects that are outlined already
FLAG_BAD = 0.30  # live objects that are wrong and pointed out while searching
KEEP = 0.12  # anchoring: a proposal is kept although it was noticed to be wrong
DENSE_S = 0.25  # seconds to look past one more outline, beyond the first dozen
DEFAULT_TOLERANCE = 0.75

Payload = Mapping[str, Any]
Value = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Mind:
    """One person at one task: effective skill, whether wrong ones have been rare lately, and their dice."""

    profile: Profile
    theta: float
    rare: bool
    rng: np.random.Generator


@dataclass(frozen=True, slots=True)
class Reply:
    """The value (None: unsure), the difficulty met, the clicks or cells and further seconds, and what share was bad."""

    value: Value | None
    difficulty: float = 0.0
    clicks: int = 0
    bad_share: float | None = None
    extra_s: float = 0.0


def _tolerance(payload: Payload) -> float:
    return float(payload.get("tolerance") or DEFAULT_TOLERANCE)


def _boxes(payload: Payload, key: str = "objects", without: int | None = None) -> bx.Array:
    return bx.as_boxes([o["xyxy"] for o in payload.get(key) or () if o.get("id") != without])


def _difficulty(truth: Truth, index: int) -> float:
    return float(truth.difficulty[index]) if index >= 0 else 0.0


def _pixel(payload: Payload) -> float:
    """Scene pixels per screen pixel of the task's view."""
    view = payload.get("view")
    return 1 / screen_px(1.0, float(view[2])) if view else 1.0


def _classes(payload: Payload) -> list[int]:
    schema = payload.get("schema") or {}
    return [int(c["id"]) for c in schema.get("classes") or ()] or [0]


def _drawn_class(truth: Truth, index: int, payload: Payload, mind: Mind) -> int:
    known = _classes(payload)
    cls = int(truth.classes[index])
    swap = mind.profile.kind == "systematic" or mind.rng.random() < sigmoid(-3.5 - mind.theta)
    if swap and len(known) > 1 and cls in known:
        return known[(known.index(cls) + 1) % len(known)]
    return cls if cls in known else known[0]


def _draw(truth: Truth, index: int, payload: Payload, mind: Mind, *, care: float = 1.0) -> list[float]:
    p = mind.profile
    hard = math.exp(0.15 * _difficulty(truth, index))
    box = truth.boxes[index]
    if p.kind == "systematic":  # always leaves a margin
        margin = 0.08 * (box[2:] - box[:2])
        box = np.concatenate([box[:2] - margin, box[2:] + margin])
    pixel = min(_pixel(payload), 1.0)
    return eye.draw(
        [float(v) for v in box], p.sigma * hard * care, p.gross * care, mind.rng, truth, pixel=pixel
    )


def _unsure(mind: Mind, difficulty: float) -> bool:
    return bool(mind.rng.random() < (UNSURE_HARD if difficulty > 1.5 else UNSURE_SHARE))


def verify_box(payload: Payload, truth: Truth, mind: Mind) -> Reply:
    """Judge one box."""
    obj = payload["object"]
    tolerance = _tolerance(payload)
    seen = eye.compare(
        obj["xyxy"], obj.get("class"), truth, tolerance, _boxes(payload, without=obj.get("id"))
    )
    d = _difficulty(truth, seen.index)
    if mind.profile.kind in ("yes_spam", "bot"):
        return Reply({"verdict": "ok", "edges": []} if mind.rng.random() < 0.97 else _verdict("geometry"), d)
    if mind.profile.kind == "random":
        return Reply(
            _verdict(str(mind.rng.choice(["ok", "ok", "geometry", "not_object", "wrong_class", "part"]))), d
        )
    if _unsure(mind, d):
        return Reply(None, d)
    if eye.says_ok(seen, "verify", tolerance, mind.theta, d, mind.rare, mind.rng):
        return Reply(_verdict("ok"), d, bad_share=0.0)
    fault = seen.fault or "geometry"
    if mind.rng.random() < 0.1:  # sees that it is wrong, names another reason
        fault = "geometry" if fault in ("group", "part", "duplicate", "not_object") else "part"
    edges = _bad_edges(obj["xyxy"], truth, seen.index) if fault == "geometry" else []
    return Reply({"verdict": fault, "edges": edges}, d, clicks=1, bad_share=1.0)


def _verdict(name: str) -> Value:
    return {"verdict": name, "edges": []}


def _bad_edges(box: Any, truth: Truth, index: int) -> list[str]:
    if index < 0:
        return []
    target = truth.boxes[index]
    limit = 0.08 * math.sqrt(float(bx.area(target[None])[0]))
    names = ("left", "top", "right", "bottom")
    return [name for name, a, b in zip(names, box, target, strict=True) if abs(float(a) - float(b)) > limit]


def grid_verify(payload: Payload, truth: Truth, mind: Mind) -> Reply:
    """Scan a page. Cells of a scene whose truth is not at hand stay unviewed."""
    tolerance, cls = _tolerance(payload), payload.get("class")
    here = (payload.get("scene") or {}).get("id")
    cells = [c for c in payload["cells"] if c.get("scene", here) == here]
    bad: list[int] = []
    unsure: list[int] = []
    for cell in cells:
        seen = eye.compare(cell["xyxy"], cls, truth, tolerance, np.zeros((0, 4)))
        d = _difficulty(truth, seen.index)
        if mind.profile.kind in ("yes_spam", "bot"):
            wrong = mind.rng.random() < 0.01
        elif mind.profile.kind == "random":
            wrong = mind.rng.random() < 0.45
        else:
            wrong = not eye.says_ok(seen, "grid", tolerance, mind.theta, d, mind.rare, mind.rng)
            if not wrong and d > 1.5 and mind.rng.random() < 0.02:
                unsure.append(int(cell["id"]))
                continue
        if wrong:
            bad.append(int(cell["id"]))
    viewed = sorted(int(c["id"]) for c in cells)
    share = len(bad) / max(len(viewed), 1)
    return Reply(
        {"bad": sorted(bad), "unsure": sorted(unsure), "viewed": viewed}, clicks=len(viewed), bad_share=share
    )


def coverage_tile(payload: Payload, truth: Truth, mind: Mind) -> Reply:
    """Search a tile and click what has no outline yet."""
    x, y, w, h = (float(v) for v in payload["tile"]["core"])
    live = _boxes(payload)
    if mind.profile.kind in ("yes_spam", "bot"):
        return Reply({"complete": True, "points": [], "bad_objects": []}, clicks=0)
    asked = payload.get("classes") or _classes(payload)
    if mind.profile.kind == "random":
        spots = mind.rng.uniform((x, y), (x + w, y + h), (int(mind.rng.integers(0, 4)), 2))
        return _clicked([(float(a), float(b), int(asked[0])) for a, b in spots], [])
    points = _noticed(payload, truth, mind, live, (x, y, w, h), asked)
    bad = [
        int(o["id"])
        for o in payload.get("objects") or ()
        if mind.rng.random() < _flags(o, truth, _tolerance(payload))
    ]
    return _clicked(points, bad, dense=len(live))


def _noticed(
    payload: Payload, truth: Truth, mind: Mind, live: bx.Array, core: tuple[float, ...], asked: Any
) -> list[tuple[float, float, int]]:
    x, y, w, h = core
    scale = 1 / _pixel(payload)
    centers = bx.centers(truth.boxes) if len(truth) else np.zeros((0, 2))
    owned = (centers[:, 0] >= x) & (centers[:, 0] < x + w) & (centers[:, 1] >= y) & (centers[:, 1] < y + h)
    outlined = _outlined(truth, live)
    left = np.flatnonzero(owned & ~outlined)
    rare = len(left) < 0.05 * max(int(owned.sum()), 1)
    points: list[tuple[float, float, int]] = []
    for index in left:
        size = float(bx.size(truth.boxes[index][None])[0])
        if not eye.sees(mind.theta, size * scale, float(truth.difficulty[index]), rare, mind.rng):
            continue
        sides = truth.boxes[index][2:] - truth.boxes[index][:2]
        px, py = centers[index] + 0.12 * sides * mind.rng.normal(size=2)
        cls = int(truth.classes[index])
        points.append((float(px), float(py), cls if cls in asked else int(asked[0])))
    expected = FALSE_CLICK * len(points) + DOUBLE_CLICK * int((owned & outlined).sum()) * 0.5 + 0.02
    for _ in range(int(mind.rng.poisson(expected * math.exp(-0.5 * mind.theta)))):
        px, py = mind.rng.uniform((x, y), (x + w, y + h))
        points.append((float(px), float(py), int(asked[0])))
    low, high = (x, y), (x + w, y + h)
    return [(min(max(a, low[0]), high[0]), min(max(b, low[1]), high[1]), c) for a, b, c in points]


def _outlined(truth: Truth, live: bx.Array) -> Any:
    """Return (N,): objects that a person takes as done, because a live box is on them or on most of them."""
    if not len(live) or not len(truth):
        return np.zeros(len(truth), dtype=bool)
    overlap = bx.iou_matrix(truth.boxes, live)
    covered = bx.intersection(truth.boxes, live) / np.maximum(bx.area(truth.boxes), 1e-9)[:, None]
    return (overlap >= 0.35).any(axis=1) | ((covered > 0.75) & (overlap >= 0.25)).any(axis=1)


def _flags(obj: Mapping[str, Any], truth: Truth, tolerance: float) -> float:
    """Return the probability that a live object is pointed out as bad; a slight misfit is let be."""
    seen = eye.compare(obj["xyxy"], obj.get("class"), truth, tolerance, np.zeros((0, 4)))
    if not seen.fault:
        return 0.002
    return FLAG_BAD if seen.fault != "geometry" else FLAG_BAD * min(1.0, max(0.0, tolerance - seen.iou) / 0.3)


def _clicked(points: list[tuple[float, float, int]], bad: list[int], *, dense: int = 0) -> Reply:
    rows = [{"xy": [px, py], "class": cls} for px, py, cls in points]
    value = {"complete": not rows, "points": rows, "bad_objects": sorted(bad)}
    return Reply(value, clicks=len(rows) + len(bad), extra_s=DENSE_S * max(dense - 12, 0))


def draw_missed(payload: Payload, truth: Truth, mind: Mind) -> Reply:
    """Draw the object at the seed, when there is one that has no outline yet."""
    sx, sy = (float(v) for v in payload["seed"])
    width = max(float(truth.width), 1.0)
    if mind.profile.kind in ("yes_spam", "bot", "random"):
        side = 30.0 if mind.profile.kind != "random" else float(mind.rng.uniform(10, 80))
        box = eye.inside(np.array([sx - side / 2, sy - side / 2, sx + side / 2, sy + side / 2]), truth)
        cls = payload.get("class")
        return Reply(
            {"objects": [{"xyxy": box, "class": _classes(payload)[0] if cls is None else cls}], "none": False}
        )
    index = _at_seed(truth, sx, sy, _boxes(payload))
    if index < 0:
        if mind.rng.random() < sigmoid(-2.2 - mind.theta):  # sees a tree in a bush
            side = 0.02 * width
            box = eye.inside(np.array([sx - side / 2, sy - side / 2, sx + side / 2, sy + side / 2]), truth)
            return Reply({"objects": [{"xyxy": box, "class": _classes(payload)[0]}], "none": False})
        return Reply({"objects": [], "none": True})
    d = _difficulty(truth, index)
    if mind.rng.random() < sigmoid(-4.0 - mind.theta + d):
        return Reply({"objects": [], "none": True}, d)
    box = _draw(truth, index, payload, mind)
    return Reply(
        {"objects": [{"xyxy": box, "class": _drawn_class(truth, index, payload, mind)}], "none": False}, d
    )


def _at_seed(truth: Truth, x: float, y: float, live: bx.Array) -> int:
    """Return the object that a person takes a click to mean: one without outline that holds the point, or is near."""
    if not len(truth):
        return -1
    free = ~_outlined(truth, live)
    point = np.array([[x, y]])
    inside = bx.holds(truth.boxes, point)[:, 0] & free
    gap = np.linalg.norm(bx.centers(truth.boxes) - point, axis=1)
    if inside.any():
        return int(np.argmin(np.where(inside, gap / np.maximum(bx.size(truth.boxes), 1), np.inf)))
    near = free & (gap < 0.8 * bx.size(truth.boxes))
    return int(np.argmin(np.where(near, gap, np.inf))) if near.any() else -1


def fix_box(payload: Payload, truth: Truth, mind: Mind) -> Reply:
    """Redraw a box that somebody thought wrong."""
    obj = payload["object"]
    tolerance = _tolerance(payload)
    same = {"xyxy": [float(v) for v in obj["xyxy"]], "class": int(obj.get("class") or 0), "deleted": False}
    seen = eye.compare(
        obj["xyxy"], obj.get("class"), truth, tolerance, _boxes(payload, without=obj.get("id"))
    )
    if mind.profile.kind in ("yes_spam", "bot", "random"):
        return Reply(same)
    d = _difficulty(truth, seen.index)
    gone = seen.fault in ("not_object", "duplicate")
    if gone:
        keep = mind.rng.random() < KEEP + 0.5 * sigmoid(logit(0.08) - mind.theta)
        return Reply(same if keep else {"xyxy": None, "class": None, "deleted": True}, d)
    if not seen.fault and mind.rng.random() < 0.6:
        return Reply(same, d)
    if mind.rng.random() < KEEP * min(1.0, max(seen.iou, 0.0) / 0.6):
        return Reply(same, d)
    cls = _drawn_class(truth, seen.index, payload, mind)
    return Reply(
        {"xyxy": _draw(truth, seen.index, payload, mind), "class": cls, "deleted": False}, d, clicks=1
    )


def compare_two(payload: Payload, truth: Truth, mind: Mind) -> Reply:
    """Choose the better of two versions."""
    tolerance = _tolerance(payload)
    if mind.profile.kind in ("yes_spam", "bot"):
        return Reply({"choice": "A"})
    if mind.profile.kind == "random":
        return Reply({"choice": str(mind.rng.choice(["A", "B", "equal", "both_bad"]))})
    seen = [
        eye.compare(payload[s]["xyxy"], payload[s].get("class"), truth, tolerance, np.zeros((0, 4)))
        for s in "ab"
    ]
    noise = 0.05 * math.exp(-0.3 * mind.theta) * mind.rng.normal(size=2)
    read = [s.iou * (1.0 if s.right_class else 0.3) + float(n) for s, n in zip(seen, noise, strict=True)]
    d = max(_difficulty(truth, s.index) for s in seen)
    if max(read) < tolerance - 0.15 and mind.rng.random() < 0.85:
        return Reply({"choice": "both_bad"}, d)
    if abs(read[0] - read[1]) < 0.015:
        return Reply({"choice": "equal"}, d)
    return Reply({"choice": "A" if read[0] > read[1] else "B"}, d)


def adjudicate(payload: Payload, truth: Truth, mind: Mind) -> Reply:
    """Rule: keep the box, redraw it, or reject it."""
    obj = payload["object"]
    tolerance = _tolerance(payload)
    seen = eye.compare(
        obj["xyxy"], obj.get("class"), truth, tolerance, _boxes(payload, without=obj.get("id"))
    )
    d = _difficulty(truth, seen.index)
    rest: Value = {"make_gold": False, "rubric": {}, "note": ""}
    if mind.rng.random() < 0.005:
        return Reply({"ruling": "undecidable", "xyxy": None, "class": None, **rest}, d)
    gone = seen.fault in ("not_object", "duplicate")
    slip = mind.rng.random() < sigmoid(-3.2 - mind.theta + 0.5 * d)
    if gone != slip:
        return Reply({"ruling": "reject", "xyxy": None, "class": None, **rest}, d)
    fine = eye.says_ok(seen, "verify", tolerance, mind.theta, d, False, mind.rng)
    if fine or seen.index < 0:
        box, cls = [float(v) for v in obj["xyxy"]], int(obj.get("class") or 0)
    else:
        box, cls = _draw(truth, seen.index, payload, mind), int(truth.classes[seen.index])
        cls = cls if cls in _classes(payload) else _classes(payload)[0]
    return Reply({"ruling": "accept", "xyxy": box, "class": cls, **rest}, d, clicks=0 if fine else 1)


ANSWERS: dict[str, Callable[[Payload, Truth, Mind], Reply]] = {
    "coverage_tile": coverage_tile,
    "draw_missed": draw_missed,
    "verify_box": verify_box,
    "grid_verify": grid_verify,
    "fix_box": fix_box,
    "compare_two": compare_two,
    "adjudicate": adjudicate,
}
