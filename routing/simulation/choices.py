"""How a simulated person chooses: attributes, classes, regions, the state of a scene, whether two objects are one."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from routing.annotation.kinds.choices import SCENE_STATES
from routing.annotation.segments import pixels_of
from routing.annotation.shapes import Mask, Polygon, shape_from_json
from routing.consensus.conversions import mask_of
from routing.consensus.masks import decode_mask
from routing.simulation import perception as eye
from routing.simulation.answers import Mind, Payload, Reply
from routing.simulation.truth import Truth
from routing.skill import sigmoid

ERROR = -2.9  # log-odds of a wrong choice by an average person about an average object: 5 %
DIFFICULTY_WEIGHT = 0.9
UNSURE = 0.006
NONE = np.zeros((0, 4))


def attributes(payload: Payload, truth: Truth, mind: Mind) -> Reply:
    """Choose an option of every attribute asked for; of a multi one, each option by itself."""
    index = _index(payload, truth)
    d = _difficulty(truth, index)
    if mind.rng.random() < UNSURE:
        return Reply(None, d)
    known = truth.detail(index, "attributes") or {}
    out: dict[str, Any] = {}
    for asked in payload["attributes"]:
        options = [o["id"] for o in asked["options"]]
        if asked.get("multi"):
            right = set(known.get(asked["id"], ()))
            out[asked["id"]] = [o for o in options if _pick([False, True], o in right, mind, d)]
        else:
            out[asked["id"]] = _pick(options, known.get(asked["id"], options[0]), mind, d)
    return Reply({"attributes": out}, d, clicks=len(out))


def classify_image(payload: Payload, truth: Truth, mind: Mind) -> Reply:
    """Name the scene's class, or an object's finer one; None where none of the classes fits."""
    index = _index(payload, truth) if payload.get("object") else -1
    right = truth.detail(index, "class") if payload.get("object") else truth.about.get("class")
    classes = [int(c) for c in payload["classes"]]
    d = _difficulty(truth, index)
    if mind.rng.random() < UNSURE:
        return Reply(None, d)
    chosen = _pick([*classes, None], right if right in classes else None, mind, d)
    return Reply({"class": chosen, "alt": None}, d)


def triage_scene(payload: Payload, truth: Truth, mind: Mind) -> Reply:
    """Say whether a scene can be used."""
    return Reply({"state": _pick(list(SCENE_STATES), truth.about.get("state", "usable"), mind, 0.0)})


def label_region(payload: Payload, truth: Truth, mind: Mind) -> Reply:
    """Give every open segment the class that covers most of it, None where that is no class of the scene's truth.

    `truth.about["regions"]` is a list of `{"class": id, "shape": polygon or mask}`; the first that holds a pixel counts.
    """
    ids, (x, y) = pixels_of(payload["segments"])
    covered = _covered(truth, ids.shape, (x, y))
    options = [*(int(c) for c in payload["classes"]), None]
    assign: dict[str, Any] = {}
    for id in payload["open"]:
        labels, counts = np.unique(covered[ids == id], return_counts=True)
        label = int(labels[counts.argmax()]) if len(labels) else -1
        clear = counts.max() / counts.sum() if len(counts) else 1.0
        difficulty = 4 * (1 - float(clear))  # a segment half of this, half of that: 2 sd
        assign[str(id)] = _pick(options, label if label in options else None, mind, difficulty)
    return Reply({"assign": assign}, clicks=len(assign))


def _covered(truth: Truth, size: tuple[int, ...], corner: tuple[int, int]) -> npt.NDArray[np.int64]:
    """The true class of every pixel of a block; -1 where none."""
    (height, width), (x, y) = size, corner
    out = np.full((height, width), -1, dtype=np.int64)
    for region in truth.about.get("regions", ()):
        shape = shape_from_json(region["shape"])
        mask = mask_of(shape, int(truth.width), int(truth.height)) if isinstance(shape, Polygon) else shape
        if not isinstance(mask, Mask):
            raise ValueError(f"truth.about.regions: {type(shape).__name__}; give polygons or masks")
        pixels, (left, top) = decode_mask(mask), mask.offset
        rows, columns = np.arange(y, y + height) - top, np.arange(x, x + width) - left
        held = np.zeros((height, width), dtype=bool)
        r, c = (rows >= 0) & (rows < pixels.shape[0]), (columns >= 0) & (columns < pixels.shape[1])
        held[np.ix_(r, c)] = pixels[np.ix_(rows[r], columns[c])]
        out[held & (out < 0)] = int(region["class"])
    return out


def merge_duplicates(payload: Payload, truth: Truth, mind: Mind) -> Reply:
    """Say whether two outlines show one object, and which of them to keep."""
    seen = [eye.compare(payload[s]["xyxy"], None, truth, 0.75, NONE) for s in "ab"]
    one = seen[0].index == seen[1].index and seen[0].index >= 0
    d = _difficulty(truth, seen[0].index)
    if not _pick([False, True], one, mind, d):
        return Reply({"same": False, "keep": None}, d)
    return Reply({"same": True, "keep": "a" if seen[0].iou >= seen[1].iou else "b"}, d)


def name_unknown(payload: Payload, truth: Truth, mind: Mind) -> Reply:
    """Name what the others could not: one of the classes, or a proposal for a new one."""
    index = _index(payload, truth)
    d = _difficulty(truth, index)
    right = truth.detail(index, "class")
    if index < 0:
        return Reply({"class": None, "propose": "", "out_of_scope": True}, d)
    if right in payload["classes"]:
        return Reply({"class": int(right), "propose": "", "out_of_scope": False}, d)
    return Reply({"class": None, "propose": "something else", "out_of_scope": False}, d)


def _pick(options: Sequence[Any], right: Any, mind: Mind, difficulty: float) -> Any:
    """Return the right option, or a wrong one at the person's rate: usually the neighbour in the list."""
    kind = mind.profile.kind
    if kind in ("yes_spam", "bot"):
        return options[0]
    if kind == "random":
        return options[int(mind.rng.integers(len(options)))]
    rate = sigmoid(ERROR - mind.theta + DIFFICULTY_WEIGHT * difficulty)
    if kind != "systematic" and mind.rng.random() >= rate:
        return right
    near = mind.rng.random() < 0.75 or kind == "systematic"
    step = 1 if near else int(mind.rng.integers(1, len(options)))
    return options[(options.index(right) + step) % len(options)]


def _index(payload: Payload, truth: Truth) -> int:
    obj = payload["object"]
    return eye.compare(obj["xyxy"], None, truth, 0.5, NONE).index


def _difficulty(truth: Truth, index: int) -> float:
    return float(truth.difficulty[index]) if index >= 0 else 0.0


CHOICES: dict[str, Callable[[Payload, Truth, Mind], Reply]] = {
    "attributes": attributes,
    "classify_image": classify_image,
    "triage_scene": triage_scene,
    "label_region": label_region,
    "merge_duplicates": merge_duplicates,
    "name_unknown": name_unknown,
}
