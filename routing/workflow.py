"""From answers to cases and from settled cases to track records: the glue every caller shares.

`apply_*` say what one answer changes; `credit_*` say, once an object or tile is settled, what each answer on it is
worth as an Outcome. All pure: the caller keeps the rows.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from routing.annotation import boxes as bx
from routing.belief import Belief
from routing.coverage import Look
from routing.outcomes import DRAWN, FOUND, MISSED, RIGHT, WRONG, Outcome
from routing.policy import RoutingPolicy
from routing.redundancy import ObjectCase, after_look
from routing.track_record import TrackRecord

VIEWPORT_PX = 900.0  # screen pixels across the picture of a typical workbench window


@dataclass(frozen=True, slots=True)
class Event:
    """One person's act on one object, as kept in its history.

    what: "look", "draw", "fix", "compare" or "rule". verdict: of a look. xyxy: the version judged (look) or made
    (draw, fix, rule; None: deleted or rejected). other: the other version of a comparison, of which xyxy was chosen;
    None when neither was.
    """

    annotator: int
    what: str
    kind: str
    xyxy: tuple[float, ...] | None
    cls: int | None = None
    verdict: str = ""
    other: tuple[float, ...] | None = None
    seconds: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the event as plain JSON values."""
        out = {name: getattr(self, name) for name in self.__slots__}
        return {
            **out,
            "xyxy": list(self.xyxy) if self.xyxy else None,
            "other": list(self.other) if self.other else None,
        }

    @classmethod
    def from_json(cls, obj: Mapping[str, Any]) -> "Event":
        """Read what `to_json` wrote."""
        known = {name: obj[name] for name in cls.__slots__ if name in obj}
        for name in ("xyxy", "other"):
            known[name] = tuple(known[name]) if known.get(name) else None
        return cls(**known)


def screen_px(object_px: float, view_width: float) -> float:
    """Return the size on screen of `object_px` scene pixels in a view `view_width` scene pixels wide."""
    return object_px * VIEWPORT_PX / max(view_width, 1.0)


def drawn_case(
    xyxy: Sequence[float], cls: int, record: TrackRecord, domain: str, *, value: float = 1.0
) -> ObjectCase:
    """Return the case of an object that a person has just drawn."""
    box = bx.as_boxes([list(xyxy)])
    belief = Belief.of_drawing(record.draw_quality(domain))
    return ObjectCase(belief, source="person", cls=cls, size_px=float(bx.size(box)[0]), value=value)


def model_case(
    xyxy: Sequence[float],
    cls: int,
    p_good: float,
    p_exists: float,
    *,
    auto: bool = False,
    novelty: float = 0.0,
) -> ObjectCase:
    """Return the case of an object that the model proposes with calibrated probabilities."""
    box = bx.as_boxes([list(xyxy)])
    belief = Belief.of_model(p_good, p_exists)
    return ObjectCase(belief, cls=cls, size_px=float(bx.size(box)[0]), auto=auto, novelty=novelty)


def grid_verdicts(value: Mapping[str, Any]) -> dict[int, str]:
    """Return the verdict of each viewed cell of a validated grid answer: ok, bad or unsure."""
    bad, unsure = set(value["bad"]), set(value["unsure"])
    return {id: "bad" if id in bad else "unsure" if id in unsure else "ok" for id in value["viewed"]}


def apply_grid(
    cases: Mapping[int, ObjectCase],
    value: Mapping[str, Any],
    *,
    record: TrackRecord,
    domain: str,
    policy: RoutingPolicy,
) -> dict[int, ObjectCase]:
    """Return the new case of every real cell of a page; seeds (ids without a case) are left out."""
    return {
        id: after_look(
            cases[id], kind="grid_verify", verdict=verdict, record=record, domain=domain, policy=policy
        )
        for id, verdict in grid_verdicts(value).items()
        if id in cases
    }


def look_of(
    annotator: int,
    record: TrackRecord,
    domain: str,
    *,
    object_px: float,
    view_width: float,
    found: int,
    live_before: int,
) -> Look:
    """Return the Look of one finished search, with the searcher's expected recall at this scale."""
    return Look(annotator, record.recall(domain, screen_px(object_px, view_width)), found, live_before)


