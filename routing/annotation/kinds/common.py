"""What the checks of several kinds share: reading a class, a box or a shape against the payload it answers."""

from collections.abc import Callable, Mapping
from typing import Any

from routing.annotation import fields
from routing.annotation.fields import FieldError

Payload = Mapping[str, Any]
Value = dict[str, Any]
Check = Callable[[Payload, object], Value]

VERDICTS = ("ok", "geometry", "wrong_class", "not_object", "duplicate", "group", "part")


def box_of(value: object, where: str, payload: Payload) -> list[float]:
    """Return [x1, y1, x2, y2] inside the payload's scene; raise FieldError."""
    scene = payload["scene"]
    return fields.box(value, where, float(scene["width"]), float(scene["height"]))


def class_of(value: object, where: str, known: set[int]) -> int:
    """Return a class id that is one of `known`; raise FieldError."""
    id = fields.whole(value, where)
    if id not in known:
        raise FieldError(f"{where}: {id} is not a class of this task; use one of {sorted(known)[:20]}")
    return id


def class_ids(payload: Payload) -> set[int]:
    """Return the ids of the payload's label schema."""
    return {int(entry["id"]) for entry in payload["schema"]["classes"]}
