"""Which locations must predict which object: task-aligned assignment. Feng et al., "TOOD", arXiv 2108.07755."""

from dataclasses import dataclass

import torch
from torch import Tensor

from models.boxes import iou


@dataclass(frozen=True, slots=True)
class Assignment:
    """Per location: `target` (A,) index of its object or -1; `quality` (A,) the score it should give."""

    target: Tensor
    quality: Tensor


def assign(
    locations: Tensor,
    boxes: Tensor,
    probabilities: Tensor,
    truth: Tensor,
    labels: Tensor,
    *,
    top: int = 9,
    beta: float = 4.0,
) -> Assignment:
    """Give each object the `top` locations inside it whose own prediction fits it best (score x IoU ** beta).

    locations (A, 3), predicted boxes (A, 4), probabilities (A, classes); truth (G, 4), labels (G,); all in input
    pixels. An object too small to contain a location takes the nearest one. A location wanted by several goes to the
    one it overlaps most. `quality` follows the best IoU of the object, so that the score learns to predict the IoU.
    """
    count = len(locations)
    if not len(truth):
        return Assignment(torch.full((count,), -1), torch.zeros(count))
    overlap = iou(truth, boxes)  # (G, A)
    x, y = locations[:, 0], locations[:, 1]
    reach = torch.stack(
        (x - truth[:, :1], y - truth[:, 1:2], truth[:, 2:3] - x, truth[:, 3:] - y)
    )  # (4, G, A)
    inside = reach.amin(0) > 0
    centre = (truth[:, :2] + truth[:, 2:]) / 2
    away = torch.cdist(centre, locations[:, :2]) + locations[:, 2]
    inside |= (away == away.amin(1, keepdim=True)) & ~inside.any(1, keepdim=True)
    fit = probabilities[:, labels].T.clamp(min=1e-6) * overlap.clamp(min=1e-6) ** beta  # (G, A)
    fit = torch.where(inside, fit, torch.zeros(()))
    best = fit.topk(min(top, count), dim=1)
    chosen = torch.zeros_like(inside).scatter_(1, best.indices, best.values > 0)
    contested = torch.where(chosen, overlap + 1e-6, torch.zeros(()))
    owner = contested.argmax(0)
    taken = contested.amax(0) > 0
    mine = torch.zeros_like(chosen)
    mine[owner[taken], taken.nonzero().squeeze(1)] = True
    fit = torch.where(mine, fit, torch.zeros(()))
    ceiling = torch.where(mine, overlap, torch.zeros(())).amax(1, keepdim=True)
    quality = (fit / fit.amax(1, keepdim=True).clamp(min=1e-12) * ceiling).amax(0)
    return Assignment(torch.where(taken, owner, torch.full((), -1)), quality)
