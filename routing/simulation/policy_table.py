"""Policies for one object compared in a small world without pictures: what each costs, and how often it ends wrong.

The world is that of Tessera's design notes: a calibrated proposer, 12 % hard objects with 2.2 times the error, people who
let 8 % of wrong objects pass (16 % on a grid page) and refuse 5 % of right ones (3 %), 4 % who say yes to everything,
drawings that are right in 88 % and repairs in 92 % of the cases. The fixed policies are the usual practice; the adaptive
ones ask the product's `next_step`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from routing import skill
from routing.belief import Belief
from routing.policy import RoutingPolicy
from routing.redundancy import (
    Accept,
    Ask,
    Escalate,
    ObjectCase,
    Reject,
    after_compare,
    after_fix,
    after_look,
    next_step,
)
from routing.track_record import TrackRecord

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

SECONDS = {
    "grid_verify": 0.75,
    "verify_box": 1.8,
    "fix_box": 5.0,
    "draw_missed": 7.0,
    "adjudicate": 15.0,
    "compare_two": 3.0,
}
FALSE_ACCEPT = {"verify_box": 0.08, "grid_verify": 0.16}
FALSE_REFUSE = {"verify_box": 0.05, "grid_verify": 0.03}
HARD_SHARE, HARD_FACTOR = 0.12, 2.2
YES_SPAM = 0.04
DRAWN_RIGHT, FIXED_RIGHT, RULED_RIGHT = 0.88, 0.92, 0.98
KEPT = (
    0.12  # wrong proposals left as they are by whoever must repair them themselves, beside the honest slips
)
CONCENTRATION = 4.0  # of the Beta distribution of P(right)
PHANTOMS = 0.4  # of the wrong proposals, nothing is there
STRICT = 0.02  # target risk of the strict way; the usual one is the policy's
MOST_ROUNDS = 20
POOL = TrackRecord.new()


@dataclass(frozen=True, slots=True)
class Row:
    """seconds per object, share that ends wrong, and share accepted without anybody looking."""

    seconds: float
    error: float
    auto: float = 0.0


@dataclass(frozen=True)
class _World:
    rng: np.random.Generator
    p: Floats  # the proposer's P(right)
    state: npt.NDArray[np.intp]  # 0 good, 1 geometry, 2 phantom
    hard: Floats  # factor on people's error rates

    @classmethod
    def make(cls, n: int, precision: float, seed: int) -> "_World":
        rng = np.random.default_rng([seed, round(1000 * precision)])
        p = rng.beta(CONCENTRATION * precision, CONCENTRATION * (1 - precision), n)
        wrong = 1 + (rng.random(n) < PHANTOMS)
        state = np.where(rng.random(n) < p, 0, wrong)
        return cls(rng, p, state, np.where(rng.random(n) < HARD_SHARE, HARD_FACTOR, 1.0))

    def says_ok(self, right: Bools, hard: Floats, kind: str = "verify_box") -> Bools:
        """One person's verdict on each version."""
        rate = np.where(right, 1 - FALSE_REFUSE[kind] * hard, np.minimum(FALSE_ACCEPT[kind] * hard, 0.95))
        ok = self.rng.random(len(right)) < rate
        return np.asarray(ok | (self.rng.random(len(right)) < YES_SPAM))

    def made(self, hard: Floats, share: float) -> Bools:
        """Whether each newly drawn version is right."""
        return np.asarray(self.rng.random(len(hard)) < 1 - (1 - share) * hard)


def _draw_once(w: _World, policy: RoutingPolicy) -> Row:
    return Row(SECONDS["draw_missed"], float(1 - w.made(w.hard, DRAWN_RIGHT).mean()))


def _draw_thrice(w: _World, policy: RoutingPolicy) -> Row:
    """Three drawings, of which the median is right when two are."""
    right = sum(w.made(w.hard, DRAWN_RIGHT).astype(int) for _ in range(3))
    return Row(3 * SECONDS["draw_missed"], float(np.mean(right < 2)))


def _draw_verify(w: _World, policy: RoutingPolicy) -> Row:
    """Draw, and draw again until somebody else says yes."""
    return _until_yes(w, w.made(w.hard, DRAWN_RIGHT), SECONDS["draw_missed"], "draw_missed", DRAWN_RIGHT)


def _until_yes(w: _World, right: Bools, spent: float, kind: str, share: float) -> Row:
    n = len(right)
    open_, total = np.arange(n), spent * n
    for _ in range(MOST_ROUNDS):
        total += SECONDS["verify_box"] * len(open_)
        open_ = open_[~w.says_ok(right[open_], w.hard[open_])]
        if not len(open_):
            break
        total += SECONDS[kind] * len(open_)
        right[open_] = w.made(w.hard[open_], share)
    return Row(total / n, float(1 - right.mean()))


def _edit(w: _World, policy: RoutingPolicy) -> Row:
    """The same person reviews and repairs; the proposal anchors them."""
    right = w.state == 0
    repaired = ~w.says_ok(right, w.hard) & (right | (w.rng.random(len(right)) >= KEPT))
    end = np.where(repaired, w.made(w.hard, FIXED_RIGHT), right)
    return Row(
        SECONDS["verify_box"] + 0.5 + SECONDS["fix_box"] * float(repaired.mean()), float(1 - end.mean())
    )