def credit_object(
    events: Sequence[Event],
    final: Sequence[float] | None,
    cls: int | None,
    *,
    certainty: float,
    domain: str,
    policy: RoutingPolicy,
) -> list[tuple[int, Outcome]]:
    """Return what each act on a settled object says about its annotator.

    final: the accepted box, None when the object was rejected. certainty: P(the resolution is right), 0 to 1. A
    version counts as good at IoU >= tolerance with the final box; within 0.1 below it the truth is half certain.
    """
    out: list[tuple[int, Outcome]] = []
    for event in events:
        if event.what == "compare":
            outcome = _credit_compare(event, final, cls, certainty, domain)
        elif event.xyxy is None:
            outcome = _credit_deletion(event, final, cls, certainty, domain)
        else:
            outcome = _credit_version(event, final, cls, certainty, domain, policy)
        if outcome is not None:
            out.append((event.annotator, outcome))
    return out


def state_of(
    xyxy: Sequence[float],
    cls: int | None,
    final: Sequence[float] | None,
    final_cls: int | None,
    policy: RoutingPolicy,
) -> tuple[str, float, float | None]:
    """Return (state, certainty factor, IoU) of a version against the settled object."""
    if final is None:
        return "phantom", 1.0, None
    iou = bx.iou(tuple(xyxy), tuple(final))
    if cls is not None and final_cls is not None and cls != final_cls:
        return "geometry", 1.0, iou
    # The settled box has noise of its own, so versions near the tolerance teach little.
    near = abs(iou - policy.tolerance_iou)
    return ("good" if iou >= policy.tolerance_iou else "geometry"), min(1.0, 0.3 + 7 * near), iou


def _credit_version(
    event: Event,
    final: Sequence[float] | None,
    cls: int | None,
    certainty: float,
    domain: str,
    policy: RoutingPolicy,
) -> Outcome | None:
    assert event.xyxy is not None
    state, clear, iou = state_of(event.xyxy, event.cls, final, cls, policy)
    weight = max(2 * certainty - 1, 0.0) * clear
    if event.what == "look":
        if event.verdict == "unsure":
            return None
        return Outcome(event.kind, domain, cls, event.verdict, state, weight, seconds=event.seconds)
    # One's own box compared with itself teaches nothing of its noise: the IoU counts only when it was changed since.
    own = iou is not None and iou > 0.999
    return Outcome(
        event.kind,
        domain,
        cls,
        DRAWN,
        state,
        weight * (0.5 if own else 1.0),
        seconds=event.seconds,
        iou=None if own else iou,
    )


def _credit_deletion(
    event: Event, final: Sequence[float] | None, cls: int | None, certainty: float, domain: str
) -> Outcome | None:
    """Deleting says what the verdict "not_object" says."""
    weight = max(2 * certainty - 1, 0.0)
    truth = "phantom" if final is None else "good"
    return Outcome("verify_box", domain, cls, "not_object", truth, weight, seconds=None)


def _credit_compare(
    event: Event, final: Sequence[float] | None, cls: int | None, certainty: float, domain: str
) -> Outcome | None:
    if final is None or event.xyxy is None or event.other is None:
        return None
    chosen, other = bx.iou(event.xyxy, tuple(final)), bx.iou(event.other, tuple(final))
    gap = abs(chosen - other)
    if gap < 0.02:
        return None
    weight = max(2 * certainty - 1, 0.0) * min(1.0, gap / 0.2)
    return Outcome(
        event.kind, domain, cls, RIGHT if chosen > other else WRONG, "good", weight, seconds=event.seconds
    )


@dataclass(frozen=True, slots=True)
class TileLook:
    """One search as kept in a tile's history: who, what was live then, and where they clicked."""

    annotator: int
    live: tuple[tuple[float, ...], ...]
    points: tuple[tuple[float, float], ...]
    view_width: float
    seconds: float | None = None


