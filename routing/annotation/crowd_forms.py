"""The forms in which crowds' answers are published, read into our shapes.

Beside the forms of `shapes`, each geometry has the plain form of public data sets:

- boxes: `[[x1, y1, x2, y2], ...]`; `[]` says "nothing here". Boxes without area are slips of the tool and left out.
- polygon: `{"polygon": [[x, y], ...]}`, or `[[[x, y], ...], ...]` for several objects of one scene.
- mask: `{"size": [h, w], "rle": [...]}`, column-major run lengths that start with background.
- points: `[[x, y], ...]`.
- cuboid: `{"center": [x, y, z], "size": [l, w, h], "yaw": radians}`.

A traced outline that touches itself falls apart at the pinch: its largest part is kept when that is MEND_SHARE of the
whole, else the outline is refused as crossing itself. What was left out or mended is counted, never hidden.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import shapely

from routing.annotation.fields import FieldError, number, only, rows
from routing.annotation.shapes import (
    Box,
    Cuboid,
    Mask,
    Points,
    Polygon,
    Shape,
    polygon_of,
    shape_from_json,
)

MEND_SHARE = 0.7
MAX_OBJECTS = 10_000  # in one answer


@dataclass(frozen=True, slots=True)
class CrowdAnswer:
    """shapes: what one person drew in one task; left_out and mended: how many shapes had no area, or were repaired."""

    shapes: tuple[Shape, ...]
    left_out: int = 0
    mended: int = 0


def parse_crowd(text: str, geometry: str, where: str) -> CrowdAnswer:
    """Return the shapes of one answer's text; raise FieldError naming `where`, the field and the fix."""
    try:
        value = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise FieldError(
            f"{where}: not JSON ({error}); quote the field and double the quotes inside it"
        ) from None
    if isinstance(value, Mapping) and "type" in value:
        shape = shape_from_json(value, where)
        if not isinstance(shape, _EXPECTED[geometry]):
            raise FieldError(
                f"{where}.type: {value['type']} where {geometry} is asked; change --geometry or the file"
            )
        return CrowdAnswer((shape,))
    if geometry not in _READERS:
        raise FieldError(f"{where}: give an object with a type")
    return _READERS[geometry](value, where)


def _boxes(value: object, where: str) -> CrowdAnswer:
    boxes: list[Shape] = []
    left_out = 0
    for i, entry in enumerate(rows(value, where, at_most=MAX_OBJECTS)):
        at = f"{where}[{i}]"
        four = rows(entry, at, at_most=4)
        if len(four) != 4:
            raise FieldError(f"{at}: give [x1, y1, x2, y2]")
        x1, y1, x2, y2 = (number(v, f"{at}[{j}]") for j, v in enumerate(four))
        if x2 < x1 or y2 < y1:
            raise FieldError(f"{at}: x2 < x1 or y2 < y1; give the top-left corner first")
        if x2 - x1 > 0 and y2 - y1 > 0:
            boxes.append(Box((x1, y1, x2, y2)))
        else:
            left_out += 1
    return CrowdAnswer(tuple(boxes), left_out)


def _polygons(value: object, where: str) -> CrowdAnswer:
    if isinstance(value, Mapping):
        if "polygon" not in value:
            raise FieldError(f"{where}.polygon: missing; add it")
        outlines = [(value["polygon"], f"{where}.polygon")]
    else:
        outlines = [(ring, f"{where}[{i}]") for i, ring in enumerate(rows(value, where, at_most=MAX_OBJECTS))]
    read = [_outline(ring, at) for ring, at in outlines]
    return CrowdAnswer(tuple(polygon for polygon, _ in read), mended=sum(mended for _, mended in read))


def _outline(value: object, where: str) -> tuple[Polygon, bool]:
    try:
        shape = shape_from_json({"type": "polygon", "rings": [value]}, where)
    except FieldError as error:
        if "crosses itself" not in str(error):
            raise FieldError(str(error).replace(".rings[0]", "")) from None
    else:
        assert isinstance(shape, Polygon)
        return shape, False
    ring = [(float(x), float(y)) for x, y in rows(value, where, at_most=100_000)]
    valid = shapely.make_valid(shapely.Polygon(ring))
    parts = [part for part in shapely.get_parts(valid) if part.geom_type == "Polygon"]
    parts += [inner for part in shapely.get_parts(valid) for inner in getattr(part, "geoms", ())]
    areas = [part.area if part.geom_type == "Polygon" else 0.0 for part in parts]
    if not areas or max(areas) < MEND_SHARE * sum(areas):
        reason = shapely.is_valid_reason(shapely.Polygon(ring))
        raise FieldError(f"{where}: crosses itself ({reason}); move the points apart")
    return polygon_of(parts[areas.index(max(areas))]), True


def _mask(value: object, where: str) -> CrowdAnswer:
    got = only(value, where, ("size", "rle"))
    runs = rows(got["rle"], f"{where}.rle", at_most=2_000_000)
    if len(runs) == 1:
        return CrowdAnswer((), left_out=1)
    shape = shape_from_json({"type": "mask", "size": got["size"], "counts": runs}, where)
    return CrowdAnswer((shape,))


def _points(value: object, where: str) -> CrowdAnswer:
    return CrowdAnswer((shape_from_json({"type": "points", "points": value}, where),))


def _cuboid(value: object, where: str) -> CrowdAnswer:
    got = only(value, where, ("center", "size"), ("yaw",))
    form = {"type": "cuboid", "center": got["center"], "dims": got["size"], "yaw": got.get("yaw", 0)}
    return CrowdAnswer((shape_from_json(form, where),))


_READERS: dict[str, Callable[[object, str], CrowdAnswer]] = {
    "boxes": _boxes,
    "polygon": _polygons,
    "mask": _mask,
    "points": _points,
    "cuboid": _cuboid,
}
_EXPECTED: dict[str, type | tuple[type, ...]] = {
    "boxes": Box,
    "polygon": Polygon,
    "mask": Mask,
    "points": Points,
    "cuboid": Cuboid,
}
