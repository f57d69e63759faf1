"""What audited scenes show of the others: how far existence may be believed, and what such a crowd never sees."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from routing.annotation import boxes as bx
from routing.consensus.contract import FuseError
from routing.consensus.scenes import COUNTED_IOU, INVISIBLE_SHARE, SceneConsensus

Array = npt.NDArray[np.float64]

# Found objects that the belief in INVISIBLE_SHARE is worth: four missed ones, so a sd of half its size. Audits are small:
# with less belief the handful of missed objects in them decides alone, and is off by a factor of 1.5 on the average.
INVISIBLE_WEIGHT = 100.0
ODDS_WEIGHT = np.array([4.0, 20.0])  # precision of the belief that odds need no shift and no stretch
NEWTON_STEPS = 20


@dataclass(frozen=True, slots=True)
class SceneAudit:
    """shift, stretch: the log-odds of existence are stretch × log-odds + shift; invisible: missed objects beyond what the
    crowd's recalls explain, for each found object."""

    shift: float = 0.0
    stretch: float = 1.0
    invisible: float = INVISIBLE_SHARE

    def applied(self, scene: SceneConsensus) -> SceneConsensus:
        """Return the scene's consensus as the audits correct it; nothing fused is changed."""
        objects = []
        for one in scene.objects:
            p = float(_sigmoid(self.shift + self.stretch * _logit(np.array(one.p_exists))))
            keep = p / max(one.p_exists, 1e-12)
            easy, hard, _ = one.kinds
            objects.append(replace(one, p_exists=p, kinds=(easy * keep, hard * keep, 1 - p)))
        objects.sort(key=lambda o: (-o.p_exists, o.xyxy))
        found = sum(o.p_exists for o in objects)
        return replace(scene, objects=tuple(objects), invisible=self.invisible * (found + 0.5))


def fit_scene_audit(scenes: Sequence[SceneConsensus], rulings: Sequence[npt.ArrayLike]) -> SceneAudit:
    """Return what audits show: consensus of each audited scene, and the boxes (N, 4) that its specialist drew.

    A candidate is real when it matches a ruled box with IoU of at least 1/2. Missed are ruled boxes that no candidate
    touches with that IoU. Logistic regression with a Gaussian prior (Platt scaling); the missed rate is a Gamma mean.
    """
    if len(scenes) != len(rulings):
        raise FuseError(f"rulings: {len(rulings)} for {len(scenes)} scenes; give one for each")
    odds: list[float] = []
    real: list[bool] = []
    missed = explained = found = 0.0
    for scene, ruled in zip(scenes, rulings, strict=True):
        drawn = bx.as_boxes([o.xyxy for o in scene.objects])
        truth = bx.as_boxes(ruled)
        hit = {i for i, _, _ in bx.match(drawn, truth, min_iou=COUNTED_IOU)}
        odds += [float(_logit(np.array(o.p_exists))) for o in scene.objects]
        real += [i in hit for i in range(len(scene.objects))]
        touched = bx.iou_matrix(truth, drawn).max(1, initial=0.0) >= COUNTED_IOU
        missed += float((~touched).sum())
        explained += scene.missed - scene.invisible
        found += sum(o.p_exists for o in scene.objects) + 0.5
    shift, stretch = _platt(np.array(odds), np.array(real, dtype=np.float64))
    beyond = missed - explained + INVISIBLE_WEIGHT * INVISIBLE_SHARE
    return SceneAudit(shift, stretch, max(beyond, 0.0) / (found + INVISIBLE_WEIGHT))


def _platt(odds: Array, real: Array) -> tuple[float, float]:
    design = np.column_stack([np.ones(len(odds)), odds])
    weights = start = np.array([0.0, 1.0])
    for _ in range(NEWTON_STEPS):
        p = _sigmoid(design @ weights)
        gradient = design.T @ (real - p) - ODDS_WEIGHT * (weights - start)
        curvature = (design * (p * (1 - p))[:, None]).T @ design + np.diag(ODDS_WEIGHT)
        weights = weights + np.linalg.solve(curvature, gradient)
    return float(weights[0]), max(float(weights[1]), 0.05)


def _logit(p: Array) -> Array:
    q = np.clip(p, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(q / (1 - q)))


def _sigmoid(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-np.clip(x, -50, 50))))
