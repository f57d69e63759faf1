"""What each answer changes in a simulated job's books."""

from typing import Any

import numpy as np

from routing.annotation import boxes as bx
from routing.coverage import Look, match_new_box, merge_points
from routing.outcomes import Outcome
from routing.redundancy import after_compare, after_fix, after_look
from routing.simulation import views
from routing.simulation.desk import ACCEPTED, REJECTED, UNDECIDABLE, Desk, Question, Thing
from routing.track_record import TrackRecord
from routing.workflow import Event, TileLook, drawn_case, grid_verdicts

RULING_RISK = 0.01  # stated P(wrong) of a specialist's ruling
DRAW_VALUE_S = 20.0  # loss at stake in an undrawn click


def absorb(desk: Desk, q: Question, person: int, record: TrackRecord) -> None:
    """Let one valid answer take effect."""
    value, seconds = q.value, q.seconds
    assert value is not None
    match q.candidate.kind:
        case "coverage_tile":
            _searched(desk, q, person, record, value, seconds)
        case "draw_missed":
            _drawn(desk, q, person, record, value, seconds)
        case "grid_verify":
            _paged(desk, q, person, record, value, seconds)
        case _:
            _judged(desk, q, person, record, value, seconds)


def evade(desk: Desk, q: Question, person: int) -> None:
    """Unsure or skipped: somebody else is asked; two unsure make a case for a specialist."""
    for index in q.things:
        thing = desk.things[index]
        thing.touched.add(person)
        if len(q.things) == 1 and q.candidate.kind != "adjudicate":
            thing.case = after_look(
                thing.case, kind="verify_box", verdict="unsure", record=TrackRecord.new(), domain="",
                policy=desk.policy,
            )  # fmt: skip
        desk.consider(index, audit=False)
    if q.tile >= 0:
        desk.tiles[q.tile].busy -= 1
        desk.review(q.tile)


def _paged(
    desk: Desk, q: Question, person: int, record: TrackRecord, value: dict[str, Any], seconds: float
) -> None:
    verdicts = grid_verdicts(value)
    each = seconds / max(len(verdicts), 1)
    for index in q.things:
        thing, verdict = desk.things[index], verdicts.get(index, "unsure")
        thing.case = after_look(
            thing.case, kind="grid_verify", verdict=verdict, record=record, domain=q.candidate.domain,
            policy=desk.policy,
        )  # fmt: skip
        thing.touched.add(person)
        thing.events.append(Event(person, "look", "grid_verify", thing.box, thing.cls, verdict, seconds=each))
        desk.consider(index, audit=False)
    for cell, truth in q.seeds.items():
        verdict = verdicts.get(cell, "unsure")
        if verdict != "unsure":
            desk.credits.append(
                (
                    person,
                    Outcome("grid_verify", q.candidate.domain, q.candidate.cls, verdict, truth, 1.0, True),
                )
            )


def _judged(
    desk: Desk, q: Question, person: int, record: TrackRecord, value: dict[str, Any], seconds: float
) -> None:
    index, kind, domain = q.things[0], q.candidate.kind, q.candidate.domain
    thing, policy = desk.things[index], desk.policy
    thing.touched.add(person)
    if kind == "verify_box":
        thing.case = after_look(
            thing.case, kind=kind, verdict=value["verdict"], record=record, domain=domain, policy=policy
        )
        event = Event(person, "look", kind, thing.box, thing.cls, value["verdict"], seconds=seconds)
        thing.events.append(event)
    elif kind == "fix_box":
        _fixed(desk, thing, person, record, value, seconds, domain)
    elif kind == "compare_two":
        _compared(desk, q, thing, person, record, value["choice"], seconds)
    else:
        _ruled(desk, index, person, value, seconds)
        return
    desk.consider(index, audit=False)


