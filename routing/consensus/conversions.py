"""Outlines as pixels and back: the same region as a polygon or as a mask."""

import math

import numpy as np
import shapely

from routing.annotation.shapes import Mask, Polygon, polygon_of
from routing.consensus.masks import decode_mask, encode_mask
from routing.consensus.polygons import shape_of
from routing.consensus.regions import outline


def mask_of(polygon: Polygon, width: int, height: int) -> Mask:
    """Return the pixels of a scene whose centres lie inside; the pixel under the polygon's middle where none does."""
    area = shape_of(polygon)
    x1, y1, x2, y2 = area.bounds
    left, top = min(max(int(x1), 0), width - 1), min(max(int(y1), 0), height - 1)
    right, bottom = min(max(math.ceil(x2), left + 1), width), min(max(math.ceil(y2), top + 1), height)
    x, y = np.meshgrid(np.arange(left, right) + 0.5, np.arange(top, bottom) + 0.5)
    inside = shapely.contains_xy(area, x, y)
    if not inside.any():
        inside[inside.shape[0] // 2, inside.shape[1] // 2] = True
    return encode_mask(inside, (left, top))


def polygon_from(mask: Mask) -> Polygon:
    """Return the outline of the largest connected part of a mask, with its holes."""
    x, y = mask.offset
    region = outline(np.asarray(decode_mask(mask), dtype=np.float64) - 0.5, x + 0.5, y + 0.5, 1.0)
    assert region is not None  # A mask has at least one pixel.
    return polygon_of(region)


def whole_scene_runs(mask: Mask, width: int, height: int) -> list[int]:
    """Return the mask's column-major run lengths over the whole scene, as COCO writes them (background first)."""
    pixels = decode_mask(mask)
    x, y = mask.offset
    strip = np.zeros((height, pixels.shape[1]), dtype=bool)
    strip[y : y + pixels.shape[0]] = pixels
    runs = list(encode_mask(strip).counts)
    # The first run is background and may be 0; whether the last is background depends on how many there are.
    runs[0] += x * height
    rest = (width - x - pixels.shape[1]) * height
    if rest:
        if len(runs) % 2:
            runs[-1] += rest
        else:
            runs.append(rest)
    return runs
