"""Reading untrusted JSON values: every refusal names the field and the fix."""

import math
from collections.abc import Collection, Mapping
from typing import Any

CLIP_PX = 1.0  # how far over the scene's border a pointer may slip before a box is refused
MIN_SIDE_PX = 1.0  # a box thinner than a pixel shows nothing


class FieldError(ValueError):
    """A field of an outside message is wrong; the message names the field and the fix."""


def only(
    value: object, where: str, required: Collection[str], optional: Collection[str] = ()
) -> dict[str, Any]:
    """Return the mapping as a dict; raise FieldError for a non-object, a missing or an unknown key."""
    if not isinstance(value, Mapping):
        raise FieldError(f"{where}: give an object, not {_kind(value)}")
    for key in required:
        if key not in value:
            raise FieldError(f"{where}.{key}: missing; add it")
    allowed = set(required) | set(optional)
    for key in value:
        if key not in allowed:
            raise FieldError(
                f"{where}.{key}: unknown field; remove it (allowed: {', '.join(sorted(allowed))})"
            )
    return dict(value)


def number(value: object, where: str) -> float:
    """Return a finite float; raise FieldError for text, booleans, NaN and infinity."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise FieldError(f"{where}: give a number, not {_kind(value)}")
    # abs() first: float() of an int beyond 1e308 raises OverflowError.
    if not abs(value) <= 1e12 or not math.isfinite(value):
        raise FieldError(f"{where}: {'NaN' if value != value else 'out of range'}; give a finite number")
    return float(value)


def whole(value: object, where: str) -> int:
    """Return an int; raise FieldError for anything else, booleans included."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise FieldError(f"{where}: give a whole number, not {_kind(value)}")
    return value


def flag(value: object, where: str) -> bool:
    """Return a bool; raise FieldError for anything else."""
    if not isinstance(value, bool):
        raise FieldError(f"{where}: give true or false, not {_kind(value)}")
    return value


def text(value: object, where: str, *, at_most: int) -> str:
    """Return a string of at most `at_most` characters; raise FieldError otherwise."""
    if not isinstance(value, str):
        raise FieldError(f"{where}: give a text, not {_kind(value)}")
    if len(value) > at_most:
        raise FieldError(f"{where}: {len(value)} characters; at most {at_most} are kept")
    return value


def one_of(value: object, where: str, allowed: Collection[str]) -> str:
    """Return the value when it is one of the allowed texts; raise FieldError otherwise."""
    if not isinstance(value, str) or value not in allowed:
        shown = repr(value) if isinstance(value, str) and len(value) < 40 else _kind(value)
        raise FieldError(f"{where}: {shown} is not one of {', '.join(allowed)}")
    return value


def rows(value: object, where: str, *, at_most: int) -> list[Any]:
    """Return a list of at most `at_most` entries; raise FieldError otherwise."""
    if not isinstance(value, list | tuple):
        raise FieldError(f"{where}: give a list, not {_kind(value)}")
    if len(value) > at_most:
        raise FieldError(f"{where}: {len(value)} entries; at most {at_most} are allowed")
    return list(value)


def ids(value: object, where: str, known: Collection[int], *, at_most: int = 10_000) -> list[int]:
    """Return the ids sorted and without repeats; raise FieldError for one that is not in `known`."""
    found: set[int] = set()
    for index, entry in enumerate(rows(value, where, at_most=at_most)):
        id = whole(entry, f"{where}[{index}]")
        if id not in known:
            raise FieldError(f"{where}[{index}]: {id} is not part of this task; use an id of its payload")
        found.add(id)
    return sorted(found)


def point(
    value: object, where: str, low: tuple[float, float], high: tuple[float, float], area: str
) -> list[float]:
    """Return [x, y] inside the rectangle `low` to `high`; a slip of at most 1 px is moved onto its border."""
    pair = rows(value, where, at_most=2)
    if len(pair) != 2:
        raise FieldError(f"{where}: give [x, y]")
    out: list[float] = []
    for axis, (entry, lo, hi) in enumerate(zip(pair, low, high, strict=True)):
        v = number(entry, f"{where}[{axis}]")
        if not lo - CLIP_PX <= v <= hi + CLIP_PX:
            raise FieldError(
                f"{where}[{axis}]: {v:g} lies outside the {area} ({lo:g} to {hi:g}); click inside it"
            )
        out.append(min(max(v, lo), hi))
    return out


def box(value: object, where: str, width: float, height: float) -> list[float]:
    """Return [x1, y1, x2, y2] inside the scene; raise FieldError when outside, reversed or thinner than 1 px."""
    four = rows(value, where, at_most=4)
    if len(four) != 4:
        raise FieldError(f"{where}: give [x1, y1, x2, y2]")
    limits = (width, height, width, height)
    out: list[float] = []
    for index, (entry, limit) in enumerate(zip(four, limits, strict=True)):
        v = number(entry, f"{where}[{index}]")
        if not -CLIP_PX <= v <= limit + CLIP_PX:
            raise FieldError(
                f"{where}[{index}]: {v:g} lies outside the scene (0 to {limit:g}); keep the box inside"
            )
        out.append(min(max(v, 0.0), limit))
    if out[2] - out[0] < MIN_SIDE_PX or out[3] - out[1] < MIN_SIDE_PX:
        raise FieldError(
            f"{where}: the box has no area; draw it at least 1 px wide and high, top-left corner first"
        )
    return out


def _kind(value: object) -> str:
    if value is None:
        return "null"
    names = {"dict": "an object", "list": "a list", "tuple": "a list", "str": "a text", "bool": "true/false"}
    return names.get(
        type(value).__name__, "a number" if isinstance(value, int | float) else type(value).__name__
    )
