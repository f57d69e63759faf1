"""Where drawings of one outline disagree, one click tells who is right: points for `point_yesno`, and what they say."""

from collections.abc import Mapping, Sequence
from typing import Any

import shapely

from routing.annotation.shapes import Mask, Polygon, shape_from_json
from routing.consensus.conversions import polygon_from
from routing.consensus.polygons import shape_of

LEAST_SHARE = 0.04  # of the area that all draw: a smaller dispute cannot carry a shape over the tolerance
FARTHEST = 0.5  # a disputed part is left out once a point was asked within so much of its size
CONTRADICTED = 2.0  # factor on the noise of a drawing for every answer that contradicts it

Asked = Sequence[tuple[Sequence[float], bool]]  # points [x, y], each with an answer


def disputed_point(values: Sequence[Mapping[str, Any]], asked: Asked) -> list[float] | None:
    """Return a point in the middle of the largest part that some drawings hold and others do not, None where all parts
    are small or have been asked about. The point is the same whatever the order of the drawings."""
    areas = [_area(value) for value in values]
    if len(areas) < 2:
        return None
    everywhere, somewhere = areas[0], areas[0]
    for area in areas[1:]:
        everywhere, somewhere = everywhere.intersection(area), somewhere.union(area)
    dispute = shapely.get_parts(somewhere.difference(everywhere))
    parts = [p for p in dispute if p.geom_type == "Polygon" and not _is_asked(p, asked)]
    largest = max(parts, key=lambda part: (round(part.area, 6), *part.bounds), default=None)
    if largest is None or largest.area < LEAST_SHARE * somewhere.area:
        return None
    middle = shapely.maximum_inscribed_circle(largest, tolerance=0.05 * max(largest.area, 1e-9) ** 0.5)
    x, y = middle.coords[0]
    return [float(x), float(y)]


def contradictions(value: Mapping[str, Any], asked: Asked) -> float:
    """Return the factor on the noise of a drawing: it grows with every answer that contradicts it more than agree."""
    area = _area(value)
    wrong = sum(1 if bool(area.contains(shapely.Point(xy))) != on else -1 for xy, on in asked)
    return float(CONTRADICTED ** max(wrong, 0))


def holds(value: Mapping[str, Any], xy: Sequence[float]) -> bool:
    """Return whether a point lies in a drawn or settled outline."""
    return bool(_area(value).contains(shapely.Point(xy)))


def _is_asked(part: shapely.Geometry, asked: Asked) -> bool:
    reach = FARTHEST * part.area**0.5
    return any(part.distance(shapely.Point(xy)) <= reach for xy, _ in asked)


def _area(value: Mapping[str, Any]) -> shapely.Geometry:
    shape = shape_from_json(value["shape"], "shape")
    if isinstance(shape, Mask):
        shape = polygon_from(shape)
    if not isinstance(shape, Polygon):
        raise ValueError(f"{type(shape).__name__}: only outlines hold points")
    return shape_of(shape)
