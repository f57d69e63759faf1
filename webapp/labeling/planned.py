"""What a pre-labelling run plans for a scene, before there are rows: tiles to search and objects to decide about."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from routing.belief import Belief
from routing.redundancy import ObjectCase
from routing.witness import Hint
from webapp.labeling import loading
from webapp.labeling.models import SceneObject, Tile
from webapp.pipeline.models import Run
from webapp.scenes.models import Scene


@dataclass(frozen=True)
class PlannedTile:
    """A tile for coverage: core and crop (core with its halo) [x, y, w, h] in scene pixels; objects refer to `key`.

    `expected_missing` is how many objects the proposals are expected to miss here; `hints` are those that are too weak
    to be shown.
    """

    key: str
    core: Sequence[float]
    crop: Sequence[float]
    expected_missing: float = 0.0
    hints: Sequence[Hint] = ()


@dataclass(frozen=True)
class PlannedObject:
    """A predicted object that is worth a decision: its place, class, calibrated probabilities and signals.

    `p_good`: class right and IoU within tolerance; `p_there`: there is such an object here at all. `p_stated` is `p_good`
    as the model's calibration has it, before any shift. `probe`: asked about only to learn how the model does.
    """

    box: Sequence[float]
    label: int
    p_good: float
    p_there: float
    tile: str
    auto: bool = False
    score: float = 0.0
    signals: dict[str, Any] = field(default_factory=dict)
    p_stated: float | None = None
    probe: bool = False


def case_of(plan: PlannedObject) -> ObjectCase:
    """What is known of a proposal before anybody looked at it."""
    belief = Belief.of_model(plan.p_good, plan.p_there)
    return ObjectCase(belief, cls=plan.label, size_px=side_of(plan.box), auto=plan.auto)


def object_of(
    plan: PlannedObject, pk: int, run: Run, scene: Scene, tile: Tile, now: datetime, *, case: ObjectCase | None = None
) -> SceneObject:  # fmt: skip
    """The row of a proposal, not yet inserted; `case` is the plan's, where it is at hand."""
    box = [float(v) for v in plan.box]
    case = case or case_of(plan)
    stated = plan.p_good if plan.p_stated is None else plan.p_stated
    signals = {**plan.signals, "score": plan.score, "p": stated}
    if stated != plan.p_good:
        signals["p_before"] = plan.p_good
    if plan.probe:
        signals["probe"] = True
    return loading.new(
        SceneObject, related={"scene": scene, "tile": tile, "model": run.model, "run": run}, id=pk, state=SceneObject.State.ASKED,
        label=plan.label, box=box, source=SceneObject.Source.MODEL, case=case.to_json(), signals=signals, created_at=now,
    )  # fmt: skip


def side_of(box: Sequence[float]) -> float:
    """sqrt(area), scene pixels."""
    return float(((box[2] - box[0]) * (box[3] - box[1])) ** 0.5)
