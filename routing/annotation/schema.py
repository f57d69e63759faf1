"""The label schema: which classes a project knows and what it wants to know of their objects, versioned."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from routing.annotation import schema_parts as parts
from routing.annotation.schema_parts import Attribute, SceneAsk, SchemaError, Skeleton

__all__ = ["GEOMETRIES", "PALETTE", "LabelClass", "LabelSchema", "SchemaError"]

MAX_CLASSES = 2000  # beyond this the workbench's class search, not the schema, is the wrong tool
GEOMETRIES = ("box", "polygon", "mask", "keypoints", "polyline", "cuboid")

# Okabe and Ito's palette, distinguishable with every common colour blindness; reused cyclically.
PALETTE = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7", "#999999")

NOTHING_OF_SCENES = SceneAsk()
_COLOR = re.compile(r"#[0-9a-fA-F]{6}\Z")


@dataclass(frozen=True, slots=True)
class LabelClass:
    """One class: a stable integer id, a name, a colour `#rrggbb`, an optional shortcut key, and what it wants.

    geometry: what an accepted box is refined to ("box": nothing more). skeleton: name of one, with keypoints.
    attributes: ids of the schema's attributes. dims: usual length, width, height in metres, with a cuboid. subclasses:
    ids of the classes that name such an object more finely.
    """

    id: int
    name: str
    color: str
    key: str | None = None
    geometry: str = "box"
    skeleton: str | None = None
    attributes: tuple[str, ...] = ()
    dims: tuple[float, float, float] | None = None
    subclasses: tuple[int, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the class as plain JSON values, without the wants that it does not have."""
        wants: dict[str, Any] = {"geometry": self.geometry} if self.geometry != "box" else {}
        for name in ("skeleton", "attributes", "dims", "subclasses"):
            value = getattr(self, name)
            if value:
                wants[name] = list(value) if isinstance(value, tuple) else value
        return {"id": self.id, "name": self.name, "color": self.color, "key": self.key, **wants}


