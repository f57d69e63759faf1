"""How a simulated person draws and judges shapes: outlines, joints, lines, cuboids."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from routing.annotation.frames import from_ground, to_ground
from routing.annotation.shapes import (
    Cuboid,
    Keypoints,
    Mask,
    Polygon,
    Polyline,
    Shape,
    polygon_of,
    shape_from_json,
    shape_to_json,
)
from routing.consensus.conversions import mask_of, polygon_from
from routing.consensus.polygons import shape_of
from routing.consensus.polylines import resampled
from routing.refinement_fusing import ASPECTS, similarity
from routing.simulation import perception as eye
from routing.simulation.answers import ANSWERS, KEEP, Mind, Payload, Reply
from routing.simulation.truth import Truth

Array = npt.NDArray[np.float64]
NONE = np.zeros((0, 4))

VERTICES = 40  # of an outline drawn by hand
WAVES = 6  # of the smooth error along an outline: people cut corners, they do not tremble
OUTLINE_SD = 1.1  # error of an outline over that of a box edge: mean IoU .89 for a pool sigma of .04
CUT_SHARE = 0.6  # of gross errors that leave out a part; the others take in too much
SWAP = 0.03  # left and right joints exchanged
UNSEEN = 0.04  # a joint taken for absent, or its visibility misjudged
ENDS = 0.05  # of the length: how far off the ends of a line are
YAW_SD, FLIP = math.radians(3.0), 0.04
DIMS_SD = 0.05
SCANNED_M = 0.1  # error of a place read off a point cloud
CONTACT_PX = 1.5  # error of the ground contact on the picture, which is most of the depth's
REFUSES = {"verify_mask": "outline", "verify_cuboid": "cuboid"}


def draw(payload: Payload, truth: Truth, mind: Mind) -> Reply:
    """Draw the shape that is asked for, keep the proposal when it looks right, or say that nothing is there."""
    kind = payload["kind"]
    seen = eye.compare(payload["object"]["xyxy"], None, truth, 0.5, NONE)
    true = _true_shape(kind, truth, seen.index)
    proposal = payload.get("proposal")
    d = float(truth.difficulty[seen.index]) if seen.index >= 0 else 0.0
    if mind.profile.kind in ("yes_spam", "bot") and proposal is not None:
        return Reply(_value(kind, shape_from_json(proposal)), d)
    if true is None:
        return Reply({"shape": None, "deleted": True} if kind != "keypoints" else None, d)
    if proposal is not None:
        given = shape_from_json(proposal)
        alike = similarity(kind, payload, given, true)
        fine = (
            alike + eye.READING_SD["verify"] * float(mind.rng.normal()) >= float(payload["tolerance"]) + 0.1
        )
        if fine or mind.rng.random() < KEEP:
            return Reply(_value(kind, given), d)
    noise = mind.profile.sigma * math.exp(0.15 * d)
    gross = mind.rng.random() < mind.profile.gross or mind.profile.kind == "random"
    drawn = _DRAW[ASPECTS[kind]](true, noise, gross, payload, mind.rng)
    return Reply(_value(kind, drawn), d, clicks=1)


def judge(payload: Payload, truth: Truth, mind: Mind) -> Reply:
    """Say whether a shape fits its object."""
    solid = "cuboid_lidar" if "cloud" in payload else "cuboid_cam"
    kind = {"outline": "fix_polygon", "cuboid": solid}[REFUSES[payload["kind"]]]
    seen = eye.compare(payload["object"]["xyxy"], None, truth, 0.5, NONE)
    true = _true_shape(kind, truth, seen.index)
    tolerance = float(payload["tolerance"])
    d = float(truth.difficulty[seen.index]) if seen.index >= 0 else 0.0
    if mind.profile.kind in ("yes_spam", "bot"):
        return Reply({"verdict": "ok"}, d)
    if true is None:
        return Reply({"verdict": "not_object"}, d, clicks=1, bad_share=1.0)
    shape = _as_polygon(shape_from_json(payload["shape"]))
    alike = similarity(kind, payload, shape, _as_polygon(true))
    fault = "" if alike >= tolerance else "geometry"
    ok = eye.says_ok(
        eye.Seen(seen.index, alike, True, fault), "verify", tolerance, mind.theta, d, mind.rare, mind.rng
    )
    return Reply({"verdict": "ok" if ok else "geometry"}, d, clicks=0 if ok else 1, bad_share=float(not ok))


def point(payload: Payload, truth: Truth, mind: Mind) -> Reply:
    """Say whether a point lies on the object; close to its border people err."""
    seen = eye.compare(payload["object"]["xyxy"], None, truth, 0.5, NONE)
    if mind.profile.kind in ("yes_spam", "bot"):
        return Reply({"on": True})
    true = _true_shape("fix_polygon", truth, seen.index)
    if not isinstance(true, Polygon):
        return Reply({"on": False})
    area = shape_of(true)
    spot = shapely.Point(payload["point"])
    margin = 0.015 * math.sqrt(area.area) * math.exp(-0.3 * mind.theta)
    depth = (1 if area.contains(spot) else -1) * float(area.exterior.distance(spot))
    slip = mind.profile.kind == "random" or mind.rng.random() < 0.03
    on = depth + margin * float(mind.rng.normal()) > 0
    return Reply({"on": on != (slip and bool(mind.rng.random() < 0.5))}, float(truth.difficulty[seen.index]))


def prefer(payload: Payload, truth: Truth, mind: Mind) -> Reply:
    """Choose the better of two drawings; two boxes are compared as versions of an object are."""
    if "shape" not in payload["a"] or mind.profile.kind in ("yes_spam", "bot", "random"):
        return ANSWERS["compare_two"](payload, truth, mind)
    seen = eye.compare(payload["a"]["xyxy"], None, truth, 0.5, NONE)
    kind = "polyline" if payload["a"]["shape"]["type"] == "polyline" else "fix_polygon"
    true = _true_shape(kind, truth, seen.index)
    if true is None:
        return Reply({"choice": "both_bad"})
    noise = 0.05 * math.exp(-0.3 * mind.theta) * mind.rng.normal(size=2)
    alike = [
        similarity(kind, payload, _as_polygon(shape_from_json(payload[side]["shape"])), true) for side in "ab"
    ]
    a, b = (value + float(n) for value, n in zip(alike, noise, strict=True))
    d = float(truth.difficulty[seen.index])
    if max(a, b) < float(payload["tolerance"]) - 0.15:
        return Reply({"choice": "both_bad"}, d)
    if abs(a - b) < 0.015:
        return Reply({"choice": "equal"}, d)
    return Reply({"choice": "A" if a > b else "B"}, d)


def _true_shape(kind: str, truth: Truth, index: int) -> Shape | None:
    """The true shape of an object in the kind's own type; its box where only that is known of an outline."""
    if index < 0:
        return None
    known = truth.detail(index, ASPECTS[kind])
    if known is None:
        if ASPECTS[kind] != "outline":
            return None
        x1, y1, x2, y2 = (float(v) for v in truth.boxes[index])
        known = shape_to_json(Polygon((((x1, y1), (x2, y1), (x2, y2), (x1, y2)),)))
    shape = shape_from_json(known)
    if kind == "fix_polygon":
        return _as_polygon(shape)
    if kind == "fix_mask" and isinstance(shape, Polygon):
        return mask_of(shape, int(truth.width), int(truth.height))
    return shape


