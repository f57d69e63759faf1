"""Is one more answer worth its price? Expected loss now against expected loss after it, before it is asked.

Scenes: another look settles doubts about existence, finds what was missed and places the boxes better; each is counted
in expected errors (false, missing or misplaced objects). Single objects: another answer takes away the part of the
error that is not shared by all.
"""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from routing.consensus.boxes import Fused, p_within
from routing.consensus.contract import COMMON_SHARE, FusedShape
from routing.consensus.existence import EASY, HARD, PHANTOM
from routing.consensus.scenes import COUNTED_IOU, BoxCrowd, Hand, SceneConsensus

Array = npt.NDArray[np.float64]

SHARED = COMMON_SHARE / (1 - COMMON_SHARE)  # shared over own variance of one answer


def gain_of_answer(fused: FusedShape[Any] | Fused) -> float:
    """Return how far one more answer of a usual person lowers the expected 1 - similarity of a fused object."""
    n = len(fused.used)
    own = fused.expected_loss / float(np.sqrt(1 / n + SHARED))
    return own * float(np.sqrt(1 / n + SHARED) - np.sqrt(1 / (n + 1) + SHARED))


def gain_of_look(scene: SceneConsensus, crowd: BoxCrowd, name: str) -> float:
    """Return how many expected errors one more look at the whole scene by `name` takes away.

    People whom `crowd` does not know count as its average.
    """
    recall = crowd.recall_of(name)
    hand = crowd.hands.get(name, Hand())
    gain = 0.0
    for one in scene.objects:
        kinds = np.array(one.kinds)
        gain += _doubt_settled(one.p_exists, kinds, recall)
        if one.p_exists >= 0.5:
            sharper = _sharper(one.sigma, len(one.support), hand.sigma)
            marks = float(kinds[:PHANTOM] @ recall[:PHANTOM])
            gain += 2 * marks * (p_within(sharper, COUNTED_IOU) - p_within(one.sigma, COUNTED_IOU))
    placed = 1 - 2 * (1 - p_within(hand.sigma, COUNTED_IOU))
    found = (scene.unseen[EASY] * recall[EASY] + scene.unseen[HARD] * recall[HARD]) * placed
    return float(gain + max(found - scene.unseen[PHANTOM] * recall[PHANTOM], 0.0))


def next_look(
    scene: SceneConsensus, crowd: BoxCrowd, available: Collection[str], *, price: float
) -> str | None:
    """Return who should look next: the greatest gain above `price` (expected errors that a look must take away)."""
    gains: Mapping[str, float] = {name: gain_of_look(scene, crowd, name) for name in sorted(available)}
    best = max(gains, key=lambda name: gains[name], default=None)
    return best if best is not None and gains[best] >= price else None


def _doubt_settled(p_exists: float, kinds: Array, recall: Array) -> float:
    """Return the expected fall of min(p, 1 - p) when this person marks the object or does not."""
    after = 0.0
    for seen in (recall, 1 - recall):
        joint = kinds * seen
        real = float(joint[EASY] + joint[HARD])
        after += min(real, float(joint[PHANTOM]))
    return max(min(p_exists, 1 - p_exists) - after, 0.0)


def _sharper(sigma: float, count: int, newcomer: float) -> float:
    """Return the fused edge noise after one more box with this noise: only what people do not share averages out."""
    own = sigma**2 / (1 / count + SHARED) / count
    added = (1 - COMMON_SHARE) * newcomer**2
    return float(np.sqrt(sigma**2 - own + own * added / (own + added)))
