"""Axis-aligned boxes as (N, 4) float64 arrays `x1 y1 x2 y2` in scene pixels (pixel edges, origin top left)."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def as_boxes(boxes: npt.ArrayLike) -> Array:
    """Return a (N, 4) float64 copy; raise ValueError for another shape, NaN, infinity or x2 < x1, y2 < y1."""
    out = np.array(boxes, dtype=np.float64)
    if out.size == 0:
        return np.zeros((0, 4))
    if out.ndim == 1:
        out = out[None]
    if out.ndim != 2 or out.shape[1] != 4:
        raise ValueError(f"boxes: shape {out.shape}; give (N, 4) rows of x1 y1 x2 y2")
    if not np.isfinite(out).all():
        raise ValueError("boxes: NaN or infinity; give finite numbers")
    if (out[:, 2:] < out[:, :2]).any():
        raise ValueError("boxes: x2 < x1 or y2 < y1; give the top-left corner first")
    return out


def as_points(points: npt.ArrayLike) -> Array:
    """Return a (N, 2) float64 copy; raise ValueError for another shape, NaN or infinity."""
    out = np.array(points, dtype=np.float64)
    if out.size == 0:
        return np.zeros((0, 2))
    if out.ndim != 2 or out.shape[1] != 2:
        raise ValueError(f"points: shape {out.shape}; give (N, 2) rows of x y")
    if not np.isfinite(out).all():
        raise ValueError("points: NaN or infinity; give finite numbers")
    return out


def area(boxes: Array) -> Array:
    """Return the areas (N,) in square pixels."""
    sides = np.maximum(boxes[..., 2:] - boxes[..., :2], 0.0)
    return np.asarray(sides[..., 0] * sides[..., 1])


def size(boxes: Array) -> Array:
    """Return the square roots of the areas (N,) in pixels."""
    return np.asarray(np.sqrt(area(boxes)))


def centers(boxes: Array) -> Array:
    """Return the centres (N, 2) in pixels."""
    return np.asarray((boxes[..., :2] + boxes[..., 2:]) / 2)


def intersection(a: Array, b: Array) -> Array:
    """Return the pairwise intersection areas (N, M)."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    sides = np.maximum(high - low, 0.0)
    return np.asarray(sides[..., 0] * sides[..., 1])


def iou_matrix(a: Array, b: Array) -> Array:
    """Return pairwise intersection over union (N, M); 0 where both boxes are empty."""
    inter = intersection(a, b)
    union = area(a)[:, None] + area(b)[None, :] - inter
    return np.asarray(np.divide(inter, union, out=np.zeros_like(inter), where=union > 0))


def ios_matrix(a: Array, b: Array) -> Array:
    """Return pairwise intersection over the smaller area (N, M): 1 where one box lies inside the other."""
    inter = intersection(a, b)
    smaller = np.minimum(area(a)[:, None], area(b)[None, :])
    return np.asarray(np.divide(inter, smaller, out=np.zeros_like(inter), where=smaller > 0))


def iou(a: Sequence[float] | Array, b: Sequence[float] | Array) -> float:
    """Return the intersection over union of two single boxes.

    >>> round(iou([0, 0, 10, 10], [0, 0, 10, 5]), 3)
    0.5
    """
    ax1, ay1, ax2, ay2 = (float(v) for v in a)
    bx1, by1, bx2, by2 = (float(v) for v in b)
    inter = max(0.0, min(ax2, bx2) - max(ax1, bx1)) * max(0.0, min(ay2, by2) - max(ay1, by1))
    union = max(0.0, ax2 - ax1) * max(0.0, ay2 - ay1) + max(0.0, bx2 - bx1) * max(0.0, by2 - by1) - inter
    return inter / union if union > 0 else 0.0


def clip(boxes: Array, width: float, height: float) -> Array:
    """Return the boxes cut at the scene's borders; a box outside becomes empty."""
    limit = np.array([width, height, width, height], dtype=np.float64)
    return np.asarray(np.clip(boxes, 0.0, limit))


def shift(boxes: Array, dx: float, dy: float) -> Array:
    """Return the boxes moved by (dx, dy) pixels."""
    return np.asarray(boxes + np.array([dx, dy, dx, dy], dtype=np.float64))


def grown(box: Sequence[float] | Array, margin: float, width: float, height: float) -> Array:
    """Return one box (4,) grown by `margin` pixels on every side and cut at the scene's borders."""
    b = np.asarray(box, dtype=np.float64) + np.array([-margin, -margin, margin, margin])
    return np.asarray(clip(b[None], width, height)[0])


def nms(boxes: Array, scores: Array, *, max_iou: float) -> npt.NDArray[np.intp]:
    """Return the indices kept by greedy non-maximum suppression, best score first; ties keep the input's order."""
    order = np.argsort(-scores, kind="stable")
    overlap = iou_matrix(boxes, boxes)
    kept: list[int] = []
    for i in order:
        if all(overlap[i, j] <= max_iou for j in kept):
            kept.append(int(i))
    return np.array(kept, dtype=np.intp)


def holds(boxes: Array, points: Array) -> npt.NDArray[np.bool_]:
    """Return (N, M): whether box n contains point m, borders included."""
    x, y = points[None, :, 0], points[None, :, 1]
    inside = (boxes[:, None, 0] <= x) & (x <= boxes[:, None, 2])
    return np.asarray(inside & (boxes[:, None, 1] <= y) & (y <= boxes[:, None, 3]))


def match(a: Array, b: Array, *, min_iou: float) -> list[tuple[int, int, float]]:
    """Return one-to-one pairs (i, j, iou) with IoU of at least `min_iou`, greedily from the best pair down."""
    overlap = iou_matrix(a, b)
    rows, cols = np.nonzero(overlap >= min_iou)
    order = np.argsort(-overlap[rows, cols], kind="stable")
    used_a: set[int] = set()
    used_b: set[int] = set()
    pairs: list[tuple[int, int, float]] = []
    for k in order:
        i, j = int(rows[k]), int(cols[k])
        if i not in used_a and j not in used_b:
            used_a.add(i)
            used_b.add(j)
            pairs.append((i, j, float(overlap[i, j])))
    return pairs


def union_box(a: Sequence[float], b: Sequence[float]) -> list[float]:
    """Return the smallest box [x1, y1, x2, y2] that holds both boxes."""
    return [min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])]
