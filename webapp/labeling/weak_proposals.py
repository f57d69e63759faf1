"""Proposals that the model was not sure enough of: a few are asked about to learn how it does here, and more of them where
it turns out to do better than it says."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from engine.split import worth_asking
from routing.annotation.boxes import iou
from routing.belief import Belief
from routing.redundancy import ObjectCase
from routing.shift import fit_shift, shifted
from routing.skill import logit
from webapp.labeling import bulk, loading
from webapp.labeling.book import Book
from webapp.labeling.lifecycle import consider, live_objects, project_of
from webapp.labeling.models import ObjectVersion, SceneObject, Tile
from webapp.pipeline.models import PrelabelledScene, Run
from webapp.scenes.models import Scene

State = SceneObject.State

PROBES, PROBES_OF_SCENE = 60, 24  # weak proposals asked about: per run, and of one scene
SETTLED = (State.ACCEPTED, State.REJECTED)
PROBED_SCENES = 20  # the first scenes of a run: only they are asked about to learn, and looked back upon


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


def object_of(plan: PlannedObject, pk: int, run: Run, scene: Scene, tile: Tile, now: datetime) -> SceneObject:
    """The row of a proposal, not yet inserted."""
    box = [float(v) for v in plan.box]
    belief = Belief.of_model(plan.p_good, plan.p_there)
    case = ObjectCase(belief, cls=plan.label, size_px=_side(box), auto=plan.auto)
    stated = plan.p_good if plan.p_stated is None else plan.p_stated
    signals = {**plan.signals, "score": plan.score, "p": stated}
    if stated != plan.p_good:
        signals["p_before"] = plan.p_good
    if plan.probe:
        signals["probe"] = True
    return loading.new(
        SceneObject, related={"scene": scene, "tile": tile, "model": run.model, "run": run}, id=pk, state=State.ASKED,
        label=plan.label, box=box, source=SceneObject.Source.MODEL, case=case.to_json(), signals=signals, created_at=now,
    )  # fmt: skip


def shift_of(run: int) -> float:
    """How far the probabilities of a run's proposals are off at least, in log-odds, as the people who judged some of them
    say: one standard deviation below the likeliest, because a question too many costs quality, too."""
    if not (
        rows := list(_proposed(run).exclude(evidence=[]).values_list("signals", "version", "state", "case"))
    ):
        return 0.0
    stated, said = [], []
    for signals, version, state, case in rows:
        stated.append(signals["p"])
        if version > 1 or state in SETTLED:
            said.append(math.inf if version == 1 and state == State.ACCEPTED else -math.inf)
        else:
            believed = Belief.from_json(case["belief"]).good
            said.append(logit(believed) - logit(signals.get("p_before", signals["p"])))
    shift, spread = fit_shift(stated, said)
    return shift - spread


def probes_left(run: int) -> int:
    """How many weak proposals of the next scene are to be asked about."""
    if len(_first_scenes(run)) == PROBED_SCENES:
        return 0
    return max(0, min(PROBES - _proposed(run).filter(signals__probe=True).count(), PROBES_OF_SCENE))


def _proposed(run: int) -> QuerySet[SceneObject]:
    """What the model proposed in the first scenes of a run."""
    return SceneObject.objects.filter(scene__in=_first_scenes(run), run=run, source=SceneObject.Source.MODEL)


def _first_scenes(run: int) -> list[int]:
    scenes = PrelabelledScene.objects.filter(run=run).order_by("pk").values_list("scene", flat=True)
    return list(scenes[:PROBED_SCENES])


def learn_from_probes(book: Book) -> None:
    """When the last probe of a run was looked at, ask about everything else that is worth it by what they say, and let the
    tiles be searched that waited for it. Runs after objects were saved, within the same transaction."""
    looked_at = {
        row.run_id
        for row in book.objects.values()
        if row.run_id and row.signals.get("probe") and len(row.evidence) == 1
    }
    for run in Run.objects.filter(pk__in=looked_at).select_related("model").order_by("pk"):
        probes = _proposed(run.pk).filter(signals__probe=True, evidence=[])
        if probes.filter(state__in=[State.GRID, State.ASKED]).exists():
            continue
        waiting = Tile.objects.filter(scene__in=_first_scenes(run.pk), state=Tile.State.WAITING, looks=[])
        tiles = list(waiting.order_by("pk").values_list("pk", flat=True))
        book.load_tiles(tiles)
        book.settled_tiles.update(tiles)
        _ask_about_weak(book, run, [book.tiles[pk] for pk in tiles])


def _ask_about_weak(book: Book, run: Run, tiles: Sequence[Tile]) -> None:
    shift = shift_of(run.pk)
    plans = [(tile, plan) for tile in tiles for plan in _worth_asking(book, tile, shift)]
    ids = loading.reserve(
        SceneObject, len(plans)
    )  # once: on SQLite they are free until something is inserted
    rows = [
        object_of(plan, pk, run, tile.scene, tile, book.now)
        for (tile, plan), pk in zip(plans, ids, strict=True)
    ]
    for row in rows:
        consider(book, row, row.tile)
    book.new_objects += rows
    book.new_versions += [
        ObjectVersion(object=row, number=1, box=row.box, label=row.label, model=run.model) for row in rows
    ]
    book.save_objects()
    raised = {tile.pk: tile.hints for tile, _ in plans}
    bulk.update(Tile, ["id", "hints"], [[pk, hints] for pk, hints in sorted(raised.items())])


def _worth_asking(book: Book, tile: Tile, shift: float) -> list[PlannedObject]:
    """Take the proposals out of a tile's hints that are worth a question after all."""
    project = project_of(tile)
    policy = book.policy(project)
    live = live_objects(tile.scene_id)
    kept, plans = [], []
    for hint in tile.hints:
        box, cls, p, there = hint[:4], int(hint[4]), hint[5], hint[6]
        now, now_there = shifted(p, shift), shifted(there, shift)
        doubled = any(iou(box, other.box) >= policy.duplicate_iou for other in live)
        if doubled or not worth_asking(now, now_there, cls, _side(box), policy, project.domain):
            kept.append(hint)
        else:
            plans.append(PlannedObject(box, cls, now, now_there, "", signals={"why": WHY}, p_stated=p))
    tile.hints = kept
    return plans


WHY = "the model does better here than it says"


def _side(box: Sequence[float]) -> float:
    return float(((box[2] - box[0]) * (box[3] - box[1])) ** 0.5)
