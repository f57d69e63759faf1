"""COCO detection JSON. Written piece by piece, so that memory does not grow with the dataset."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO

from webapp.exports.records import ExportedScene, ExportFormat, ExportSet

DIGITS = 3  # a thousandth of a pixel


def write(export: ExportSet, folder: Path) -> None:
    """Write `annotations.json`. Category ids are class ids plus one: many readers take 0 for background."""
    with open(folder / "annotations.json", "w", encoding="utf-8") as file:
        info = {"description": f"{export.project} / {export.dataset}", "contributor": "Tessera"}
        file.write(f'{{"info": {json.dumps(info)}, "licenses": [],\n')
        _list(
            file,
            "categories",
            ({"id": c.id + 1, "name": c.name, "supercategory": ""} for c in export.classes),
        )
        _list(file, "images", (_image(scene) for scene in export.scenes()))
        _list(file, "annotations", _annotations(export.scenes()), last=True)


def _list(file: TextIO, name: str, rows: Iterable[dict[str, Any]], *, last: bool = False) -> None:
    file.write(f'"{name}": [')
    for number, row in enumerate(rows):
        file.write((",\n" if number else "\n") + json.dumps(row, allow_nan=False))
    file.write("\n]}\n" if last else "\n],\n")


def _image(scene: ExportedScene) -> dict[str, Any]:
    return {
        "id": scene.id,
        "file_name": scene.name,
        "width": scene.width,
        "height": scene.height,
        "tessera": {"expected_missed": round(scene.expected_missed, DIGITS)},
    }


def _annotations(scenes: Iterable[ExportedScene]) -> Iterator[dict[str, Any]]:
    number = 0
    for scene in scenes:
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
                "tessera": item.provenance,
            }


FORMAT = ExportFormat("coco", "COCO detection", write, pictures="images", alone="annotations.json")
