"""What an object of a class, and a whole scene, should be asked for, as the label schema says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from routing.refinement_fusing import ASPECTS

SHAPE_KINDS = {
    "polygon": "fix_polygon",
    "mask": "fix_mask",
    "keypoints": "keypoints",
    "polyline": "polyline",
    "cuboid": "cuboid_cam",
}


@dataclass(frozen=True, slots=True)
class Want:
    """One aspect that is wanted, the kind of micro-task that finds it out, and that kind's own part of the payload."""

    kind: str
    ask: dict[str, Any] = field(default_factory=dict)

    @property
    def aspect(self) -> str:
        return ASPECTS[self.kind]


class Wants:
    """The wants of one version of a label schema. `more` is the schema beside its classes."""

    def __init__(self, classes: list[dict[str, Any]], more: Mapping[str, Any]) -> None:
        self._more = more
        self._of_class = {c["id"]: self._wants(c) for c in classes}
        self.refines = any(self._of_class.values())
        self.triages = bool((more.get("scene") or {}).get("triage"))

    def of(self, label: int) -> tuple[Want, ...]:
        """What objects of a class want; nothing for a class that the schema has not."""
        return self._of_class.get(label, ())

    def of_scene(self) -> tuple[Want, ...]:
        """What is asked of every whole scene."""
        asked = self._more.get("scene") or {}
        wants = [Want("triage_scene")] if asked.get("triage") else []
        if asked.get("classes"):
            wants.append(Want("classify_image", {"object": None, "classes": list(asked["classes"])}))
        if asked.get("regions"):
            share = asked.get("region_share", 1.0)
            wants.append(Want("label_region", {"classes": list(asked["regions"]), "share": share}))
        return tuple(wants)

    def _wants(self, c: Mapping[str, Any]) -> tuple[Want, ...]:
        wants = []
        if kind := SHAPE_KINDS.get(c.get("geometry", "box")):
            wants.append(Want(kind, self._shape(kind, c)))
        if c.get("attributes"):
            known = {a["id"]: a for a in self._more["attributes"]}
            wants.append(Want("attributes", {"attributes": [known[id] for id in c["attributes"]]}))
        if c.get("subclasses"):
            wants.append(Want("classify_image", {"classes": list(c["subclasses"])}))
        return tuple(wants)

    def _shape(self, kind: str, c: Mapping[str, Any]) -> dict[str, Any]:
        match kind:
            case "keypoints":
                return {"skeleton": self._more["skeletons"][c["skeleton"]]}
            case "cuboid_cam":
                return {"dims_prior": list(c["dims"])}
            case "fix_mask":
                return {"refiner": None}
            case _:
                return {}
