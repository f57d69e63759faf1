"""Putting a scene back together: settled objects in, one annotation out, with risk and provenance on every object.

Pure. Nothing is dropped silently: what cannot be decided becomes an ignored region, what looks like one object twice is
reported as a conflict for a person to look at.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from engine.types import AssembledObject, AssembledScene, ResolvedObject
from routing.annotation.boxes import as_boxes, clip, iou_matrix

CONFLICT_IOU = 0.8  # two accepted boxes of one class this close are almost surely one object
MIN_SIDE_PX = 1.0
TRAINABLE_RISK = 0.2  # above it, a label teaches more errors than it corrects


def assemble(
    scene_id: str,
    resolved: Sequence[ResolvedObject],
    size: tuple[int, int],
    *,
    conflict_iou: float = CONFLICT_IOU,
    trainable_risk: float = TRAINABLE_RISK,
) -> AssembledScene:
    """Combine the settled objects of a scene of `size` (width, height) pixels.

    Accepted objects are cut at the scene's border and kept in the order of their ids; undecidable ones become ignored
    regions with their reason; rejected ones vanish. `trainable` holds for what a person verified and for certified
    auto-accepts (`provenance["certified"]`), when the risk is low enough. Raises ValueError for a bad box or risk.
    """
    ids = [item.object_id for item in resolved]
    if len(set(ids)) != len(ids):
        raise ValueError(f"scene {scene_id}: an object id occurs twice; give each object one resolution")
    accepted, ignored = [], []
    for item in sorted(resolved, key=lambda r: r.object_id):
        if not 0 <= item.risk <= 1:
            raise ValueError(f"object {item.object_id}: risk {item.risk} is not a probability; give 0 to 1")
        if item.status == "rejected":
            continue
        geometry = _cut(item, size)
        if item.status == "undecidable":
            reason = item.provenance.get("reason", "undecidable")
            ignored.append(
                {
                    "object_id": item.object_id,
                    "class_id": item.class_id,
                    "geometry": geometry,
                    "reason": reason,
                }
            )
        else:
            accepted.append(_assembled(item, geometry, trainable_risk))
    return AssembledScene(scene_id, tuple(accepted), tuple(ignored), _conflicts(accepted, conflict_iou))


def _assembled(item: ResolvedObject, geometry: dict[str, Any], trainable_risk: float) -> AssembledObject:
    human = bool(item.verified_by) or item.source == "human"
    certified = bool(item.provenance.get("certified"))
    return AssembledObject(
        annotation_id=item.object_id,
        object_ids=(item.object_id,),
        class_id=item.class_id,
        geometry=geometry,
        risk=item.risk,
        source=item.source,
        trainable=(human or certified) and item.risk <= trainable_risk,
        provenance={
            **item.provenance,
            "verified_by": list(item.verified_by),
            "model_version": item.model_version,
        },
    )


def _cut(item: ResolvedObject, size: tuple[int, int]) -> dict[str, Any]:
    try:
        box = clip(as_boxes([item.geometry["xyxy"]]), *size)[0]
    except (KeyError, ValueError) as error:
        raise ValueError(f"object {item.object_id}: {error}") from error
    if (box[2:] - box[:2]).min() < MIN_SIDE_PX:
        raise ValueError(
            f"object {item.object_id}: box {list(item.geometry['xyxy'])} has less than {MIN_SIDE_PX:g} pixel inside "
            f"the scene of {size[0]} x {size[1]}; reject it or redraw it"
        )
    return {**item.geometry, "xyxy": [float(v) for v in box]}


def _conflicts(objects: Sequence[AssembledObject], conflict_iou: float) -> tuple[tuple[int, int], ...]:
    if len(objects) < 2:
        return ()
    boxes = as_boxes([o.geometry["xyxy"] for o in objects])
    classes = np.array([o.class_id for o in objects])
    close = (iou_matrix(boxes, boxes) >= conflict_iou) & (classes[:, None] == classes[None])
    pairs = np.argwhere(np.triu(close, 1))
    return tuple((objects[i].annotation_id, objects[j].annotation_id) for i, j in pairs)


def to_coco(
    scenes: Sequence[tuple[AssembledScene, str, int, int]],
    classes: Mapping[int, str],
    info: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Build a COCO document from (scene, file name, width, height) rows. Class ids become category ids; each annotation
    carries its risk and provenance under `tessera`; ignored regions come out with `iscrowd` 1."""
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for image_id, (scene, name, width, height) in enumerate(scenes, start=1):
        images.append({"id": image_id, "file_name": name, "width": width, "height": height})
        for item in scene.objects:
            extra = {"risk": item.risk, "source": item.source, "trainable": item.trainable, **item.provenance}
            annotations.append(
                _coco_row(len(annotations) + 1, image_id, item.class_id, item.geometry, 0, extra)
            )
        for region in scene.ignored:
            extra = {"reason": region["reason"]}
            annotations.append(
                _coco_row(len(annotations) + 1, image_id, region["class_id"], region["geometry"], 1, extra)
            )
    missing = sorted({a["category_id"] for a in annotations} - set(classes))
    if missing:
        raise ValueError(f"class id(s) {missing} are not in the label schema; known are {sorted(classes)}")
    categories = [{"id": number, "name": name} for number, name in sorted(classes.items())]
    return {"info": dict(info or {}), "images": images, "annotations": annotations, "categories": categories}


def _coco_row(
    number: int, image_id: int, class_id: int, geometry: Mapping[str, Any], crowd: int, extra: dict[str, Any]
) -> dict[str, Any]:
    x1, y1, x2, y2 = geometry["xyxy"]
    box = [x1, y1, x2 - x1, y2 - y1]
    return {
        "id": number,
        "image_id": image_id,
        "category_id": class_id,
        "bbox": box,
        "area": box[2] * box[3],
        "iscrowd": crowd,
        "tessera": extra,
    }
