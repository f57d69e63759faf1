"""From raw predictions to boxes: pure tensor functions, no learned state."""

import torch
from torch import Tensor

from models.boxes import iou


def distances(sides: Tensor) -> Tensor:
    """Expected distance per side in strides: softmax over bins 0..reg_max, (..., 4, reg_max + 1) -> (..., 4)."""
    bins = torch.arange(sides.shape[-1], dtype=sides.dtype, device=sides.device)
    return sides.softmax(-1) @ bins


def boxes_at(locations: Tensor, reach: Tensor) -> Tensor:
    """Boxes from locations (A, 3: x, y, stride) and distances to left, top, right, bottom in strides (..., A, 4)."""
    centre, stride = locations[:, :2], locations[:, 2:]
    return torch.cat((centre - reach[..., :2] * stride, centre + reach[..., 2:] * stride), dim=-1)


def nms(boxes: Tensor, scores: Tensor, labels: Tensor, threshold: float) -> Tensor:
    """Greedy non-maximum suppression within each label; returns kept indices, best score first.

    boxes (N, 4), scores (N,), labels (N,). Costs kept x N, and never builds an N x N table.
    """
    order = scores.argsort(descending=True, stable=True)
    kept = []
    while len(order):
        best, order = order[0], order[1:]
        kept.append(best)
        clash = (iou(boxes[best][None], boxes[order])[0] > threshold) & (labels[order] == labels[best])
        order = order[~clash]
    return torch.stack(kept) if kept else order


def vote(boxes: Tensor, scores: Tensor, labels: Tensor, kept: Tensor, threshold: float) -> Tensor:
    """Refine each kept box: mean of the same-label boxes that overlap it by `threshold`, weighted by score x IoU.

    Neighbouring locations see the same object with independent errors, so their mean is tighter than the best one.
    Returns (len(kept), 4). Gidaris & Komodakis, arXiv 1505.01749.
    """
    overlap = iou(boxes[kept], boxes)
    same = (overlap >= threshold) & (labels[kept][:, None] == labels[None])
    weight = torch.where(same, scores[None] * overlap, torch.zeros(()))
    return (weight @ boxes) / weight.sum(1, keepdim=True).clamp(min=1e-9)
