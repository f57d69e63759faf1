"""What an answer changes, kind by kind. Every handler absorbs the answer into the rows of a `Book` and takes the next
step; nothing here writes to the database."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from routing.annotation.boxes import iou
from routing.belief import Belief
from routing.coverage import Look, match_new_box, merge_points
from routing.outcomes import Outcome
from routing.policy import RoutingPolicy
from routing.redundancy import ObjectCase, after_compare, after_fix, after_look
from routing.track_record import TrackRecord
from webapp.labeling.book import Book, Wish
from webapp.labeling.lifecycle import (
    add_version,
    ask_once_more,
    consider,
    live_objects,
    reopen,
    settle,
    wish_about,
)
from webapp.labeling.models import Microtask, ObjectVersion, SceneObject, Tile
from webapp.labeling.payloads import Live
from webapp.people.models import User

State = SceneObject.State

SCREEN_PX = 900.0  # CSS pixels that a view is shown across on a usual screen
MAX_REFUSALS = 2  # people who find nothing at a click before it is dropped
MAX_EVASIONS = 3  # unsure, skip or report on one micro-task before a specialist sees it
SPECIALIST_RISK = 0.01  # stated P(wrong) of a ruling, until second readings measure it


@dataclass(frozen=True)
class Given:
    """One counted answer, in the context of its rows."""

    book: Book
    microtask: Microtask
    annotator: User
    outcome: str
    value: dict[str, Any]
    seconds: float

    @property
    def tile(self) -> Tile:
        tile_id = self.microtask.tile_id or self.row.tile_id
        return self.book.tiles[tile_id]

    @property
    def row(self) -> SceneObject:
        assert self.microtask.object_id is not None
        return self.book.objects[self.microtask.object_id]

    @property
    def policy(self) -> RoutingPolicy:
        return self.book.policy(self.microtask.project)

    @property
    def record(self) -> TrackRecord:
        self.book.load_records([self.annotator.pk])
        return self.book.records[self.annotator.pk]

    @property
    def domain(self) -> str:
        return self.microtask.domain


Feedback = dict[str, Any] | None


def absorb(given: Given) -> Feedback:
    """Let one counted answer take effect; returns feedback that the annotator may see."""
    if given.outcome != "answered":
        return _evaded(given)
    return HANDLERS[given.microtask.kind](given)


def _evaded(given: Given) -> Feedback:
    """Unsure, skipped or reported: ask somebody else, or a specialist when several evade."""
    task, book = given.microtask, given.book
    evasions = task.secret.get("evasions", 0) + 1
    task.secret = {**task.secret, "evasions": evasions}
    task.excluded = sorted({*task.excluded, given.annotator.pk})
    book.touch(task)
    if task.kind == "grid_verify":
        book.resolve(task, "consensus", {"outcome": given.outcome})
        for row in _cell_objects(given).values():
            row.state, row.queued_at = State.GRID, book.now
            row.touched = [*row.touched, given.annotator.pk]
            book.touch(row)
        return None
    if given.outcome == "unsure" and task.object_id and task.kind != "adjudicate":
        row = given.row
        row.case = _looked(given, row, "unsure").to_json()
        row.touched = [*row.touched, given.annotator.pk]
        book.touch(row)
    if evasions >= MAX_EVASIONS and task.kind != "adjudicate":
        book.resolve(task, "consensus", {"outcome": given.outcome, "evasions": evasions})
        if task.object_id:
            book.wishes.append(
                wish_about(
                    given.row,
                    given.tile,
                    "adjudicate",
                    tier="specialist",
                    reason=f"{evasions} people could not say",
                )
            )
        else:
            given.tile.state = Tile.State.WAITING
            book.touch(given.tile)
            book.settled_tiles.add(given.tile.pk)
        return None
    ask_once_more(book, task)
    return None


def _looked(given: Given, row: SceneObject, verdict: str, *, kind: str = "") -> ObjectCase:
    """The object's case after a verdict of this annotator."""
    kind = kind or given.microtask.kind
    case = ObjectCase.from_json(row.case)
    return after_look(
        case, kind=kind, verdict=verdict, record=given.record, domain=given.domain, policy=given.policy
    )


def _note(given: Given, row: SceneObject, verdict: str, **more: Any) -> None:
    """Add a look to an object's evidence; whoever looked never looks again."""
    look = {
        "annotator": given.annotator.pk, "kind": given.microtask.kind, "verdict": verdict, "version": row.version,
        "box": row.box, "seconds": given.seconds, **more,
    }  # fmt: skip
    row.evidence = [*row.evidence, look]
    row.touched = [*row.touched, given.annotator.pk]
    given.book.touch(row)


