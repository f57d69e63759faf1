"""A click on an object as a prompt to the model: which of its weak proposals does the person mean?

A detector finds nearly every object at some low score, among many things that are none. A click by somebody who
searches says that something is there and about where its middle is; what is left open is which outline. So a weak
proposal under a click is often worth a glance, which is much cheaper than drawing.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from routing.annotation import boxes as bx
from routing.belief import Belief

CLICK_SD = 0.18  # of a click around the middle of its object, per axis, relative to the side
FALSE_CLICK = 0.04  # share of clicks on nothing, or on what has an outline already
UNPROPOSED = 0.03  # prior weight of "none of these outlines", on the scale of P(there)


@dataclass(frozen=True, slots=True)
class Hint:
    """A proposal too weak to be shown: box in scene pixels, class id, calibrated P(right) and P(an object is there)."""

    xyxy: tuple[float, float, float, float]
    cls: int
    p_good: float
    p_there: float


AGREE_IOU = 0.6  # a drawn box and a weak proposal this close were made independently of each other
# P(some weak proposal lies that close | state of the drawn box), beside its own P(there): chance agreement is rare.
AGREES = (0.55, 0.12, 0.04)


def confirmed(belief: Belief, xyxy: Sequence[float], hints: Sequence[Hint]) -> Belief:
    """Return the belief in a box drawn by a person, given the proposals that this person did not see.

    The model is one more witness: where a proposal lies close, it is unlikely that nothing is there. Absence says
    nothing, because weak proposals are often loose.
    """
    if not hints:
        return belief
    close = bx.iou_matrix(bx.as_boxes([list(xyxy)]), bx.as_boxes([h.xyxy for h in hints]))[0] >= AGREE_IOU
    return belief.updated(AGREES) if close.any() else belief


def meant_by(point: Sequence[float], hints: Sequence[Hint]) -> tuple[int, Belief] | None:
    """Return the index of the hint that a click (x, y) most probably means and the belief in it, or None.

    Bayes over the hints that hold the point and "none of them", with the prior P(there) and a Gaussian click around
    each middle. None when no hint holds the point.
    """
    if not hints:
        return None
    boxes = bx.as_boxes([h.xyxy for h in hints])
    holds = bx.holds(boxes, np.array([[float(point[0]), float(point[1])]]))[:, 0]
    if not holds.any():
        return None
    off = (bx.centers(boxes) - np.array(point, dtype=np.float64)) / (boxes[:, 2:] - boxes[:, :2])
    near = np.exp(-0.5 * (off**2).sum(axis=1) / CLICK_SD**2)
    weights = np.where(holds, near * np.array([h.p_there for h in hints]), 0.0)
    best = int(np.argmax(weights))
    share = float(weights[best] / (weights.sum() + UNPROPOSED))
    hint = hints[best]
    right = share * min(hint.p_good / max(hint.p_there, 1e-9), 1.0)
    there = 1.0 - FALSE_CLICK
    if not math.isfinite(right):
        return None
    return best, Belief.of((there * right, there * (1 - right), FALSE_CLICK))
