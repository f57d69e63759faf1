"""Every geometry as frozen data: JSON in and out, refused by field name when it shows nothing or contradicts itself.

Frame: pixels of the scene, origin at the top-left corner of the top-left pixel, x right and y down; angles in radians
from the x axis towards the y axis. Cuboids: metres in the frame of the project, yaw about its z axis.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from routing.annotation.fields import FieldError, number, one_of, only, rows, text, whole

MAX_POINTS = 100_000
MAX_RINGS = 1_000
MAX_RUNS = 2_000_000  # of one mask
MAX_PIXELS = 400_000_000  # of one mask: 20,000 × 20,000
MIN_AREA = 1e-9

Point = tuple[float, float]
Ring = tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Box:
    """Axis-aligned: x1 < x2, y1 < y2."""

    xyxy: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class RotatedBox:
    """Centre, width along `angle`, height across it; angle in [-π/2, π/2)."""

    cxcywh: tuple[float, float, float, float]
    angle: float


@dataclass(frozen=True, slots=True)
class Polygon:
    """rings: the outline, then its holes; rings are not closed (the last point differs from the first)."""

    rings: tuple[Ring, ...]


@dataclass(frozen=True, slots=True)
class Mask:
    """Column-major run lengths that start with background; `size` is (height, width), `offset` the top-left pixel."""

    size: tuple[int, int]
    counts: tuple[int, ...]
    offset: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Keypoints:
    """points: (name, x, y, v) sorted by name; v is 0 absent, 1 occluded, 2 visible, and x = y = 0 where absent."""

    points: tuple[tuple[str, float, float, int], ...]


@dataclass(frozen=True, slots=True)
class Points:
    """Unnamed points of one scene, for counting; sorted; none is allowed and says "nothing here"."""

    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Polyline:
    """An open line of at least two different points, in drawing order."""

    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Cuboid:
    """Centre (x, y, z), dims (length along yaw, width, height), yaw in [-π, π)."""

    center: tuple[float, float, float]
    dims: tuple[float, float, float]
    yaw: float


Shape = Box | RotatedBox | Polygon | Mask | Keypoints | Points | Polyline | Cuboid


def shape_from_json(value: object, where: str = "geometry") -> Shape:
    """Return the shape of `{"type": ..., ...}`; raise FieldError that names the field and the fix."""
    if not isinstance(value, Mapping):
        raise FieldError(f"{where}: give an object with a type")
    kind = one_of(value.get("type"), f"{where}.type", tuple(_READERS))
    return validated(_READERS[kind](value, where), where)


def shape_to_json(shape: Shape) -> dict[str, object]:
    """Return the JSON form that `shape_from_json` reads."""
    match shape:
        case Box(xyxy):
            return {"type": "box", "xyxy": list(xyxy)}
        case RotatedBox(cxcywh, angle):
            return {"type": "rotated_box", "cxcywh": list(cxcywh), "angle": angle}
        case Polygon(rings):
            return {"type": "polygon", "rings": [[list(point) for point in ring] for ring in rings]}
        case Mask(size, counts, offset):
            return {"type": "mask", "size": list(size), "counts": list(counts), "offset": list(offset)}
        case Keypoints(points):
            return {"type": "keypoints", "points": {name: [x, y, v] for name, x, y, v in points}}
        case Points(marks):
            return {"type": "points", "points": [list(point) for point in marks]}
        case Polyline(line):
            return {"type": "polyline", "points": [list(point) for point in line]}
        case Cuboid(center, dims, yaw):
            return {"type": "cuboid", "center": list(center), "dims": list(dims), "yaw": yaw}


def wrapped(angle: float, period: float) -> float:
    """Return the angle moved by whole periods into [-period/2, period/2)."""
    moved = math.fmod(angle, period)
    if moved < -period / 2:
        moved += period
    elif moved >= period / 2:
        moved -= period
    return moved


def polygon_of(outline: shapely.Polygon) -> Polygon:
    """Return the frozen polygon of a valid shapely polygon."""
    rings = [outline.exterior, *outline.interiors]
    return Polygon(tuple(tuple((float(x), float(y)) for x, y in ring.coords[:-1]) for ring in rings))


def validated(shape: Shape, where: str = "geometry") -> Shape:
    """Return the shape as it is; raise FieldError that names the field when it is not finite or shows nothing."""
    match shape:
        case Box(xyxy):
            _finite(xyxy, f"{where}.xyxy")
            if not (xyxy[2] > xyxy[0] and xyxy[3] > xyxy[1]):
                raise FieldError(f"{where}.xyxy: the box has no area; give the top-left corner first")
        case RotatedBox(cxcywh, angle):
            _finite(cxcywh, f"{where}.cxcywh")
            _finite((angle,), f"{where}.angle")
            if min(cxcywh[2:]) <= 0:
                raise FieldError(f"{where}.cxcywh: width and height must be above 0; the box has no area")
        case Polygon(rings):
            _check_rings(rings, where)
        case Mask():
            _check_mask(shape, where)
        case Keypoints(named):
            for name, x, y, v in named:
                _finite((x, y), f"{where}.points.{name}")
                if v not in (0, 1, 2):
                    raise FieldError(
                        f"{where}.points.{name}[2]: {v}; visibility is 0 absent, 1 occluded or 2 visible"
                    )
        case Points(marks):
            for i, mark in enumerate(marks):
                _finite(mark, f"{where}.points[{i}]")
        case Polyline(line):
            for i, point in enumerate(line):
                _finite(point, f"{where}.points[{i}]")
            if len(set(line)) < 2:
                raise FieldError(f"{where}.points: fewer than two different points; the line has no length")
        case Cuboid(center, dims, yaw):
            _finite(center, f"{where}.center")
            _finite(dims, f"{where}.dims")
            _finite((yaw,), f"{where}.yaw")
            if min(dims) <= 0:
                raise FieldError(f"{where}.dims: every side must be above 0; the cuboid has no volume")
    return shape


def _finite(numbers: Sequence[float], where: str) -> None:
    for i, v in enumerate(numbers):
        if not math.isfinite(v):
            kind = "NaN" if math.isnan(v) else "infinity"
            raise FieldError(f"{where}[{i}]: {kind}; give a finite number")


def _check_rings(rings: tuple[Ring, ...], where: str) -> None:
    if not rings:
        raise FieldError(f"{where}.rings: no outline; give at least one ring")
    for i, ring in enumerate(rings):
        at = f"{where}.rings[{i}]"
        for j, point in enumerate(ring):
            _finite(point, f"{at}[{j}]")
        if len(set(ring)) < 3:
            raise FieldError(f"{at}: fewer than three different points; the ring has no area")
        outline = shapely.Polygon(ring)
        if not outline.is_valid:
            reason = shapely.is_valid_reason(outline)
            raise FieldError(f"{at}: crosses itself ({reason}); move the points apart")
        if outline.area <= MIN_AREA:
            raise FieldError(f"{at}: the ring has no area; draw round something")
    whole_shape = shapely.Polygon(rings[0], rings[1:])
    if len(rings) > 1 and not whole_shape.is_valid:
        reason = shapely.is_valid_reason(whole_shape)
        raise FieldError(f"{where}.rings: crosses itself or its holes ({reason}); move the points apart")


def _check_mask(mask: Mask, where: str) -> None:
    height, width = mask.size
    if height < 1 or width < 1 or height * width > MAX_PIXELS:
        raise FieldError(f"{where}.size: {height} × {width}; give 1 to {MAX_PIXELS} pixels")
    runs = np.asarray(mask.counts)
    bad = np.flatnonzero((runs < 0) | ((runs == 0) & (np.arange(len(runs)) > 0)))
    if len(bad):
        raise FieldError(
            f"{where}.counts[{bad[0]}]: {runs[bad[0]]}; runs are above 0 (only the first may be 0)"
        )
    if runs.sum() != height * width:
        raise FieldError(f"{where}.counts: add up to {runs.sum()}, not to {height} × {width} pixels")
    if len(runs) < 2:
        raise FieldError(f"{where}.counts: the mask has no area; mark at least one pixel")


def _box(value: Mapping[str, object], where: str) -> Box:
    got = only(value, where, ("type", "xyxy"))
    x1, y1, x2, y2 = _numbers(got["xyxy"], f"{where}.xyxy", 4)
    return Box((x1, y1, x2, y2))


def _rotated_box(value: Mapping[str, object], where: str) -> RotatedBox:
    got = only(value, where, ("type", "cxcywh", "angle"))
    cx, cy, w, h = _numbers(got["cxcywh"], f"{where}.cxcywh", 4)
    return RotatedBox((cx, cy, w, h), wrapped(number(got["angle"], f"{where}.angle"), math.pi))


def _polygon(value: Mapping[str, object], where: str) -> Polygon:
    got = only(value, where, ("type", "rings"))
    entries = rows(got["rings"], f"{where}.rings", at_most=MAX_RINGS)
    return Polygon(tuple(_ring(ring, f"{where}.rings[{i}]") for i, ring in enumerate(entries)))


def _ring(value: object, where: str) -> Ring:
    points = _points(value, where)
    return points[:-1] if len(points) > 1 and points[0] == points[-1] else points


def _mask(value: Mapping[str, object], where: str) -> Mask:
    got = only(value, where, ("type", "size", "counts"), ("offset",))
    height, width = _wholes(got["size"], f"{where}.size", 2)
    entries = rows(got["counts"], f"{where}.counts", at_most=MAX_RUNS)
    counts = tuple(whole(count, f"{where}.counts[{i}]") for i, count in enumerate(entries))
    x, y = _wholes(got.get("offset", [0, 0]), f"{where}.offset", 2)
    return Mask((height, width), counts, (x, y))


def _keypoints(value: Mapping[str, object], where: str) -> Keypoints:
    got = only(value, where, ("type", "points"))
    named = got["points"]
    if not isinstance(named, Mapping) or not named:
        raise FieldError(f"{where}.points: give an object of name: [x, y, v] with at least one point")
    points: list[tuple[str, float, float, int]] = []
    for name in sorted(named, key=str):
        at = f"{where}.points.{text(name, f'{where}.points', at_most=100)}"
        three = rows(named[name], at, at_most=3)
        if len(three) != 3:
            raise FieldError(f"{at}: give [x, y, v]")
        v = whole(three[2], f"{at}[2]")
        x, y = number(three[0], f"{at}[0]"), number(three[1], f"{at}[1]")
        points.append((name, x, y, v) if v else (name, 0.0, 0.0, 0))
    return Keypoints(tuple(points))


def _marks(value: Mapping[str, object], where: str) -> Points:
    got = only(value, where, ("type", "points"))
    return Points(tuple(sorted(_points(got["points"], f"{where}.points"))))


def _polyline(value: Mapping[str, object], where: str) -> Polyline:
    got = only(value, where, ("type", "points"))
    points = _points(got["points"], f"{where}.points")
    return Polyline(tuple(p for i, p in enumerate(points) if i == 0 or p != points[i - 1]))


def _cuboid(value: Mapping[str, object], where: str) -> Cuboid:
    got = only(value, where, ("type", "center", "dims", "yaw"))
    x, y, z = _numbers(got["center"], f"{where}.center", 3)
    length, width, height = _numbers(got["dims"], f"{where}.dims", 3)
    yaw = wrapped(number(got["yaw"], f"{where}.yaw"), 2 * math.pi)
    return Cuboid((x, y, z), (length, width, height), yaw)


def _points(value: object, where: str) -> tuple[Point, ...]:
    points: list[Point] = []
    for i, entry in enumerate(rows(value, where, at_most=MAX_POINTS)):
        x, y = _numbers(entry, f"{where}[{i}]", 2)
        points.append((x, y))
    return tuple(points)


def _numbers(value: object, where: str, count: int) -> list[float]:
    entries = rows(value, where, at_most=count)
    if len(entries) != count:
        raise FieldError(f"{where}: give {count} numbers, not {len(entries)}")
    return [number(entry, f"{where}[{i}]") for i, entry in enumerate(entries)]


def _wholes(value: object, where: str, count: int) -> list[int]:
    entries = rows(value, where, at_most=count)
    if len(entries) != count:
        raise FieldError(f"{where}: give {count} whole numbers, not {len(entries)}")
    return [whole(entry, f"{where}[{i}]") for i, entry in enumerate(entries)]


_READERS: dict[str, Callable[[Mapping[str, object], str], Shape]] = {
    "box": _box,
    "rotated_box": _rotated_box,
    "polygon": _polygon,
    "mask": _mask,
    "keypoints": _keypoints,
    "points": _marks,
    "polyline": _polyline,
    "cuboid": _cuboid,
}
