"""Pure transforms of pictures (uint8 RGB arrays, (H, W, 3)) and boxes ((N, 4) float32 in pixels of the picture)."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from PIL import Image

FILL = (124, 116, 104)  # mean colour of the network's input: padding that says nothing


@dataclass(frozen=True, slots=True)
class Dihedral:
    """One of the eight symmetries of the square: transpose first, then mirror left-right, then top-bottom."""

    transpose: bool = False
    mirror: bool = False
    flip: bool = False

    def picture(self, array: np.ndarray) -> np.ndarray:
        """Apply to an array whose first two dimensions are rows and columns."""
        array = array.swapaxes(0, 1) if self.transpose else array
        array = array[:, ::-1] if self.mirror else array
        return array[::-1] if self.flip else array

    def boxes(self, boxes: np.ndarray, width: int, height: int) -> np.ndarray:
        """Apply to boxes of a picture of `width` x `height` before the transform."""
        if self.transpose:
            boxes, width, height = boxes[:, [1, 0, 3, 2]], height, width
        x1, y1, x2, y2 = boxes.T
        if self.mirror:
            x1, x2 = width - x2, width - x1
        if self.flip:
            y1, y2 = height - y2, height - y1
        return np.stack((x1, y1, x2, y2), axis=1)


SYMMETRIES = tuple(Dihedral(t, m, f) for t in (False, True) for m in (False, True) for f in (False, True))


def views(count: int) -> tuple[Dihedral, ...]:
    """The looks fused at prediction: 1 plain, 2 + mirrored, 4 all mirrorings, 8 all symmetries of the square."""
    if count not in (1, 2, 4, 8):
        raise ValueError(f"views must be 1, 2, 4 or 8, got {count}")
    plain = [d for d in SYMMETRIES if not d.transpose]
    plain.sort(key=lambda d: (d.flip, d.mirror))
    return tuple(plain[:count]) if count <= 4 else SYMMETRIES


class Readable(Protocol):
    """A picture (H, W, 3) of which parts can be read: an array, or a decoded file."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    def __getitem__(self, part: tuple[slice, slice], /) -> np.ndarray: ...


def crop_resized(
    image: Readable, window: tuple[float, float, float, float], size: tuple[int, int]
) -> np.ndarray:
    """Cut window [x1, y1, x2, y2] (may reach outside, filled) and resize it to size (width, height); antialiased."""
    height, width = image.shape[:2]
    x1, y1, x2, y2 = window
    ix1, iy1, ix2, iy2 = max(x1, 0.0), max(y1, 0.0), min(x2, float(width)), min(y2, float(height))
    out = np.empty((size[1], size[0], 3), np.uint8)
    out[:] = FILL
    if ix2 - ix1 < 1 or iy2 - iy1 < 1:
        return out
    sx, sy = size[0] / (x2 - x1), size[1] / (y2 - y1)
    left, top = round((ix1 - x1) * sx), round((iy1 - y1) * sy)
    right, bottom = min(size[0], round((ix2 - x1) * sx)), min(size[1], round((iy2 - y1) * sy))
    if right <= left or bottom <= top:
        return out
    ox, oy = int(ix1), int(iy1)
    part = np.ascontiguousarray(image[oy : int(np.ceil(iy2)), ox : int(np.ceil(ix2))])
    box = (ix1 - ox, iy1 - oy, ix2 - ox, iy2 - oy)
    resized = Image.fromarray(part).resize((right - left, bottom - top), Image.Resampling.BILINEAR, box=box)
    out[top:bottom, left:right] = np.asarray(resized)
    return out


def jitter_colour(image: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    """Random brightness, contrast, saturation and white balance, each by up to +-`strength`."""
    if strength <= 0:
        return image
    bright, contrast, saturation = rng.uniform(1 - strength, 1 + strength, 3).astype(np.float32)
    balance = rng.uniform(1 - strength / 2, 1 + strength / 2, 3).astype(np.float32)
    x = image.astype(np.float32)
    grey = x.mean(axis=2, keepdims=True)
    x = (grey + (x - grey) * saturation) * balance
    x = (x - x.mean()) * contrast + x.mean() * bright
    return np.clip(x, 0, 255).astype(np.uint8)
