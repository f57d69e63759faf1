"""COCO JSON: boxes, outlines, keypoints, attributes and semantic regions. Written piece by piece, so that memory does not grow with the
dataset. What COCO has no place for (lines, cuboids, classes of scenes, risks) is under `tessera`."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO

from routing.annotation.schema import LabelClass, LabelSchema
from routing.annotation.shapes import Keypoints, Mask, Polygon, shape_from_json
from routing.consensus.conversions import mask_of, whole_scene_runs
from routing.consensus.polygons import shape_of
from webapp.exports.records import ExportedObject, ExportedScene, ExportFormat, ExportSet

DIGITS = 3  # a thousandth of a pixel


def write(export: ExportSet, folder: Path) -> None:
    """Write `annotations.json`. Category ids are class ids plus one: many readers take 0 for background."""
    with open(folder / "annotations.json", "w", encoding="utf-8") as file:
        info = {"description": f"{export.project} / {export.dataset}", "contributor": "Tessera"}
        file.write(f'{{"info": {json.dumps(info)}, "licenses": [],\n')
        _list(
            file,
            "categories",
            (_category(c, export.schema) for c in export.classes),
        )
        _list(file, "images", (_image(scene) for scene in export.scenes()))
        _list(file, "annotations", _annotations(export), last=True)


def _list(file: TextIO, name: str, rows: Iterable[dict[str, Any]], *, last: bool = False) -> None:
    file.write(f'"{name}": [')
    for number, row in enumerate(rows):
        file.write((",\n" if number else "\n") + json.dumps(row, allow_nan=False))
    file.write("\n]}\n" if last else "\n],\n")


def _category(c: LabelClass, schema: LabelSchema) -> dict[str, Any]:
    row: dict[str, Any] = {"id": c.id + 1, "name": c.name, "supercategory": ""}
    if c.skeleton is None:
        return row
    skeleton = schema.skeleton(c.skeleton)
    names = [joint.name for joint in skeleton.joints]
    bones = [
        [names.index(a) + 1, names.index(b) + 1] for a, b in skeleton.edges
    ]  # COCO counts joints from 1.
    return {**row, "keypoints": names, "skeleton": bones}


def _image(scene: ExportedScene) -> dict[str, Any]:
    return {
        "id": scene.id,
        "file_name": scene.name,
        "width": scene.width,
        "height": scene.height,
        "tessera": {"expected_missed": round(scene.expected_missed, DIGITS), **_about(scene)},
    }


def _annotations(export: ExportSet) -> Iterator[dict[str, Any]]:
    joints = {
        c.id: [joint.name for joint in export.schema.skeleton(c.skeleton).joints]
        for c in export.classes
        if c.skeleton is not None
    }
    number = 0
    for scene in export.scenes():
        for item in scene.objects:
            number += 1
            x1, y1, x2, y2 = item.xyxy
            yield {
                "id": number,
                "image_id": scene.id,
                "category_id": item.label + 1,
                "bbox": [round(v, DIGITS) for v in (x1, y1, x2 - x1, y2 - y1)],
                "area": round((x2 - x1) * (y2 - y1), DIGITS),
                "iscrowd": 0,
                "segmentation": [],
                **_outline(item, scene),
                **_keypoints(item, joints.get(item.label, [])),
                **_attributes(item),
                "tessera": item.provenance | _more(item),
            }
        for row in _regions(scene):
            number += 1
            yield {"id": number, "image_id": scene.id, **row}


def _about(scene: ExportedScene) -> dict[str, Any]:
    """What is known of the whole scene; the masks of its regions are annotations."""
    return {
        aspect: {key: entry[key] for key in entry if key != "regions"}
        for aspect, entry in scene.about.items()
    }


def _regions(scene: ExportedScene) -> Iterator[dict[str, Any]]:
    """One annotation for every class of every block that people named: run lengths over the whole picture, as COCO-Stuff
    writes what has no instances (`iscrowd`)."""
    for aspect, entry in scene.about.items():
        for region in entry.get("regions", ()):
            mask = shape_from_json(region["shape"])
            assert isinstance(mask, Mask)
            counts = whole_scene_runs(mask, scene.width, scene.height)
            (x, y), (h, w) = mask.offset, mask.size
            yield {
                "category_id": region["class"] + 1,
                "bbox": [x, y, w, h],
                "area": float(sum(counts[1::2])),
                "iscrowd": 1,
                "segmentation": {"size": [scene.height, scene.width], "counts": counts},
                "tessera": {"region": aspect, "risk": entry["risk"], "settled_by": entry["settled_by"]},
            }


def _outline(item: ExportedObject, scene: ExportedScene) -> dict[str, Any]:
    """The outline and its area: one ring where that says all, else run lengths over the whole picture."""
    shape = item.shape("outline")
    if isinstance(shape, Polygon) and len(shape.rings) == 1:
        ring = [round(v, DIGITS) for point in shape.rings[0] for v in point]
        return {"segmentation": [ring], "area": round(shape_of(shape).area, DIGITS)}
    if isinstance(shape, Polygon):
        shape = mask_of(shape, scene.width, scene.height)
    if not isinstance(shape, Mask):
        return {}
    counts = whole_scene_runs(shape, scene.width, scene.height)
    size = [scene.height, scene.width]
    return {"segmentation": {"size": size, "counts": counts}, "area": float(sum(counts[1::2]))}


def _keypoints(item: ExportedObject, names: list[str]) -> dict[str, Any]:
    shape = item.shape("skeleton")
    if not isinstance(shape, Keypoints):
        return {}
    known = {name: (x, y, v) for name, x, y, v in shape.points}
    rows = [known.get(name, (0.0, 0.0, 0)) for name in names]
    flat = [round(v, DIGITS) for row in rows for v in row]
    return {"keypoints": flat, "num_keypoints": sum(v > 0 for _, _, v in rows)}


def _attributes(item: ExportedObject) -> dict[str, Any]:
    chosen = item.refined.get("attributes", {}).get("attributes")
    return {} if chosen is None else {"attributes": chosen}


def _more(item: ExportedObject) -> dict[str, Any]:
    """What was refined and with what risk; shapes and values that have a place of their own are not said twice."""
    said = {"outline": "shape", "skeleton": "shape", "attributes": "attributes"}
    rows = {
        aspect: {key: entry[key] for key in entry if key != said.get(aspect)}
        for aspect, entry in item.refined.items()
    }
    return {"refined": rows} if rows else {}


FORMAT = ExportFormat(
    "coco", "COCO: boxes, outlines, keypoints", write, pictures="images", alone="annotations.json"
)
