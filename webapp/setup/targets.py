"""What a manager wants of a project, and the routing thresholds that follow from it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from routing.policy import RoutingPolicy

# How closely an outline has to fit: (IoU that counts as right, IoU at which two people confirm each other).
FITS = {"rough": (0.5, 0.75), "usual": (0.75, 0.85), "exact": (0.85, 0.92)}
GEOMETRY_SHARE = 0.5  # a loose outline is half as bad as an object that is missing or not there


@dataclass(frozen=True, slots=True)
class Targets:
    """Quality and cost as people state them. Shares are of 1; money is in the currency of the wages.

    `wrong`: accepted objects that may be wrong; `missed`: objects that may be missing; `audit`: auto-accepted objects
    that people check all the same; `second_read`: specialists' rulings that a second one reads; `error_cost`: what it is
    worth to avoid one wrong or missing object; wages per hour.
    """

    wrong: float
    missed: float
    fit: str
    audit: float
    second_read: float
    error_cost: float
    wage_crowd: float
    wage_senior: float
    wage_specialist: float


def targets_of(policy: Mapping[str, Any]) -> Targets:
    """Return the targets that a stored policy stands for."""
    known = RoutingPolicy.from_json(policy)
    wage = known.wage_per_hour
    return Targets(
        wrong=known.target_risk,
        missed=known.missed_target,
        fit=min(FITS, key=lambda name: abs(FITS[name][0] - known.tolerance_iou)),
        audit=known.audit_share,
        second_read=known.second_read_share,
        error_cost=known.error_cost_s["phantom"] / 3600 * wage["crowd"],
        wage_crowd=wage["crowd"],
        wage_senior=wage["senior"],
        wage_specialist=wage["specialist"],
    )


def policy_for(targets: Targets, before: Mapping[str, Any]) -> dict[str, Any]:
    """Return the policy that meets the targets: `before` with the thresholds that they decide, without those that equal
    the defaults. Raises PolicyError for a target out of range."""
    tolerance, agree = FITS[targets.fit]
    error_s = targets.error_cost * 3600 / targets.wage_crowd if targets.wage_crowd else 40.0
    decided = {
        "target_risk": targets.wrong,
        "reject_risk": targets.wrong,
        "auto_target": targets.wrong,
        "missed_target": targets.missed,
        "tolerance_iou": tolerance,
        "agree_iou": agree,
        "audit_share": targets.audit,
        "second_read_share": targets.second_read,
        "error_cost_s": {"geometry": GEOMETRY_SHARE * error_s, "phantom": error_s, "missed": error_s},
        "wage_per_hour": {
            "crowd": targets.wage_crowd,
            "senior": targets.wage_senior,
            "specialist": targets.wage_specialist,
        },
    }
    wanted = RoutingPolicy.from_json({**before, **decided}).to_json()
    usual = RoutingPolicy().to_json()
    return {
        name: _differing(wanted[name], usual[name])
        for name in wanted
        if not _close(wanted[name], usual[name])
    }


def _differing(value: Any, usual: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: entry for key, entry in value.items() if not _close(entry, usual.get(key))}


def _close(a: Any, b: Any) -> bool:
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_close(a[key], b[key]) for key in a)
    if isinstance(a, float) and isinstance(b, float):
        return abs(a - b) <= 1e-9 * max(abs(a), abs(b), 1.0)
    return bool(a == b)
