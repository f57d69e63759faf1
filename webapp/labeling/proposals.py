"""Shapes that came before people: with the import, or from a model. They are shown as a start, never as an answer."""

from collections.abc import Mapping
from typing import Any

from routing.annotation.boxes import iou
from routing.annotation.fields import FieldError
from routing.annotation.shapes import shape_from_json
from webapp.labeling.models import SceneObject
from webapp.labeling.wants import Want

SAME_IOU = 0.5  # of an imported box with the accepted one
SHAPE_TYPES = {
    "fix_polygon": "polygon",
    "fix_mask": "mask",
    "keypoints": "keypoints",
    "polyline": "polyline",
    "cuboid_cam": "cuboid",
    "cuboid_lidar": "cuboid",
}


def proposal_for(want: Want, row: SceneObject, imported: Mapping[str, Any]) -> dict[str, Any] | None:
    """The shape to start from, None where there is none that fits the question."""
    wanted = SHAPE_TYPES.get(want.kind)
    if wanted is None:
        return None
    for shapes in (_imported(row, imported), row.signals.get("shapes") or {}):
        shape = shapes.get(want.aspect)
        if shape and shape.get("type") == wanted and _is_sound(shape, want):
            return dict(shape)
    return None


def _imported(row: SceneObject, imported: Mapping[str, Any]) -> Mapping[str, Any]:
    """The shapes of the imported object that this one is, by class and overlap."""
    best, overlap = None, SAME_IOU
    rows = zip(
        imported.get("boxes", ()), imported.get("labels", ()), imported.get("shapes", ()), strict=False
    )
    for box, label, shapes in rows:
        if shapes and label == row.label and iou(box, row.box) >= overlap:
            best, overlap = shapes, iou(box, row.box)
    return best or {}


def _is_sound(shape: Mapping[str, Any], want: Want) -> bool:
    try:
        shape_from_json(shape)
    except FieldError:
        return False
    if want.kind == "keypoints":
        return set(shape["points"]) == {joint["name"] for joint in want.ask["skeleton"]["joints"]}
    return True
