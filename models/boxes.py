"""Box arithmetic on tensors. Boxes are [x1, y1, x2, y2] in pixels, last dimension 4."""

import torch
from torch import Tensor


def area(boxes: Tensor) -> Tensor:
    """Area of boxes (..., 4) -> (...); an inverted box has area 0."""
    return (boxes[..., 2:] - boxes[..., :2]).clamp(min=0).prod(-1)


def intersection(a: Tensor, b: Tensor) -> Tensor:
    """Overlap areas of all pairs, (N, 4) and (M, 4) -> (N, M)."""
    low = torch.maximum(a[:, None, :2], b[None, :, :2])
    high = torch.minimum(a[:, None, 2:], b[None, :, 2:])
    return (high - low).clamp(min=0).prod(-1)


def iou(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union of all pairs, (N, 4) and (M, 4) -> (N, M)."""
    shared = intersection(a, b)
    return shared / (area(a)[:, None] + area(b)[None] - shared).clamp(min=1e-9)


def giou_aligned(a: Tensor, b: Tensor) -> Tensor:
    """Generalised IoU of boxes row by row, (N, 4) and (N, 4) -> (N,) in -1..1. Rezatofighi et al., arXiv 1902.09630."""
    shared = (torch.minimum(a[:, 2:], b[:, 2:]) - torch.maximum(a[:, :2], b[:, :2])).clamp(min=0).prod(-1)
    union = area(a) + area(b) - shared
    hull = (torch.maximum(a[:, 2:], b[:, 2:]) - torch.minimum(a[:, :2], b[:, :2])).clamp(min=0).prod(-1)
    return shared / union.clamp(min=1e-9) - (hull - union) / hull.clamp(min=1e-9)
