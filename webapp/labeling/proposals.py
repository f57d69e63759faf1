"""Shapes that came before people: with the import, or from a model. They are shown as a start, never as an answer."""

from collections.abc import Mapping
from typing import Any

from routing.annotation.boxes import iou
from routing.annotation.fields import FieldError
from routing.annotation.shapes import Keypoints, Mask, Polygon, shape_from_json, shape_to_json
from routing.consensus.conversions import mask_of, polygon_from
from webapp.labeling.models import SceneObject
from webapp.labeling.wants import Want
from webapp.scenes.models import Scene

SAME_IOU = 0.5  # of an imported box with the accepted one
SHAPE_TYPES = {
    "fix_polygon": "polygon",
    "fix_mask": "mask",
    "keypoints": "keypoints",
    "polyline": "polyline",
    "cuboid_cam": "cuboid",
}


def proposal_for(
    want: Want, row: SceneObject, imported: Mapping[str, Any], scene: Scene
) -> dict[str, Any] | None:
    """The shape to start from, None where there is none that fits the question."""
    wanted = SHAPE_TYPES.get(want.kind)
    if wanted is None:
        return None
    for shapes in (_imported(row, imported), row.signals.get("shapes") or {}):
        shape = _read(shapes.get(want.aspect), want, scene)
        if shape is not None and shape["type"] == wanted:
            return shape
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


def _read(given: Any, want: Want, scene: Scene) -> dict[str, Any] | None:
    """The shape in the form that is asked for; None where there is none, or where it is not sound."""
    try:
        shape = shape_from_json(given)
    except FieldError:
        return None
    match want.kind, shape:
        case "fix_polygon", Mask():
            shape = polygon_from(shape)
        case "fix_mask", Polygon():
            shape = mask_of(shape, scene.width, scene.height)
        case "keypoints", Keypoints(points):
            if {name for name, *_ in points} != {joint["name"] for joint in want.ask["skeleton"]["joints"]}:
                return None
    return shape_to_json(shape)
