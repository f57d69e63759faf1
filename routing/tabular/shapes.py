"""A file of outlines or cuboids, one object a task, fused and scored by IoU."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from routing.annotation.crowd_forms import parse_crowd
from routing.annotation.fields import FieldError
from routing.annotation.shapes import Cuboid, Mask, Polygon, Shape, shape_to_json
from routing.answer_table import AnswerTable, TableError
from routing.consensus.contract import FusedShape
from routing.consensus.cuboids import cuboid_iou, fuse_cuboids
from routing.consensus.masks import fuse_masks, mask_iou
from routing.consensus.polygons import fuse_polygons, polygon_iou

Truth = Mapping[str, tuple[str, int]]
FAILED = 0.5  # IoU below which an outline is called a failure

# Each kind: how to fuse N shapes of one object, and how alike two of them are.
FUSE: dict[str, tuple[Callable[..., FusedShape[Any]], Callable[[Any, Any], float]]] = {
    "polygon": (fuse_polygons, polygon_iou),
    "mask": (fuse_masks, mask_iou),
    "cuboid": (fuse_cuboids, cuboid_iou),
}


def shapes_of(table: AnswerTable, geometry: str) -> tuple[list[tuple[Shape, ...]], int, int]:
    """Return what each answer drew, and how many shapes had no area or were mended; raise TableError with the line."""
    drawn: list[tuple[Shape, ...]] = []
    left_out = mended = 0
    for value, line in zip(table.values, table.lines, strict=True):
        try:
            answer = parse_crowd(value, geometry, f"{table.source}, line {line}: geometry")
        except FieldError as error:
            raise TableError(str(error)) from None
        drawn.append(answer.shapes)
        left_out += answer.left_out
        mended += answer.mended
    return drawn, left_out, mended


def fuse_shape_file(
    table: AnswerTable, geometry: str, drawn: Sequence[tuple[Shape, ...]], tolerance: float | None
) -> tuple[FusedShape[Any] | None, ...]:
    """Return each task's fused shape; None where more people drew nothing than something.

    drawn: at most one shape for each answer, as `shapes_of` reads them. tolerance: an IoU, the geometry's own default
    without one.
    """
    fuse = FUSE[geometry][0]
    options = {} if tolerance is None else {"tolerance": tolerance}
    fused: list[FusedShape[Any] | None] = []
    for _, indices in table.by_task():
        shapes = [drawn[i][0] for i in indices if drawn[i]]
        empty = sum(not drawn[i] for i in indices)
        fused.append(fuse(shapes, **options) if shapes and len(shapes) >= empty else None)
    return tuple(fused)


def shape_rows(
    table: AnswerTable, fused: Sequence[FusedShape[Any] | None]
) -> tuple[list[str], list[list[str]]]:
    """Return the header and a row for each task: the geometry as JSON with its uncertainty."""
    counts = np.bincount(table.task, minlength=len(table.tasks))
    rows = []
    for task, one, count in zip(table.tasks, fused, counts, strict=True):
        if one is None:
            rows.append([task, "[]", "", "", "", str(count)])
            continue
        numbers = (f"{v:.4f}" for v in (one.sigma, one.agreement, one.p_within_tolerance))
        rows.append([task, plain_json(one.shape), *numbers, str(count)])
    return ["task", "geometry", "sigma", "agreement", "p_within_tolerance", "answers"], rows


def plain_json(shape: Shape) -> str:
    """Return the shape in the plain form that `parse_crowd` reads, or with its type where that form cannot hold it."""
    match shape:
        case Polygon(rings) if len(rings) == 1:
            return json.dumps({"polygon": [[round(x, 3), round(y, 3)] for x, y in rings[0]]})
        case Mask(size, counts, (0, 0)):
            return json.dumps({"size": list(size), "rle": list(counts)})
        case Cuboid(center, dims, yaw):
            rounded = [[round(v, 4) for v in three] for three in (center, dims)]
            return json.dumps({"center": rounded[0], "size": rounded[1], "yaw": round(yaw, 6)})
        case _:
            return json.dumps(shape_to_json(shape))


def score_shapes(
    table: AnswerTable,
    geometry: str,
    fused: Sequence[FusedShape[Any] | None],
    truth: Truth,
    source: str,
    tolerance: float,
) -> dict[str, float]:
    """Return mean_iou, failures (IoU < FAILED) and the calibration of P(within tolerance) over tasks with a truth."""
    alike = FUSE[geometry][1]
    ious: list[float] = []
    stated: list[float] = []
    for task, one in zip(table.tasks, fused, strict=True):
        if task not in truth:
            continue
        text, line = truth[task]
        try:
            wanted = parse_crowd(text, geometry, f"{source}, line {line}: geometry").shapes
        except FieldError as error:
            raise TableError(str(error)) from None
        if one is None or not wanted:
            ious.append(float(one is None and not wanted))
        else:
            ious.append(max(alike(one.shape, shape) for shape in wanted))
        stated.append(one.p_within_tolerance if one else 0.5)
    if not ious:
        return {"scored": 0}
    iou, p = np.array(ious), np.clip(np.array(stated), 1e-6, 1 - 1e-6)
    within = iou >= tolerance
    return {
        "scored": len(iou),
        "mean_iou": float(iou.mean()),
        "failures": float((iou < FAILED).mean()),
        "within_tolerance": float(within.mean()),
        "ece": float(abs(p.mean() - within.mean())),
        "nll": float(-np.log(np.where(within, p, 1 - p)).mean()),
    }
