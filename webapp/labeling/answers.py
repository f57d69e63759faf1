"""What an answer changes, kind by kind. Every handler absorbs the answer into the rows of a `Book` and takes the next
step; nothing here writes to the database."""

from collections.abc import Callable

from routing.annotation.boxes import iou
from routing.gold_score import GoldScore
from routing.outcomes import Outcome
from routing.redundancy import ObjectCase, after_compare
from webapp.labeling import second_reading
from webapp.labeling.drawing import coverage_tile, draw_missed, fix_box
from webapp.labeling.given import Feedback, Given, looked, note
from webapp.labeling.lifecycle import (
    add_version,
    ask_once_more,
    consider,
    escalate,
    reopen,
    settle,
)
from webapp.labeling.models import SceneObject, Tile
from webapp.labeling.refining import absorb_refinement, concerns
from webapp.labeling.rulings import SAME_IOU

State = SceneObject.State

MAX_EVASIONS = (
    3  # skips and reports of one micro-task before a specialist sees it; `policy.max_unsure` is lower
)
SPECIALIST_RISK = 0.01  # stated P(wrong) of a ruling, until second readings measure it


def absorb(given: Given) -> Feedback:
    """Let one counted answer take effect; returns feedback that the annotator may see."""
    if concerns(given.microtask):
        return absorb_refinement(given)
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
            row.touched = [*row.touched, given.annotator.pk]
            consider(book, row, book.tiles[row.tile_id])
        return None
    unsure = 0
    if task.object_id:
        row = given.row
        if given.outcome == "unsure" and task.kind != "adjudicate":
            case = looked(given, row, "unsure")
            row.case, unsure = case.to_json(), case.unsure
        row.touched = [*row.touched, given.annotator.pk]
        book.touch(row)
    stuck = book.nobody_left(task.project, task.tier, task.excluded)
    enough = unsure >= given.policy.max_unsure or evasions >= MAX_EVASIONS
    if stuck or (enough and task.kind != "adjudicate"):
        book.resolve(task, "consensus", {"outcome": given.outcome, "evasions": evasions})
        if task.object_id:
            escalate(book, row, given.tile, tier="specialist", reason=f"{evasions} people could not say")
        else:
            given.tile.state = Tile.State.WAITING
            book.touch(given.tile)
            book.settled_tiles.add(given.tile.pk)
        return None
    ask_once_more(book, task)
    return None


# Looking -----------------------------------------------------------------------------------------------------


def _verify_box(given: Given) -> Feedback:
    row, verdict = given.row, given.value["verdict"]
    row.case = looked(given, row, verdict).to_json()
    note(given, row, verdict, edges=given.value.get("edges", []))
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
        row.case = looked(given, row, verdict).to_json()
        if verdict == "unsure":
            row.touched = [*row.touched, given.annotator.pk]
            book.touch(row)
        else:
            note(given, row, verdict)
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
    found = len(seeds) - len(missed)
    score = GoldScore(not missed, found / len(seeds), code="planted", about={"n": found, "of": len(seeds)})
    return {**score.to_feedback(), "cells": [int(cell) for cell in missed]}


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
    stands = second_reading.standing(given)
    if stands is None:
        second_reading.ask(given)
        return None
    author, value = stands
    match value["ruling"]:
        case "accept":
            same = iou(value["xyxy"], row.box) >= SAME_IOU and value["class"] == row.label
            if not same:
                add_version(book, row, value["xyxy"], value["class"], author)
            settle(book, row, given.tile, State.ACCEPTED, risk=SPECIALIST_RISK, by="specialist")
        case "reject":
            settle(book, row, given.tile, State.REJECTED, risk=SPECIALIST_RISK, by="specialist")
        case _:
            settle(book, row, given.tile, State.UNDECIDABLE, risk=1.0, by="specialist")
    return None


HANDLERS: dict[str, Callable[[Given], Feedback]] = {
    "coverage_tile": coverage_tile,
    "draw_missed": draw_missed,
    "verify_box": _verify_box,
    "grid_verify": _grid_verify,
    "fix_box": fix_box,
    "compare_two": _compare_two,
    "adjudicate": _adjudicate,
}
