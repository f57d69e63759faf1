"""One scene from many windows: every object once, whole, with what the looks agree on. Pure.

A window sees an object whole, cut by its border, or not at all. Cut detections give way to whole ones; whole ones of
neighbouring windows are averaged; fragments that only exist cut are joined, but never into chains longer than any
object can be. What stays doubtful comes out as stitch candidates for a person.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from shapely import STRtree, box

from engine.types import RawDetection, Xyxy

Floats = npt.NDArray[np.float64]

COVERED = 0.5  # share of a cut detection that a whole one must cover to replace it
SAME_IOU = 0.55  # whole detections of one class this close are one object
AVERAGE_IOU = 0.6  # those this close are averaged; the others are worse looks at it
JOIN_IOS = 0.5  # overlap of two fragments of one object, relative to the smaller
DOUBT_IOS = 0.2
CHAIN = 1.5  # times the size of a large object: no union may be longer


@dataclass(frozen=True, slots=True)
class Merged:
    """One object of the scene: `xyxy` in scene pixels, `source` the best raw detection, `members` all that agree."""

    xyxy: Xyxy
    class_id: int
    score: float
    source: int
    members: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Pairs:
    """All overlapping pairs (i < j) of one class: indices (P,), intersection (P,) and the areas of all boxes (N,)."""

    first: npt.NDArray[np.intp]
    second: npt.NDArray[np.intp]
    shared: Floats
    areas: Floats

    @property
    def iou(self) -> Floats:
        union = self.areas[self.first] + self.areas[self.second] - self.shared
        return np.asarray(self.shared / np.maximum(union, 1e-9))

    @property
    def ios(self) -> Floats:
        return np.asarray(
            self.shared / np.maximum(np.minimum(self.areas[self.first], self.areas[self.second]), 1e-9)
        )


@dataclass(frozen=True, slots=True)
class _Found:
    """Detections as columns: boxes (N, 4), classes, scores, windows and passes (N,), and the number of passes."""

    boxes: Floats
    classes: npt.NDArray[np.intp]
    scores: Floats
    windows: npt.NDArray[np.intp]
    passes: npt.NDArray[np.intp]
    looks: int

    def score(self, members: tuple[int, ...]) -> float:
        """Mean over the passes of the best score in each."""
        best: dict[int, float] = {}
        for i in members:
            look = int(self.passes[i])
            best[look] = max(best.get(look, 0.0), float(self.scores[i]))
        return sum(best.values()) / self.looks


def merge(
    detections: Sequence[RawDetection],
    windows: Sequence[int],
    *,
    largest_px: float,
    passes: Sequence[int] | None = None,
    looks: int | None = None,
    same_iou: float = SAME_IOU,
) -> tuple[list[Merged], list[tuple[int, int, float]]]:
    """Merge the detections of all windows of a scene; `windows[i]` is the window of detection i.

    `passes[i]` is the look at the whole scene (one per scale) that it belongs to: an object's score is then the mean of
    its best score in each of the `looks` passes (default: those that found anything), 0 where it was not found. Without
    passes it is the best score of all.
    `largest_px` is the square root of the area of a large object (95th percentile): joined fragments may not exceed
    1.5 times that. Returns the objects, best score first, and doubtful pairs (index, index, IoS) among them.
    """
    if not detections:
        return [], []
    found = _Found(
        boxes=np.array([d.xyxy for d in detections], dtype=np.float64),
        classes=np.array([d.class_id for d in detections]),
        scores=np.array([d.score for d in detections]),
        windows=np.asarray(windows),
        passes=np.zeros(len(detections), int) if passes is None else np.asarray(passes),
        looks=1 if passes is None else (looks or len(set(passes))),
    )
    cut = np.array([d.cut for d in detections])
    pairs = overlapping(found.boxes, found.classes)
    lost = covered_fragments(pairs, cut)
    objects = _average(found, pairs, ~cut & ~lost, same_iou)
    objects += _join(found, pairs, cut & ~lost, CHAIN * largest_px)
    objects.sort(key=lambda m: (-m.score, m.xyxy))
    return objects, _doubts(objects, cut)


def overlapping(boxes: Floats, classes: npt.NDArray[np.intp]) -> Pairs:
    """All pairs of boxes of one class that share any area, by a spatial index."""
    tree = STRtree(box(*boxes.T))
    first, second = tree.query(tree.geometries, predicate="intersects")
    keep = (first < second) & (classes[first] == classes[second])
    first, second = first[keep], second[keep]
    low = np.maximum(boxes[first, :2], boxes[second, :2])
    high = np.minimum(boxes[first, 2:], boxes[second, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=1)
    areas = np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(axis=1)
    keep = shared > 0
    return Pairs(first[keep], second[keep], shared[keep], areas)


def covered_fragments(pairs: Pairs, cut: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Cut detections (N,) of which a whole one covers at least half: the same object, seen better elsewhere."""
    lost = np.zeros(len(cut), bool)
    for one, other in ((pairs.first, pairs.second), (pairs.second, pairs.first)):
        replaced = cut[one] & ~cut[other] & (pairs.shared >= COVERED * pairs.areas[one])
        lost[one[replaced]] = True
    return lost


