"""Checks the boxes of a scene against its picture; pure."""

import math
from collections.abc import Mapping
from typing import Any

from webapp.scenes.importers.records import Problem, RawBox, SceneRecord, Xyxy

EDGE = 1.0  # pixels by which a box may leave the picture: tools count from 0 or from 1; it is cut at the edge


def check_boxes(
    record: SceneRecord, width: int, height: int, class_ids: Mapping[str, int]
) -> tuple[list[tuple[Xyxy, int, Mapping[str, Any]]], list[Problem]]:
    """Return the sound boxes with their class ids and shapes, and one problem per unsound one.

    `class_ids` maps class names in lower case. Sizes are pixels after EXIF orientation.
    """
    file = record.labelled_by or record.name
    problems: list[Problem] = []
    if record.boxes and record.declared and record.declared != (width, height):
        said, real = "×".join(map(str, record.declared)), f"{width}×{height}"
        message = f"{record.name} is said to be {said} pixels but is {real}, EXIF orientation applied; export it again"
        problems.append(Problem(file, message))
    kept: list[tuple[Xyxy, int, Mapping[str, Any]]] = []
    for box in record.boxes:
        class_id = class_ids.get(box.label.casefold())
        if class_id is None:
            known = ", ".join(sorted(class_ids)[:10])
            message = (
                f"{box.where}: class {box.label!r} is not in the project's schema ({known}); add or rename it"
            )
            problems.append(Problem(file, message))
            continue
        message = box_fault(box.xyxy, width, height)
        if message:
            problems.append(Problem(file, f"{record.name}: {_named(box)} {message}", droppable=True))
        else:
            kept.append((_cut(box.xyxy, width, height), class_id, box.shapes))
    return kept, problems


def box_fault(xyxy: Xyxy, width: int, height: int) -> str:
    """Say what is wrong with a box, or return an empty text."""
    x1, y1, x2, y2 = xyxy
    if not all(math.isfinite(v) for v in xyxy):
        return "has a coordinate that is not a finite number"
    if x2 <= x1 or y2 <= y1:
        return "has no area"
    if x1 < -EDGE or y1 < -EDGE or x2 > width + EDGE or y2 > height + EDGE:
        return f"leaves the picture of {width}×{height}"
    cut = _cut(xyxy, width, height)
    if cut[2] <= cut[0] or cut[3] <= cut[1]:
        return f"lies outside the picture of {width}×{height}"
    return ""


def _cut(xyxy: Xyxy, width: int, height: int) -> Xyxy:
    x1, y1, x2, y2 = xyxy
    return (max(0.0, x1), max(0.0, y1), min(float(width), x2), min(float(height), y2))


def _named(box: RawBox) -> str:
    corners = ", ".join(f"{v:g}" for v in box.xyxy)
    return f"{box.where} ({box.label}) at [{corners}]"