def credit_tile(
    looks: Sequence[TileLook],
    final: Sequence[Sequence[float]],
    *,
    certainty: float,
    domain: str,
    policy: RoutingPolicy,
) -> list[tuple[int, Outcome]]:
    """Return, per look, an Outcome for every settled object that was not live then (found or missed), and false clicks.

    final: (N, 4) accepted boxes whose centre lies in the tile's core.
    """
    settled = bx.as_boxes([list(box) for box in final])
    weight = max(2 * certainty - 1, 0.0)
    out: list[tuple[int, Outcome]] = []
    for look in looks:
        live = bx.as_boxes([list(box) for box in look.live])
        known = (
            bx.iou_matrix(settled, live).max(axis=1) >= policy.duplicate_iou
            if len(live)
            else [False] * len(settled)
        )
        hit = bx.holds(settled, bx.as_points(look.points))
        seconds = look.seconds
        for n, box in enumerate(settled):
            if known[n]:
                continue
            size = screen_px(math.sqrt(float(bx.area(box[None])[0])), look.view_width)
            given = FOUND if hit[n].any() else MISSED
            out.append(
                (
                    look.annotator,
                    Outcome(
                        "coverage_tile", domain, None, given, "good", weight, seconds=seconds, size_px=size
                    ),
                )
            )
            seconds = None  # the time of one search is counted once
        false = int((~hit.any(axis=0)).sum()) if len(settled) else len(look.points)
        for _ in range(false):
            out.append(
                (
                    look.annotator,
                    Outcome("coverage_tile", domain, None, FOUND, "phantom", weight, seconds=seconds),
                )
            )
            seconds = None
    return out


def credit_gold(
    kind: str,
    payload: Mapping[str, Any],
    gold: Mapping[str, Any],
    value: Mapping[str, Any],
    *,
    domain: str,
    seconds: float | None = None,
) -> list[Outcome]:
    """Return what an answer to a gold task says about its annotator (gold.py describes `gold`)."""
    cls = payload.get("class") if isinstance(payload.get("class"), int) else None
    if kind == "verify_box":
        return [Outcome(kind, domain, cls, value["verdict"], gold["truth"], 1.0, True, seconds)]
    if kind == "grid_verify":
        verdicts = grid_verdicts(value)
        per_cell = seconds / max(len(verdicts), 1) if seconds is not None else None
        states = {
            **dict.fromkeys(gold.get("good", ()), "good"),
            **dict.fromkeys(gold.get("bad", ()), "phantom"),
        }
        states |= gold.get("states", {})
        return [
            Outcome(kind, domain, cls, verdicts[id], state, 1.0, True, per_cell)
            for id, state in states.items()
            if verdicts.get(id, "unsure") != "unsure"
        ]
    if kind == "coverage_tile":
        points = [p["xy"] for p in value["points"]]
        width = payload["view"][2]
        return _gold_tile(gold["hidden"], points, width, domain, seconds)
    if kind == "compare_two":
        given = RIGHT if value["choice"] == gold["choice"] else WRONG
        return [Outcome(kind, domain, cls, given, "good", 1.0, True, seconds)]
    return _gold_drawn(kind, gold, value, domain, seconds)


def _gold_tile(
    hidden: Sequence[Mapping[str, Any]],
    points: Sequence[Any],
    width: float,
    domain: str,
    seconds: float | None,
) -> list[Outcome]:
    boxes = bx.as_boxes([h["xyxy"] for h in hidden])
    hit: list[bool] = np.asarray(bx.holds(boxes, bx.as_points(points)).any(axis=1)).tolist()
    out: list[Outcome] = []
    for n, found in enumerate(hit):
        size = screen_px(float(bx.size(boxes[n][None])[0]), width)
        given = FOUND if found else MISSED
        out.append(
            Outcome(
                "coverage_tile",
                domain,
                None,
                given,
                "good",
                1.0,
                True,
                seconds if n == 0 else None,
                size_px=size,
            )
        )
    return out


def _gold_drawn(
    kind: str, gold: Mapping[str, Any], value: Mapping[str, Any], domain: str, seconds: float | None
) -> list[Outcome]:
    objects = value["objects"] if "objects" in value else [value] if value["xyxy"] else []
    drawn = [(o["xyxy"], o["class"]) for o in objects]
    target = gold["xyxy"]
    cls = gold.get("class")
    if target is None or not drawn:
        truth = "phantom" if target is None else "good"
        if drawn:
            return [Outcome(kind, domain, cls, DRAWN, "phantom", 1.0, True, seconds)]
        return [Outcome("verify_box", domain, cls, "not_object", truth, 1.0, True, seconds)]
    iou, drawn_cls = max((bx.iou(box, target), c) for box, c in drawn)
    state = "good" if iou >= 0.75 else "geometry" if iou >= 0.1 else "phantom"
    if state == "good" and cls is not None and drawn_cls != cls:
        state = "geometry"
    return [Outcome(kind, domain, cls, DRAWN, state, 1.0, True, seconds, iou)]
