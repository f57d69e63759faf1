"""What a simulated person makes of a box: the error models of verification, drawing and search."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from routing.annotation import boxes as bx
from routing.simulation.truth import Truth
from routing.skill import logit, sigmoid

FA, FR = {"verify": 0.08, "grid": 0.16}, {"verify": 0.05, "grid": 0.03}
# A person reads the overlap of a box with its object with this error (IoU), so near the tolerance everybody errs.
READING_SD = {"verify": 0.045, "grid": 0.07}
DIFFICULTY_WEIGHT = 0.6  # log-odds of an error per unit of difficulty
# Averaging a logistic over skill and difficulty raises the mean rate; this factor on the log-odds undoes it.
UNBIASED = 1.12
RARE_FACTOR = 1.8  # more false acceptances when wrong ones are rare
RARE_SHARE = 0.05
BOX_T_SCALE = 0.74  # makes t4 noise of sd .04 give boxes of mean IoU .89


@dataclass(frozen=True, slots=True)
class Seen:
    """A box against the truth: the best object (-1: none), its IoU, whether the class is right, and what is wrong."""

    index: int
    iou: float
    right_class: bool
    fault: str  # "", geometry, wrong_class, not_object, duplicate, group, part


def compare(box: Sequence[float], cls: int | None, truth: Truth, tolerance: float, others: bx.Array) -> Seen:
    """Return what a perfect annotator would say of the box; `others` (M, 4) are the other live boxes around."""
    if not len(truth):
        return Seen(-1, 0.0, True, "not_object")
    b = bx.as_boxes([list(box)])
    overlap = bx.iou_matrix(b, truth.boxes)[0]
    index = int(np.argmax(overlap))
    iou = float(overlap[index])
    if iou < 0.1:
        return Seen(-1, iou, True, "not_object")
    if len(others):
        rivals = bx.iou_matrix(others, truth.boxes[index][None])[:, 0]
        same = bx.iou_matrix(others, truth.boxes).argmax(axis=1) == index
        if (same & (rivals > max(iou, 0.5))).any():
            return Seen(index, iou, True, "duplicate")
    right = cls is None or cls in (int(truth.classes[index]), truth.detail(index, "class"))
    if not right:
        return Seen(index, iou, False, "wrong_class")
    if iou >= tolerance:
        return Seen(index, iou, True, "")
    inter = bx.intersection(b, truth.boxes)[0]
    covered = inter / np.maximum(bx.area(truth.boxes), 1e-9)
    if (covered > 0.7).sum() >= 2:
        return Seen(index, iou, True, "group")
    if inter[index] / max(float(bx.area(b)[0]), 1e-9) > 0.9 and iou < 0.5:
        return Seen(index, iou, True, "part")
    return Seen(index, iou, True, "geometry")


def says_ok(
    seen: Seen,
    mode: str,
    tolerance: float,
    theta: float,
    difficulty: float,
    rare: bool,
    rng: np.random.Generator,
) -> bool:
    """Return whether a person of skill theta lets the box pass, looking in `mode` "verify" or "grid"."""
    base = FR[mode] if not seen.fault else FA[mode]
    rate = sigmoid(UNBIASED * logit(base) - theta + DIFFICULTY_WEIGHT * difficulty)
    if seen.fault and rare:
        rate = min(rate * RARE_FACTOR, 0.9)
    if rng.random() < rate:  # a slip, whatever there is to see
        return bool(seen.fault)
    if seen.fault in ("not_object", "duplicate", "wrong_class", "group", "part"):
        return False
    read = seen.iou + READING_SD[mode] * math.exp(-0.3 * theta) * float(rng.normal())
    return read >= tolerance


def draw(
    box: Sequence[float],
    sigma: float,
    gross: float,
    rng: np.random.Generator,
    truth: Truth,
    *,
    pixel: float = 1.0,
) -> list[float]:
    """Return the box as a person draws it: heavy-tailed edge noise, now and then a gross error.

    pixel: scene pixels per screen pixel; nobody places an edge more finely than about one screen pixel.
    """
    b = np.array(box, dtype=np.float64)
    sides = b[2:] - b[:2]
    scale = math.sqrt(float(sides[0] * sides[1]))
    noise = np.maximum(sigma * scale, 0.7 * pixel) * BOX_T_SCALE * rng.standard_t(4, 4)
    b = b + np.clip(noise, -0.6 * scale, 0.6 * scale)
    if rng.random() < gross:
        b = _gross(b, sides, rng)
    return inside(b, truth)


def inside(box: bx.Array, truth: Truth) -> list[float]:
    """Return the box in order, cut at the scene's border and at least 2 px wide and high."""
    x1, x2 = sorted((float(box[0]), float(box[2])))
    y1, y2 = sorted((float(box[1]), float(box[3])))
    x1, y1 = min(max(x1, 0.0), truth.width - 2), min(max(y1, 0.0), truth.height - 2)
    return [x1, y1, min(max(x2, x1 + 2), truth.width), min(max(y2, y1 + 2), truth.height)]


def _gross(b: bx.Array, sides: bx.Array, rng: np.random.Generator) -> bx.Array:
    case = rng.integers(4)
    out = b.copy()
    if case == 0:  # one edge far off
        edge = int(rng.integers(4))
        out[edge] += (0.35 if edge >= 2 else -0.35) * sides[edge % 2]
    elif case == 1:  # only a part
        axis = int(rng.integers(2))
        out[axis + 2 * int(rng.integers(2))] = (b[axis] + b[axis + 2]) / 2
    elif case == 2:  # a group: stretched over the neighbour
        axis = int(rng.integers(2))
        out[axis + 2] += sides[axis] * 0.8
    else:  # beside the object
        out = out + np.tile(rng.uniform(-0.5, 0.5, 2) * sides, 2)
    return np.asarray(out)


def sees(theta: float, screen_px: float, difficulty: float, rare: bool, rng: np.random.Generator) -> bool:
    """Return whether a search notices an object of `screen_px` (sqrt of its area on screen)."""
    p = sigmoid(1.4 + theta + 1.6 * math.log2(max(screen_px, 1.0) / 48.0) - difficulty)
    return bool(rng.random() < p * (0.75 if rare else 1.0))
