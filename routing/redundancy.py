"""Objects: what one more answer changes, and the cheapest safe next step.

Each object version carries a Belief. After every answer `next_step` compares accepting, rejecting, another look
(grid or single), a fix, a comparison of two versions and a specialist, by expected loss in seconds of crowd time:
price of the question plus what remains of `policy.error_cost_s`. The lookahead is `DEPTH` answers deep and exact for
the pool's verdict rates. Stopping by expected risk instead of a fixed overlap follows Lean Crowdsourcing
(Branson, Van Horn and Perona, CVPR 2017).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from routing import skill
from routing.belief import Belief
from routing.policy import RoutingPolicy
from routing.tables import Table
from routing.track_record import TrackRecord

DEPTH = 3  # answers; a fourth changes no first step at the default prices and costs six times as much
DELETES_PHANTOM = 0.8  # P(the fixer deletes | nothing is there)
DELETES_OBJECT = 0.03  # P(the fixer deletes | there is an object)
SAME_IOU = 0.95  # a fix that leaves the box this close has agreed with it

# P(a second person's box agrees with the first | state of the new one): agreement is rare when either is wrong.
AGREE = (0.85, 0.15, 0.15)
DISAGREE = (0.55, 0.85, 0.85)


@dataclass(frozen=True, slots=True)
class ObjectCase:
    """All that the routing knows of one object now.

    source: "model" or "person", of the current version. looks: verdicts so far. rivals: human geometries that
    contradict each other. auto: the object's stratum holds a certificate for auto-accept. novelty: percentile 0 to 1.
    value: factor on the cost of an error. size_px: sqrt(area) in scene pixels. rival_good: P(right) of the version
    before the current one.
    """

    belief: Belief
    source: str = "model"
    looks: int = 0
    unsure: int = 0
    fixes: int = 0
    rivals: int = 1
    auto: bool = False
    novelty: float = 0.0
    value: float = 1.0
    cls: int | None = None
    size_px: float = 48.0
    rival_good: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Return the case as plain JSON values."""
        out = {name: getattr(self, name) for name in self.__slots__}
        return {**out, "belief": self.belief.to_json()}

    @classmethod
    def from_json(cls, obj: Mapping[str, Any]) -> "ObjectCase":
        """Read what `to_json` wrote."""
        known = {name: obj[name] for name in cls.__slots__ if name in obj}
        return cls(**{**known, "belief": Belief.from_json(obj["belief"])})


@dataclass(frozen=True, slots=True)
class Accept:
    """The current version goes into the result with this probability of being wrong."""

    risk: float
    auto: bool = False


@dataclass(frozen=True, slots=True)
class Reject:
    """The object is dropped with this probability that there was one."""

    risk: float


@dataclass(frozen=True, slots=True)
class Ask:
    """One more answer of this kind, from this tier or above. `terms` holds each option's expected loss in seconds."""

    kind: str
    tier: str
    reason: str
    terms: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Escalate:
    """A person of this tier decides."""

    reason: str
    tier: str


Step = Accept | Reject | Ask | Escalate


def after_look(
    case: ObjectCase, *, kind: str, verdict: str, record: TrackRecord, domain: str, policy: RoutingPolicy
) -> ObjectCase:
    """Return the case after one verdict ("ok", "bad", "geometry", ..., "unsure") on its current version."""
    if verdict == "unsure":
        return replace(case, unsure=case.unsure + 1)
    likelihoods = record.verdict_likelihoods(kind, domain, case.cls, verdict)
    belief = case.belief.updated(likelihoods, policy.evidence_discount)
    return replace(case, belief=belief, looks=case.looks + 1)


