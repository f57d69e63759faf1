"""A file of whole scenes, any number of objects an answer: boxes, outlines or points, matched, judged and fused."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from routing.annotation import boxes as bx
from routing.annotation.crowd_forms import parse_crowd
from routing.annotation.fields import FieldError
from routing.annotation.shapes import Box, Points, Polygon, Shape
from routing.answer_table import AnswerTable, TableError
from routing.consensus.points import fuse_points
from routing.consensus.polygons import fuse_polygons, polygon_iou, shape_of
from routing.consensus.scenes import fit_crowd, fuse_scene

Array = npt.NDArray[np.float64]
Truth = Mapping[str, tuple[str, int]]
MATCHED = 0.5  # IoU from which a fused object and a true one are the same
EXISTS = 0.5


@dataclass(frozen=True, slots=True)
class FusedScene:
    """objects: (plain geometry, P(it exists)), likeliest first; missed: expected objects that nobody marked."""

    objects: tuple[tuple[Any, float], ...]
    missed: float

    def accepted(self) -> list[Any]:
        """Return the geometries of the objects that exist with probability EXISTS or more."""
        return [geometry for geometry, p in self.objects if p >= EXISTS]


def fuse_scene_file(
    table: AnswerTable, geometry: str, drawn: Sequence[tuple[Shape, ...]]
) -> tuple[FusedScene, ...]:
    """Return each task's scene; drawn: the shapes of each answer, as `shapes_of` reads them."""
    if geometry == "points":
        return _points(table, drawn)
    boxes = {
        task: {table.annotators[table.annotator[i]]: _bounds(drawn[i]) for i in indices}
        for task, indices in table.by_task()
    }
    crowd = fit_crowd(boxes)
    scenes: list[FusedScene] = []
    for task, indices in table.by_task():
        found = fuse_scene(boxes[task], crowd)
        if geometry == "boxes":
            objects = tuple(([round(v, 3) for v in o.xyxy], o.p_exists) for o in found.objects)
        else:
            people = {table.annotators[table.annotator[i]]: drawn[i] for i in indices}
            objects = tuple((_outline(o.xyxy, o.support, people), o.p_exists) for o in found.objects)
        scenes.append(FusedScene(objects, found.missed))
    return tuple(scenes)


def scene_rows(table: AnswerTable, scenes: Sequence[FusedScene]) -> tuple[list[str], list[list[str]]]:
    """Return the header and a row for each task: accepted objects, P(exists) of all, expected number missed."""
    counts = np.bincount(table.task, minlength=len(table.tasks))
    rows = [
        [
            task,
            json.dumps(scene.accepted()),
            json.dumps([round(p, 4) for _, p in scene.objects if p >= EXISTS]),
            f"{scene.missed:.4f}",
            str(count),
        ]
        for task, scene, count in zip(table.tasks, scenes, counts, strict=True)
    ]
    return ["task", "geometry", "p_exists", "missed", "answers"], rows


def score_scenes(
    table: AnswerTable, geometry: str, scenes: Sequence[FusedScene], truth: Truth, source: str
) -> dict[str, float]:
    """Return precision, recall, f1, errors per scene, mean_iou of matches and the calibration of P(exists)."""
    alike = _iou_boxes if geometry == "boxes" else _iou_outlines
    ious: list[float] = []
    stated: list[float] = []
    real: list[bool] = []
    found = wanted = scored = 0
    for task, scene in zip(table.tasks, scenes, strict=True):
        if task not in truth:
            continue
        text, line = truth[task]
        try:
            shapes = parse_crowd(text, geometry, f"{source}, line {line}: geometry").shapes
        except FieldError as error:
            raise TableError(str(error)) from None
        table_of = alike([geometry for geometry, _ in scene.objects], shapes)
        pairs = _pairs(table_of)
        stated += [p for _, p in scene.objects]
        real += [i in pairs for i in range(len(scene.objects))]
        kept = [i for i, (_, p) in enumerate(scene.objects) if p >= EXISTS]
        ious += [pairs[i] for i in kept if i in pairs]
        found, wanted, scored = found + len(kept), wanted + len(shapes), scored + 1
    if not scored:
        return {"scored": 0}
    right = len(ious)
    return {
        "scored": scored,
        "precision": right / max(found, 1),
        "recall": right / max(wanted, 1),
        "f1": 2 * right / max(found + wanted, 1),
        "errors_per_scene": (found + wanted - 2 * right) / scored,
        "mean_iou": float(np.mean(ious)) if ious else 0.0,
        **_existence(stated, real),
    }


