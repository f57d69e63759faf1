"""How a simulated job ended: against the truth, which nothing else has seen."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from routing.annotation import boxes as bx
from routing.certify import Stratum, release_bound
from routing.simulation.desk import ACCEPTED, UNDECIDABLE, Desk

if TYPE_CHECKING:
    from routing.simulation.batch import Person

FOUND_IOU = 0.5


def report(desk: Desk, people: "Sequence[Person]", threshold: float | None) -> dict[str, Any]:
    """Return quality, cost, what was stated and what was true, and how the careless were found, as JSON values."""
    wage = desk.policy.wage_per_hour
    seconds = sum(p.seconds for p in people)
    accepted = [t for t in desk.things if t.state == ACCEPTED]
    quality = _quality(desk)
    per_object = max(quality["correct"], 1)
    return {
        **quality,
        "answers": sum(p.answers for p in people),
        "human_seconds": round(seconds, 1),
        "seconds_per_object": round(seconds / per_object, 3),
        "cost": round(sum(p.seconds * wage[p.tier] / 3600 for p in people), 2),
        "auto_accepted": desk.counts["auto"] / max(len(accepted), 1),
        "escalated": desk.counts["escalated"],
        "undecidable": sum(t.state == UNDECIDABLE for t in desk.things),
        "tiles_complete": sum(t.complete for t in desk.tiles) / len(desk.tiles),
        "open_left": len(desk.open),
        "auto_threshold": threshold,
        "auto_audit": _audit(desk),
        "spam": spam_report(desk, people),
        "simulated_hours": round(desk.now / 3600, 3),
    }


def _quality(desk: Desk) -> dict[str, Any]:
    """Match the accepted boxes to the objects one to one, and count."""
    objects = accepted = found = correct = 0
    overlaps: list[float] = []
    wrong: list[bool] = []
    stated: list[float] = []
    auto_wrong: list[bool] = []
    for number, scene in enumerate(desk.world.scenes):
        mine = [t for t in desk.things if t.scene == number and t.state == ACCEPTED]
        boxes = bx.as_boxes([t.box for t in mine])
        matched = {i: (j, value) for i, j, value in bx.match(boxes, scene.truth.boxes, min_iou=FOUND_IOU)}
        objects, accepted, found = objects + len(scene.truth), accepted + len(mine), found + len(matched)
        for i, thing in enumerate(mine):
            j, value = matched.get(i, (-1, 0.0))
            right = j >= 0 and value >= desk.policy.tolerance_iou and int(scene.truth.classes[j]) == thing.cls
            overlaps += [value] if j >= 0 else []
            correct += right
            wrong.append(not right)
            stated.append(thing.risk)
            if thing.by == "machine":
                auto_wrong.append(not right)
    return {
        "objects": objects,
        "accepted": accepted,
        "correct": correct,
        "precision": found / max(accepted, 1),
        "recall": found / objects,
        "mean_iou": float(np.mean(overlaps)) if overlaps else 0.0,
        "error": float(np.mean(wrong)) if wrong else 0.0,
        "stated_error": float(np.mean(stated)) if stated else 0.0,
        "auto_error": float(np.mean(auto_wrong)) if auto_wrong else None,
    }


def _audit(desk: Desk) -> dict[str, Any]:
    """Return what the audit of the auto-accepted promises."""
    stratum = Stratum("auto", desk.counts["auto"], desk.counts["audited"], desk.counts["audit_wrong"])
    bound = release_bound([stratum]) if stratum.size else None
    return {"audited": stratum.audited, "wrong": stratum.errors, "bound": bound.upper if bound else None}


def spam_report(desk: Desk, people: "Sequence[Person]") -> dict[str, Any]:
    """Return who was paused: how many of the careless, after how many evaluated answers, and how many others."""
    crowd = [p for p in people if p.tier == "crowd"]
    spammers = [p for p in crowd if desk.world.crowd[p.id].spammer]
    caught = [p.checked for p in spammers if p.checked is not None]
    honest = [p for p in crowd if not desk.world.crowd[p.id].spammer]
    return {
        "spammers": len(spammers),
        "paused": len(caught),
        "answers_until": round(float(np.median(caught)), 1) if caught else None,
        "honest": len(honest),
        "honest_paused": sum(p.checked is not None for p in honest),
        "honest_coached": sum(p.standing.state == "coach" for p in honest),
    }
