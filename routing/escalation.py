"""Which specialist decides a dispute best, which case comes first, and which of several rulings stands."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from routing.annotation.boxes import iou
from routing.eligibility import Waiting, rank
from routing.policy import RoutingPolicy
from routing.redundancy import ObjectCase
from routing.track_record import TrackRecord

BANDS = ("new", "above", "usual", "below")
KNOWN_AFTER = 20.0  # answers before which somebody counts as new
ABOVE, BELOW = 0.75, 1.35  # of the error of the usual person of their tier
MOST_READERS = 3  # of one case


@dataclass(frozen=True, slots=True)
class Ranked:
    """One specialist for one case: `gain` is the expected cut of the risk, `load` today's answers."""

    annotator: int
    score: float
    gain: float
    load: int


def rank_specialists(
    case: ObjectCase,
    people: Iterable[Waiting],
    policy: RoutingPolicy,
    *,
    domain: str,
    tier: str = "specialist",
    rival_cls: int | None = None,
) -> list[Ranked]:
    """Return the people of the tier or above, best first, by how well their record separates what is disputed.

    The gain is the expected fall of the belief's Gini uncertainty by one verdict, per price and load. rival_cls: the
    other class of a dispute between two; the record must then tell right from wrong when either of them is shown.
    """
    out: list[Ranked] = []
    shown = dict.fromkeys((case.cls, rival_cls)) if rival_cls is not None else (case.cls,)
    for person in people:
        if rank(person.tier) < rank(tier) or (domain and domain not in person.domains) or person.paused:
            continue
        rows = [person.record.verdict_rows("adjudicate", domain, cls) for cls in shown]
        gain = sum(gini_gain(case.belief.vector, row) for row in rows) / len(rows)
        load = 1 / (1 + person.answers_today / max(policy.load_free, 1))
        price = policy.wage_per_hour[person.tier] / max(policy.wage_per_hour[tier], 1e-9)
        out.append(Ranked(person.id, gain * load / max(price, 1e-9), gain, person.answers_today))
    return sorted(out, key=lambda r: (-r.score, r.annotator))


def gini_gain(belief: tuple[float, float, float], rows: tuple[tuple[float, float, float], ...]) -> float:
    """Return the expected fall of 1 - sum(b^2) by one answer with P(verdict group | state) = rows (3 x 3)."""
    after = 0.0
    for group in range(3):
        joint = [belief[s] * rows[s][group] for s in range(3)]
        mass = sum(joint)
        if mass > 0:
            after += sum(j * j for j in joint) / mass
    return max(after - sum(b * b for b in belief), 0.0)


def confusion_of(case: ObjectCase, verdicts: Mapping[str, int]) -> str:
    """Return a name for what is disputed, to group the desk's queue: the two most given verdicts, or the state."""
    top = sorted(verdicts, key=lambda v: (-verdicts[v], v))[:2]
    if len(top) == 2:
        return " / ".join(sorted(top))
    states = {
        "right or not": case.belief.good,
        "outline or class": case.belief.geometry,
        "there or not": case.belief.phantom,
    }
    return min(states, key=lambda name: abs(states[name] - 0.5))


def desk_value(stake: float, unsettled: int) -> float:
    """Return what one case of the desk weighs before it ages: the share of a scene that it blocks times what is at stake.

    stake: the risk that a ruling removes, 0 to 1. unsettled: what is still to be decided in the case's scene, the case
    included; so the shares of all cases that alone hold up one scene add up to that scene, and a ruling that is the last
    thing a scene waits for weighs most.
    """
    return stake / max(unsettled, 1)


def desk_weight(value: float, age_s: float, policy: RoutingPolicy) -> float:
    """Return a case's place in the desk's queue, larger first: its `desk_value` grown by the seconds it has waited.

    The growth is that of every task (`routing.worth.urgency`), so the feed offers cases in the order that the page shows.
    """
    return value * (1 + policy.age_weight * age_s / policy.age_scale_s)


def standing_ruling(
    rulings: Sequence[Mapping[str, Any]], tolerance_iou: float
) -> tuple[Mapping[str, Any] | None, bool]:
    """Return which of the rulings about one object stands and whether another one bears it out, as far as they were given.

    Rulings are values of `adjudicate`, in the order in which they were given by different people who did not see each
    other's. The first pair that agrees decides, by its earlier ruling. None: nobody bears anybody out yet, another reader is wanted;
    after three of three minds the last one stands, unborne (double reading with arbitration, as in screening).
    """
    for later, ruling in enumerate(rulings):
        for earlier in rulings[:later]:
            if rulings_agree(earlier, ruling, tolerance_iou):
                return earlier, True
    return (rulings[-1], False) if len(rulings) >= MOST_READERS else (None, False)


def rulings_agree(a: Mapping[str, Any], b: Mapping[str, Any], tolerance_iou: float) -> bool:
    """Return whether two rulings about one object say the same: the same ruling and, where it accepts, the same class and
    boxes within the tolerance."""
    if a["ruling"] != b["ruling"]:
        return False
    return a["ruling"] != "accept" or (
        a["class"] == b["class"] and iou(a["xyxy"], b["xyxy"]) >= tolerance_iou
    )


def skill_band(record: TrackRecord, *, domain: str, cls: int | None) -> str:
    """Return how somebody judges boxes beside the usual person of their tier: new, above, usual or below.

    It says no more than that, so that whoever rules sees the answers and not the people.
    """
    if record.answers() < KNOWN_AFTER:
        return "new"
    usual = TrackRecord.new(record.tier, record.declared)
    ratio = _error(record, domain, cls) / max(_error(usual, domain, cls), 1e-9)
    return "above" if ratio <= ABOVE else "below" if ratio >= BELOW else "usual"


def _error(record: TrackRecord, domain: str, cls: int | None) -> float:
    """Return P(wrong) of a look: a right version called bad, or a bad one called right, evenly."""
    rows = record.verdict_rows("verify_box", domain, cls)
    return (1 - rows[0][0]) / 2 + (rows[1][0] + rows[2][0]) / 4
