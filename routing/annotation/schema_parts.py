"""The parts of a label schema beside its classes: skeletons, attributes, and what is asked of whole scenes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MAX_NAME = 80  # characters; longer names do not fit on a key hint
MAX_JOINTS = 200
MAX_ATTRIBUTES = 100
MAX_OPTIONS = 200  # of one attribute

_ID = re.compile(r"[A-Za-z0-9_.-]{1,40}\Z")


class SchemaError(ValueError):
    """A label schema cannot be used; the message names the field and the fix."""


@dataclass(frozen=True, slots=True)
class Joint:
    """A named point of a skeleton; `side` is left, right or None, as seen by the object itself."""

    name: str
    label: str
    side: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the joint as plain JSON values."""
        return {"name": self.name, "label": self.label, "side": self.side}


@dataclass(frozen=True, slots=True)
class Skeleton:
    """Joints in the order they are asked for, and the bones between them by name."""

    name: str
    joints: tuple[Joint, ...]
    edges: tuple[tuple[str, str], ...]

    def to_json(self) -> dict[str, Any]:
        """Return the skeleton as plain JSON values, without its name."""
        return {"joints": [j.to_json() for j in self.joints], "edges": [list(edge) for edge in self.edges]}


@dataclass(frozen=True, slots=True)
class Option:
    """One value of an attribute, with an optional shortcut key."""

    id: str
    name: str
    key: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the option as plain JSON values."""
        return {"id": self.id, "name": self.name} | ({"key": self.key} if self.key else {})


@dataclass(frozen=True, slots=True)
class Attribute:
    """A question about an object with given answers; of a `multi` one, any number of them holds."""

    id: str
    name: str
    options: tuple[Option, ...]
    multi: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the attribute as plain JSON values."""
        options = [option.to_json() for option in self.options]
        return {"id": self.id, "name": self.name, "options": options, "multi": self.multi}


@dataclass(frozen=True, slots=True)
class SceneAsk:
    """What is asked of whole scenes: whether they can be used at all, which of `classes` they are, and which of `regions`
    covers each of their segments, in this share of their blocks."""

    triage: bool = False
    classes: tuple[int, ...] = ()
    regions: tuple[int, ...] = ()
    region_share: float = 1.0

    def to_json(self) -> dict[str, Any]:
        """Return the questions as plain JSON values, without regions where none are asked."""
        out: dict[str, Any] = {"triage": self.triage, "classes": list(self.classes)}
        if self.regions:
            out |= {"regions": list(self.regions), "region_share": self.region_share}
        return out


def skeletons_of(obj: object) -> tuple[Skeleton, ...]:
    """Read `{name: {"joints": [{"name", "label"?, "side"?}], "edges": [[name, name]]}}`; raise SchemaError."""
    if not isinstance(obj, Mapping):
        raise SchemaError("schema.skeletons: give an object of name: skeleton")
    return tuple(_skeleton(name, obj[name]) for name in obj)


def attributes_of(obj: object) -> tuple[Attribute, ...]:
    """Read `[{"id", "name", "options": [{"id", "name", "key"?}], "multi"?}]`; raise SchemaError."""
    rows = listed(obj, "schema.attributes", at_most=MAX_ATTRIBUTES)
    found = tuple(_attribute(row, f"schema.attributes[{i}]") for i, row in enumerate(rows))
    unique([a.id for a in found], "schema.attributes", "id")
    return found


def scene_of(obj: object, known: set[int]) -> SceneAsk:
    """Read `{"triage"?, "classes"?, "regions"?, "region_share"?}`, whose classes and regions are ids of the schema; raise
    SchemaError."""
    body = mapping(obj, "schema.scene", {"triage", "classes", "regions", "region_share"})
    triage = flag(body.get("triage", False), "schema.scene.triage")
    classes = class_ids(body.get("classes", []), "schema.scene.classes", known)
    if len(classes) == 1:
        raise SchemaError("schema.scene.classes: one class leaves nothing to choose; give two or more")
    regions = class_ids(body.get("regions", []), "schema.scene.regions", known)
    share = body.get("region_share", 1.0)
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share <= 1:
        raise SchemaError(f"schema.scene.region_share: {share!r}; give a number above 0, at most 1")
    return SceneAsk(triage, classes, regions, float(share))


def class_ids(value: object, where: str, known: set[int]) -> tuple[int, ...]:
    """Return class ids without repeats, all of them known; raise SchemaError."""
    rows = listed(value, where, at_most=len(known))
    found = tuple(whole(row, f"{where}[{i}]", low=0) for i, row in enumerate(rows))
    for i, id in enumerate(found):
        if id not in known:
            raise SchemaError(f"{where}[{i}]: {id} is not a class of this schema; add the class or remove it")
    unique(list(found), where, "class")
    return found


