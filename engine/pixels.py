"""Parts of a picture as RGB, without the rest of it where the format allows that. Imports neither torch nor ray.

A TIFF in tiles or strips is read part by part, and only the parts used last are kept. Other formats are one stream of
bytes that must be decoded from its beginning, so these pictures are held decoded, once.
"""

from collections.abc import Iterator
from functools import lru_cache
from os import PathLike
from pathlib import Path
from threading import Lock

import numpy as np
from PIL import Image

from engine.images import (
    BAND_PX,
    MAX_PIXELS,
    RGB,
    as_rgb,
    grey_levels,
    is_deep,
    lattice,
    open_image,
    read_tiff,
    tiff_layout,
)
from engine.tiff import Layout, Part

KEPT_PX = 32_000_000  # of decoded parts: 96 MB


class Pixels:
    """A picture from which parts are read as RGB: `pixels[y1:y2, x1:x2]`, like the array that `load_rgb` gives.

    `shape` is (height, width, 3), `held` the most pixels that it keeps in memory. May be read by several threads.
    """

    def __init__(self, path: str | PathLike[str], *, max_pixels: int = MAX_PIXELS) -> None:
        """Open the file; decode it where its parts cannot be had alone. Raises ImageRefused."""
        layout = tiff_layout(path, max_pixels=max_pixels)
        self._source: _Parts | _Whole
        self._source = _Parts(Path(path), layout) if layout else _Whole(path, max_pixels)
        self.shape = (*self._source.size, 3)
        self.held = self._source.held

    def __getitem__(self, part: tuple[slice, slice]) -> RGB:
        """Raises ImageRefused when the part is corrupt."""
        rows, columns = part[0].indices(self.shape[0]), part[1].indices(self.shape[1])
        box = (columns[0], rows[0], max(columns[1], columns[0]), max(rows[1], rows[0]))
        return self._source.read(box)

    def view(self, box: tuple[int, int, int, int], size: tuple[int, int]) -> Image.Image:
        """Return `box` [x1, y1, x2, y2] shown at `size` (width, height) pixels, antialiased.

        However large the box is, only a band of it is held at a time. Raises ValueError for a box without pixels or one
        that reaches over the border.
        """
        x1, y1, x2, y2 = box
        height, width = self.shape[:2]
        if not (0 <= x1 < x2 <= width and 0 <= y1 < y2 <= height):
            raise ValueError(f"box {list(box)} does not lie in the picture of {width} x {height}")
        # Twice the pixels that are shown leave the last step, a proper filter, enough to work with.
        factor = max(1, min((x2 - x1) // (2 * size[0]), (y2 - y1) // (2 * size[1])))
        small = Image.new("RGB", (-(-(x2 - x1) // factor), -(-(y2 - y1) // factor)))
        rows = max(1, BAND_PX // ((x2 - x1) * factor)) * factor
        for y in range(y1, y2, rows):
            band = Image.fromarray(self[y : min(y + rows, y2), x1:x2])
            small.paste(band.reduce(factor) if factor > 1 else band, (0, (y - y1) // factor))
        used = ((x2 - x1) / factor, (y2 - y1) / factor)
        return small.resize(size, Image.Resampling.LANCZOS, box=(0, 0, *used))


class OpenPictures:
    """The pictures used last, opened, as long as they hold at most `most_px` pixels together (but one at least)."""

    def __init__(self, most_px: int) -> None:
        self.most_px = most_px
        self._open: dict[Path, Pixels] = {}
        self._lock = Lock()

    def get(self, path: str | PathLike[str]) -> Pixels:
        """Return the picture, opened now or before. Raises ImageRefused."""
        key = Path(path)
        with self._lock:  # Two threads that want one large picture should not decode it twice.
            pixels = self._open.pop(key, None) or Pixels(key)
            self._open[key] = pixels
            held = sum(p.held for p in self._open.values())
            while len(self._open) > 1 and held > self.most_px:
                held -= self._open.pop(next(iter(self._open))).held
            return pixels


class _Whole:
    """A decoded picture, held once, where an array beside it would hold it twice."""

    def __init__(self, path: str | PathLike[str], max_pixels: int) -> None:
        image = open_image(path, max_pixels=max_pixels)
        plain = image.mode in ("RGB", "L") and "transparency" not in image.info
        self._image = image if plain else Image.fromarray(as_rgb(image))
        self.size = (image.height, image.width)
        self.held = image.height * image.width

    def read(self, box: tuple[int, int, int, int]) -> RGB:
        return np.asarray(self._image.crop(box).convert("RGB"))


class _Parts:
    """A TIFF of which the parts used last are kept decoded."""

    def __init__(self, path: Path, layout: Layout) -> None:
        self._path, self._layout = path, layout
        self._levels = grey_levels(self._sampled()) if is_deep(layout.mode) else None
        each = layout.part_width * layout.part_height
        count = max(2, KEPT_PX // each)
        self._decoded = lru_cache(maxsize=count)(self._decode)
        self.size = (layout.height, layout.width)
        self.held = min(count * each, layout.height * layout.width)

    def read(self, box: tuple[int, int, int, int]) -> RGB:
        x1, y1, x2, y2 = box
        out = np.empty((y2 - y1, x2 - x1, 3), np.uint8)
        for part in self._layout.parts(box) if out.size else ():
            left, right = max(x1, part.x), min(x2, part.x + part.width)
            top, bottom = max(y1, part.y), min(y2, part.y + part.height)
            pixels = self._decoded(part)[top - part.y : bottom - part.y, left - part.x : right - part.x]
            out[top - y1 : bottom - y1, left - x1 : right - x1] = pixels
        return out

    def _decode(self, part: Part) -> RGB:
        return as_rgb(read_tiff(self._path, self._layout, part), self._levels)

    def _sampled(self) -> Iterator[np.ndarray]:
        """Reads the whole file once, part by part: black and white of a deep grey are those of all of it."""
        whole = (self._layout.height, self._layout.width)
        for part in self._layout.parts():
            values = np.asarray(read_tiff(self._path, self._layout, part))
            yield lattice(values, of=whole, at=(part.y, part.x))