def after_fix(
    case: ObjectCase,
    *,
    deleted: bool,
    iou_with_previous: float,
    record: TrackRecord,
    domain: str,
    policy: RoutingPolicy,
) -> ObjectCase:
    """Return the case after somebody redrew (a new version) or deleted the object (the old version stays)."""
    if deleted:
        saw = record.verdict_likelihoods("verify_box", domain, case.cls, "not_object")
        belief = case.belief.updated(saw, policy.evidence_discount)
        return replace(case, belief=belief, fixes=case.fixes + 1)
    if iou_with_previous >= SAME_IOU:
        saw = record.verdict_likelihoods("verify_box", domain, case.cls, "ok")
        # Leaving a box alone is the lazy answer, so it says less than an "ok" to a plain question.
        return replace(
            case, belief=case.belief.updated(saw, 0.5 * policy.evidence_discount), fixes=case.fixes + 1
        )
    quality = record.draw_quality(domain, "fix_box")
    there = case.belief.exists * (1 - DELETES_OBJECT)
    nothing = case.belief.phantom * (1 - DELETES_PHANTOM)
    right = quality.good / (quality.good + quality.geometry)
    belief = Belief.of((there * right, there * (1 - right), nothing))
    rivals = 1
    if case.source == "person":
        agree = iou_with_previous >= policy.agree_iou
        rivals = 1 if agree else 2
        belief = belief.updated(AGREE if agree else DISAGREE)
    return replace(
        case,
        belief=belief,
        source="person",
        fixes=case.fixes + 1,
        rivals=rivals,
        rival_good=case.belief.good,
        auto=False,
    )


def after_compare(
    case: ObjectCase,
    *,
    choice_is_newer: bool | None,
    both_bad: bool,
    record: TrackRecord,
    policy: RoutingPolicy,
) -> ObjectCase:
    """Return the case after a comparison of the current (newer) and the previous version.

    choice_is_newer None means "equal". After False the caller makes the older version current: the returned belief
    is the older version's.
    """
    sure, new, old = record.compare_accuracy(), case.belief.good, case.rival_good
    looks = case.looks + 1
    if both_bad:
        belief = case.belief.updated((1 - sure, 0.6, 0.6))
        return replace(case, belief=belief, looks=looks, rivals=1, rival_good=min(old, 1 - sure))
    if choice_is_newer is None:
        return replace(case, belief=case.belief.updated((0.6, 0.35, 0.35)), looks=looks, rivals=1)
    if choice_is_newer:
        chosen, other, start = new, old, case.belief
    else:
        chosen, other = old, new
        there = max(case.belief.exists, 1e-6)
        start = Belief.of((there * chosen, there * (1 - chosen), case.belief.phantom))
    if_right = (1 - other) * sure + other * 0.5
    if_wrong = other * (1 - sure) + (1 - other) * 0.5
    belief = start.updated((if_right, if_wrong, if_wrong))
    return replace(case, belief=belief, looks=looks, rivals=1, rival_good=other)


def next_step(
    case: ObjectCase, policy: RoutingPolicy, *, domain: str, seconds: Mapping[str, float] | None = None
) -> Step:
    """Return the step with the least expected loss that keeps the risk of what is accepted below the target.

    domain names the qualification that the answers need; seconds overrides `policy.expected_s` with measured times.
    """
    belief = case.belief
    unseen = case.source == "model" and case.looks == 0 and case.fixes == 0
    if belief.risk <= policy.target_risk and (not unseen or case.auto):
        return Accept(belief.risk, auto=unseen)
    if belief.exists <= policy.reject_risk:
        return Reject(belief.exists)
    if case.unsure >= policy.max_unsure:
        return Escalate(f"{case.unsure} people were unsure", "specialist")
    if case.novelty >= policy.novelty_limit and case.looks + case.fixes > 0:
        return Escalate("it looks like nothing seen before", "specialist")
    if case.looks >= policy.max_looks:
        return Escalate(f"still unsettled after {case.looks} looks", "specialist")
    if case.rivals >= 2:
        return Ask("compare_two", "crowd", "two people drew it differently", {})
    prices = _prices(policy, _frozen(seconds))
    terms = _options(
        _rounded(belief.vector), DEPTH, case.fixes < policy.max_fixes, case.value, policy, prices
    )
    kind = min(terms, key=lambda name: terms[name])
    if kind == "adjudicate":
        tried = (
            "two fixes" if case.fixes >= policy.max_fixes else "a specialist is cheaper than more questions"
        )
        return Escalate(f"unsettled: {tried}", "specialist")
    return Ask(kind, "crowd", _REASONS[kind], terms)


_REASONS = {
    "grid_verify": "probably right; one glance on a page settles it",
    "verify_box": "a single look settles most",
    "fix_box": "the outline is probably wrong",
}


def audit_due(rng: np.random.Generator, policy: RoutingPolicy) -> bool:
    """Return whether this auto-accepted object is verified all the same (uniform draw)."""
    return bool(rng.random() < policy.audit_share)


