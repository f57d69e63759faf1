"""What COCO says of an object beside its box: outline, keypoints, and our own exports' lines and cuboids."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import shapely

from routing.annotation.fields import FieldError
from routing.annotation.frames import to_ground
from routing.annotation.shapes import Cuboid, Mask, Polygon, polygon_of, shape_from_json, shape_to_json
from routing.consensus.masks import encode_mask

OWN = ("line", "cuboid")  # aspects that COCO has no place for; our exports keep them under `tessera`
MAX_PIXELS = 400_000_000
LEAST_AREA = 0.5  # square pixels; less shows nothing


class Unreadable(ValueError):
    """A shape of an annotation is not what COCO says it should be; the message names the field."""


def shapes_of(row: Mapping[str, Any], joints: Sequence[str]) -> dict[str, Any]:
    """Return the shapes of one annotation by aspect; raise Unreadable for one that shows nothing.

    joints: the keypoint names of its category. Of an outline in several parts the largest is kept.
    """
    found: dict[str, Any] = {}
    try:
        if row.get("segmentation"):
            outline = _outline(row["segmentation"])
            found.update({"outline": shape_to_json(outline)} if outline else {})
        if row.get("keypoints") and joints:
            found["skeleton"] = _skeleton(row["keypoints"], joints)
        refined = _own(row)
        for aspect in OWN:
            if isinstance(refined.get(aspect), Mapping) and refined[aspect].get("shape"):
                found[aspect] = shape_to_json(shape_from_json(refined[aspect]["shape"], f"tessera.{aspect}"))
    except FieldError as error:
        raise Unreadable(str(error)) from None
    return found


def calibration_of(row: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return `{K, ground: {n, d}, T_cam_ego?}` of an image's `calibration`, None without one; raise Unreadable."""
    given = row.get("calibration")
    if given is None:
        return None
    try:
        matrix = np.array(given["K"], dtype=np.float64)
        normal = np.array(given["ground"]["n"], dtype=np.float64)
        height = float(given["ground"]["d"])
        to_ground(Cuboid((0.0, 0.0, 1.0), (1.0, 1.0, 1.0), 0.0), normal.tolist())
    except (KeyError, TypeError, ValueError) as error:
        raise Unreadable(f"calibration: give K (3 × 3) and ground {{n, d}} ({error})") from None
    if (
        matrix.shape != (3, 3)
        or not np.isfinite(matrix).all()
        or min(matrix[0, 0], matrix[1, 1], height) <= 0
    ):
        raise Unreadable(
            "calibration: K is 3 × 3 with focal lengths above 0, ground.d the camera's height above 0"
        )
    found: dict[str, Any] = {"K": matrix.tolist(), "ground": {"n": normal.tolist(), "d": height}}
    if given.get("T_cam_ego") is not None:
        found["T_cam_ego"] = _pose(given["T_cam_ego"])
    return found


def _pose(given: Any) -> list[list[float]]:
    """Return a rigid 4 × 4 transform; raise Unreadable."""
    try:
        pose = np.array(given, dtype=np.float64)
    except (TypeError, ValueError):
        pose = np.zeros(0)
    if pose.shape != (4, 4) or not np.isfinite(pose).all():
        raise Unreadable("calibration.T_cam_ego: give 4 × 4 numbers")
    turn = pose[:3, :3]
    if np.abs(turn @ turn.T - np.eye(3)).max() > 1e-2 or np.abs(pose[3] - [0, 0, 0, 1]).max() > 1e-9:
        raise Unreadable("calibration.T_cam_ego: not a rotation with a shift; its last row is 0 0 0 1")
    return [[float(v) for v in row] for row in pose]


def _own(row: Mapping[str, Any]) -> Mapping[str, Any]:
    tessera = row.get("tessera")
    refined = tessera.get("refined") if isinstance(tessera, Mapping) else None
    return refined if isinstance(refined, Mapping) else {}


def _outline(given: Any) -> Polygon | Mask | None:
    """The largest part; a ring that crosses itself is repaired, one without area says nothing."""
    if isinstance(given, Mapping):
        return _mask(given)
    if not isinstance(given, list):
        raise Unreadable("segmentation: give a list of rings or run lengths")
    rings = [_ring(ring, f"segmentation[{i}]") for i, ring in enumerate(given)]
    parts = [
        part
        for ring in rings
        for part in shapely.get_parts(_repaired(ring))
        if part.geom_type == "Polygon" and part.area >= LEAST_AREA
    ]
    return polygon_of(max(parts, key=lambda part: part.area)) if parts else None


def _repaired(ring: tuple[tuple[float, float], ...]) -> shapely.Geometry:
    area = shapely.Polygon(ring)
    return area if area.is_valid else area.buffer(0)


def _ring(given: Any, where: str) -> tuple[tuple[float, float], ...]:
    if not isinstance(given, list) or len(given) < 6 or len(given) % 2:
        raise Unreadable(f"{where}: give x1, y1, x2, y2 … of at least three points")
    if not all(isinstance(v, int | float) and not isinstance(v, bool) and abs(v) < 1e9 for v in given):
        raise Unreadable(f"{where}: give finite numbers only")
    return tuple((float(x), float(y)) for x, y in zip(given[::2], given[1::2], strict=True))


def _mask(given: Mapping[str, Any]) -> Mask:
    """Run lengths over the whole picture, kept as the part that holds the object."""
    size, counts = given.get("size"), given.get("counts")
    if not (isinstance(size, list) and len(size) == 2 and all(isinstance(v, int) and v > 0 for v in size)):
        raise Unreadable("segmentation.size: give [height, width]")
    height, width = size
    runs = _unpacked(counts) if isinstance(counts, str) else counts
    if not isinstance(runs, list) or not all(isinstance(v, int) and v >= 0 for v in runs):
        raise Unreadable("segmentation.counts: give run lengths, or their packed text")
    if height * width > MAX_PIXELS or sum(runs) != height * width:
        raise Unreadable(f"segmentation.counts: add up to {sum(runs)}, not to {height} × {width} pixels")
    flat = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    pixels = flat.reshape(width, height).T
    rows, columns = (np.flatnonzero(pixels.any(axis)) for axis in (1, 0))
    if not len(rows):
        raise Unreadable("segmentation.counts: the mask has no area")
    cut = pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return encode_mask(cut, (int(columns[0]), int(rows[0])))


def _unpacked(text: str) -> list[int]:
    """COCO's packed run lengths: five bits a character, low bits first; from the fourth on differences to two before."""
    runs: list[int] = []
    value = shift = 0
    for character in text:
        bits = ord(character) - 48
        if not 0 <= bits < 64 or shift > 60:
            raise Unreadable("segmentation.counts: the packed text is damaged; export it again")
        value |= (bits & 31) << shift
        shift += 5
        if not bits & 32:
            if bits & 16:
                value -= 1 << shift
            runs.append(value + (runs[-2] if len(runs) > 2 else 0))
            value = shift = 0
    return runs


def _skeleton(given: Any, joints: Sequence[str]) -> dict[str, Any]:
    if not isinstance(given, list) or len(given) != 3 * len(joints):
        raise Unreadable(f"keypoints: give x, y, v of each of the {len(joints)} keypoints of its category")
    rows = zip(given[::3], given[1::3], given[2::3], strict=True)
    points = {name: [x, y, v] for name, (x, y, v) in zip(joints, rows, strict=True)}
    return shape_to_json(shape_from_json({"type": "keypoints", "points": points}, "keypoints"))