def _value(kind: str, shape: Shape) -> dict[str, Any]:
    value: dict[str, Any] = {"shape": shape_to_json(shape)}
    return value if kind == "keypoints" else {**value, "deleted": False}


def _as_polygon(shape: Shape) -> Shape:
    return polygon_from(shape) if isinstance(shape, Mask) else shape


def _outlined(true: Shape, noise: float, gross: bool, payload: Payload, rng: np.random.Generator) -> Shape:
    """An outline moved along its normals by a smooth error; a gross one leaves out a part or takes in too much."""
    masked = isinstance(true, Mask)
    polygon = _as_polygon(true)
    assert isinstance(polygon, Polygon)
    area = shape_of(polygon)
    size = math.sqrt(area.area)
    ring = resampled(np.array([*polygon.rings[0], polygon.rings[0][0]]), VERTICES + 1)[:-1]
    along = np.arange(VERTICES) * 2 * math.pi / VERTICES
    error = rng.normal() * 0.5 * np.ones(VERTICES)
    for wave in range(1, WAVES + 1):
        a, b = rng.normal(size=2) / math.sqrt(wave)
        error += a * np.cos(wave * along) + b * np.sin(wave * along)
    error *= noise * OUTLINE_SD * size / math.sqrt(0.25 + sum(1 / w for w in range(1, WAVES + 1)))
    step = np.roll(ring, -1, axis=0) - np.roll(ring, 1, axis=0)
    normal = (
        np.stack([step[:, 1], -step[:, 0]], axis=1) / np.maximum(np.linalg.norm(step, axis=1), 1e-9)[:, None]
    )
    moved = shapely.Polygon(ring + normal * error[:, None], polygon.rings[1:]).buffer(0)
    if gross:
        moved = _spoilt(moved, size, rng)
    scene = shapely.box(0, 0, payload["scene"]["width"], payload["scene"]["height"])
    parts = [
        p for p in shapely.get_parts(moved.intersection(scene)) if p.geom_type == "Polygon" and p.area > 1
    ]
    best = polygon_of(max(parts, key=lambda p: p.area)) if parts else polygon
    return mask_of(best, payload["scene"]["width"], payload["scene"]["height"]) if masked else best