def expected_loss(case: ObjectCase, policy: RoutingPolicy) -> float:
    """Return the loss in seconds of stopping now with the better of accept and reject: the risk at stake."""
    return _stop(case.belief.vector, case.value, policy)


def _stop(b: tuple[float, float, float], value: float, policy: RoutingPolicy) -> float:
    cost = policy.error_cost_s
    return value * min(cost["geometry"] * b[1] + cost["phantom"] * b[2], cost["missed"] * (b[0] + b[1]))


def _frozen(seconds: Mapping[str, float] | None) -> Table | None:
    if not seconds:
        return None
    # Rounded so that drifting telemetry does not defeat the cache.
    return Table({kind: round(s, 1) if s >= 1 else round(s, 2) for kind, s in seconds.items()})


@lru_cache(maxsize=256)
def _prices(policy: RoutingPolicy, seconds: Table | None) -> Table:
    own = dict(seconds or {})
    kinds = ("grid_verify", "verify_box", "fix_box")
    prices = {kind: policy.price(kind, seconds=own.get(kind)) for kind in kinds}
    prices["adjudicate"] = policy.price("adjudicate", "specialist", own.get("adjudicate"))
    return Table(prices)


def _rounded(vector: tuple[float, float, float]) -> tuple[float, float, float]:
    g, m = round(vector[0], 3), round(vector[1], 3)
    return (g, m, round(max(1 - g - m, 0.0), 3))


@lru_cache(maxsize=200_000)
def _ahead(
    b: tuple[float, float, float],
    depth: int,
    may_fix: bool,
    value: float,
    policy: RoutingPolicy,
    prices: Table,
) -> float:
    """Return the expected loss from here on, in seconds, with at most `depth` further answers."""
    stop = _stop(b, value, policy)
    if depth == 0 or stop <= min(prices.values()) or _settled(b, policy):
        return stop
    return min(stop, *_options(b, depth, may_fix, value, policy, prices).values())


def _settled(b: tuple[float, float, float], policy: RoutingPolicy) -> bool:
    return 1 - b[0] <= policy.target_risk or b[0] + b[1] <= policy.reject_risk


@lru_cache(maxsize=20_000)
def _options(
    b: tuple[float, float, float],
    depth: int,
    may_fix: bool,
    value: float,
    policy: RoutingPolicy,
    prices: Table,
) -> dict[str, float]:
    out: dict[str, float] = {}
    for kind in ("grid_verify", "verify_box"):
        loss = prices[kind]
        rows = skill.VERDICT_POOL[kind]
        for group in range(2 if kind == "grid_verify" else 3):
            chance = sum(b[s] * rows[s][group] for s in range(3))
            if chance < 1e-6:
                continue
            weights = [b[s] * rows[s][group] ** policy.evidence_discount for s in range(3)]
            total = sum(weights)
            after = _rounded((weights[0] / total, weights[1] / total, weights[2] / total))
            loss += chance * _ahead(after, depth - 1, may_fix, value, policy, prices)
        out[kind] = loss
    if may_fix:
        out["fix_box"] = prices["fix_box"] + _fixed(b, depth, value, policy, prices)
    error = skill.TIER_ERROR["specialist"] * 0.05
    out["adjudicate"] = prices["adjudicate"] + error * value * max(policy.error_cost_s.values())
    return out


def _fixed(
    b: tuple[float, float, float], depth: int, value: float, policy: RoutingPolicy, prices: Table
) -> float:
    good, geometry, _ = skill.DRAW_POOL["fix_box"]
    right = good / (good + geometry)
    there = b[0] + b[1]
    deleted = there * DELETES_OBJECT + b[2] * DELETES_PHANTOM
    loss = 0.0
    if deleted > 1e-6:
        gone = b[2] * DELETES_PHANTOM / deleted
        left = (1 - gone) / max(there, 1e-9)
        after = _rounded((b[0] * left, b[1] * left, gone))
        loss += deleted * _ahead(after, depth - 1, False, value, policy, prices)
    kept = 1 - deleted
    if kept > 1e-6:
        real = there * (1 - DELETES_OBJECT) / kept
        after = _rounded((real * right, real * (1 - right), 1 - real))
        loss += kept * _ahead(after, depth - 1, False, value, policy, prices)
    return loss if math.isfinite(loss) else 0.0
