"""The label schema: which classes a project knows, versioned."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MAX_CLASSES = 2000  # beyond this the workbench's class search, not the schema, is the wrong tool
MAX_NAME = 80  # characters; longer names do not fit on a key hint

# Okabe and Ito's palette, distinguishable with every common colour blindness; reused cyclically.
PALETTE = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7", "#999999")

_COLOR = re.compile(r"#[0-9a-fA-F]{6}\Z")


class SchemaError(ValueError):
    """A label schema cannot be used; the message names the field and the fix."""


@dataclass(frozen=True, slots=True)
class LabelClass:
    """One class: a stable integer id, a name, a colour `#rrggbb` and an optional shortcut key."""

    id: int
    name: str
    color: str
    key: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the class as plain JSON values."""
        return {"id": self.id, "name": self.name, "color": self.color, "key": self.key}


@dataclass(frozen=True, slots=True)
class LabelSchema:
    """A versioned, ordered tuple of classes with unique ids, names and keys."""

    version: int
    classes: tuple[LabelClass, ...]

    @classmethod
    def from_json(cls, obj: object) -> "LabelSchema":
        """Read `{"version": 1, "classes": [{"id", "name", "color"?, "key"?}]}`; raise SchemaError."""
        body = _mapping(obj, "schema", {"version", "classes"})
        version = _whole(body.get("version", 1), "schema.version", low=1)
        rows = body.get("classes")
        if not isinstance(rows, list | tuple) or not rows:
            raise SchemaError("schema.classes: give a list of at least one class")
        if len(rows) > MAX_CLASSES:
            raise SchemaError(f"schema.classes: {len(rows)} classes; at most {MAX_CLASSES} are supported")
        classes = tuple(_class(row, index) for index, row in enumerate(rows))
        _unique([c.id for c in classes], "id")
        _unique([c.name.casefold() for c in classes], "name")
        _unique([c.key for c in classes if c.key is not None], "key")
        return cls(version, classes)

    def to_json(self) -> dict[str, Any]:
        """Return the schema as plain JSON values; `from_json` reads it back equal."""
        return {"version": self.version, "classes": [c.to_json() for c in self.classes]}

    def by_id(self, id: int) -> LabelClass:
        """Return the class with this id; raise SchemaError when the schema has none."""
        for c in self.classes:
            if c.id == id:
                return c
        raise SchemaError(f"class {id} is not in schema version {self.version}")

    def by_name(self, name: str) -> LabelClass:
        """Return the class with this name, ignoring case; raise SchemaError when the schema has none."""
        for c in self.classes:
            if c.name.casefold() == name.casefold():
                return c
        raise SchemaError(f"class {name!r} is not in schema version {self.version}")


def _class(row: object, index: int) -> LabelClass:
    where = f"schema.classes[{index}]"
    body = _mapping(row, where, {"id", "name", "color", "key"})
    id = _whole(body.get("id", index), f"{where}.id", low=0)
    name = body.get("name")
    if not isinstance(name, str) or not name.strip() or len(name.strip()) > MAX_NAME:
        raise SchemaError(f"{where}.name: give a text of 1 to {MAX_NAME} characters")
    color = body.get("color") or PALETTE[index % len(PALETTE)]
    if not isinstance(color, str) or not _COLOR.match(color):
        raise SchemaError(f"{where}.color: {color!r} is not a colour; write it as #rrggbb")
    key = body.get("key")
    if key is not None and (not isinstance(key, str) or len(key) != 1 or not key.isprintable() or key == " "):
        raise SchemaError(f"{where}.key: {key!r} is not a key; give one printable character or null")
    return LabelClass(id, name.strip(), color.lower(), key)


def _mapping(obj: object, where: str, allowed: set[str]) -> Mapping[str, Any]:
    if not isinstance(obj, Mapping):
        raise SchemaError(f"{where}: give an object, not {type(obj).__name__}")
    extra = sorted(str(key) for key in obj if key not in allowed)
    if extra:
        raise SchemaError(f"{where}.{extra[0]}: unknown field; allowed are {', '.join(sorted(allowed))}")
    return obj


def _whole(value: object, where: str, *, low: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < low or value > 2**31 - 1:
        raise SchemaError(f"{where}: {value!r} is not a whole number of {low} or more")
    return value


def _unique(values: list[Any], field: str) -> None:
    seen: set[Any] = set()
    for value in values:
        if value in seen:
            raise SchemaError(
                f"schema.classes: the {field} {value!r} is used twice; make every {field} unique"
            )
        seen.add(value)
