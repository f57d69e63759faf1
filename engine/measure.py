"""How good a checkpoint is on held-out parts of pictures, seen exactly as in production."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.holdout import WIDE, Floats, Source, inside, typical_px
from engine.prelabel import Prelabeler, plan_chunks
from engine.scene import merge_windows
from engine.signals import FEATURES, feature_rows, object_signals
from engine.types import PrelabelOptions, SceneRef, Xyxy
from models.checkpoint import Checkpoint
from models.compare import Outcomes, outcomes
from models.evaluate import Boxes, Operating, average_precision, match, operating_point

THERE_IOU = 0.3
POINTS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6)


@dataclass(frozen=True, slots=True)
class Measured:
    """Metrics on the held-out parts, and one row per detection there for the calibration.

    features (N, F) in the order of `names`; right (N,) IoU >= tolerance and class right; there (N,) IoU >= 0.3; groups
    (N,) the held-out part it lies in, labels (N,) its class id. `recall`: share of the `boxes` references with a detection at IoU >= 0.3.
    `outcomes` are what `models.compare` compares.
    """

    ap50: float
    ap: float
    boxes: int
    recall: float
    operating: tuple[Operating, ...]
    names: tuple[str, ...]
    features: Floats
    right: npt.NDArray[np.bool_]
    there: npt.NDArray[np.bool_]
    groups: npt.NDArray[np.intp]
    labels: npt.NDArray[np.int64]
    outcomes: Outcomes

    def summary(self) -> dict[str, Any]:
        """Return the metrics as plain JSON values."""
        points = [asdict(point) for point in self.operating]
        return {"ap50": self.ap50, "ap": self.ap, "recall": self.recall, "operating": points}


def measure(
    checkpoint: Checkpoint,
    held: Sequence[Source],
    how: PrelabelOptions,
    *,
    tolerance: float,
    threads: int = 1,
) -> Measured:
    """Look at the held-out parts of every source and compare with what people settled there."""
    prelabeler = Prelabeler(checkpoint, threads=threads)
    seen = [_look(prelabeler, checkpoint, source, how) for source in held]
    found = [boxes for boxes, _ in seen]
    truth = [Boxes.of(s.boxes, s.labels, None, ~inside(s.boxes, s.held)) for s in held]
    right, there, counted, groups = [], [], [], []
    found_any = 0
    for number, (f, t, source) in enumerate(zip(found, truth, held, strict=True)):
        target, skip = match(f, t, tolerance)
        near, dull = match(f, t, THERE_IOU)
        right.append(target >= 0)
        there.append(near >= 0)
        counted.append(~(skip & (target >= 0)) & ~(dull & (near >= 0)))
        groups.append(number * 10_000 + part_of(f.xyxy, source.held))
        found_any += len(set(near[(near >= 0) & ~dull].tolist()))
    keep = np.concatenate(counted)
    total = sum(int((~t.ignore).sum()) for t in truth)
    precision = average_precision(found, truth)
    return Measured(
        ap50=float(precision[0]),
        ap=float(precision.mean()),
        boxes=total,
        recall=found_any / max(total, 1),
        operating=tuple(operating_point(found, truth, point) for point in POINTS),
        names=FEATURES,
        features=np.concatenate([rows for _, rows in seen])[keep],
        right=np.concatenate(right)[keep],
        there=np.concatenate(there)[keep],
        groups=np.concatenate(groups)[keep],
        labels=np.concatenate([f.labels for f in found])[keep],
        outcomes=outcomes(found, truth, unit_px=unit_px(held)),
    )


def measure_known(
    checkpoint: Checkpoint,
    held: Sequence[Source],
    how: PrelabelOptions,
    *,
    tolerance: float,
    threads: int = 1,
) -> Measured:
    """`measure` for a model that may not know all classes of `how`: objects of the others are never found."""
    labels = checkpoint.detector.config.labels
    known = {name: class_id for name, class_id in how.classes.items() if name in labels}
    return measure(checkpoint, held, replace(how, classes=known), tolerance=tolerance, threads=threads)


def class_names(names: Mapping[int, str]) -> list[str]:
    """Names by class id, for `models.compare`; ids without one are empty."""
    return [names.get(i, "") for i in range(max(names) + 1)]


def _look(
    prelabeler: Prelabeler, checkpoint: Checkpoint, source: Source, how: PrelabelOptions
) -> tuple[Boxes, Floats]:
    """Merged detections whose centre lies in a held-out part, and their calibration features."""
    if not how.classes:
        return Boxes.of(np.zeros((0, 4)), np.zeros(0)), feature_rows([])
    scene = SceneRef(source.path, source.path, source.width, source.height)
    tasks = plan_chunks(scene, checkpoint.version or "unsaved", checkpoint.input, how)
    useful = [replace(t, windows=tuple(w for w in t.windows if touches(w.rect, source.held))) for t in tasks]
    windows = [w for t in useful if t.windows for w in prelabeler(t).windows]
    raw = [d for w in windows for d in w.detections]
    place = [i for i, w in enumerate(windows) for _ in w.detections]
    largest = float(checkpoint.training.get("object_px_p95", 1e9))
    zoomed = checkpoint.input.scale is not None
    merged, _ = merge_windows(windows, largest_px=largest, mean_of_zooms=zoomed)
    signals = object_signals(merged, raw, place, windows, (source.width, source.height))
    boxes = np.array([m.xyxy for m in merged], dtype=np.float64).reshape(-1, 4)
    mine = inside(boxes, source.held)
    labels, scores = np.array([m.class_id for m in merged], int), np.array([m.score for m in merged])
    return Boxes.of(boxes[mine], labels[mine], scores[mine]), feature_rows(signals)[mine]


def unit_px(held: Sequence[Source]) -> float:
    """Side of the squares that are drawn together when models are compared: several objects wide, in scene pixels."""
    return WIDE * typical_px(held)


def touches(rect: Xyxy, parts: Floats) -> bool:
    """Whether a window [x1, y1, x2, y2] shares area with any of the parts (K, 4)."""
    low = np.maximum(parts[:, :2], rect[:2])
    high = np.minimum(parts[:, 2:], rect[2:])
    return bool(((high - low) > 0).all(axis=1).any())


def part_of(boxes: Floats, parts: Floats) -> npt.NDArray[np.intp]:
    """Index (N,) of the part that holds each centre."""
    return np.array(
        [int(np.argmax([inside(b[None], p[None])[0] for p in parts])) for b in boxes], dtype=np.intp
    )
