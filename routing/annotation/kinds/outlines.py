"""What an answer may say about shapes in the picture: outlines, masks, joints and lines of one object."""

from dataclasses import replace
from typing import Any

from routing.annotation import fields, shapes
from routing.annotation.fields import FieldError
from routing.annotation.kinds.common import VERDICTS, Check, Payload, Value
from routing.annotation.shapes import Keypoints, Mask, Point, Polygon, Polyline, Shape

MAX_CLICKS = 200  # of one mask


def shape_or_deleted(
    payload: Payload, value: object, kind: type[Shape], optional: tuple[str, ...] = ()
) -> tuple[Shape | None, dict[str, Any]]:
    """Return the shape of `{shape, deleted}`, None where it was deleted, and the whole answer; raise FieldError."""
    body = fields.only(value, "value", ("shape", "deleted"), optional)
    if fields.flag(body["deleted"], "value.deleted"):
        if body["shape"] is not None:
            raise FieldError("value.shape: give null together with deleted")
        return None, body
    if body["shape"] is None:
        raise FieldError("value.shape: null; draw it or say deleted")
    return shape_of(body["shape"], "value.shape", kind), body


def shape_of(value: object, where: str, kind: type[Shape]) -> Shape:
    """Return the shape in its frozen form; raise FieldError for another type and for one that shows nothing."""
    shape = shapes.shape_from_json(value, where)
    if not isinstance(shape, kind):
        wanted = kind.__name__.lower()
        raise FieldError(f"{where}.type: {type(shape).__name__.lower()}; this task asks for a {wanted}")
    return shape


def answer_of(shape: Shape | None) -> Value:
    """Return the normal form of `{shape, deleted}`."""
    if shape is None:
        return {"shape": None, "deleted": True}
    return {"shape": shapes.shape_to_json(shape), "deleted": False}


def _fix_polygon(payload: Payload, value: object) -> Value:
    shape, _ = shape_or_deleted(payload, value, Polygon)
    if not isinstance(shape, Polygon):
        return answer_of(None)
    rings = tuple(_inside(ring, f"value.shape.rings[{i}]", payload) for i, ring in enumerate(shape.rings))
    # Points moved onto the border may have met there, so the outline is checked once more.
    return answer_of(shapes.validated(Polygon(rings), "value.shape"))


def _polyline(payload: Payload, value: object) -> Value:
    shape, _ = shape_or_deleted(payload, value, Polyline)
    if not isinstance(shape, Polyline):
        return answer_of(None)
    line = Polyline(_inside(shape.points, "value.shape.points", payload))
    return answer_of(shapes.validated(line, "value.shape"))


def _fix_mask(payload: Payload, value: object) -> Value:
    shape, body = shape_or_deleted(payload, value, Mask, ("clicks",))
    if isinstance(shape, Mask):
        scene, (x, y), (height, width) = payload["scene"], shape.offset, shape.size
        if min(x, y) < 0 or x + width > scene["width"] or y + height > scene["height"]:
            raise FieldError(
                f"value.shape: {width} × {height} pixels at {x}, {y} leave the scene of"
                f" {scene['width']} × {scene['height']}; cut it at the border"
            )
    clicks = [
        _click(entry, f"value.clicks[{i}]", payload)
        for i, entry in enumerate(fields.rows(body.get("clicks") or [], "value.clicks", at_most=MAX_CLICKS))
    ]
    return {**answer_of(shape), "clicks": clicks}


def _click(value: object, where: str, payload: Payload) -> list[float]:
    three = fields.rows(value, where, at_most=3)
    if len(three) != 3:
        raise FieldError(f"{where}: give [x, y, 1 to add or 0 to remove]")
    sign = fields.whole(three[2], f"{where}[2]")
    if sign not in (0, 1):
        raise FieldError(f"{where}[2]: {sign}; give 1 to add or 0 to remove")
    return [*_in_scene(three[:2], where, payload), sign]


def _keypoints(payload: Payload, value: object) -> Value:
    body = fields.only(value, "value", ("shape",))
    shape = shape_of(body["shape"], "value.shape", Keypoints)
    assert isinstance(shape, Keypoints)
    wanted = {joint["name"] for joint in payload["skeleton"]["joints"]}
    given = {name for name, *_ in shape.points}
    if missing := sorted(wanted - given):
        raise FieldError(f"value.shape.points.{missing[0]}: missing; give it with v = 0 when it is absent")
    if extra := sorted(given - wanted):
        raise FieldError(f"value.shape.points.{extra[0]}: not a joint of this skeleton; remove it")
    points = []
    for name, x, y, v in shape.points:
        if v:
            x, y = _in_scene([x, y], f"value.shape.points.{name}", payload)
        points.append((name, x, y, v))
    return {"shape": shapes.shape_to_json(replace(shape, points=tuple(points)))}


def verdict(payload: Payload, value: object) -> Value:
    """Return `{verdict}` about a shape; raise FieldError."""
    body = fields.only(value, "value", ("verdict",))
    return {"verdict": fields.one_of(body["verdict"], "value.verdict", VERDICTS)}


def _point_yesno(payload: Payload, value: object) -> Value:
    body = fields.only(value, "value", ("on",))
    return {"on": fields.flag(body["on"], "value.on")}


def _inside(points: tuple[Point, ...], where: str, payload: Payload) -> tuple[Point, ...]:
    moved = (_in_scene(list(point), f"{where}[{i}]", payload) for i, point in enumerate(points))
    return tuple((x, y) for x, y in moved)


def _in_scene(xy: list[Any], where: str, payload: Payload) -> list[float]:
    scene = payload["scene"]
    return fields.point(xy, where, (0.0, 0.0), (float(scene["width"]), float(scene["height"])), "scene")


CHECKS: dict[str, Check] = {
    "fix_polygon": _fix_polygon,
    "fix_mask": _fix_mask,
    "verify_mask": verdict,
    "point_yesno": _point_yesno,
    "keypoints": _keypoints,
    "polyline": _polyline,
}
