"""Losses of the detector: quality focal loss for scores, generalised IoU and distribution focal loss for sides.

Li et al., "Generalized Focal Loss", arXiv 2006.04388.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from models.assign import assign
from models.boxes import giou_aligned
from models.decode import boxes_at, distances


@dataclass(frozen=True, slots=True)
class Target:
    """What one image should give. Boxes (G, 4) in input pixels, labels (G,), weights (G,) in 0..1.

    `known` (K, 4): rectangles in which the annotation is complete; elsewhere no background is learned.
    `ignore` (I, 4): boxes that may or may not be objects (cut, outside, disputed): nothing is learned inside them.
    """

    boxes: Tensor
    labels: Tensor
    weights: Tensor
    known: Tensor
    ignore: Tensor


def quality_focal(logits: Tensor, quality: Tensor) -> Tensor:
    """|quality - p|^2 x cross-entropy, elementwise."""
    with torch.no_grad():
        focus = (quality - logits.sigmoid()).square()
    return focus * F.binary_cross_entropy_with_logits(logits, quality, reduction="none")


def distribution_focal(sides: Tensor, reach: Tensor) -> Tensor:
    """Cross-entropy on the two bins around the true distance: (P, 4, bins), (P, 4) in strides -> (P,)."""
    reach = reach.clamp(0, sides.shape[-1] - 1.01)
    low = reach.floor().long()
    share = reach - low
    log = sides.log_softmax(-1)
    near = log.gather(-1, low[..., None]).squeeze(-1)
    far = log.gather(-1, low[..., None] + 1).squeeze(-1)
    return -((1 - share) * near + share * far).mean(-1)


def inside_any(points: Tensor, boxes: Tensor) -> Tensor:
    """Whether points (A, 2) lie in any of the boxes (B, 4) -> (A,) bool."""
    low = (points[:, None] >= boxes[None, :, :2]).all(-1)
    high = (points[:, None] < boxes[None, :, 2:]).all(-1)
    return (low & high).any(1)


def detection_loss(
    logits: Tensor,
    sides: Tensor,
    locations: Tensor,
    targets: list[Target],
    *,
    box_weight: float = 2.0,
    dfl_weight: float = 0.5,
) -> dict[str, Tensor]:
    """Loss of a batch: logits (N, A, classes), sides (N, A, 4, bins) -> {"score", "box", "sides", "total"} scalars."""
    boxes = boxes_at(locations, distances(sides))  # (N, A, 4)
    score = logits.new_zeros(())
    box, dfl, mass = logits.new_zeros(()), logits.new_zeros(()), logits.new_zeros(())
    for n, target in enumerate(targets):
        with torch.no_grad():
            found = assign(locations, boxes[n], logits[n].sigmoid(), target.boxes, target.labels)
            positive = (found.target >= 0).nonzero().squeeze(1)
            owner = found.target[positive]
            weight = target.weights[owner]
            wanted = torch.zeros_like(logits[n])
            wanted[positive, target.labels[owner]] = found.quality[positive]
            learn = inside_any(locations[:, :2], target.known) & ~inside_any(locations[:, :2], target.ignore)
            learn = learn.float()
            learn[positive] = weight
        score = score + (quality_focal(logits[n], wanted).sum(-1) * learn).sum()
        mass = mass + found.quality[positive].sum()
        if len(positive):
            strength = found.quality[positive] * weight
            truth = target.boxes[owner]
            at = locations[positive]
            reach = torch.cat((at[:, :2] - truth[:, :2], truth[:, 2:] - at[:, :2]), dim=1) / at[:, 2:]
            box = box + ((1 - giou_aligned(boxes[n][positive], truth)) * strength).sum()
            dfl = dfl + (distribution_focal(sides[n][positive], reach) * strength).sum()
    norm = mass.clamp(min=1.0)
    parts = {"score": score / norm, "box": box_weight * box / norm, "sides": dfl_weight * dfl / norm}
    return {**parts, "total": sum(parts.values(), logits.new_zeros(()))}