def _spoilt(area: shapely.Polygon, size: float, rng: np.random.Generator) -> shapely.Geometry:
    if rng.random() < CUT_SHARE:
        x1, y1, x2, y2 = area.bounds
        cut = x1 + (x2 - x1) * float(rng.uniform(0.3, 0.7))
        half = shapely.box(x1 - 1, y1 - 1, cut, y2 + 1)
        kept = area.intersection(half)
        return kept if kept.area > 0.1 * area.area else area
    return area.buffer(0.2 * size)


def _jointed(true: Shape, noise: float, gross: bool, payload: Payload, rng: np.random.Generator) -> Shape:
    """Joints with an error each; now and then left and right are exchanged or one is taken for absent."""
    assert isinstance(true, Keypoints)
    xy = np.array([(x, y) for _, x, y, v in true.points if v]).reshape(-1, 2)
    spread = float(np.linalg.norm(np.ptp(xy, axis=0))) / math.sqrt(2) if len(xy) > 1 else 20.0
    points = {name: (x, y, v) for name, x, y, v in true.points}
    if gross or rng.random() < SWAP:
        points = _swapped(points, payload["skeleton"]["joints"])
    width, height = payload["scene"]["width"], payload["scene"]["height"]
    out = []
    for name in sorted(points):
        x, y, v = points[name]
        if v and rng.random() < UNSEEN:
            v = int(rng.choice([0, 1, 2], p=[0.2, 0.4, 0.4]))
        if v:
            x, y = (x, y) + 0.8 * noise * spread * rng.standard_t(4, 2)
            out.append((name, float(np.clip(x, 0, width)), float(np.clip(y, 0, height)), v))
        else:
            out.append((name, 0.0, 0.0, 0))
    return Keypoints(tuple(out))


def _swapped(
    points: dict[str, tuple[float, float, int]], joints: list[dict[str, Any]]
) -> dict[str, tuple[float, float, int]]:
    """Every left joint at the place of its right one, where their names differ only by the side."""
    names = {j["name"] for j in joints}
    other = {n: n.replace("left", "right") if "left" in n else n.replace("right", "left") for n in names}
    return {n: points[other[n]] if other[n] in points else points[n] for n in points}


