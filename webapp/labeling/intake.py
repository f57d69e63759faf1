"""From predictions to micro-tasks: the rows that a pre-labelling run streams in, scene by scene."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np

from routing.belief import Belief
from routing.policy import RoutingPolicy
from routing.redundancy import ObjectCase, audit_due
from routing.witness import Hint
from webapp.labeling.book import Book
from webapp.labeling.lifecycle import consider, fulfil_wishes, settle, wish_about
from webapp.labeling.models import ObjectVersion, SceneObject, Tile
from webapp.labeling.refining_open import open_scene_questions
from webapp.labeling.searching import review_tiles
from webapp.pipeline.models import PrelabelledScene, Run
from webapp.scenes.models import Dataset, Scene


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

    `p_good`: class right and IoU within tolerance; `p_there`: there is such an object here at all.
    """

    box: Sequence[float]
    label: int
    p_good: float
    p_there: float
    tile: str
    auto: bool = False
    score: float = 0.0
    signals: dict[str, Any] = field(default_factory=dict)


def open_scene(
    run: Run, scene: Scene, tiles: Sequence[PlannedTile], objects: Sequence[PlannedObject], *, now: datetime,
    rng: np.random.Generator,
) -> bool:  # fmt: skip
    """Insert a scene's tiles and objects and ask the first questions, in the caller's transaction.

    Returns False, and changes nothing, when this run has already opened the scene (the run was resumed).
    """
    _, fresh = PrelabelledScene.objects.get_or_create(
        run=run, scene=scene, defaults={"predictions": len(objects)}
    )
    if not fresh:
        return False
    book = Book(now)
    rows = {
        t.key: Tile(
            scene=scene,
            x=t.core[0],
            y=t.core[1],
            w=t.core[2],
            h=t.core[3],
            halo=_halo(t),
            expected_missed=t.expected_missing,
            hints=[[*h.xyxy, h.cls, h.p_good, h.p_there] for h in t.hints],
            run=run,
        )
        for t in tiles
    }
    Tile.objects.bulk_create(rows.values())
    book.tiles.update((tile.pk, tile) for tile in rows.values())
    policy = book.policy(scene.dataset.project)
    book.settled_tiles.update(book.tiles)
    planned = [(p, _row(p, run, scene, rows[p.tile])) for p in objects]
    SceneObject.objects.bulk_create(row for _, row in planned)
    for plan, row in planned:
        book.objects[row.pk] = row
        book.new_versions.append(
            ObjectVersion(object=row, number=1, box=row.box, label=row.label, model=run.model)
        )
        _first_step(book, plan, row, policy, rng)
    book.save_objects()
    review_tiles(book)
    open_scene_questions(book, scene, scene.dataset.project)
    fulfil_wishes(book)
    book.save_objects()
    book.save_rest()
    Dataset.objects.filter(pk=scene.dataset_id, state=Dataset.State.NEW).update(state=Dataset.State.OPEN)
    return True


def _halo(tile: PlannedTile) -> float:
    """The widest strip of context around a core; at the border of the scene a crop has less."""
    (x, y, w, h), (cx, cy, cw, ch) = tile.core, tile.crop
    return max(x - cx, y - cy, cx + cw - x - w, cy + ch - y - h, 0.0)


def _row(plan: PlannedObject, run: Run, scene: Scene, tile: Tile) -> SceneObject:
    box = [float(v) for v in plan.box]
    side = ((box[2] - box[0]) * (box[3] - box[1])) ** 0.5
    case = ObjectCase(
        Belief.of_model(plan.p_good, plan.p_there), cls=plan.label, size_px=side, auto=plan.auto
    )
    return SceneObject(
        scene=scene, tile=tile, state=SceneObject.State.ASKED, label=plan.label, box=box, source=SceneObject.Source.MODEL,
        model=run.model, run=run, case=case.to_json(), signals={**plan.signals, "score": plan.score, "p": plan.p_good},
    )  # fmt: skip


def _first_step(
    book: Book, plan: PlannedObject, row: SceneObject, policy: RoutingPolicy, rng: np.random.Generator
) -> None:
    """Auto-accepted objects are settled at once, some of them to be audited blind; about all others somebody is asked."""
    if not plan.auto:
        consider(book, row, row.tile)
        return
    settle(book, row, row.tile, SceneObject.State.ACCEPTED, risk=1.0 - plan.p_good, by="machine")
    if audit_due(rng, policy):
        row.audited = True
        book.wishes.append(
            wish_about(row, row.tile, "verify_box", tier="crowd", reason="a second look", audit=True)
        )
