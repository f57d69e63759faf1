"""From predictions to micro-tasks: the rows that a pre-labelling run streams in, scene by scene."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np

from routing.policy import RoutingPolicy
from routing.redundancy import ObjectCase, audit_due
from webapp.labeling import grids, loading
from webapp.labeling.book import Book
from webapp.labeling.lifecycle import consider, fulfil_wishes, settle, wish_about
from webapp.labeling.models import ObjectVersion, SceneObject, Tile
from webapp.labeling.planned import PlannedObject, PlannedTile, case_of, object_of
from webapp.labeling.refining_open import open_scene_questions
from webapp.labeling.searching import review_tiles
from webapp.labeling.shelf import Shelf
from webapp.pipeline.models import PrelabelledScene, Run
from webapp.scenes.models import Dataset, Scene


def open_scene(
    run: Run, scene: Scene, tiles: Sequence[PlannedTile], objects: Sequence[PlannedObject], *, now: datetime,
    rng: np.random.Generator, shelf: Shelf | None = None,
) -> bool:  # fmt: skip
    """Insert a scene's tiles and objects and ask the first questions, in the caller's transaction.

    Returns False, and changes nothing, when this run has already opened the scene (the run was resumed). Whoever opens
    many scenes gives a `shelf`, so that what they share is read once.
    """
    _, fresh = PrelabelledScene.objects.get_or_create(
        run=run, scene=scene, defaults={"predictions": len(objects)}
    )
    if not fresh:
        return False
    book = Book(now, shelf)
    rows = {t.key: _tile(t, run, scene) for t in tiles}
    Tile.objects.bulk_create(rows.values())
    book.tiles.update((tile.pk, tile) for tile in rows.values())
    if not any(plan.probe for plan in objects):  # Else people search when it is known what more to ask.
        book.settled_tiles.update(book.tiles)
    _insert_objects(book, run, scene, rows, objects, rng)
    review_tiles(book)
    open_scene_questions(book, scene, scene.dataset.project)
    fulfil_wishes(book)
    book.save_objects()
    book.save_rest()
    Dataset.objects.filter(pk=scene.dataset_id, state=Dataset.State.NEW).update(state=Dataset.State.OPEN)
    return True


def _insert_objects(
    book: Book, run: Run, scene: Scene, tiles: Mapping[str, Tile], objects: Sequence[PlannedObject],
    rng: np.random.Generator,
) -> None:  # fmt: skip
    """Decide about each object first and insert it as decided, so that no row is written twice."""
    policy = book.policy(scene.dataset.project)
    ids = loading.reserve(SceneObject, len(objects))
    rows = []
    for plan, pk in zip(objects, ids, strict=True):
        case = case_of(plan)
        row = object_of(plan, pk, run, scene, tiles[plan.tile], book.now, case=case)
        _first_step(book, plan, row, case, policy, rng)
        rows.append(row)
    waiting = [row for row in rows if row.state == SceneObject.State.GRID]
    grids.fill_pages(book, waiting, [row.box for row in rows], rng)
    book.queued |= any(row.queued_at for row in rows)
    loading.insert(rows)
    loading.load(
        ObjectVersion, ["object_id", "number", "box", "label", "model_id", "created_at"],
        [(row.pk, 1, row.box, row.label, run.model_id, book.now) for row in rows],
    )  # fmt: skip
    book.objects.update(zip(ids, rows, strict=True))


def _tile(plan: PlannedTile, run: Run, scene: Scene) -> Tile:
    x, y, w, h = plan.core
    return Tile(
        scene=scene, x=x, y=y, w=w, h=h, halo=_halo(plan), expected_missed=plan.expected_missing, run=run,
        hints=[[*h.xyxy, h.cls, h.p_good, h.p_there] for h in plan.hints],
    )  # fmt: skip


def _halo(tile: PlannedTile) -> float:
    """The widest strip of context around a core; at the border of the scene a crop has less."""
    (x, y, w, h), (cx, cy, cw, ch) = tile.core, tile.crop
    return max(x - cx, y - cy, cx + cw - x - w, cy + ch - y - h, 0.0)


def _first_step(
    book: Book, plan: PlannedObject, row: SceneObject, case: ObjectCase, policy: RoutingPolicy, rng: np.random.Generator
) -> None:  # fmt: skip
    """Auto-accepted objects are settled at once, some of them to be audited blind; about all others somebody is asked,
    about probes on a page of the grid, however unlikely they are."""
    if plan.probe:
        row.state, row.queued_at = SceneObject.State.GRID, book.now
        book.touch(row)
        return
    if not plan.auto:
        consider(book, row, row.tile, case=case)
        return
    settle(book, row, row.tile, SceneObject.State.ACCEPTED, risk=1.0 - plan.p_good, by="machine")
    if audit_due(rng, policy):
        row.audited = True
        book.wishes.append(
            wish_about(row, row.tile, "verify_box", tier="crowd", reason="a second look", audit=True)
        )