def _average(found: _Found, pairs: Pairs, whole: npt.NDArray[np.bool_], same_iou: float) -> list[Merged]:
    """Greedy by score: the best detection of an object takes all that are close, and the closest move its edges."""
    usable = whole[pairs.first] & whole[pairs.second] & (pairs.iou >= same_iou)
    near: dict[int, list[tuple[int, float]]] = {}
    for i, j, close in zip(pairs.first[usable], pairs.second[usable], pairs.iou[usable], strict=True):
        near.setdefault(int(i), []).append((int(j), float(close)))
        near.setdefault(int(j), []).append((int(i), float(close)))
    free = whole.copy()
    objects = []
    for best in np.argsort(-found.scores, kind="stable"):
        i = int(best)
        if not free[i]:
            continue
        group = [(j, close) for j, close in near.get(i, []) if free[j]]
        members = (i, *(j for j, _ in group))
        free[list(members)] = False
        agreeing = [
            i,
            *(j for j, close in group if close >= AVERAGE_IOU and found.windows[j] != found.windows[i]),
        ]
        weights = found.scores[agreeing]
        mean = (found.boxes[agreeing] * weights[:, None]).sum(axis=0) / weights.sum()
        objects.append(Merged(_xyxy(mean), int(found.classes[i]), found.score(members), i, members))
    return objects


def _join(found: _Found, pairs: Pairs, fragments: npt.NDArray[np.bool_], longest: float) -> list[Merged]:
    """Union of fragments that overlap where their windows do, closest first, as long as the whole stays an object."""
    parent = {int(i): int(i) for i in np.flatnonzero(fragments)}
    hull = {i: found.boxes[i].copy() for i in parent}

    def root(i: int) -> int:
        while parent[i] != i:
            i = parent[i]
        return i

    ios = pairs.ios
    usable = fragments[pairs.first] & fragments[pairs.second] & (ios >= JOIN_IOS)
    usable &= found.windows[pairs.first] != found.windows[pairs.second]
    candidates = np.flatnonzero(usable)
    for k in candidates[np.argsort(-ios[candidates], kind="stable")]:
        a, b = root(int(pairs.first[k])), root(int(pairs.second[k]))
        if a == b:
            continue
        union = np.concatenate((np.minimum(hull[a][:2], hull[b][:2]), np.maximum(hull[a][2:], hull[b][2:])))
        if (union[2:] - union[:2]).max() <= longest:
            parent[b], hull[a] = a, union
    groups: dict[int, list[int]] = {}
    for i in parent:
        groups.setdefault(root(i), []).append(i)
    objects = []
    for top, group in groups.items():
        best = max(group, key=lambda i: (found.scores[i], -i))
        members = (best, *(i for i in group if i != best))
        objects.append(
            Merged(_xyxy(hull[top]), int(found.classes[best]), found.score(members), best, members)
        )
    return objects


def _doubts(objects: Sequence[Merged], cut: npt.NDArray[np.bool_]) -> list[tuple[int, int, float]]:
    """Pairs of which at least one was cut and that overlap too much to be surely two objects."""
    if len(objects) < 2:
        return []
    boxes = np.array([m.xyxy for m in objects])
    pairs = overlapping(boxes, np.array([m.class_id for m in objects]))
    fragment = np.array([cut[m.source] for m in objects])
    doubtful = (pairs.ios >= DOUBT_IOS) & (fragment[pairs.first] | fragment[pairs.second])
    rows = zip(pairs.first[doubtful], pairs.second[doubtful], pairs.ios[doubtful], strict=True)
    return [(int(i), int(j), float(s)) for i, j, s in rows]


def _xyxy(row: Floats) -> Xyxy:
    x1, y1, x2, y2 = (float(v) for v in row)
    return (x1, y1, x2, y2)