def score_counts(
    table: AnswerTable, scenes: Sequence[FusedScene], counts: Mapping[str, float]
) -> dict[str, float]:
    """Return the mean absolute error and the bias of the number of objects over tasks with a true count."""
    known = [(len(s.accepted()), counts[t]) for t, s in zip(table.tasks, scenes, strict=True) if t in counts]
    if not known:
        return {"scored": 0}
    error = np.array([found - true for found, true in known], dtype=np.float64)
    return {"scored": len(known), "count_mae": float(np.abs(error).mean()), "count_bias": float(error.mean())}


def _existence(stated: Sequence[float], real: Sequence[bool]) -> dict[str, float]:
    if not stated:
        return {}
    p, y = np.clip(np.array(stated), 1e-6, 1 - 1e-6), np.array(real)
    bins = np.minimum((p * 10).astype(np.intp), 9)
    gaps = np.bincount(bins, p - y, minlength=10)
    return {
        "ece": float(np.abs(gaps).sum() / len(p)),
        "nll": float(-np.log(np.where(y, p, 1 - p)).mean()),
    }


def _pairs(iou: Array) -> dict[int, float]:
    """Return {found: IoU} of the one-to-one matches at MATCHED or above, the found in order, each its best true one."""
    pairs: dict[int, float] = {}
    free = np.ones(iou.shape[1], dtype=bool)
    for i, row in enumerate(iou):
        row = np.where(free, row, 0.0)
        if len(row) and row.max() >= MATCHED:
            pairs[i] = float(row.max())
            free[int(row.argmax())] = False
    return pairs


def _points(table: AnswerTable, drawn: Sequence[tuple[Shape, ...]]) -> tuple[FusedScene, ...]:
    answers: dict[str, dict[str, Points]] = {}
    for task, indices in table.by_task():
        people = answers.setdefault(task, {})
        for i in indices:
            marks = [point for shape in drawn[i] if isinstance(shape, Points) for point in shape.points]
            people[table.annotators[table.annotator[i]]] = Points(tuple(sorted(marks)))
    found = fuse_points(answers)
    return tuple(
        FusedScene(tuple(([round(v, 3) for v in m.xy], m.p_exists) for m in found[task][0]), found[task][1])
        for task in table.tasks
    )


def _bounds(shapes: Sequence[Shape]) -> Array:
    rows: list[tuple[float, ...]] = []
    for shape in shapes:
        if isinstance(shape, Box):
            rows.append(shape.xyxy)
        elif isinstance(shape, Polygon):
            rows.append(shape_of(shape).bounds)
    return np.array(rows, dtype=np.float64).reshape(-1, 4)


def _outline(
    box: tuple[float, float, float, float], support: Sequence[str], people: Mapping[str, Sequence[Shape]]
) -> Any:
    """Return the fused ring of the outlines, one of each supporter, whose bounds are nearest to a fused box."""
    chosen: list[Polygon] = []
    for name in support:
        outlines = [shape for shape in people[name] if isinstance(shape, Polygon)]
        overlap = bx.iou_matrix(_bounds(outlines), np.array([box]))[:, 0]
        chosen.append(outlines[int(overlap.argmax())])
    ring = fuse_polygons(chosen).shape.rings[0]
    return [[round(x, 3), round(y, 3)] for x, y in ring]


def _iou_boxes(found: Sequence[Any], true: Sequence[Shape]) -> Array:
    return bx.iou_matrix(np.array(found, dtype=np.float64).reshape(-1, 4), _bounds(true))


def _iou_outlines(found: Sequence[Any], true: Sequence[Shape]) -> Array:
    polygons = [Polygon((tuple((x, y) for x, y in ring),)) for ring in found]
    wanted = [shape for shape in true if isinstance(shape, Polygon)]
    rows = [[polygon_iou(a, b) for b in wanted] for a in polygons]
    return np.array(rows, dtype=np.float64).reshape(len(polygons), len(wanted))
