"""The model's weak proposals as witnesses: too uncertain to ask anybody about, they confirm what a person draws.

Showing them under a click, to be chosen or adjusted instead of drawn, was tried on the demo's trees in three ways: what
it saves in drawing it costs in looking twice at outlines that are nearly right.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from routing.annotation import boxes as bx
from routing.belief import Belief


@dataclass(frozen=True, slots=True)
class Hint:
    """A proposal too weak to be shown: box in scene pixels, class id, calibrated P(right) and P(an object is there)."""

    xyxy: tuple[float, float, float, float]
    cls: int
    p_good: float
    p_there: float


WITNESS = 0.01  # least P(there) of a proposal that says anything: below it there is one beside every box
AGREE_IOU = 0.6  # a drawn box and a weak proposal this close were made independently of each other
# P(some weak proposal lies that close | state of the drawn box), beside its own P(there): chance agreement is rare.
AGREES = (0.55, 0.12, 0.04)


def confirmed(belief: Belief, xyxy: Sequence[float], hints: Sequence[Hint]) -> Belief:
    """Return the belief in a box drawn by a person, given the proposals that this person did not see.

    The model is one more witness: where a proposal lies close, it is unlikely that nothing is there. Absence says
    nothing, because weak proposals are often loose.
    """
    likely = [h.xyxy for h in hints if h.p_there >= WITNESS]
    close = bx.iou_matrix(bx.as_boxes([list(xyxy)]), bx.as_boxes(likely))[0] >= AGREE_IOU
    return belief.updated(AGREES) if close.any() else belief