def _verify_once(w: _World, policy: RoutingPolicy) -> Row:
    """One look; what is refused is repaired by another and looked at again."""
    right = w.state == 0
    return _until_yes(w, right.copy(), 0.0, "fix_box", FIXED_RIGHT)


def _adaptive(w: _World, policy: RoutingPolicy, *, auto: bool) -> Row:
    """The product: every object goes the way that `next_step` says."""
    seconds = wrong = unseen = 0.0
    for p, state, hard in zip(w.p.tolist(), w.state.tolist(), w.hard.tolist(), strict=True):
        spent, end, skipped = _one(w.rng, p, state, hard, policy, auto)
        seconds, wrong, unseen = seconds + spent, wrong + end, unseen + skipped
    n = len(w.p)
    return Row(seconds / n, wrong / n, unseen / n)


def _one(
    rng: np.random.Generator, p: float, state: int, hard: float, policy: RoutingPolicy, auto: bool
) -> tuple[float, bool, bool]:
    """Return (seconds, ended wrong, accepted unseen) of one object."""
    # Rounded as scores are in practice, so that the lookahead is computed once for like cases.
    p = min(max(round(p, 2), 0.005), 0.995)
    case = ObjectCase(Belief.of_model(p, p + (1 - p) * (1 - PHANTOMS)), auto=auto)
    spent, before = 0.0, state
    while True:
        match next_step(case, policy, domain=""):
            case Accept(auto=unseen):
                if not unseen or rng.random() >= policy.audit_share:
                    return spent, state != 0, unseen
                case = replace(case, auto=False, looks=1)  # drawn for the audit: one look decides
                spent += SECONDS["verify_box"]
                case = _looked(rng, case, "verify_box", state, hard, policy)
            case Reject():
                return spent, state != 2, False
            case Escalate():
                spent += SECONDS["adjudicate"]
                return spent, bool(rng.random() >= RULED_RIGHT), False
            case Ask(kind="fix_box"):
                spent += SECONDS["fix_box"]
                before = state
                case, state = _fixed(rng, case, state, hard, policy)
            case Ask(kind="compare_two"):
                spent += SECONDS["compare_two"]
                newer = (state == 0) if (state == 0) != (before == 0) else bool(rng.random() < 0.5)
                newer = newer == bool(rng.random() < skill.COMPARE_RIGHT)
                case = after_compare(case, choice_is_newer=newer, both_bad=False, record=POOL, policy=policy)
                state = state if newer else before
            case Ask(kind=kind):
                spent += SECONDS[kind]
                case = _looked(rng, case, kind, state, hard, policy)


def _looked(
    rng: np.random.Generator, case: ObjectCase, kind: str, state: int, hard: float, policy: RoutingPolicy
) -> ObjectCase:
    good = state == 0
    rate = 1 - FALSE_REFUSE[kind] * hard if good else min(FALSE_ACCEPT[kind] * hard, 0.95)
    ok = rng.random() < rate or rng.random() < YES_SPAM
    refusal = "bad" if kind == "grid_verify" else "not_object" if state == 2 else "geometry"
    return after_look(case, kind=kind, verdict="ok" if ok else refusal, record=POOL, domain="", policy=policy)


def _fixed(
    rng: np.random.Generator, case: ObjectCase, state: int, hard: float, policy: RoutingPolicy
) -> tuple[ObjectCase, int]:
    deleted = state == 2 and rng.random() < 1 - FALSE_ACCEPT["verify_box"] * hard
    if not deleted and state != 2:
        state = 0 if rng.random() < 1 - (1 - FIXED_RIGHT) * hard else 1
    case = after_fix(
        case, deleted=deleted, iou_with_previous=0.9 if case.source == "person" else 0.5, record=POOL, domain="",
        policy=policy,
    )  # fmt: skip
    return case, state


POLICIES: dict[str, Callable[[_World, RoutingPolicy], Row]] = {
    "draw_once": _draw_once,
    "draw_thrice": _draw_thrice,
    "draw_verify": _draw_verify,
    "edit": _edit,
    "verify_once": _verify_once,
    "adaptive": partial(_adaptive, auto=False),
    "adaptive_auto": partial(_adaptive, auto=True),
    "adaptive_strict": lambda w, policy: _adaptive(
        w, replace(policy, target_risk=STRICT, reject_risk=STRICT), auto=True
    ),
}


def policy_table(
    precisions: tuple[float, ...] = (0.50, 0.70, 0.85, 0.95),
    *,
    objects: int = 20_000,
    seed: int = 1,
    policy: RoutingPolicy | None = None,
) -> dict[str, dict[float, Row]]:
    """Return each policy's Row at each precision of the proposer."""
    chosen = policy or RoutingPolicy.from_json({"expected_s": SECONDS})
    return {
        name: {p: run(_World.make(objects, p, seed), chosen) for p in precisions}
        for name, run in POLICIES.items()
    }
