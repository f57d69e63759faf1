"""What an answer that draws changes: searches of tiles, new outlines, redrawn ones."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from routing.annotation.boxes import iou
from routing.belief import Belief
from routing.coverage import Look, match_new_box, merge_points
from routing.redundancy import ObjectCase, after_fix
from routing.witness import Hint, confirmed
from webapp.labeling.book import Wish
from webapp.labeling.given import Feedback, Given, looked, note
from webapp.labeling.lifecycle import add_version, consider, live_objects, reopen
from webapp.labeling.models import ObjectVersion, SceneObject, Tile
from webapp.labeling.payloads import Live

State = SceneObject.State

SCREEN_PX = 900.0  # CSS pixels that a view is shown across on a usual screen
MAX_REFUSALS = 2  # people who find nothing at a click before it is dropped


def coverage_tile(given: Given) -> Feedback:
    book, tile, task = given.book, given.tile, given.microtask
    shown = task.payload["objects"]
    side = _typical_side(shown)
    known = [o["xyxy"] for o in shown]
    points = [(p["xy"][0], p["xy"][1]) for p in given.value["points"]]
    refused = [r for r in tile.refused_seeds if r[2] >= MAX_REFUSALS]
    merged = merge_points(points, known, given.policy.merge_radius * side)
    fresh = [
        index for index in merged.kept for xy in [points[index]]
        if all((xy[0] - r[0]) ** 2 + (xy[1] - r[1]) ** 2 > (given.policy.merge_radius * side) ** 2 for r in refused)
    ]  # fmt: skip
    recall = given.record.recall(given.domain, side * SCREEN_PX / max(task.payload["view"][2], 1.0))
    doubt = given.record.standing(given.policy).spam
    look = Look(
        annotator=given.annotator.pk, recall=recall, found=len(fresh), live_before=len(known), doubt=doubt
    )
    tile.looks = [*tile.looks, look.to_json()]
    tile.state = Tile.State.WAITING
    book.touch(tile)
    book.resolve(task, "consensus", {"points": len(fresh)})
    for index in fresh:
        _draw_at(given, given.value["points"][index], side)
    for pk in given.value["bad_objects"]:
        book.load_objects([pk])
        row = book.objects.get(pk)
        if (
            row is not None
            and row.state == State.ACCEPTED
            and row.settled_by != "specialist"
            and given.annotator.pk not in row.touched
        ):
            row.case = looked(given, row, "geometry", kind="verify_box").to_json()
            note(given, row, "geometry", kind="verify_box")
            book.load_tiles([row.tile_id])
            reopen(book, row, book.tiles[row.tile_id])
    book.settled_tiles.add(tile.pk)
    return None


def _live(given: Given) -> list[Live]:
    """Live objects of the scene, those that this transaction adds included."""
    scene = given.microtask.scene_id
    added = [Live(0, row.box, row.label) for row in given.book.new_objects if row.scene_id == scene]
    return live_objects(scene) + added


def _draw_at(given: Given, point: dict[str, Any], side: float) -> None:
    """Ask for a drawing at a click."""
    task = given.microtask
    details = {"seed": point["xy"], "class": point["class"], "side": max(3.5 * side, 96.0)}
    given.book.wishes.append(
        Wish("draw_missed", given.tile, None, task.dataset_id, task.scene_id, task.project, reason="somebody clicked here",
             value=0.5, details=details, secret={"seed_by": given.annotator.pk, **details})
    )  # fmt: skip


def _typical_side(objects: Sequence[dict[str, Any]], default: float = 48.0) -> float:
    sides = [((o["xyxy"][2] - o["xyxy"][0]) * (o["xyxy"][3] - o["xyxy"][1])) ** 0.5 for o in objects]
    return float(np.median(sides)) if sides else default


def draw_missed(given: Given) -> Feedback:
    book, tile, task = given.book, given.tile, given.microtask
    book.resolve(task, "consensus", {"objects": len(given.value["objects"])})
    book.settled_tiles.add(tile.pk)
    if given.value["none"]:
        _refuse_seed(given)
        return None
    live = _live(given)
    for drawn in given.value["objects"]:
        match = match_new_box(drawn["xyxy"], [o.box for o in live], given.policy)
        if match is not None:
            book.log("duplicate_drawn", project=task.project, microtask=task, annotator=given.annotator,
                     data={"box": drawn["xyxy"], "object": live[match].id})  # fmt: skip
            continue
        row = _new_object(given, drawn)
        live.append(Live(0, row.box, row.label))
    return None


def _refuse_seed(given: Given) -> None:
    """Nobody home at a click: ask a second person, then drop it."""
    x, y = given.microtask.payload["seed"]
    tile, secret = given.tile, given.microtask.secret
    refusals = secret.get("refusals", 0) + 1
    tile.refused_seeds = [*tile.refused_seeds, [x, y, refusals]]
    given.book.touch(tile)
    alone = given.book.nobody_left(given.microtask.project, "crowd", [given.annotator.pk])
    if refusals < MAX_REFUSALS and not alone:
        details = {key: secret[key] for key in ("seed", "class", "side")}
        given.book.wishes.append(
            Wish("draw_missed", tile, None, given.microtask.dataset_id, given.microtask.scene_id, given.microtask.project,
                 reason="one person saw nothing here", value=0.3, details=details,
                 secret={**secret, "refusals": refusals}, excluded=frozenset([given.annotator.pk]))
        )  # fmt: skip


def _new_object(given: Given, drawn: dict[str, Any]) -> SceneObject:
    book, task = given.book, given.microtask
    box = [float(v) for v in drawn["xyxy"]]
    tile = given.tile  # where it was asked, even if its centre lies just outside the core
    size_px = ((box[2] - box[0]) * (box[3] - box[1])) ** 0.5
    belief = confirmed(Belief.of_drawing(given.record.draw_quality(given.domain)), box, hints_of(tile))
    case = ObjectCase(belief, source="person", cls=drawn["class"], size_px=size_px)
    seed_by = [task.secret["seed_by"]] if "seed_by" in task.secret else []
    row = SceneObject(
        scene=task.scene, tile=tile, label=drawn["class"], box=box, source=SceneObject.Source.PERSON,
        case=case.to_json(), touched=[given.annotator.pk, *seed_by],
    )  # fmt: skip
    row.evidence = [
        {
            "annotator": given.annotator.pk,
            "kind": "draw_missed",
            "verdict": "drawn",
            "version": 1,
            "box": box,
            "seconds": given.seconds,
        }
    ]
    book.new_objects.append(row)
    book.new_versions.append(
        ObjectVersion(object=row, number=1, box=box, label=row.label, author=given.annotator)
    )
    consider(book, row, tile)
    return row


def hints_of(tile: Tile) -> list[Hint]:
    """The model's proposals in a tile that were too weak to be shown."""
    return [Hint((h[0], h[1], h[2], h[3]), int(h[4]), h[5], h[6]) for h in tile.hints]


def fix_box(given: Given) -> Feedback:
    row, book = given.row, given.book
    case = ObjectCase.from_json(row.case)
    deleted = bool(given.value["deleted"])
    box = row.box if deleted else given.value["xyxy"]
    overlap = iou(box, row.box)
    if not deleted:
        add_version(book, row, box, given.value["class"], given.annotator.pk)
    case = after_fix(
        case,
        deleted=deleted,
        iou_with_previous=overlap,
        record=given.record,
        domain=given.domain,
        policy=given.policy,
    )
    row.case = case.to_json()
    if deleted:
        note(given, row, "not_object", kind="verify_box")
    else:
        note(given, row, "drawn")
    consider(book, row, given.tile, open_task=given.microtask)
    return None
