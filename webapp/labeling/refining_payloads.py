"""What a question about a refinement shows: docs/microtask-kinds.md."""

from typing import Any

from routing.annotation.frames import seen_box
from routing.annotation.shapes import Cuboid, shape_from_json
from routing.policy import RoutingPolicy
from routing.refinement_fusing import ASPECTS
from webapp.labeling import payloads
from webapp.labeling.models import SceneObject
from webapp.labeling.payloads import Live
from webapp.labeling.refining_regions import view_of
from webapp.scenes.models import Scene

WITH_CONTEXT = ("fix_polygon", "fix_mask")  # kinds that show the neighbours: outlines share their edges
SOLID = ("cuboid_cam", "cuboid_lidar", "verify_cuboid")
SOLID_SHARE, SOLID_PX = (
    1.0,
    96.0,
)  # context of a cuboid, of its box and at least: the ground it stands on, what is beside it
ASTRAY_SHARE = 0.15  # context of an object and a cuboid that reaches out of that view
LOOKED_AT = {"verify_mask": "outline", "verify_cuboid": "cuboid", "point_yesno": "outline"}


def shown(
    kind: str,
    row: SceneObject | None,
    details: dict[str, Any],
    live: list[Live],
    scene: Scene,
    policy: RoutingPolicy,
) -> tuple[payloads.Rect, dict[str, Any]]:
    """The view and the kind's own part of the payload; `details` are what the refinement asks."""
    if row is None:
        view: payloads.Rect = (0.0, 0.0, float(scene.width), float(scene.height))
    elif kind in SOLID:
        view = _around_solid(row.box, details, scene)
    else:
        view = payloads.around(row.box, scene)
    extra: dict[str, Any] = dict(details)
    if kind == "label_region":
        return view_of(details["segments"], scene), extra
    if kind == "merge_duplicates":
        a, b = details["a"]["xyxy"], details["b"]["xyxy"]
        hull = [min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])]
        return payloads.around(hull, scene), extra
    if kind == "compare_two":
        assert row is not None
        aspect = "line" if details["a"]["shape"]["type"] == "polyline" else "outline"
        return view, {**extra, "object": {"id": row.pk}, "tolerance": policy.tolerance_shape[aspect]}
    if row is not None:
        extra["object"] = payloads.shown_object(row)
        if kind in WITH_CONTEXT:
            extra["objects"] = payloads.in_view(live, view, without=frozenset([row.pk]))
    aspect = LOOKED_AT.get(kind) or ASPECTS[kind]
    if aspect in policy.tolerance_shape:
        extra["tolerance"] = policy.tolerance_shape[aspect]
    return view, extra


def _around_solid(box: payloads.Box, details: dict[str, Any], scene: Scene) -> payloads.Rect:
    """The view of an object with the ground around it, wider where the shown cuboid reaches out of that: one that is far
    off must be seen to be told as such."""
    view = payloads.around(box, scene, margin_share=SOLID_SHARE, least=SOLID_PX)
    shape, calibration = details.get("shape") or details.get("proposal"), details.get("calibration")
    if shape is None or calibration is None:
        return view
    cuboid = shape_from_json(shape, "shape")
    seen = seen_box(cuboid, calibration, in_cloud="cloud" in details) if isinstance(cuboid, Cuboid) else None
    if seen is None:
        return view
    x1, y1, x2, y2 = seen
    x, y, w, h = view
    if (
        x <= max(x1, 0)
        and y <= max(y1, 0)
        and x + w >= min(x2, scene.width)
        and y + h >= min(y2, scene.height)
    ):
        return view
    hull = [min(box[0], x1), min(box[1], y1), max(box[2], x2), max(box[3], y2)]
    return payloads.around(hull, scene, margin_share=ASTRAY_SHARE)