def _fixed(
    desk: Desk,
    thing: Thing,
    person: int,
    record: TrackRecord,
    value: dict[str, Any],
    seconds: float,
    domain: str,
) -> None:
    deleted = bool(value["deleted"])
    box = thing.box if deleted else tuple(value["xyxy"])
    overlap = bx.iou(box, thing.box)
    thing.case = after_fix(
        thing.case, deleted=deleted, iou_with_previous=overlap, record=record, domain=domain, policy=desk.policy
    )  # fmt: skip
    thing.events.append(
        Event(person, "fix", "fix_box", None if deleted else box, value["class"], seconds=seconds)
    )
    if not deleted:
        thing.older = (thing.box, thing.cls)
        thing.box, thing.cls = box, int(value["class"])


def _compared(
    desk: Desk, q: Question, thing: Thing, person: int, record: TrackRecord, choice: str, seconds: float
) -> None:
    newer = None if choice in ("both_bad", "equal") else choice.lower() == q.newer
    thing.case = after_compare(
        thing.case, choice_is_newer=newer, both_bad=choice == "both_bad", record=record, policy=desk.policy
    )
    assert thing.older is not None
    if newer is not None:
        chosen, other = (thing.box, thing.older[0]) if newer else (thing.older[0], thing.box)
        thing.events.append(Event(person, "compare", "compare_two", chosen, other=other, seconds=seconds))
    if newer is False:
        (thing.box, thing.cls), thing.older = thing.older, (thing.box, thing.cls)


def _ruled(desk: Desk, index: int, person: int, value: dict[str, Any], seconds: float) -> None:
    thing = desk.things[index]
    if value["ruling"] == "accept":
        thing.box, thing.cls = tuple(value["xyxy"]), int(value["class"])
        thing.events.append(Event(person, "rule", "adjudicate", thing.box, thing.cls, seconds=seconds))
    state = {"accept": ACCEPTED, "reject": REJECTED}.get(value["ruling"], UNDECIDABLE)
    desk.settle(index, state, RULING_RISK if state != UNDECIDABLE else 1.0, "specialist")


def _searched(
    desk: Desk, q: Question, person: int, record: TrackRecord, value: dict[str, Any], seconds: float
) -> None:
    tile, shown = desk.tiles[q.tile], q.payload["objects"]
    boxes = bx.as_boxes([o["xyxy"] for o in shown])
    size = float(np.median(bx.size(boxes))) if len(boxes) else 48.0
    points = [tuple(p["xy"]) for p in value["points"]]
    merged = merge_points(points, boxes, desk.policy.merge_radius * size)
    tile.busy -= 1
    width = q.payload["view"][2]
    recall = record.recall(q.candidate.domain, views.on_screen(size, width))
    tile.looks.append(Look(person, recall, len(merged.kept), len(shown), record.standing(desk.policy).spam))
    live = tuple(tuple(o["xyxy"]) for o in shown)
    tile.history.append(
        TileLook(person, live, tuple((float(x), float(y)) for x, y in points), width, seconds)
    )
    truth = desk.world.scenes[tile.scene].truth
    for k in merged.kept:
        tile.busy += 1
        cls = value["points"][k]["class"]
        payload = views.around_click(points[k], cls, max(3.5 * size, 96.0), desk.live(tile.scene), truth)
        desk.ask("draw_missed", tile.scene, payload, tile=q.tile, value=DRAW_VALUE_S)
    desk.review(q.tile)


def _drawn(
    desk: Desk, q: Question, person: int, record: TrackRecord, value: dict[str, Any], seconds: float
) -> None:
    desk.tiles[q.tile].busy -= 1
    for drawn in value["objects"]:
        live = desk.live(q.scene)
        if match_new_box(drawn["xyxy"], [box for _, box, _ in live], desk.policy) is not None:
            continue
        box = tuple(drawn["xyxy"])
        case = drawn_case(box, drawn["class"], record, q.candidate.domain)
        event = Event(person, "draw", "draw_missed", box, drawn["class"], seconds=seconds)
        desk.things.append(
            Thing(q.scene, q.tile, box, drawn["class"], case, touched={person}, events=[event])
        )
        desk.consider(len(desk.things) - 1, audit=False)
    desk.review(q.tile)
