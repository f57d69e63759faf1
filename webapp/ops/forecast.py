"""What another risk target would ask for and lead to, from the project's own history; pure.

Objects that are settled are decided anew under a policy. As long as the policy asks for a kind of answer that was given
at that point, the recorded one is taken, weighed by its author's track record; beyond the records, answers are drawn
as the pool gives them, from a truth that is drawn from what is believed by then. So the stated share of drawn answers
says how much of the forecast is history. Objects that are still open start from what is believed of them now.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from routing import skill
from routing.annotation.boxes import iou
from routing.belief import Belief
from routing.policy import RoutingPolicy
from routing.redundancy import (
    DELETES_OBJECT,
    DELETES_PHANTOM,
    Accept,
    Ask,
    ObjectCase,
    Reject,
    after_fix,
    after_look,
    next_step,
)
from routing.track_record import TrackRecord

LOOKS = ("grid_verify", "verify_box")
SETTLED_IOU = 0.8  # of a drawn answer with the box before: a fix that changes it
MOST_STEPS = 30
SPECIALIST_RISK = skill.TIER_ERROR["specialist"] * 0.05  # as `next_step` expects of a ruling
VERDICTS = ("ok", "geometry", "not_object")


@dataclass(frozen=True, slots=True)
class Given:
    """One recorded answer about an object: a verdict on it, or a fix that made the outline `box`."""

    kind: str
    verdict: str
    box: tuple[float, ...]
    record: TrackRecord


@dataclass(frozen=True, slots=True)
class Past:
    """An object before anybody had answered, and what was answered, in order. An open one has nothing recorded."""

    case: ObjectCase
    box: tuple[float, ...]
    given: tuple[Given, ...] = ()


@dataclass(frozen=True, slots=True)
class Outlook:
    """Means per object: answers (with rulings), seconds, stated P(wrong) of what is accepted, and shares of objects
    ruled on by a specialist and of answers that were drawn instead of recorded."""

    answers: float
    seconds: float
    risk: float
    escalated: float
    drawn: float


@dataclass(slots=True)
class _Run:
    """One object under way. truth: of what is drawn, the state of the current version; None while history lasts."""

    case: ObjectCase
    box: tuple[float, ...]
    at: int = 0
    truth: int | None = None
    answers: int = 0
    drawn: int = 0
    seconds: float = 0.0


def outlook(
    pasts: Sequence[Past], policy: RoutingPolicy, *, domain: str, seconds: Mapping[str, float], seed: int = 0
) -> Outlook:
    """Return what a policy would have asked of these objects, and with what stated risk; the same seed, the same result.

    seconds: measured human seconds by kind; a kind that is missing takes `policy.expected_s`. Raises ValueError for no
    objects.
    """
    if not pasts:
        raise ValueError("no objects to forecast from; wait until some are settled")
    rows = []
    for number, past in enumerate(pasts):
        rng = np.random.default_rng([seed, number])  # the same luck for every policy
        rows.append(_one(past, policy, domain, seconds, rng))
    accepted = [risk for _, risk, _ in rows if risk is not None]
    answers = sum(run.answers for run, _, _ in rows)
    return Outlook(
        answers=answers / len(rows),
        seconds=sum(run.seconds for run, _, _ in rows) / len(rows),
        risk=sum(accepted) / len(accepted) if accepted else 0.0,
        escalated=sum(ruled for _, _, ruled in rows) / len(rows),
        drawn=sum(run.drawn for run, _, _ in rows) / answers if answers else 0.0,
    )


def _one(
    past: Past, policy: RoutingPolicy, domain: str, seconds: Mapping[str, float], rng: np.random.Generator
) -> tuple[_Run, float | None, bool]:
    """Follow one object to its end: how it went, the stated risk if it is accepted, whether a specialist decided."""
    run = _Run(past.case, past.box)
    for _ in range(MOST_STEPS):
        step = next_step(run.case, policy, domain=domain)
        if isinstance(step, Accept):
            return run, step.risk, False
        if isinstance(step, Reject):
            return run, None, False
        kind = step.kind if isinstance(step, Ask) else "adjudicate"
        if kind in ("adjudicate", "compare_two"):
            # Two rival outlines are compared, or a specialist rules: either settles it, at its price.
            run.answers, run.drawn = run.answers + 1, run.drawn + 1
            run.seconds += seconds.get(kind, policy.expected_s[kind])
            there = run.case.belief.exists >= 0.5
            return run, SPECIALIST_RISK if there else None, kind == "adjudicate"
        recorded = past.given[run.at] if run.truth is None and run.at < len(past.given) else None
        if recorded is not None and (recorded.kind in LOOKS) == (kind in LOOKS):
            kind = recorded.kind
            _take(run, recorded, policy, domain)
        else:
            _draw(run, kind, policy, domain, rng)
        run.answers += 1
        run.seconds += seconds.get(kind, policy.expected_s[kind])
    return run, run.case.belief.risk, False


def _take(run: _Run, given: Given, policy: RoutingPolicy, domain: str) -> None:
    """Go on by a recorded answer."""
    run.at += 1
    if given.kind in LOOKS:
        run.case = after_look(
            run.case,
            kind=given.kind,
            verdict=given.verdict,
            record=given.record,
            domain=domain,
            policy=policy,
        )
        return
    overlap = iou(run.box, given.box)
    run.case = after_fix(
        run.case, deleted=False, iou_with_previous=overlap, record=given.record, domain=domain, policy=policy
    )
    run.box = given.box


def _draw(run: _Run, kind: str, policy: RoutingPolicy, domain: str, rng: np.random.Generator) -> None:
    """Go on by an answer as the pool gives it."""
    run.drawn += 1
    pool = TrackRecord.new("crowd", [domain])
    if run.truth is None:
        run.truth = int(rng.choice(3, p=_shares(run.case.belief.vector)))
    if kind in LOOKS:
        said = VERDICTS[int(rng.choice(3, p=_shares(skill.VERDICT_POOL[kind][run.truth])))]
        verdict = said if kind == "verify_box" or said == "ok" else "bad"
        run.case = after_look(run.case, kind=kind, verdict=verdict, record=pool, domain=domain, policy=policy)
        return
    deletes = DELETES_PHANTOM if run.truth == 2 else DELETES_OBJECT
    gone = bool(rng.random() < deletes)
    if not gone:
        good, geometry, _ = skill.DRAW_POOL["fix_box"]
        run.truth = 2 if run.truth == 2 else int(rng.random() >= good / (good + geometry))
    run.case = after_fix(
        run.case, deleted=gone, iou_with_previous=SETTLED_IOU, record=pool, domain=domain, policy=policy
    )


def _shares(weights: Sequence[float]) -> list[float]:
    total = sum(weights)
    return [w / total for w in weights]


def first_case(case: ObjectCase, p_good: float, phantom_share: float) -> ObjectCase:
    """Return a model's case before anybody had answered. p_good: what the model stated; phantom_share: how many of the
    proposals that were not right turned out to be nothing at all."""
    p = round(p_good, 2)  # equal starts are decided once
    belief = Belief.of((p, (1 - p) * (1 - phantom_share), (1 - p) * phantom_share))
    return ObjectCase(belief, cls=case.cls, size_px=case.size_px, novelty=case.novelty, value=case.value)


def with_target(policy: RoutingPolicy, risk: float, looks: int) -> RoutingPolicy:
    """Return the policy with another risk target for what is accepted, rejected and auto-accepted, and another cap on the
    verdicts on one object."""
    return replace(policy, target_risk=risk, reject_risk=risk, auto_target=risk, max_looks=looks)
