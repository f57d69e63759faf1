"""The micro-task kinds and what an answer to each may say (docs/microtask-kinds.md is the contract)."""

from collections.abc import Mapping
from typing import Any

from routing.annotation import fields
from routing.annotation.fields import FieldError
from routing.annotation.kinds import choices, objects, outlines, solids
from routing.annotation.kinds.common import Check, Payload, Value

_CHECKS: dict[str, Check] = {**objects.CHECKS, **outlines.CHECKS, **solids.CHECKS, **choices.CHECKS}
KINDS = tuple(_CHECKS)
OUTCOMES = ("answered", "unsure", "skip", "report")
REPORT_CODES = ("bad_image", "wrong_question", "guideline_gap", "sensitive", "broken_ui", "other")
MAX_TEXT = 2000  # characters of a report

_TELEMETRY_MS = ("active_ms", "hidden_ms", "idle_ms")
_TELEMETRY_COUNTS = ("edits", "undo", "zoom")
_TELEMETRY_MAX_MS = 7 * 24 * 3600 * 1000.0  # a week: beyond it the client's clock is broken


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
        return objects.ruling_of(payload, body, "blind")
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
