"""From the chunks of a scene to its objects with calibrated probabilities. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from engine.merge import Merged, merge
from engine.signals import FEATURES, feature_rows, object_signals
from engine.types import (
    PredictedObject,
    ScenePrediction,
    ScenePredictionChunk,
    SceneRef,
    StitchCandidate,
    WindowResult,
)
from models.calibration import Calibration

DEFAULT_LARGEST_PX = 1e9
NEW = 0.95  # percentile of novelty from which an object counts as new: of known ones, a twentieth does


class IncompleteScene(ValueError):
    """Some chunks of a scene are missing, doubled, or from different models."""


def combine(
    scene: SceneRef,
    chunks: Sequence[ScenePredictionChunk],
    *,
    calibration: Mapping[str, Any] | None,
    largest_px: float | None = None,
    mean_of_zooms: bool = True,
) -> ScenePrediction:
    """Merge all chunks of one scene, in any order, into its objects, best first.

    `calibration` is the JSON in the checkpoint; without it `p` is the raw score and `p_there` its square root.
    `mean_of_zooms` says that the zooms of a scene are equals, whose scores are averaged. Raises
    IncompleteScene unless every chunk is there exactly once.
    """
    chunks = sorted(chunks, key=lambda c: c.index)
    _check(scene, chunks)
    windows = [w for chunk in chunks for w in chunk.windows]
    detections = [d for w in windows for d in w.detections]
    place = [i for i, w in enumerate(windows) for _ in w.detections]
    merged, doubts = merge_windows(
        windows, largest_px=largest_px or DEFAULT_LARGEST_PX, mean_of_zooms=mean_of_zooms
    )
    signals = object_signals(merged, detections, place, windows, (scene.width, scene.height))
    right, there, recall = _probabilities([m.score for m in merged], signals, calibration)
    objects = tuple(
        PredictedObject(
            object_id=i,
            class_id=m.class_id,
            geometry={"type": "box", "xyxy": list(m.xyxy)},
            score=m.score,
            p=float(right[i]),
            p_there=float(there[i]),
            signals=signals[i],
        )
        for i, m in enumerate(merged)
    )
    names = windows[0].signals if windows else {}
    measured = {name: float(np.mean([w.signals[name] for w in windows])) for name in names}
    return ScenePrediction(
        scene_id=scene.scene_id,
        model_version=chunks[0].model_version,
        objects=objects,
        stitches=tuple(StitchCandidate(*row) for row in doubts),
        recall=recall,
        signals={**measured, "novelty": _share_of_new(objects)},
    )


def merge_windows(
    windows: Sequence[WindowResult], *, largest_px: float, mean_of_zooms: bool
) -> tuple[list[Merged], list[tuple[int, int, float]]]:
    """`engine.merge.merge` of all detections of these windows; every scale among them is one look at the scene."""
    detections = [d for w in windows for d in w.detections]
    place = [i for i, w in enumerate(windows) for _ in w.detections]
    if not mean_of_zooms:
        return merge(detections, place, largest_px=largest_px)
    number = {scale: i for i, scale in enumerate(sorted({w.scale for w in windows}))}
    passes = [number[windows[i].scale] for i in place]
    return merge(detections, place, largest_px=largest_px, passes=passes, looks=len(number))


def _share_of_new(objects: Sequence[PredictedObject]) -> float:
    """Share of a scene's objects, each counted by its chance to be there, that are stranger than nearly all known ones."""
    there = sum(o.p_there for o in objects)
    return sum(o.p_there for o in objects if o.signals["novelty"] >= NEW) / max(there, 1e-9)


def _probabilities(
    scores: Sequence[float], signals: Sequence[dict[str, float]], calibration: Mapping[str, Any] | None
) -> tuple[np.ndarray, np.ndarray, float]:
    if calibration is None:
        raw = np.asarray(scores, dtype=np.float64)
        return raw, np.sqrt(raw), 0.0
    known = Calibration.from_json(calibration)
    if unknown := [name for name in known.features if name not in FEATURES]:
        raise ValueError(
            f"the calibration was fitted on {unknown}, which this version does not measure; retrain"
        )
    right, there = known(feature_rows(signals, known.features))
    return right, there, known.recall


def _check(scene: SceneRef, chunks: Sequence[ScenePredictionChunk]) -> None:
    if not chunks:
        raise IncompleteScene(f"scene {scene.scene_id}: no chunk was given")
    if any(c.scene_id != scene.scene_id for c in chunks):
        raise IncompleteScene(f"scene {scene.scene_id}: a chunk belongs to another scene")
    if len({c.model_version for c in chunks}) > 1:
        raise IncompleteScene(f"scene {scene.scene_id}: the chunks come from different models; run it again")
    indices = [c.index for c in chunks]
    if indices != list(range(chunks[0].of)):
        raise IncompleteScene(
            f"scene {scene.scene_id}: chunks {indices} of {chunks[0].of} are here; each is needed exactly once"
        )
