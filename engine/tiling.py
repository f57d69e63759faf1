"""Cutting scenes into tiles, for the network and for people. Pure.

Two kinds of tiles. *Windows* are what the network sees: equal crops that overlap by at least the size of an object, so
that every object is whole in one of them. *Tiles* are what people search: cores that partition the scene exactly (each
object belongs to the one core that holds its centre) with a halo of context around them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from engine.types import Rect, TileRef, Xyxy

VIEWPORT_PX = 1000.0  # what a person has to look through
LEGIBLE_PX = 48.0  # an object smaller than this on screen is often missed
LEAST_TILE, MOST_TILE = 160.0, 1200.0
LEAST_HALO = 24.0


@dataclass(frozen=True, slots=True)
class Window:
    """A crop for the network: `rect` in scene pixels (it may reach outside a small scene), shown at `scale`."""

    index: int
    rect: Xyxy
    scale: float


def windows(width: int, height: int, *, size: int, scale: float, overlap: float) -> list[Window]:
    """Cover a scene with square crops of `size` network pixels at `scale` network pixels per scene pixel.

    Neighbours share at least `overlap` scene pixels; crops are spread evenly and never reach over the border of a scene
    that is larger than a crop. A smaller scene is centred in its only crop.
    """
    side = size / scale
    overlap = min(overlap, side / 2)
    corners = [(x, y) for y in _starts(height, side, overlap) for x in _starts(width, side, overlap)]
    return [Window(i, (x, y, x + side, y + side), scale) for i, (x, y) in enumerate(corners)]


def zoomed_windows(
    width: int, height: int, *, size: int, scale: float, zooms: Sequence[float], overlap: float
) -> list[Window]:
    """`windows` once per zoom, at that multiple of `scale`: small and large objects each get their best look."""
    out: list[Window] = []
    for zoom in zooms:
        layer = windows(width, height, size=size, scale=scale * zoom, overlap=overlap)
        out += [Window(len(out) + i, w.rect, w.scale) for i, w in enumerate(layer)]
    return out


def fit_windows(width: int, height: int, *, size: int, overlap: float) -> list[Window]:
    """The whole scene in one crop; scenes much larger than the network's input get a second, closer look by tiles."""
    longest = max(width, height)
    scale = size / longest
    whole = [Window(0, _centred(width, height, longest), scale)]
    if longest <= 2.5 * size:
        return whole
    closer = windows(width, height, size=size, scale=min(1.0, 2.5 * scale), overlap=overlap)
    return whole + [Window(w.index + 1, w.rect, w.scale) for w in closer]


def _centred(width: int, height: int, side: float) -> Xyxy:
    x, y = (width - side) / 2, (height - side) / 2
    return (x, y, x + side, y + side)


def _starts(length: float, side: float, overlap: float) -> list[float]:
    if length <= side:
        return [-(side - length) / 2]
    count = math.ceil((length - overlap) / (side - overlap))
    return [float(v) for v in np.linspace(0, length - side, count)]


def tile_side(object_px: float) -> float:
    """Side of a tile in which objects of `object_px` are legible: at least LEGIBLE_PX on screen."""
    if not object_px > 0:
        raise ValueError(f"object_px must be above 0, got {object_px}")
    return float(np.clip(VIEWPORT_PX * min(object_px / LEGIBLE_PX, 1.0), LEAST_TILE, MOST_TILE))


def grid(width: int, height: int, *, side: float, halo: float) -> list[TileRef]:
    """Partition a scene into equal cores of about `side` pixels (at most a quarter larger), row by row."""
    columns, rows = max(1, math.ceil(width / side - 0.25)), max(1, math.ceil(height / side - 0.25))
    xs = [round(width * i / columns) for i in range(columns + 1)]
    ys = [round(height * i / rows) for i in range(rows + 1)]
    cores = [
        (float(x1), float(y1), float(x2 - x1), float(y2 - y1))
        for y1, y2 in pairwise(ys)
        for x1, x2 in pairwise(xs)
    ]
    return [tile(core, width, height, halo) for core in cores]


def tile(core: Rect, width: int, height: int, halo: float) -> TileRef:
    """A tile with its halo cut at the scene's border; its id is its core, so the same tile has the same id anywhere."""
    x, y, w, h = core
    x1, y1 = max(0.0, x - halo), max(0.0, y - halo)
    x2, y2 = min(float(width), x + w + halo), min(float(height), y + h + halo)
    return TileRef(f"{x:g},{y:g},{w:g},{h:g}", core, (x1, y1, x2 - x1, y2 - y1))


def by_density(
    width: int,
    height: int,
    points: npt.NDArray[np.float64],
    *,
    side: float,
    halo: float,
    most: int = 12,
    least_side: float = LEAST_TILE,
) -> list[TileRef]:
    """Quadtree over the grid: split a core that holds more than `most` points (N, 2) unless its half is too small."""
    done: list[TileRef] = []
    waiting = [t.core for t in grid(width, height, side=side, halo=halo)][::-1]
    while waiting:
        core = waiting.pop()
        x, y, w, h = core
        if min(w, h) / 2 < least_side or _inside(points, core).sum() <= most:
            done.append(tile(core, width, height, halo))
            continue
        left, top = float(round(w / 2)), float(round(h / 2))
        waiting += [
            (x + left, y + top, w - left, h - top),
            (x, y + top, left, h - top),
            (x + left, y, w - left, top),
            (x, y, left, top),
        ]
    return done


def _inside(points: npt.NDArray[np.float64], core: Rect) -> npt.NDArray[np.bool_]:
    x, y, w, h = core
    return (points[:, 0] >= x) & (points[:, 0] < x + w) & (points[:, 1] >= y) & (points[:, 1] < y + h)


def owner(tiles: Sequence[TileRef], point: tuple[float, float], size: tuple[int, int]) -> TileRef:
    """The tile whose core holds `point`; cores are half-open, and points past the scene's border are moved inside.

    Raises ValueError when the cores do not cover the scene of `size` (width, height).
    """
    x = min(max(point[0], 0.0), np.nextafter(size[0], 0))
    y = min(max(point[1], 0.0), np.nextafter(size[1], 0))
    for candidate in tiles:
        cx, cy, w, h = candidate.core
        if cx <= x < cx + w and cy <= y < cy + h:
            return candidate
    raise ValueError(f"no tile owns the point {x:g}, {y:g}: the cores do not cover the scene")


def halo_for(object_px: float, side: float) -> float:
    """Context around a core: a large object (95th percentile) and never less than 15 % of the core."""
    return float(max(LEAST_HALO, object_px, 0.15 * side))
