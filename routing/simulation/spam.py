"""How soon the careless are found, and how often the honest are taken for careless."""

from typing import Any

import numpy as np

from routing.annotation import boxes as bx
from routing.annotation.kinds import validate_answer
from routing.gold import make_verify_gold
from routing.policy import RoutingPolicy
from routing.simulation import views
from routing.simulation.annotator import SimulatedAnnotator
from routing.simulation.crowd import DEFAULT_MIX, make_crowd
from routing.simulation.truth import Truth
from routing.simulation.world import CLASSES, Settings, make_world
from routing.track_record import TrackRecord
from routing.workflow import credit_gold

DRAW_SHARE = 0.3  # of the checked answers that are drawings; the others are verdicts


def spam_trial(
    *, each: int = 60, answers: int = 40, seed: int = 1, policy: RoutingPolicy | None = None
) -> dict[str, dict[str, float | None]]:
    """Return, per kind of person, the share paused and coached within so many checked answers, and the median until.

    each: simulated people per kind (ten times as many diligent ones, since false alarms are rare). The careless are
    found when they are paused or coached: a systematic annotator does look, so coaching is what helps.
    """
    policy = policy or RoutingPolicy()
    world = make_world(Settings(scenes=1, domains=1, seed=seed))
    truth = world.gold[0].truth
    out: dict[str, dict[str, float | None]] = {}
    for kind in DEFAULT_MIX:
        count = each * 10 if kind == "diligent" else each
        people = make_crowd(count, seed + 1, mix={kind: 1.0})
        ends = [_work(SimulatedAnnotator(p), truth, answers, policy, p.seed) for p in people]
        until = [n for state, n in ends if state != "ok"]
        out[kind] = {
            "people": len(ends),
            "paused": sum(state == "paused" for state, _ in ends) / len(ends),
            "coached": sum(state == "coach" for state, _ in ends) / len(ends),
            "answers_until": float(np.median(until)) if until else None,
        }
    return out


def _work(
    mind: SimulatedAnnotator, truth: Truth, answers: int, policy: RoutingPolicy, seed: int
) -> tuple[str, int]:
    """Return the worst standing within so many checked answers, and after how many it was reached."""
    rng = np.random.default_rng([seed, 0x7370616D])
    record, worst, when = TrackRecord.new(), "ok", 0
    for n in range(1, answers + 1):
        kind, payload, gold = _question(truth, policy, rng, n)
        reply = mind.answer(payload, truth, tasks_done=n, now_s=0.0)
        if reply.value is None:
            continue
        value = validate_answer(kind, payload, reply.value)
        for outcome in credit_gold(kind, payload, gold, value, domain="", seconds=reply.active_ms / 1000):
            record = record.updated(outcome)
        state = record.standing(policy).state
        if state == "paused":
            return state, n
        if state == "coach" and worst == "ok":
            worst, when = state, n
    return worst, when


def _question(
    truth: Truth, policy: RoutingPolicy, rng: np.random.Generator, number: int
) -> tuple[str, dict[str, Any], dict[str, Any]]:
    index = int(rng.integers(len(truth)))
    kind = "draw_missed" if rng.random() < DRAW_SHARE else "verify_box"
    common = views.common(kind, truth, policy, CLASSES)
    cls = int(truth.classes[index])
    if kind == "draw_missed":
        center = tuple(float(v) for v in bx.centers(truth.boxes[index][None])[0])
        payload = views.around_click(center, cls, 160.0, [], truth) | common
        return kind, payload, {"xyxy": truth.boxes[index].tolist(), "class": cls}
    seed = make_verify_gold(truth.boxes, index, rng, policy, (truth.width, truth.height))
    payload = views.about_object(-number, seed.xyxy, int(truth.classes[seed.source]), [], truth) | common
    return kind, payload, {"truth": seed.truth}
