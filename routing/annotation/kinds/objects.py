"""What an answer may say about boxes and tiles: searching, drawing, verifying, fixing, comparing, ruling."""

from collections.abc import Mapping
from typing import Any

from routing.annotation import fields
from routing.annotation.fields import FieldError
from routing.annotation.kinds.common import VERDICTS, Check, Payload, Value, box_of, class_ids, class_of

EDGES = ("left", "top", "right", "bottom")
CHOICES = ("A", "B", "both_bad", "equal")
RULINGS = ("accept", "reject", "undecidable")

MAX_DRAWN = 20  # objects in one draw_missed answer
MAX_POINTS = 500  # clicks in one coverage_tile answer
MAX_TEXT = 2000  # characters of a note
MAX_RUBRIC = 40  # entries


def _coverage_tile(payload: Payload, value: object) -> Value:
    body = fields.only(value, "value", ("complete", "points"), ("bad_objects",))
    complete = fields.flag(body["complete"], "value.complete")
    x, y, w, h = payload["tile"]["core"]
    asked = set(payload.get("classes") or ()) or class_ids(payload)
    points = []
    for index, entry in enumerate(fields.rows(body["points"], "value.points", at_most=MAX_POINTS)):
        where = f"value.points[{index}]"
        row = fields.only(entry, where, ("xy", "class"))
        points.append(
            {
                "xy": fields.point(row["xy"], f"{where}.xy", (x, y), (x + w, y + h), "tile's core"),
                "class": class_of(row["class"], f"{where}.class", asked),
            }
        )
    if complete and points:
        raise FieldError("value.complete: true with points; either remove the points or say false")
    if not complete and not points:
        raise FieldError("value.complete: false without points; click what is missing or say true")
    live = {o["id"] for o in payload.get("objects") or ()}
    bad = fields.ids(body.get("bad_objects") or [], "value.bad_objects", live)
    return {"complete": complete, "points": points, "bad_objects": bad}


def _draw_missed(payload: Payload, value: object) -> Value:
    body = fields.only(value, "value", ("objects", "none"))
    none = fields.flag(body["none"], "value.none")
    objects = []
    for index, entry in enumerate(fields.rows(body["objects"], "value.objects", at_most=MAX_DRAWN)):
        where = f"value.objects[{index}]"
        row = fields.only(entry, where, ("xyxy", "class"))
        objects.append(
            {
                "xyxy": box_of(row["xyxy"], f"{where}.xyxy", payload),
                "class": class_of(row["class"], f"{where}.class", class_ids(payload)),
            }
        )
    if none and objects:
        raise FieldError("value.none: true with objects; either remove the objects or say false")
    if not none and not objects:
        raise FieldError("value.none: false without objects; draw one or say true")
    return {"objects": objects, "none": none}


def _verify_box(payload: Payload, value: object) -> Value:
    body = fields.only(value, "value", ("verdict",), ("edges",))
    verdict = fields.one_of(body["verdict"], "value.verdict", VERDICTS)
    named = {
        fields.one_of(entry, f"value.edges[{index}]", EDGES)
        for index, entry in enumerate(fields.rows(body.get("edges") or [], "value.edges", at_most=8))
    }
    if named and verdict != "geometry":
        raise FieldError(f"value.edges: leave it out with the verdict {verdict}; edges belong to geometry")
    return {"verdict": verdict, "edges": [edge for edge in EDGES if edge in named]}


def _grid_verify(payload: Payload, value: object) -> Value:
    body = fields.only(value, "value", ("bad", "viewed"), ("unsure",))
    viewed = fields.ids(body["viewed"], "value.viewed", {cell["id"] for cell in payload["cells"]})
    bad = fields.ids(body["bad"], "value.bad", viewed)
    unsure = fields.ids(body.get("unsure") or [], "value.unsure", viewed)
    both = sorted(set(bad) & set(unsure))
    if both:
        raise FieldError(f"value.unsure: {both[0]} is also in bad; keep it in one of them")
    return {"bad": bad, "unsure": unsure, "viewed": viewed}


def _fix_box(payload: Payload, value: object) -> Value:
    body = fields.only(value, "value", ("xyxy", "deleted"), ("class",))
    if fields.flag(body["deleted"], "value.deleted"):
        if body["xyxy"] is not None:
            raise FieldError("value.xyxy: give null together with deleted")
        return {"xyxy": None, "class": None, "deleted": True}
    if body["xyxy"] is None:
        raise FieldError("value.xyxy: null; draw the box or say deleted")
    return {
        "xyxy": box_of(body["xyxy"], "value.xyxy", payload),
        "class": class_of(body.get("class"), "value.class", class_ids(payload)),
        "deleted": False,
    }


def _compare_two(payload: Payload, value: object) -> Value:
    body = fields.only(value, "value", ("choice",))
    return {"choice": fields.one_of(body["choice"], "value.choice", CHOICES)}


def _adjudicate(payload: Payload, value: object) -> Value:
    body = fields.only(value, "value", ("ruling",), ("xyxy", "class", "make_gold", "rubric", "note"))
    rubric = fields.only(body.get("rubric") or {}, "value.rubric", (), tuple(body.get("rubric") or {}))
    if len(rubric) > MAX_RUBRIC:
        raise FieldError(f"value.rubric: {len(rubric)} entries; at most {MAX_RUBRIC} are kept")
    checked: dict[str, Any] = {}
    for key in sorted(rubric, key=str):
        entry = rubric[key]
        where = f"value.rubric.{key}"
        if isinstance(entry, bool) or entry is None:
            checked[str(key)] = entry
        elif isinstance(entry, str):
            checked[str(key)] = fields.text(entry, where, at_most=MAX_TEXT)
        else:
            checked[str(key)] = fields.number(entry, where)
    return {
        **ruling_of(payload, body, "value"),
        "make_gold": fields.flag(body.get("make_gold", False), "value.make_gold"),
        "rubric": checked,
        "note": fields.text(body.get("note") or "", "value.note", at_most=MAX_TEXT),
    }


def ruling_of(payload: Payload, body: Mapping[str, Any], where: str) -> Value:
    """Return `{ruling, xyxy, class}` of an adjudicator's answer; raise FieldError."""
    ruling = fields.one_of(body["ruling"], f"{where}.ruling", RULINGS)
    if ruling != "accept":
        if body.get("xyxy") is not None:
            raise FieldError(f"{where}.xyxy: give null with the ruling {ruling}")
        return {"ruling": ruling, "xyxy": None, "class": None}
    if body.get("xyxy") is None:
        raise FieldError(f"{where}.xyxy: null; accepting needs the box that is right")
    return {
        "ruling": ruling,
        "xyxy": box_of(body["xyxy"], f"{where}.xyxy", payload),
        "class": class_of(body.get("class"), f"{where}.class", class_ids(payload)),
    }


CHECKS: dict[str, Check] = {
    "coverage_tile": _coverage_tile,
    "draw_missed": _draw_missed,
    "verify_box": _verify_box,
    "grid_verify": _grid_verify,
    "fix_box": _fix_box,
    "compare_two": _compare_two,
    "adjudicate": _adjudicate,
}
