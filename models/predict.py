"""Prediction on a batch of pictures: several mirrored looks, fused location by location, then one suppression."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from models.decode import boxes_at, distances, nms, vote
from models.detector import Detector, locations
from models.transforms import SYMMETRIES, Dihedral, views


@dataclass(frozen=True, slots=True)
class PredictOptions:
    """`floor` drops scores below it; `overlap` is the IoU above which two boxes of a label are one object; `embed` asks
    for what the network saw of each."""

    views: int = 2
    floor: float = 0.05
    overlap: float = 0.55
    vote: float = 0.7
    candidates: int = 1000
    keep: int = 300
    embed: bool = False


@dataclass(frozen=True, slots=True)
class Detections:
    """boxes (K, 4) in input pixels, labels (K,), scores (K,), margins (K,) to the second-best label, hits (K,) looks
    that found it, spread (K,) deviation of its sides over the looks relative to the square root of its area; embedding
    (K, neck), what its class was decided from in the upright look, or (K, 0) when it was not asked for."""

    boxes: Tensor
    labels: Tensor
    scores: Tensor
    margins: Tensor
    hits: Tensor
    spread: Tensor
    embedding: Tensor


@torch.inference_mode()
def predict(
    detector: Detector, images: Tensor, options: PredictOptions, half: bool = False
) -> list[Detections]:
    """Detect on RGB uint8 images (N, 3, H, W), H and W multiples of 32."""
    height, width = images.shape[-2:]
    turned = views(options.views)
    looks = [_look(detector, images, view, half, options.embed and view == SYMMETRIES[0]) for view in turned]
    logits = torch.stack([look[0] for look in looks])  # (V, N, A, classes)
    reach = torch.stack([look[1] for look in looks])  # (V, N, A, 4)
    grid = locations(height, width, detector.config.strides)
    embedded = looks[0][2]  # (N, A, neck), the upright look comes first
    return [
        _decode(logits[:, n], reach[:, n], embedded[n], grid, (width, height), options)
        for n in range(len(images))
    ]


def _look(
    detector: Detector, images: Tensor, view: Dihedral, half: bool, embed: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Raw output for one symmetry, turned back to the upright grid: logits (N, A, classes), reach (N, A, 4); and as seen,
    without turning it back, the embedding (N, A, neck or 0)."""
    height, width = images.shape[-2:]
    seen = images.transpose(2, 3) if view.transpose else images
    axes = [axis for axis, on in ((3, view.mirror), (2, view.flip)) if on]
    seen = seen.flip(axes) if axes else seen
    with torch.autocast("cpu", torch.bfloat16, enabled=half):
        features = detector.features(seen)
        logits, sides = detector.read(features)
    embedded = (
        torch.cat([f.flatten(2) for f in features], dim=2).transpose(1, 2).float()
        if embed
        else logits.new_zeros((*logits.shape[:2], 0))
    )
    both = torch.cat((distances(sides), logits), dim=-1)  # (N, A, 4 + classes)
    rows, cols = (width, height) if view.transpose else (height, width)
    back, start = [], 0
    for stride in detector.config.strides:
        h, w = rows // stride, cols // stride
        part = both[:, start : start + h * w].unflatten(1, (h, w))
        start += h * w
        turn = [axis for axis, on in ((2, view.mirror), (1, view.flip)) if on]
        part = part.flip(turn) if turn else part
        back.append((part.transpose(1, 2) if view.transpose else part).flatten(1, 2))
    both = torch.cat(back, dim=1)
    order = [0, 1, 2, 3]  # left, top, right, bottom
    if view.mirror:
        order = [order[2], order[1], order[0], order[3]]
    if view.flip:
        order = [order[0], order[3], order[2], order[1]]
    if view.transpose:
        order = [order[1], order[0], order[3], order[2]]
    return both[..., 4:], both[..., order], embedded


def _decode(
    logits: Tensor,
    reach: Tensor,
    embedded: Tensor,
    grid: Tensor,
    size: tuple[int, int],
    options: PredictOptions,
) -> Detections:
    """Fuse the looks (V, A, ...) of one image and suppress duplicates; embedded (A, E)."""
    mean = logits.mean(0).sigmoid()  # (A, classes)
    scores, labels = mean.max(1)
    picked = (scores >= options.floor).nonzero().squeeze(1)
    if len(picked) > options.candidates:
        picked = picked[scores[picked].topk(options.candidates).indices]
    scores, labels = scores[picked], labels[picked]
    boxes = boxes_at(grid[picked], reach[:, picked].mean(0))
    limit = torch.tensor([*size, *size], dtype=boxes.dtype)
    boxes = torch.minimum(boxes.clamp(min=0), limit)
    kept = nms(boxes, scores, labels, options.overlap)[: options.keep]
    refined = vote(boxes, scores, labels, kept, options.vote) if len(kept) else boxes[kept]
    at = picked[kept]
    second = mean[at].topk(2, dim=1).values[:, 1] if mean.shape[1] > 1 else torch.zeros(len(at))
    hits = (logits[:, at, labels[kept]].sigmoid() >= options.floor).sum(0)
    side = (refined[:, 2:] - refined[:, :2]).clamp(min=1e-3).prod(1).sqrt()
    edges = reach[:, at]  # (V, K, 4)
    away = (edges - edges.mean(0)).square().mean(0).sqrt().mean(1)
    spread = away * grid[at, 2] / side
    margins = scores[kept] - second
    return Detections(refined, labels[kept], scores[kept], margins, hits, spread, embedded[at])


def to_batch(pictures: list[np.ndarray]) -> Tensor:
    """Stack equal-sized RGB uint8 arrays (H, W, 3) into (N, 3, H, W)."""
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2)
