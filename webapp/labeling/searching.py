"""Searches of tiles: another look, or complete; what they say of whoever searched; and a last look back."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

import numpy as np

from routing.coverage import Complete, Look, TileCase, expected_missing, next_look
from routing.outcomes import MISSED, Outcome
from routing.policy import RoutingPolicy
from routing.workflow import TileLook, credit_tile, screen_px
from webapp.labeling import bulk, payloads
from webapp.labeling.book import Book, Wish
from webapp.labeling.lifecycle import fulfil_wishes, project_of
from webapp.labeling.models import Answer, Microtask, SceneObject, Tile
from webapp.labeling.refining_open import put_aside
from webapp.labeling.weak_proposals import learn_from_probes
from webapp.projects.models import Project
from webapp.scenes.models import Dataset

State = SceneObject.State

FOUND_CERTAINTY = 0.95  # that an object found by others was there to be found
USUAL_PX = 48.0  # scene pixels of an object where none is known


def review_tiles(book: Book) -> None:
    """Ask for the next look at every tile whose objects have all settled, or call it complete.

    Runs after objects were saved, within the same transaction, and holds the tile's lock: of several objects that
    settle at once in different processes, the last to commit finds the tile settled.
    """
    learn_from_probes(book)
    book.settled_tiles -= _unsettled(book.settled_tiles)  # Nothing is to be locked for these.
    book.load_tiles(book.settled_tiles)
    for pk in sorted(book.settled_tiles - _unsettled(book.settled_tiles)):
        tile = book.tiles[pk]
        if tile.state == Tile.State.WAITING and _is_settled(book, tile):
            _look_again(book, tile)
    book.settled_tiles = set()


def _unsettled(tiles: Collection[int]) -> set[int]:
    """Those of these tiles in which something is still to be decided about an object."""
    if not tiles:
        return set()
    sql = "SELECT DISTINCT tile_id FROM labeling_sceneobject WHERE tile_id {ids} AND state IN (%s, %s)"
    return {pk for (pk,) in bulk.select(sql, sorted(tiles), State.GRID, State.ASKED)}


def search_where_hopes_were_too_high(dataset: Dataset, *, now: datetime) -> int:
    """Judge every complete tile by what is known of its searchers by now, and have it searched again where too many objects
    are still missing; returns how many. Those who searched the first tiles were strangers then."""
    book = Book(now)
    tiles = Tile.objects.filter(scene__dataset=dataset, state=Tile.State.COMPLETE)
    tiles = tiles.exclude(scene__in=put_aside(dataset.scenes.values_list("pk", flat=True)))
    book.load_tiles(tiles.order_by("pk").values_list("pk", flat=True))
    sides = _sides(book.tiles)
    searching = 0
    for pk in sorted(book.tiles):
        tile = book.tiles[pk]
        policy = book.policy(project_of(tile))
        tile.looks = [look.to_json() for look in _as_known_now(book, tile, policy, sides[pk])]
        searching += _decide(book, tile, policy, sides[pk])
    book.save_objects()
    fulfil_wishes(book)
    book.save_rest()
    return searching


def _is_settled(book: Book, tile: Tile) -> bool:
    if any(w.tile is tile and w.kind == "draw_missed" for w in book.wishes):
        return False
    closing = [m.pk for m in book.microtasks.values() if m.state != Microtask.State.OPEN]
    drawings = Microtask.objects.filter(tile=tile, kind="draw_missed", state=Microtask.State.OPEN)
    return not drawings.exclude(pk__in=closing).exists()


def _look_again(book: Book, tile: Tile) -> None:
    policy = book.policy(project_of(tile))
    sides = _sides([tile.pk])[tile.pk]
    if not _decide(book, tile, policy, sides):
        _credit_searches(book, tile, policy, sides)
        book.log("tile_complete", project=project_of(tile), dataset_id=tile.scene.dataset_id,
                 data={"tile": tile.pk, "expected_missed": tile.expected_missed, "looks": len(tile.looks)})  # fmt: skip


def _decide(book: Book, tile: Tile, policy: RoutingPolicy, sides: Sequence[float]) -> bool:
    """Ask for another search, or let the tile be complete; returns whether one was asked for."""
    project = project_of(tile)
    case = TileCase(
        looks=tuple(Look.from_json(look) for look in tile.looks),
        live=len(sides),
        area_px=tile.w * tile.h,
        object_px=_usual(sides),
        model_mass=tile.expected_missed or 0.0 if not tile.looks else 0.0,
    )
    step = next_look(case, policy)
    searched = frozenset(look["annotator"] for look in tile.looks)
    if book.nobody_left(project, "crowd", searched):
        step = Complete(*expected_missing(case, policy))
    book.touch(tile)
    if isinstance(step, Complete):
        tile.state, tile.expected_missed = Tile.State.COMPLETE, step.expected_missed
        return False
    tile.state = Tile.State.LOOKING
    book.wishes.append(
        Wish("coverage_tile", tile, None, tile.scene.dataset_id, tile.scene_id, project, step.tier, step.reason,
             value=1.0, excluded=searched)
    )  # fmt: skip
    return True


def _sides(tiles: Iterable[int]) -> dict[int, list[float]]:
    """sqrt(area), scene pixels, of the objects that stand in each tile."""
    found: dict[int, list[float]] = {pk: [] for pk in tiles}
    rows = SceneObject.objects.filter(tile__in=found, state=State.ACCEPTED).values_list("tile", "box")
    for pk, box in rows:
        found[pk].append(max(1.0, ((box[2] - box[0]) * (box[3] - box[1])) ** 0.5))
    return found


def _usual(sides: Sequence[float]) -> float:
    return float(np.median(sides)) if sides else USUAL_PX


def _without_clicks(seconds: float, clicks: int, policy: RoutingPolicy) -> float:
    """What a search that took this long would have taken without anything to click on, at the same pace."""
    usual = policy.expected_s["coverage_tile"]
    return seconds * usual / (usual + policy.click_s * clicks)


def _as_known_now(book: Book, tile: Tile, policy: RoutingPolicy, sides: Sequence[float]) -> list[Look]:
    """The searches of a tile with the recall and the doubt of their annotators as they are known now."""
    size = screen_px(_usual(sides), payloads.around_tile(tile, tile.scene)[2])
    looks = [Look.from_json(look) for look in tile.looks]
    book.load_records([look.annotator for look in looks])
    domain = project_of(tile).domain
    known = [(look, book.records[look.annotator]) for look in looks]
    return [
        Look(
            look.annotator,
            record.recall(domain, size),
            look.found,
            look.live_before,
            record.standing(policy).spam,
        )
        for look, record in known
    ]


def _credit_searches(book: Book, tile: Tile, policy: RoutingPolicy, sides: Sequence[float]) -> None:
    """Let those who searched a tile learn from what others found after them, and from what all of them seem to have
    missed; what the last search found has no such witness.

    The last one may not be stored yet: it can be what this transaction is about.
    """
    answers = Answer.objects.filter(
        microtask__tile=tile, microtask__kind="coverage_tile", outcome="answered", late=False
    )
    rows = answers.order_by("created_at", "pk").values_list(
        "annotator", "value", "active_s", "microtask__payload"
    )
    searches = [
        TileLook(
            annotator=annotator,
            live=tuple(tuple(o["xyxy"]) for o in payload["objects"]),
            points=tuple((p["xy"][0], p["xy"][1]) for p in value["points"]),
            view_width=payload["view"][2],
            seconds=_without_clicks(active_s, len(value["points"]), policy) or None,
        )
        for annotator, value, active_s, payload in rows
        if value
    ]
    final = SceneObject.objects.filter(tile=tile, state=State.ACCEPTED).values_list("box", flat=True)
    project: Project = project_of(tile)
    judged = searches[: len(tile.looks) - 1]
    for annotator, outcome in credit_tile(
        judged, list(final), certainty=FOUND_CERTAINTY, domain=project.domain, policy=policy
    ):
        book.learn(annotator, outcome)
    weight = min(tile.expected_missed or 0.0, 1.0)
    for search in judged if weight else ():
        size = screen_px(_usual(sides), search.view_width)
        book.learn(
            search.annotator,
            Outcome("coverage_tile", project.domain, None, MISSED, "good", weight, size_px=size),
        )
