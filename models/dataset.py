"""Training crops from annotated images of any size: seeded, augmented, honest about what is not annotated."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from models.losses import Target
from models.transforms import SYMMETRIES, crop_resized, jitter_colour

VISIBLE = 0.35  # a cut object with less than this share of its area inside the crop is ignored, not learned


@dataclass(frozen=True, slots=True)
class Sample:
    """One annotated image. boxes (N, 4) float32 in pixels, labels (N,) int64, weights (N,) in 0..1.

    `known` (K, 4): rectangles in which all objects are annotated. `ignore` (I, 4): boxes in which nothing is learned.
    """

    image: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray
    weights: np.ndarray
    known: np.ndarray
    ignore: np.ndarray


@dataclass(frozen=True, slots=True)
class CropOptions:
    """How crops are drawn. `scale` is network pixels per image pixel, `size` the side of the square network input."""

    size: int = 416
    scale: float = 1.0
    scale_jitter: float = 0.25
    colour: float = 0.2
    symmetries: bool = True
    object_share: float = 0.5


class CropSampler:
    """Draws random crops, images weighted by their annotated area. Same seed, same crops."""

    def __init__(self, samples: Sequence[Sample], options: CropOptions, seed: int) -> None:
        if not any(len(s.boxes) for s in samples):
            raise ValueError("there is no box to learn from")
        self.samples = [s for s in samples if len(s.known)]
        self.options = options
        self.rng = np.random.default_rng(seed)
        spread = np.array([_areas(s.known).sum() for s in self.samples])
        self.chance = spread / spread.sum()

    def batch(self, count: int) -> tuple[Tensor, list[Target]]:
        """Draw `count` crops: images (count, 3, size, size) uint8, targets in input pixels."""
        drawn = [self.one() for _ in range(count)]
        pictures = np.stack([picture for picture, _ in drawn])
        return torch.from_numpy(pictures).permute(0, 3, 1, 2), [target for _, target in drawn]

    def one(self) -> tuple[np.ndarray, Target]:
        o, rng = self.options, self.rng
        sample = self.samples[rng.choice(len(self.samples), p=self.chance)]
        scale = o.scale * float(np.exp(rng.uniform(-o.scale_jitter, o.scale_jitter)))
        side = o.size / scale
        x, y = self._corner(sample, side)
        picture = crop_resized(sample.image, (x, y, x + side, y + side), (o.size, o.size))
        symmetry = SYMMETRIES[rng.integers(8)] if o.symmetries else SYMMETRIES[2 * rng.integers(2)]
        picture = jitter_colour(np.ascontiguousarray(symmetry.picture(picture)), rng, o.colour)

        def move(boxes: np.ndarray) -> np.ndarray:
            return symmetry.boxes((boxes - np.array([x, y, x, y])) * scale, o.size, o.size)

        return picture, make_target(
            move(sample.boxes), sample.labels, sample.weights, move(sample.known), move(sample.ignore), o.size
        )

    def _corner(self, sample: Sample, side: float) -> tuple[float, float]:
        """Top-left corner of a crop: near an object, or anywhere in the annotated part."""
        rng = self.rng
        if len(sample.boxes) and rng.random() < self.options.object_share:
            box = sample.boxes[rng.integers(len(sample.boxes))]
            middle = (box[:2] + box[2:]) / 2
            corner = middle - side * rng.uniform(0.1, 0.9, 2)
        else:
            areas = _areas(sample.known)
            region = sample.known[rng.choice(len(areas), p=areas / areas.sum())]
            corner = rng.uniform(region[:2], region[2:]) - side / 2
        height, width = sample.image.shape[:2]
        room = np.array([width, height]) - side
        low, high = np.minimum(room, 0), np.maximum(room, 0)
        corner = np.clip(corner, low, high)
        return float(corner[0]), float(corner[1])


def make_target(
    boxes: np.ndarray,
    labels: np.ndarray,
    weights: np.ndarray,
    known: np.ndarray,
    ignore: np.ndarray,
    size: int,
) -> Target:
    """Clip everything to a square picture of `size`; objects that are mostly cut off move to `ignore`."""
    clipped = np.clip(boxes, 0, size)
    whole = np.maximum(_areas(boxes), 1e-6)
    share = _areas(clipped) / whole
    keep = share >= VISIBLE
    stray = (share > 0) & ~keep
    dull = np.concatenate((clipped[stray], np.clip(ignore, 0, size)))
    return Target(
        boxes=torch.from_numpy(clipped[keep].astype(np.float32)),
        labels=torch.from_numpy(labels[keep].astype(np.int64)),
        weights=torch.from_numpy(weights[keep].astype(np.float32)),
        known=torch.from_numpy(np.clip(known, 0, size).astype(np.float32)),
        ignore=torch.from_numpy(dull[_areas(dull) > 0].astype(np.float32)),
    )


def _areas(boxes: np.ndarray) -> np.ndarray:
    return np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(axis=1)