# Looking -----------------------------------------------------------------------------------------------------


def _verify_box(given: Given) -> Feedback:
    row, verdict = given.row, given.value["verdict"]
    row.case = _looked(given, row, verdict).to_json()
    _note(given, row, verdict, edges=given.value.get("edges", []))
    if given.microtask.secret.get("audit"):
        given.book.log("audited", project=given.microtask.project, dataset_id=given.microtask.dataset_id, object=row,
                       data={"verdict": verdict, "model": row.model_id})  # fmt: skip
        given.book.resolve(given.microtask, "consensus", {"verdict": verdict})
        if verdict != "ok":
            reopen(given.book, row, given.tile)
        else:
            row.state = State.ACCEPTED
            given.book.settled_tiles.add(given.tile.pk)
        return None
    consider(given.book, row, given.tile, open_task=given.microtask)
    return None


def _cell_objects(given: Given) -> dict[str, SceneObject]:
    """The objects on a page that still stand as they were shown, by cell id."""
    cells = given.microtask.secret["cells"]
    rows = {
        cell: given.book.objects.get(known["object"]) for cell, known in cells.items() if "object" in known
    }
    return {
        cell: row
        for cell, row in rows.items()
        if row is not None and row.state == State.ASKED and row.version == cells[cell]["version"]
    }


def _grid_verify(given: Given) -> Feedback:
    book, value = given.book, given.value
    viewed, bad, unsure = (set(map(str, value[name])) for name in ("viewed", "bad", "unsure"))
    book.resolve(given.microtask, "consensus", {"bad": len(bad), "viewed": len(viewed)})
    for cell, row in _cell_objects(given).items():
        if cell not in viewed:
            row.state, row.queued_at = State.GRID, book.now
            book.touch(row)
            continue
        verdict = "unsure" if cell in unsure else "bad" if cell in bad else "ok"
        row.case = _looked(given, row, verdict).to_json()
        if verdict == "unsure":
            row.touched = [*row.touched, given.annotator.pk]
            book.touch(row)
        else:
            _note(given, row, verdict)
        consider(book, row, book.tiles[row.tile_id])
    return _score_seeds(given, viewed, bad)


def _score_seeds(given: Given, viewed: set[str], bad: set[str]) -> Feedback:
    """Learn from the known-wrong cells of a page and say which were missed."""
    cells = given.microtask.secret["cells"]
    seeds = {c for c, known in cells.items() if "seed" in known} & viewed
    if not seeds:
        return None
    label = given.microtask.payload["class"]
    for cell in sorted(seeds):
        verdict = "bad" if cell in bad else "ok"
        given.book.learn(
            given.annotator.pk,
            Outcome(kind="grid_verify", domain=given.domain, cls=label, given=verdict, truth=cells[cell]["seed"], weight=1.0,
                    gold=True, seconds=None, iou=None),
        )  # fmt: skip
    missed = sorted(seeds - bad)
    given.book.log("gold", project=given.microtask.project, annotator=given.annotator, microtask=given.microtask,
                   data={"right": len(seeds) - len(missed), "of": len(seeds)})  # fmt: skip
    if not missed:
        return {"correct": True, "message": f"All {len(seeds)} planted mistakes found."}
    return {
        "correct": False,
        "message": f"{len(missed)} of {len(seeds)} planted mistakes missed.",
        "cells": [int(cell) for cell in missed],
    }


# Drawing and fixing ------------------------------------------------------------------------------------------


