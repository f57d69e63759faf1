"""The micro-task kinds and what an answer to each may say (docs/microtask-kinds.md is the contract)."""

from collections.abc import Callable, Mapping
from typing import Any

from routing.annotation import fields
from routing.annotation.fields import FieldError

KINDS = (
    "coverage_tile",
    "draw_missed",
    "verify_box",
    "grid_verify",
    "fix_box",
    "compare_two",
    "adjudicate",
)
OUTCOMES = ("answered", "unsure", "skip", "report")
REPORT_CODES = ("bad_image", "wrong_question", "guideline_gap", "sensitive", "broken_ui", "other")
VERDICTS = ("ok", "geometry", "wrong_class", "not_object", "duplicate", "group", "part")
EDGES = ("left", "top", "right", "bottom")
CHOICES = ("A", "B", "both_bad", "equal")
RULINGS = ("accept", "reject", "undecidable")

MAX_DRAWN = 20  # objects in one draw_missed answer
MAX_POINTS = 500  # clicks in one coverage_tile answer
MAX_TEXT = 2000  # characters of a note or report
MAX_RUBRIC = 40  # entries

_TELEMETRY_MS = ("active_ms", "hidden_ms", "idle_ms")
_TELEMETRY_COUNTS = ("edits", "undo", "zoom")
_TELEMETRY_MAX_MS = 7 * 24 * 3600 * 1000.0  # a week: beyond it the client's clock is broken

Payload = Mapping[str, Any]
Value = dict[str, Any]


class AnswerError(ValueError):
    """An answer cannot be used; the message names the field and the fix. The lease stays with the annotator."""


class TelemetryError(AnswerError):
    """An answer's telemetry cannot be used; the message names the field and the fix."""


def validate_answer(kind: str, payload: Payload, value: object) -> Value:
    """Return the answer in its normal form (floats, sorted ids, boxes cut at the scene); raise AnswerError."""
    try:
        check = _CHECKS[kind]
    except KeyError:
        raise AnswerError(f"kind: {kind!r} is not one of {', '.join(KINDS)}") from None
    try:
        return check(payload, value)
    except FieldError as error:
        raise AnswerError(str(error)) from None


def validate_blind(payload: Payload, value: object) -> Value:
    """Return an adjudicator's blind answer `{ruling, xyxy, class}` in its normal form; raise AnswerError."""
    try:
        body = fields.only(value, "blind", ("ruling",), ("xyxy", "class", "make_gold", "rubric", "note"))
        return _ruling(payload, body, "blind")
    except FieldError as error:
        raise AnswerError(str(error)) from None


