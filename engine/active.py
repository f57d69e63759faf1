"""Which scenes to annotate next: where the model is in doubt, and not the same kind of scene again. Pure.

Doubt alone asks for twenty pictures of one bad day; spread alone asks for what is only odd. So scenes are taken one by
one, each the one with the most doubt left after a discount for being like one that is taken (or known) already: the
batch rule of Brinker, "Incorporating Diversity in Active Learning with Support Vector Machines", ICML 2003, with counts
and sizes of objects and the look of the picture as what makes scenes alike. Doubt counts up to double in a scene whose
objects are unlike all that the model recognises: there its probabilities are least to be trusted, too.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from engine.types import ScenePrediction

Floats = npt.NDArray[np.float64]

SURE = 0.3  # from this chance on, an object counts for what kind of scene it is
ALIKE = 3.0  # standardised distance from which scenes are not alike at all
PICTURE = ("blur", "dark", "clipped", "contrast")


def doubt(scene: ScenePrediction) -> float:
    """Expected number of questions that only a person can answer: proposals that are there but perhaps not right, and
    objects that the model is thought to have missed (from its recall on its holdout)."""
    unsettled = sum(o.p_there * (1 - o.p) for o in scene.objects)
    there = sum(o.p_there for o in scene.objects)
    recall = min(max(scene.recall, 0.05), 1.0) if scene.recall > 0 else 1.0
    return unsettled + there * (1 - recall) / recall


def kinds(scenes: Sequence[ScenePrediction]) -> Floats:
    """Describe each scene (N, F), every column with mean 0 and deviation 1: objects per class, their mean size, and
    blur, darkness, clipping and contrast of the picture."""
    if not scenes:
        return np.zeros((0, 0))
    classes = sorted({o.class_id for s in scenes for o in s.objects})
    rows = np.array([_kind(s, classes) for s in scenes], dtype=np.float64)
    spread = rows.std(axis=0)
    return np.asarray((rows - rows.mean(axis=0)) / np.where(spread < 1e-9, 1.0, spread))


def _kind(scene: ScenePrediction, classes: Sequence[int]) -> list[float]:
    sure = [o for o in scene.objects if o.p_there >= SURE]
    sides = [math.sqrt(max((o.xyxy[2] - o.xyxy[0]) * (o.xyxy[3] - o.xyxy[1]), 1.0)) for o in sure]
    counts = [math.log1p(sum(o.class_id == c for o in sure)) for c in classes]
    size = math.log(sum(sides) / len(sides)) if sides else 0.0
    return [*counts, size, *(scene.signals.get(name, 0.0) for name in PICTURE)]


def choose_next(
    scenes: Sequence[ScenePrediction], count: int, *, known: Sequence[ScenePrediction] = ()
) -> list[int]:
    """Return the indices of the `count` scenes to annotate next, most useful first.

    `known` are predictions of scenes that are annotated already: what is like them is worth less. The same scenes give
    the same choice; ties go to the earlier one. Raises ValueError when count is below 0; returns all when it is above
    their number.
    """
    if count < 0:
        raise ValueError(f"count must be at least 0, got {count}")
    places = kinds([*scenes, *known])
    value = np.array([doubt(s) * (1 + s.signals.get("novelty", 0.0)) for s in scenes], dtype=np.float64)
    away = np.ones(len(scenes))
    for place in places[len(scenes) :]:
        away = np.minimum(away, _distance(places[: len(scenes)], place))
    left = np.ones(len(scenes), bool)
    chosen: list[int] = []
    for _ in range(min(count, len(scenes))):
        # A scene exactly like another keeps a little value, so that all are taken in the end.
        worth = np.where(left, value * (0.01 + away), -1.0)
        best = int(np.argmax(worth))
        chosen.append(best)
        left[best] = False
        away = np.minimum(away, _distance(places[: len(scenes)], places[best]))
    return chosen


def _distance(places: Floats, place: Floats) -> Floats:
    """Root mean square difference per feature, 0 for alike to 1 for `ALIKE` or more."""
    gap = np.sqrt(np.square(places - place).mean(axis=1)) if places.shape[1] else np.zeros(len(places))
    return np.asarray(np.minimum(gap / ALIKE, 1.0))