def _skeleton(name: object, obj: object) -> Skeleton:
    title = text(name, "schema.skeletons")
    where = f"schema.skeletons.{title}"
    body = mapping(obj, where, {"joints", "edges"})
    rows = listed(body.get("joints"), f"{where}.joints", at_most=MAX_JOINTS)
    if not rows:
        raise SchemaError(f"{where}.joints: give at least one joint")
    joints = tuple(_joint(row, f"{where}.joints[{i}]") for i, row in enumerate(rows))
    unique([j.name for j in joints], f"{where}.joints", "name")
    names = {j.name for j in joints}
    edges = []
    for i, row in enumerate(listed(body.get("edges", []), f"{where}.edges", at_most=MAX_JOINTS**2)):
        ends = listed(row, f"{where}.edges[{i}]", at_most=2)
        if len(ends) != 2 or not all(isinstance(e, str) and e in names for e in ends) or ends[0] == ends[1]:
            raise SchemaError(f"{where}.edges[{i}]: {row!r}; give the names of two different joints")
        edges.append((str(ends[0]), str(ends[1])))
    return Skeleton(title, joints, tuple(edges))


def _joint(row: object, where: str) -> Joint:
    body = mapping(row, where, {"name", "label", "side"})
    name = text(body.get("name"), f"{where}.name")
    side = body.get("side")
    if side not in (None, "left", "right"):
        raise SchemaError(f"{where}.side: {side!r}; give left, right or null")
    return Joint(name, text(body.get("label") or name, f"{where}.label"), side)


def _attribute(row: object, where: str) -> Attribute:
    body = mapping(row, where, {"id", "name", "options", "multi"})
    id = _text_id(body.get("id"), f"{where}.id")
    multi = flag(body.get("multi", False), f"{where}.multi")
    rows = listed(body.get("options"), f"{where}.options", at_most=MAX_OPTIONS)
    if len(rows) < (1 if multi else 2):
        raise SchemaError(
            f"{where}.options: {len(rows)} given; with less than two there is nothing to choose"
        )
    options = tuple(_option(option, f"{where}.options[{i}]") for i, option in enumerate(rows))
    unique([o.id for o in options], f"{where}.options", "id")
    unique([o.key for o in options if o.key is not None], f"{where}.options", "key")
    return Attribute(id, text(body.get("name") or id, f"{where}.name"), options, multi)


def _option(row: object, where: str) -> Option:
    body = mapping(row, where, {"id", "name", "key"})
    id = _text_id(body.get("id"), f"{where}.id")
    return Option(
        id, text(body.get("name") or id, f"{where}.name"), shortcut(body.get("key"), f"{where}.key")
    )


def _text_id(value: object, where: str) -> str:
    if not isinstance(value, str) or not _ID.match(value):
        raise SchemaError(f"{where}: {value!r}; give 1 to 40 of the characters A-Z a-z 0-9 _ . -")
    return value


def mapping(obj: object, where: str, allowed: set[str]) -> Mapping[str, Any]:
    """Return the object; raise SchemaError for another type and for an unknown field."""
    if not isinstance(obj, Mapping):
        raise SchemaError(f"{where}: give an object, not {type(obj).__name__}")
    extra = sorted(str(key) for key in obj if key not in allowed)
    if extra:
        raise SchemaError(f"{where}.{extra[0]}: unknown field; allowed are {', '.join(sorted(allowed))}")
    return obj


def listed(value: object, where: str, *, at_most: int) -> list[Any]:
    """Return a list of at most `at_most` entries; raise SchemaError."""
    if not isinstance(value, list | tuple):
        raise SchemaError(f"{where}: give a list, not {type(value).__name__}")
    if len(value) > at_most:
        raise SchemaError(f"{where}: {len(value)} entries; at most {at_most} are supported")
    return list(value)


def text(value: object, where: str) -> str:
    """Return a text of 1 to MAX_NAME characters without outer spaces; raise SchemaError."""
    if not isinstance(value, str) or not value.strip() or len(value.strip()) > MAX_NAME:
        raise SchemaError(f"{where}: give a text of 1 to {MAX_NAME} characters")
    return value.strip()


def flag(value: object, where: str) -> bool:
    """Return true or false; raise SchemaError."""
    if not isinstance(value, bool):
        raise SchemaError(f"{where}: {value!r}; give true or false")
    return value


def whole(value: object, where: str, *, low: int) -> int:
    """Return a whole number from `low` up; raise SchemaError."""
    if isinstance(value, bool) or not isinstance(value, int) or value < low or value > 2**31 - 1:
        raise SchemaError(f"{where}: {value!r} is not a whole number of {low} or more")
    return value


def shortcut(value: object, where: str) -> str | None:
    """Return one printable character or None; raise SchemaError."""
    if value is None:
        return None
    if not isinstance(value, str) or len(value) != 1 or not value.isprintable() or value == " ":
        raise SchemaError(f"{where}: {value!r} is not a key; give one printable character or null")
    return value


def unique(values: list[Any], where: str, field: str) -> None:
    """Raise SchemaError for a value that occurs twice."""
    seen: set[Any] = set()
    for value in values:
        if value in seen:
            raise SchemaError(f"{where}: the {field} {value!r} is used twice; make every {field} unique")
        seen.add(value)