def _coverage_tile(given: Given) -> Feedback:
    book, tile, task = given.book, given.tile, given.microtask
    shown = task.payload["objects"]
    side = _typical_side(shown)
    known = [o["xyxy"] for o in shown]
    points = [(p["xy"][0], p["xy"][1]) for p in given.value["points"]]
    labels = {xy: p["class"] for xy, p in zip(points, given.value["points"], strict=True)}
    refused = [r for r in tile.refused_seeds if r[2] >= MAX_REFUSALS]
    merged = merge_points(points, known, given.policy.merge_radius * side)
    fresh = [
        points[kept] for kept in merged.kept for xy in [points[kept]]
        if all((xy[0] - r[0]) ** 2 + (xy[1] - r[1]) ** 2 > (given.policy.merge_radius * side) ** 2 for r in refused)
    ]  # fmt: skip
    recall = given.record.recall(given.domain, side * SCREEN_PX / max(task.payload["view"][2], 1.0))
    look = Look(annotator=given.annotator.pk, recall=recall, found=len(fresh), live_before=len(known))
    tile.looks = [*tile.looks, look.to_json()]
    tile.state = Tile.State.WAITING
    book.touch(tile)
    book.resolve(task, "consensus", {"points": len(fresh)})
    for x, y in fresh:
        details = {"seed": [x, y], "class": labels.get((x, y), 0), "side": max(3.5 * side, 96.0)}
        book.wishes.append(
            Wish("draw_missed", tile, None, task.dataset_id, task.scene_id, task.project, reason="somebody clicked here",
                 value=0.5, details=details, secret={"seed_by": given.annotator.pk, **details})
        )  # fmt: skip
    for pk in given.value["bad_objects"]:
        book.load_objects([pk])
        row = book.objects.get(pk)
        if (
            row is not None
            and row.state == State.ACCEPTED
            and row.settled_by != "specialist"
            and given.annotator.pk not in row.touched
        ):
            row.case = _looked(given, row, "geometry", kind="verify_box").to_json()
            _note(given, row, "geometry", kind="verify_box")
            book.load_tiles([row.tile_id])
            reopen(book, row, book.tiles[row.tile_id])
    book.settled_tiles.add(tile.pk)
    return None


def _typical_side(objects: Sequence[dict[str, Any]], default: float = 48.0) -> float:
    sides = [((o["xyxy"][2] - o["xyxy"][0]) * (o["xyxy"][3] - o["xyxy"][1])) ** 0.5 for o in objects]
    return float(np.median(sides)) if sides else default


def _draw_missed(given: Given) -> Feedback:
    book, tile, task = given.book, given.tile, given.microtask
    book.resolve(task, "consensus", {"objects": len(given.value["objects"])})
    book.settled_tiles.add(tile.pk)
    if given.value["none"]:
        _refuse_seed(given)
        return None
    live = live_objects(task.scene_id)
    live += [Live(0, row.box, row.label) for row in book.new_objects if row.scene_id == task.scene_id]
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
    if refusals < MAX_REFUSALS:
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
    belief = Belief.of_drawing(given.record.draw_quality(given.domain))
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


def _fix_box(given: Given) -> Feedback:
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
        _note(given, row, "not_object", kind="verify_box")
    else:
        _note(given, row, "drawn")
    consider(book, row, given.tile, open_task=given.microtask)
    return None


# Settling ----------------------------------------------------------------------------------------------------


def _compare_two(given: Given) -> Feedback:
    row, choice, secret = given.row, given.value["choice"], given.microtask.secret
    newer = "a" if secret["a"] > secret["b"] else "b"
    case = ObjectCase.from_json(row.case)
    both_bad = choice == "both_bad"
    choice_is_newer = None if choice in ("both_bad", "equal") else choice.lower() == newer
    case = after_compare(
        case, choice_is_newer=choice_is_newer, both_bad=both_bad, record=given.record, policy=given.policy
    )
    row.case = case.to_json()
    if choice_is_newer is False:
        older = "b" if newer == "a" else "a"
        row.version = secret[older]
        row.box = given.microtask.payload[older]["xyxy"]
        row.label = given.microtask.payload[older]["class"]
    row.touched = [*row.touched, given.annotator.pk]
    given.book.touch(row)
    consider(given.book, row, given.tile, open_task=given.microtask)
    return None


def _adjudicate(given: Given) -> Feedback:
    row, book, value = given.row, given.book, given.value
    book.resolve(given.microtask, "specialist", value)
    row.touched = [*row.touched, given.annotator.pk]
    match value["ruling"]:
        case "accept":
            same = iou(value["xyxy"], row.box) > 0.98 and value["class"] == row.label
            if not same:
                add_version(book, row, value["xyxy"], value["class"], given.annotator.pk)
            settle(book, row, given.tile, State.ACCEPTED, risk=SPECIALIST_RISK, by="specialist")
        case "reject":
            settle(book, row, given.tile, State.REJECTED, risk=SPECIALIST_RISK, by="specialist")
        case _:
            settle(book, row, given.tile, State.UNDECIDABLE, risk=1.0, by="specialist")
    return None


HANDLERS: dict[str, Callable[[Given], Feedback]] = {
    "coverage_tile": _coverage_tile,
    "draw_missed": _draw_missed,
    "verify_box": _verify_box,
    "grid_verify": _grid_verify,
    "fix_box": _fix_box,
    "compare_two": _compare_two,
    "adjudicate": _adjudicate,
}
