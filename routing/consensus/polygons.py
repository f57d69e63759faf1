"""Consensus of outlines of one object, holes included."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import shapely

from routing.annotation.shapes import Polygon, polygon_of
from routing.consensus.contract import FusedShape, given, inliers, mean_agreement
from routing.consensus.regions import OUTLIER_SHARE, fuse_regions, outline

Array = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

CELLS = 128  # of the grid along the longer side: a cell is below the noise of people
MARGIN = 8  # cells round the outlines
SIMPLIFY = 0.25  # of a cell: drops the points that marching squares puts on straight lines


def fuse_polygons(
    polygons: Sequence[Polygon],
    sigmas: npt.ArrayLike | None = None,
    *,
    tolerance: float = 0.85,
    biases: npt.ArrayLike | None = None,
) -> FusedShape[Polygon]:
    """Return the fused outline of one object.

    sigmas (N,): boundary noise of the people, any common unit; equal without. biases (N,): how far each draws outside
    the border, relative to sqrt(area). sigma of the result has that unit. tolerance: an IoU. Raises FuseError for no
    polygons, for ones that cross themselves and for sigmas that are not positive.
    """
    g = given(polygons, Polygon, sigmas, biases, width=1)
    outlines = [shape_of(polygon) for polygon in g.answers]
    similarity = _overlaps(outlines)
    # A huge wrong outline would make the grid too coarse for the others, so it goes before the grid is laid.
    used = inliers(similarity, g.weights, OUTLIER_SHARE)
    regions, x0, y0, step = _rasterised([outlines[i] for i in used])
    region = fuse_regions(regions, g.weights[used], g.biases[used, 0], least_width=1.0)
    fused = outline(region.level, x0, y0, step)
    shape = g.answers[int(used[int(np.argmax(g.weights[used]))])]  # where the outlines share no cell
    if fused is not None:
        simple = fused.simplify(SIMPLIFY * step)
        shape = polygon_of(simple if simple.is_valid and simple.area > 0 else fused)
    return g.result(
        shape,
        sigma=region.sigma,
        agreement=mean_agreement(similarity),
        loss=region.expected_loss,
        tolerance=tolerance,
        used=(int(used[i]) for i in region.used),
    )


def _overlaps(outlines: Sequence[shapely.Polygon]) -> Array:
    """Return the pairwise intersections over union (N, N)."""
    n = len(outlines)
    areas = shapely.area(outlines)
    rows, columns = np.triu_indices(n, 1)
    objects = np.array(outlines, dtype=object)
    inter = shapely.area(shapely.intersection(objects[rows], objects[columns]))
    out = np.eye(n)
    out[rows, columns] = out[columns, rows] = inter / (areas[rows] + areas[columns] - inter)
    return out


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
    # Half a cell off: outlines drawn on whole numbers would else run through centres, which lie outside then.
    low = low - (MARGIN + 0.5) * step
    width, height = (int(v) for v in np.ceil((high - low) / step) + MARGIN + 1)
    x, y = np.meshgrid(low[0] + step * np.arange(width), low[1] + step * np.arange(height))
    inside = []
    for shape in outlines:
        shapely.prepare(shape)
        inside.append(shapely.contains_xy(shape, x, y))
    return np.stack(inside), float(low[0]), float(low[1]), step
