"""Greys of more than 8 bits as they are stored, for eyes that choose their own window. Imports neither torch nor ray.

`engine.pixels` shows such pictures as RGB between two percentiles; here nothing is lost: a crop at its own size holds the
stored values, exactly.
"""

import io
from dataclasses import dataclass
from functools import lru_cache
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from engine.images import (
    BAND_PX,
    MAX_PIXELS,
    grey_levels,
    is_deep,
    lattice,
    open_image,
    read_tiff,
    tiff_layout,
)
from engine.tiff import Part

KEPT_PX = 16_000_000  # of decoded parts: 64 MB at most
HIGHEST = 65_535

Box = tuple[int, int, int, int]
Greys = npt.NDArray[Any]
Samples = npt.NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class Greyness:
    """How the values of a deep picture lie: `black` and `white` are its 1st and 99th percentile, `least` and `most` its
    extremes. A sample of 16 bits means the value `offset + step * sample`."""

    black: float
    white: float
    least: float
    most: float
    offset: float = 0.0
    step: float = 1.0

    def to_json(self) -> dict[str, float]:
        """Return it as plain JSON values."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_json(cls, row: dict[str, float]) -> "Greyness":
        """Read what `to_json` wrote."""
        return cls(**row)

    def samples(self, values: Greys) -> Samples:
        """Return the 16-bit samples (H, W) of stored values (H, W)."""
        scaled = (np.asarray(values, np.float64) - self.offset) / self.step
        return np.clip(np.rint(scaled), 0, HIGHEST).astype(np.uint16)


class DeepPixels:
    """A deep grey picture from which parts are read as stored; `size` is (height, width). May be read by several threads."""

    def __init__(self, path: str | PathLike[str], *, max_pixels: int = MAX_PIXELS) -> None:
        """Open the file. Raises ImageRefused, and ValueError when its pixels are not deep greys."""
        self._path = Path(path)
        self._layout = tiff_layout(path, max_pixels=max_pixels)
        if self._layout is None:
            image = open_image(path, max_pixels=max_pixels)
            mode, self.size = image.mode, (image.height, image.width)
            self._whole = np.asarray(image) if is_deep(mode) else None
        else:
            mode, self.size = self._layout.mode, (self._layout.height, self._layout.width)
            each = self._layout.part_width * self._layout.part_height
            self._decoded = lru_cache(maxsize=max(2, KEPT_PX // each))(self._decode)
        if not is_deep(mode):
            raise ValueError(f"{self._path.name} holds {mode}, not greys of more than 8 bits")

    def read(self, box: Box) -> Greys:
        """Return the stored values (H, W) of `box` [x1, y1, x2, y2]. Raises ImageRefused when a part is corrupt."""
        x1, y1, x2, y2 = box
        if self._layout is None:
            assert self._whole is not None
            return self._whole[y1:y2, x1:x2]
        out: Greys | None = None
        for part in self._layout.parts(box):
            left, right = max(x1, part.x), min(x2, part.x + part.width)
            top, bottom = max(y1, part.y), min(y2, part.y + part.height)
            values = self._decoded(part)
            if out is None:
                out = np.zeros((y2 - y1, x2 - x1), values.dtype)
            out[top - y1 : bottom - y1, left - x1 : right - x1] = values[
                top - part.y : bottom - part.y, left - part.x : right - part.x
            ]
        assert out is not None
        return out

    def measure(self) -> Greyness:
        """Read all of it once and return how its values lie."""
        height, width = self.size
        rows = max(1, BAND_PX // max(width, 1))
        samples, least, most, whole = [], np.inf, -np.inf, True
        for y in range(0, height, rows):
            band = self.read((0, y, width, min(y + rows, height)))
            samples.append(lattice(band, of=self.size, at=(y, 0)))
            least, most = min(least, float(band.min())), max(most, float(band.max()))
            whole &= band.dtype.kind in "iu"
        black, white = grey_levels(samples)
        if whole and most - least <= HIGHEST:
            return Greyness(
                black, white, least, most, offset=0.0 if least >= 0 and most <= HIGHEST else least
            )
        return Greyness(black, white, least, most, least, max(most - least, 1e-12) / HIGHEST)

    def view(self, box: Box, size: tuple[int, int], greyness: Greyness) -> Samples:
        """Return `box` as samples (height, width) of `size` (width, height): exactly as stored where that is its own size,
        else antialiased. Raises ValueError for a box without pixels or one that reaches over the border."""
        x1, y1, x2, y2 = box
        height, width = self.size
        if not (0 <= x1 < x2 <= width and 0 <= y1 < y2 <= height):
            raise ValueError(f"box {list(box)} does not lie in the picture of {width} x {height}")
        if size == (x2 - x1, y2 - y1):
            return greyness.samples(self.read(box))
        factor = max(1, min((x2 - x1) // (2 * size[0]), (y2 - y1) // (2 * size[1])))
        rows = max(1, BAND_PX // ((x2 - x1) * factor)) * factor
        bands = [_reduced(self.read((x1, y, x2, min(y + rows, y2))), factor) for y in range(y1, y2, rows)]
        used = ((x2 - x1) / factor, (y2 - y1) / factor)
        small = Image.fromarray(np.concatenate(bands)).resize(
            size, Image.Resampling.LANCZOS, box=(0, 0, *used)
        )
        return greyness.samples(np.clip(np.asarray(small), greyness.least, greyness.most))

    def _decode(self, part: Part) -> Greys:
        assert self._layout is not None
        return np.asarray(read_tiff(self._path, self._layout, part))


def png(samples: Samples) -> bytes:
    """Return a greyscale PNG of 16 bits a pixel."""
    buffer = io.BytesIO()
    Image.fromarray(samples).save(buffer, "PNG", compress_level=4)
    return buffer.getvalue()


def _reduced(values: Greys, factor: int) -> npt.NDArray[np.float32]:
    """Means over blocks of `factor` pixels a side; the last of a row or column may be cut."""
    if factor == 1:
        return values.astype(np.float32)
    return np.asarray(Image.fromarray(values.astype(np.float32)).reduce(factor))