def validate_outcome(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return `{outcome, value, report, telemetry}` of an answer message; raise AnswerError or TelemetryError.

    `value` is only checked for presence (exactly with `answered`); pass it on to `validate_answer`.
    """
    try:
        outcome = fields.one_of(message.get("outcome"), "outcome", OUTCOMES)
        value = message.get("value")
        if outcome == "answered" and value is None:
            raise FieldError("value: missing; an answered task carries a value")
        if outcome != "answered" and value is not None:
            raise FieldError(f"value: leave it out when the outcome is {outcome}")
        report = _report(message.get("report"), outcome)
    except FieldError as error:
        raise AnswerError(str(error)) from None
    return {
        "outcome": outcome,
        "value": value,
        "report": report,
        "telemetry": validate_telemetry(message.get("telemetry")),
    }


def validate_telemetry(value: object) -> dict[str, Any]:
    """Return telemetry with float milliseconds and counts; unknown keys, negatives and NaN raise TelemetryError."""
    if value is None:
        return {}
    try:
        known = (*_TELEMETRY_MS, *_TELEMETRY_COUNTS, "input", "simulated")
        body = fields.only(value, "telemetry", (), known)
        out: dict[str, Any] = {}
        for key, entry in body.items():
            if entry is None:
                continue
            where = f"telemetry.{key}"
            if key == "input":
                out[key] = fields.text(entry, where, at_most=40)
            elif key == "simulated":
                out[key] = fields.flag(entry, where)
            else:
                amount = fields.number(entry, where)
                if not 0 <= amount <= _TELEMETRY_MAX_MS:
                    raise FieldError(f"{where}: {amount:g} is out of range; give 0 to {_TELEMETRY_MAX_MS:g}")
                out[key] = amount
        return out
    except FieldError as error:
        raise TelemetryError(str(error)) from None


def _report(value: object, outcome: str) -> dict[str, str] | None:
    if outcome != "report":
        if value is not None:
            raise FieldError(f"report: leave it out when the outcome is {outcome}")
        return None
    body = fields.only(value, "report", ("code",), ("text",))
    return {
        "code": fields.one_of(body["code"], "report.code", REPORT_CODES),
        "text": fields.text(body.get("text") or "", "report.text", at_most=MAX_TEXT),
    }


def _coverage_tile(payload: Payload, value: object) -> Value:
    body = fields.only(value, "value", ("complete", "points"), ("bad_objects",))
    complete = fields.flag(body["complete"], "value.complete")
    x, y, w, h = payload["tile"]["core"]
    asked = set(payload.get("classes") or ()) or _class_ids(payload)
    points = []
    for index, entry in enumerate(fields.rows(body["points"], "value.points", at_most=MAX_POINTS)):
        where = f"value.points[{index}]"
        row = fields.only(entry, where, ("xy", "class"))
        points.append(
            {
                "xy": fields.point(row["xy"], f"{where}.xy", (x, y), (x + w, y + h), "tile's core"),
                "class": _class(row["class"], f"{where}.class", asked),
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
                "xyxy": _box(row["xyxy"], f"{where}.xyxy", payload),
                "class": _class(row["class"], f"{where}.class", _class_ids(payload)),
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
        "xyxy": _box(body["xyxy"], "value.xyxy", payload),
        "class": _class(body.get("class"), "value.class", _class_ids(payload)),
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
        **_ruling(payload, body, "value"),
        "make_gold": fields.flag(body.get("make_gold", False), "value.make_gold"),
        "rubric": checked,
        "note": fields.text(body.get("note") or "", "value.note", at_most=MAX_TEXT),
    }


def _ruling(payload: Payload, body: Mapping[str, Any], where: str) -> Value:
    ruling = fields.one_of(body["ruling"], f"{where}.ruling", RULINGS)
    if ruling != "accept":
        if body.get("xyxy") is not None:
            raise FieldError(f"{where}.xyxy: give null with the ruling {ruling}")
        return {"ruling": ruling, "xyxy": None, "class": None}
    if body.get("xyxy") is None:
        raise FieldError(f"{where}.xyxy: null; accepting needs the box that is right")
    return {
        "ruling": ruling,
        "xyxy": _box(body["xyxy"], f"{where}.xyxy", payload),
        "class": _class(body.get("class"), f"{where}.class", _class_ids(payload)),
    }


def _box(value: object, where: str, payload: Payload) -> list[float]:
    scene = payload["scene"]
    return fields.box(value, where, float(scene["width"]), float(scene["height"]))


def _class(value: object, where: str, known: set[int]) -> int:
    id = fields.whole(value, where)
    if id not in known:
        raise FieldError(f"{where}: {id} is not a class of this task; use one of {sorted(known)[:20]}")
    return id


def _class_ids(payload: Payload) -> set[int]:
    return {int(entry["id"]) for entry in payload["schema"]["classes"]}


_CHECKS: dict[str, Callable[[Payload, object], Value]] = {
    "coverage_tile": _coverage_tile,
    "draw_missed": _draw_missed,
    "verify_box": _verify_box,
    "grid_verify": _grid_verify,
    "fix_box": _fix_box,
    "compare_two": _compare_two,
    "adjudicate": _adjudicate,
}