@dataclass(frozen=True, slots=True)
class LabelSchema:
    """A versioned, ordered tuple of classes with unique ids, names and keys, and what they refer to."""

    version: int
    classes: tuple[LabelClass, ...]
    skeletons: tuple[Skeleton, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    scene: SceneAsk = NOTHING_OF_SCENES

    @classmethod
    def from_json(cls, obj: object) -> "LabelSchema":
        """Read `{"version": 1, "classes": [{"id", "name", "color"?, "key"?, wants?}], "skeletons"?, "attributes"?,
        "scene"?}` (docs/microtask-kinds.md); raise SchemaError."""
        body = parts.mapping(obj, "schema", {"version", "classes", "skeletons", "attributes", "scene"})
        version = parts.whole(body.get("version", 1), "schema.version", low=1)
        rows = body.get("classes")
        if not isinstance(rows, list | tuple) or not rows:
            raise SchemaError("schema.classes: give a list of at least one class")
        if len(rows) > MAX_CLASSES:
            raise SchemaError(f"schema.classes: {len(rows)} classes; at most {MAX_CLASSES} are supported")
        skeletons = parts.skeletons_of(body.get("skeletons") or {})
        attributes = parts.attributes_of(body.get("attributes") or [])
        classes = tuple(_class(row, index) for index, row in enumerate(rows))
        parts.unique([c.id for c in classes], "schema.classes", "id")
        parts.unique([c.name.casefold() for c in classes], "schema.classes", "name")
        parts.unique([c.key for c in classes if c.key is not None], "schema.classes", "key")
        known = {c.id for c in classes}
        for index, c in enumerate(classes):
            _check_wants(c, f"schema.classes[{index}]", known, skeletons, attributes)
        return cls(version, classes, skeletons, attributes, parts.scene_of(body.get("scene") or {}, known))

    def to_json(self) -> dict[str, Any]:
        """Return the schema as plain JSON values; `from_json` reads it back equal."""
        return {"version": self.version, "classes": [c.to_json() for c in self.classes], **self.more()}

    def more(self) -> dict[str, Any]:
        """Return what the schema holds beside its version and classes, without what it does not have."""
        out: dict[str, Any] = {}
        if self.skeletons:
            out["skeletons"] = {s.name: s.to_json() for s in self.skeletons}
        if self.attributes:
            out["attributes"] = [a.to_json() for a in self.attributes]
        if self.scene != NOTHING_OF_SCENES:
            out["scene"] = self.scene.to_json()
        return out

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

    def skeleton(self, name: str) -> Skeleton:
        """Return the skeleton of this name; raise SchemaError when the schema has none."""
        for skeleton in self.skeletons:
            if skeleton.name == name:
                return skeleton
        raise SchemaError(f"skeleton {name!r} is not in schema version {self.version}")


def _class(row: object, index: int) -> LabelClass:
    where = f"schema.classes[{index}]"
    allowed = {"id", "name", "color", "key", "geometry", "skeleton", "attributes", "dims", "subclasses"}
    body = parts.mapping(row, where, allowed)
    id = parts.whole(body.get("id", index), f"{where}.id", low=0)
    name = parts.text(body.get("name"), f"{where}.name")
    color = body.get("color") or PALETTE[index % len(PALETTE)]
    if not isinstance(color, str) or not _COLOR.match(color):
        raise SchemaError(f"{where}.color: {color!r} is not a colour; write it as #rrggbb")
    return LabelClass(
        id, name, color.lower(), parts.shortcut(body.get("key"), f"{where}.key"), **_wants(body, where)
    )


def _wants(body: Mapping[str, Any], where: str) -> dict[str, Any]:
    geometry = body.get("geometry") or "box"
    if geometry not in GEOMETRIES:
        raise SchemaError(f"{where}.geometry: {geometry!r} is not one of {', '.join(GEOMETRIES)}")
    skeleton = body.get("skeleton")
    wanted = parts.listed(body.get("attributes") or [], f"{where}.attributes", at_most=parts.MAX_ATTRIBUTES)
    finer = parts.listed(body.get("subclasses") or [], f"{where}.subclasses", at_most=MAX_CLASSES)
    return {
        "geometry": geometry,
        "skeleton": None if skeleton is None else parts.text(skeleton, f"{where}.skeleton"),
        "attributes": tuple(parts.text(a, f"{where}.attributes[{i}]") for i, a in enumerate(wanted)),
        "dims": None if body.get("dims") is None else _dims(body["dims"], f"{where}.dims"),
        "subclasses": tuple(parts.whole(c, f"{where}.subclasses[{i}]", low=0) for i, c in enumerate(finer)),
    }


def _dims(value: object, where: str) -> tuple[float, float, float]:
    rows = parts.listed(value, where, at_most=3)
    good = [float(v) for v in rows if isinstance(v, int | float) and not isinstance(v, bool) and 0 < v <= 100]
    if len(good) != 3:
        raise SchemaError(f"{where}: {value!r}; give length, width and height in metres, above 0 to 100")
    return (good[0], good[1], good[2])


def _check_wants(
    c: LabelClass,
    where: str,
    known: set[int],
    skeletons: tuple[Skeleton, ...],
    attributes: tuple[Attribute, ...],
) -> None:
    """Raise SchemaError for a want that refers to nothing or contradicts the geometry."""
    if (c.geometry == "keypoints") != (c.skeleton is not None):
        raise SchemaError(f"{where}.skeleton: name one exactly with the geometry keypoints")
    if c.skeleton is not None and c.skeleton not in {s.name for s in skeletons}:
        raise SchemaError(f"{where}.skeleton: {c.skeleton!r} is not in schema.skeletons; add it there")
    if (c.geometry == "cuboid") != (c.dims is not None):
        raise SchemaError(f"{where}.dims: give them exactly with the geometry cuboid")
    ids = {a.id for a in attributes}
    for i, id in enumerate(c.attributes):
        if id not in ids:
            raise SchemaError(f"{where}.attributes[{i}]: {id!r} is not in schema.attributes; add it there")
    parts.unique(list(c.attributes), f"{where}.attributes", "attribute")
    parts.class_ids(list(c.subclasses), f"{where}.subclasses", known)
    if c.id in c.subclasses or len(c.subclasses) == 1:
        raise SchemaError(f"{where}.subclasses: give two or more classes other than the class itself")