def _lined(true: Shape, noise: float, gross: bool, payload: Payload, rng: np.random.Generator) -> Shape:
    """A line with a smooth error across and ends that lie a little off; a gross one stops halfway."""
    assert isinstance(true, Polyline)
    line = resampled(np.array(true.points), 24)
    length = float(np.linalg.norm(np.diff(line, axis=0), axis=1).sum())
    start, end = np.abs(rng.normal(size=2)) * ENDS * 0.5
    if gross:
        end = 0.5
    kept = line[round(start * 23) : max(24 - round(end * 23), round(start * 23) + 2)]
    bend = np.linspace(0, math.pi, len(kept))
    drift = rng.normal(size=4)
    across = drift[0] + drift[1] * np.cos(bend) + drift[2] * np.sin(bend) + 0.5 * drift[3] * np.cos(2 * bend)
    step = np.gradient(kept, axis=0)
    normal = (
        np.stack([step[:, 1], -step[:, 0]], axis=1) / np.maximum(np.linalg.norm(step, axis=1), 1e-9)[:, None]
    )
    moved = kept + normal * (across * 0.15 * noise * length)[:, None]
    if rng.random() < 0.5:
        moved = moved[::-1]
    limit = [payload["scene"]["width"], payload["scene"]["height"]]
    points = tuple((float(x), float(y)) for x, y in np.clip(moved, 0, limit))
    return Polyline(points) if len(set(points)) >= 2 else true


def _stood(true: Shape, noise: float, gross: bool, payload: Payload, rng: np.random.Generator) -> Shape:
    """A cuboid misplaced mostly along the ray of the camera, a little turned, now and then back to front."""
    assert isinstance(true, Cuboid)
    camera = payload["kind"] == "cuboid_cam"
    ground: dict[str, Any] = payload["calibration"]["ground"] if camera else {"n": [0, 1, 0], "d": 1.5}
    c = to_ground(true, ground["n"]) if camera else true
    care = noise / 0.04
    distance = max(math.hypot(c.center[0], c.center[1]), 1.0)
    depth_sd = SCANNED_M
    if camera:
        focal = float(payload["calibration"]["K"][0][0])
        depth_sd = CONTACT_PX * distance**2 / (focal * max(abs(float(ground["d"])), 0.5))
    along = 1 + care * depth_sd * float(rng.normal()) / distance
    along = max(along, 0.3)
    dims = tuple(float(v * math.exp(care * DIMS_SD * rng.normal())) for v in c.dims)
    aside = care * 0.04 * float(rng.normal())
    yaw = c.yaw + care * YAW_SD * float(rng.normal())
    if gross or rng.random() < FLIP:
        yaw += math.pi
    bottom = c.center[2] - c.dims[2] / 2
    placed = Cuboid(
        (
            c.center[0] * along - aside * math.sin(c.yaw),
            c.center[1] * along + aside * math.cos(c.yaw),
            bottom + dims[2] / 2,
        ),
        (dims[0], dims[1], dims[2]),
        yaw,
    )
    return from_ground(placed, ground["n"]) if camera else placed


_DRAW: dict[str, Callable[[Shape, float, bool, Payload, np.random.Generator], Shape]] = {
    "outline": _outlined,
    "skeleton": _jointed,
    "line": _lined,
    "cuboid": _stood,
}
DRAWN = ("fix_polygon", "fix_mask", "keypoints", "polyline", "cuboid_cam", "cuboid_lidar")
SHAPES: dict[str, Callable[[Payload, Truth, Mind], Reply]] = {
    **dict.fromkeys(DRAWN, draw),
    "verify_mask": judge,
    "verify_cuboid": judge,
    "point_yesno": point,
    "compare_two": prefer,
}
