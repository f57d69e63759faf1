"""Average precision and matching, as COCO defines them, in numpy.

One place decides what "found" means: detections in order of score take the free reference box they overlap most.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALL_POINTS = np.linspace(0.0, 1.0, 101)


@dataclass(frozen=True, slots=True)
class Boxes:
    """Boxes of one image: xyxy (N, 4), labels (N,), scores (N,) (1 for references), ignore (N,) bool (references)."""

    xyxy: np.ndarray
    labels: np.ndarray
    scores: np.ndarray
    ignore: np.ndarray

    @classmethod
    def of(
        cls,
        xyxy: np.ndarray,
        labels: np.ndarray,
        scores: np.ndarray | None = None,
        ignore: np.ndarray | None = None,
    ) -> "Boxes":
        xyxy = np.asarray(xyxy, np.float64).reshape(-1, 4)
        count = len(xyxy)
        return cls(
            xyxy,
            np.asarray(labels, np.int64).reshape(count),
            np.ones(count) if scores is None else np.asarray(scores, np.float64).reshape(count),
            np.zeros(count, bool) if ignore is None else np.asarray(ignore, bool).reshape(count),
        )


def pairwise_iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """IoU of all pairs, (N, 4) and (M, 4) -> (N, M)."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(-1)
    areas = (
        np.clip(a[:, 2:] - a[:, :2], 0, None).prod(-1)[:, None]
        + np.clip(b[:, 2:] - b[:, :2], 0, None).prod(-1)[None]
    )
    return np.asarray(shared / np.maximum(areas - shared, 1e-9))


def match(found: Boxes, truth: Boxes, threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """Match one image. Returns per detection (N,): index of its reference or -1, and whether it is to be ignored.

    Greedy by score within a label; a detection takes the free reference with the highest IoU >= `threshold`, counted
    ones before ignored ones; ignored references may be taken many times.
    """
    overlap = pairwise_iou(found.xyxy, truth.xyxy)
    overlap[found.labels[:, None] != truth.labels[None]] = 0
    taken = np.zeros(len(truth.xyxy), bool)
    target = np.full(len(found.xyxy), -1)
    skip = np.zeros(len(found.xyxy), bool)
    for i in np.argsort(-found.scores, kind="stable"):
        for group in (~truth.ignore & ~taken, truth.ignore):
            options = np.flatnonzero(group & (overlap[i] >= min(threshold, 1 - 1e-10)))
            if len(options):
                best = options[::-1][np.argmax(overlap[i][options[::-1]])]
                target[i], skip[i], taken[best] = best, truth.ignore[best], True
                break
    return target, skip


def average_precision(
    found: Sequence[Boxes], truth: Sequence[Boxes], thresholds: Sequence[float] | np.ndarray = THRESHOLDS
) -> np.ndarray:
    """AP per threshold (T,), mean over the labels that occur in the references; nan when there are none.

    `found[i]` and `truth[i]` belong to image i. 101-point interpolation; every detection counts (no cap per image).
    """
    labels = sorted({int(label) for t in truth for label in t.labels[~t.ignore]})
    if not labels:
        return np.full(len(thresholds), np.nan)
    table = [[_label_ap(found, truth, label, float(t)) for t in thresholds] for label in labels]
    return np.asarray(np.mean(table, axis=0))


def _label_ap(found: Sequence[Boxes], truth: Sequence[Boxes], label: int, threshold: float) -> float:
    scores, hits, total = [], [], 0
    for f, t in zip(found, truth, strict=True):
        f = Boxes(*(x[f.labels == label] for x in (f.xyxy, f.labels, f.scores, f.ignore)))
        t = Boxes(*(x[t.labels == label] for x in (t.xyxy, t.labels, t.scores, t.ignore)))
        target, skip = match(f, t, threshold)
        scores.append(f.scores[~skip])
        hits.append(target[~skip] >= 0)
        total += int((~t.ignore).sum())
    if not total:
        return float("nan")
    order = np.argsort(-np.concatenate(scores), kind="stable")
    hit = np.concatenate(hits)[order]
    right = np.cumsum(hit)
    recall = right / total
    precision = right / np.arange(1, len(hit) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    at = np.searchsorted(recall, RECALL_POINTS, side="left")
    return float(
        np.where(at < len(envelope), np.append(envelope, 0.0)[np.minimum(at, len(envelope))], 0.0).mean()
    )


@dataclass(frozen=True, slots=True)
class Operating:
    """What a score threshold gives: precision, recall and mean IoU of the matches at IoU 0.5."""

    threshold: float
    precision: float
    recall: float
    mean_iou: float
    found: int


def operating_point(
    found: Sequence[Boxes], truth: Sequence[Boxes], threshold: float, iou: float = 0.5
) -> Operating:
    """Precision, recall and mean IoU of matches of the detections that score at least `threshold`."""
    hits = counted = total = 0
    overlaps: list[float] = []
    for f, t in zip(found, truth, strict=True):
        keep = f.scores >= threshold
        f = Boxes(f.xyxy[keep], f.labels[keep], f.scores[keep], f.ignore[keep])
        target, skip = match(f, t, iou)
        good = np.flatnonzero((target >= 0) & ~skip)
        overlaps += list(pairwise_iou(f.xyxy[good], t.xyxy[target[good]]).diagonal()) if len(good) else []
        hits, counted, total = hits + len(good), counted + int((~skip).sum()), total + int((~t.ignore).sum())
    return Operating(
        threshold,
        hits / counted if counted else float("nan"),
        hits / total if total else float("nan"),
        float(np.mean(overlaps)) if overlaps else float("nan"),
        counted,
    )
