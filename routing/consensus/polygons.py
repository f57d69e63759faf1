"""Consensus of outlines of one object, holes included."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import shapely

from routing.annotation.shapes import Polygon, polygon_of
from routing.consensus.contract import FusedShape, p_similar, precisions
from routing.consensus.regions import fuse_regions, outline

Array = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

CELLS = 128  # of the grid along the longer side: a cell is below the noise of people
MARGIN = 4  # cells round the outlines
SIMPLIFY = 0.25  # of a cell: drops the points that marching squares puts on straight lines


def fuse_polygons(
    polygons: Sequence[Polygon],
    sigmas: Sequence[float] | Array | None = None,
    *,
    tolerance: float = 0.85,
) -> FusedShape[Polygon]:
    """Return the fused outline of one object.

    sigmas (N,): boundary noise of the people, any common unit; equal without. sigma of the result is relative to
    sqrt(area). tolerance: an IoU. Raises FuseError for no polygons and for sigmas that are not positive.
    """
    weights = precisions(len(polygons), sigmas)
    outlines = [shape_of(polygon) for polygon in polygons]
    if len(outlines) == 1 or all(other.equals(outlines[0]) for other in outlines[1:]):
        alone = fuse_regions(np.ones((len(outlines), 2, 2), dtype=bool), weights)
        sure = p_similar(alone.expected_loss, tolerance)
        return FusedShape(polygons[0], alone.sigma, 1.0, sure, alone.used)
    regions, x0, y0, step = _rasterised(outlines)
    region = fuse_regions(regions, weights)
    fused = outline(region.level, x0, y0, step)
    shape = polygons[region.used[0]]  # where the outlines share no cell, the most agreed with stands for all
    if fused is not None:
        simple = fused.simplify(SIMPLIFY * step)
        shape = polygon_of(simple if simple.is_valid and simple.area > 0 else fused)
    return FusedShape(
        shape, region.sigma, region.agreement, p_similar(region.expected_loss, tolerance), region.used
    )


def polygon_iou(a: Polygon, b: Polygon) -> float:
    """Return the intersection over union of two polygons."""
    first, second = shape_of(a), shape_of(b)
    union = first.union(second).area
    return float(first.intersection(second).area / union) if union > 0 else 0.0


def shape_of(polygon: Polygon) -> shapely.Polygon:
    """Return the shapely polygon."""
    return shapely.Polygon(polygon.rings[0], polygon.rings[1:])


def _rasterised(outlines: list[shapely.Polygon]) -> tuple[Bools, float, float, float]:
    """Return which cell centres lie inside each outline (N, h, w), and the first centre's x, y and the step."""
    bounds = np.array([outline.bounds for outline in outlines])
    low, high = bounds[:, :2].min(0), bounds[:, 2:].max(0)
    step = float((high - low).max() / CELLS)
    low = low - MARGIN * step
    width, height = (int(v) for v in np.ceil((high - low) / step) + MARGIN)
    x, y = np.meshgrid(low[0] + step * np.arange(width), low[1] + step * np.arange(height))
    inside = []
    for shape in outlines:
        shapely.prepare(shape)
        inside.append(shapely.contains_xy(shape, x, y))
    return np.stack(inside), float(low[0]), float(low[1]), step
