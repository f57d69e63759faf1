"""RoutingPolicy: every threshold of the routing, with its unit, its range and its reason."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from routing import skill
from routing.annotation.kinds import KINDS
from routing.tables import Table

# Shapes of many points.
LONG_KINDS = ("fix_polygon", "fix_mask", "keypoints", "polyline", "cuboid_cam", "cuboid_lidar")
TIERS = ("crowd", "senior", "specialist", "adjudicator")  # from most people to fewest


class PolicyError(ValueError):
    """A policy cannot be used; the message names the field and the fix."""


def _knob(default: Any, unit: str, why: str, low: float, high: float) -> Any:
    meta = {"unit": unit, "why": why, "low": low, "high": high}
    if isinstance(default, dict):
        return dataclasses.field(default_factory=lambda: Table(default), metadata=meta)
    return dataclasses.field(default=default, metadata=meta)


@dataclass(frozen=True)
class RoutingPolicy:
    """Thresholds of one project. Frozen and hashable; `from_json` refuses unknown fields and bad values by name."""

    # What counts as right, and how often an accepted object may be wrong.
    tolerance_iou: float = _knob(
        0.75,
        "IoU",
        "a box this close to the true outline counts as right; above .85 people disagree by noise",
        0.3,
        0.95,
    )
    target_risk: float = _knob(0.05, "probability", "highest P(wrong) of an accepted object", 0.0005, 0.5)
    reject_risk: float = _knob(
        0.05, "probability", "highest P(there is an object) of a rejected one", 0.0005, 0.5
    )
    duplicate_iou: float = _knob(
        0.5, "IoU", "a new box this close to a live one is the same object", 0.2, 0.95
    )
    agree_iou: float = _knob(0.85, "IoU", "two people's boxes this close confirm each other", 0.5, 0.99)

    # Objects: how long to ask.
    max_looks: int = _knob(5, "answers", "verdicts on one object before it counts as disputed", 1, 50)
    max_fixes: int = _knob(2, "fixes", "redrawings of one object before it counts as disputed", 0, 20)
    max_unsure: int = _knob(2, "answers", "'unsure' answers before a specialist decides", 1, 20)
    novelty_limit: float = _knob(
        0.99, "percentile", "objects stranger than this go to a specialist", 0.5, 1.0
    )
    evidence_discount: float = _knob(
        0.8, "exponent", "each further verdict counts for less: people find the same objects hard", 0.2, 1.0
    )
    error_cost_s: Table = _knob(
        {"geometry": 20.0, "phantom": 40.0, "missed": 40.0},
        "seconds",
        "crowd time that avoiding one such error in the result is worth",
        0.1,
        1e6,
    )

    # Refinements: what an accepted object still lacks.
    tolerance_shape: Table = _knob(
        {"outline": 0.75, "skeleton": 0.65, "line": 0.7, "cuboid": 0.5},
        "similarity",
        "a shape this close to the true one counts as right: IoU, or the measure of its consensus",
        0.2,
        0.98,
    )
    max_drawings: int = _knob(5, "drawings", "people who draw one shape before a specialist draws it", 1, 20)

    # Tiles: how long to search.
    missed_target: float = _knob(
        0.03, "share", "expected share of a tile's objects still missing when it closes", 0.001, 0.5
    )
    missed_floor: float = _knob(
        0.25, "objects", "a tile with few objects closes below this many expected missing", 0.01, 5.0
    )
    max_coverage_looks: int = _knob(
        5, "looks", "searches of one tile before it closes with its stated risk", 1, 20
    )
    model_recall: float = _knob(
        0.6, "share", "prior of the share of objects that the model proposes", 0.05, 0.99
    )
    merge_radius: float = _knob(
        0.35, "of the object size", "two clicks closer than this mean one object", 0.05, 2.0
    )

    # Auto-accept and audit.
    auto_target: float = _knob(
        0.05, "probability", "certified error bound of an auto-accepted stratum", 0.0005, 0.5
    )
    auto_confidence: float = _knob(0.95, "probability", "confidence of that bound", 0.5, 0.9999)
    audit_share: float = _knob(
        0.05, "share", "auto-accepted objects that are verified all the same, for ever", 0.0, 1.0
    )

    # Gold, seeds and exploration.
    gold_share: float = _knob(0.05, "share", "tasks with a known answer, for annotators we know", 0.0, 0.5)
    gold_share_new: float = _knob(0.10, "share", "the same for the first answers of a newcomer", 0.0, 0.9)
    newcomer_answers: int = _knob(
        200, "answers", "how long an annotator counts as a newcomer, per kind", 0, 100_000
    )
    seed_share: float = _knob(
        0.10, "share", "least share of wrong cells on a grid page, known-wrong seeds included", 0.0, 0.5
    )
    explore_share: float = _knob(
        0.10, "share", "offers made at random, so that skills and policies stay measurable", 0.0, 1.0
    )

    # Pages.
    grid_size: int = _knob(24, "cells", "objects on a full grid page", 1, 30)
    grid_min: int = _knob(6, "cells", "below this, a grid costs more in switching than it saves", 1, 30)

    # People: the load, the trust.
    load_cap: float = _knob(3.0, "times fair share", "most answers one annotator may give today", 1.0, 1000.0)
    load_free: int = _knob(
        200, "answers", "a day's answers below which the load cap does not bind", 0, 1_000_000
    )
    desk_hours: float = _knob(
        4.0,
        "hours",
        "focused time on cases in 24 hours after which a specialist gets no more of them",
        0.25,
        12.0,
    )
    second_read_share: float = _knob(
        0.0, "share", "rulings about objects that another specialist reads before they stand", 0.0, 1.0
    )
    borrow_up: bool = _knob(
        True, "yes or no", "specialists take crowd work when none of their own waits", 0, 1
    )
    block_bonus: float = _knob(
        0.3, "factor", "score bonus for staying with one kind: switching slows the next 3 tasks", 0.0, 5.0
    )
    age_weight: float = _knob(
        0.5, "factor per age_scale_s", "growth of a waiting task's score, against starvation", 0.0, 100.0
    )
    age_scale_s: float = _knob(900.0, "seconds", "wait after which age_weight is reached", 1.0, 1e7)
    spam_confidence: float = _knob(
        0.97, "probability", "posterior at which an annotator is paused", 0.5, 0.9999
    )
    spam_prior: float = _knob(
        0.06, "probability", "share of newcomers who do not look at the pictures", 0.001, 0.5
    )
    spam_min_answers: float = _knob(8, "answers", "evaluated answers before anybody is paused", 1, 1000)
    coach_accuracy: float = _knob(
        0.70, "share", "shrunk share of right verdicts below which an annotator is coached", 0.0, 1.0
    )
    fast_factor: float = _knob(
        0.25, "of the pool median", "an answer faster than this share was not looked at", 0.0, 1.0
    )
    fast_share: float = _knob(
        0.5, "share", "share of such answers at which an annotator is paused", 0.01, 1.0
    )

    # Prices.
    expected_s: Table = _knob(
        dict(skill.SECONDS),
        "seconds",
        "median human time per answer (per cell of a grid), until our own telemetry says better",
        0.05,
        3600.0,
    )
    click_s: float = _knob(1.9, "seconds", "what one more click in a coverage look takes", 0.1, 60.0)
    lease_s: Table = _knob(
        {**dict.fromkeys(KINDS, 480.0), **dict.fromkeys(LONG_KINDS, 1200.0)},
        "seconds",
        "how long a task is held; p95 of a box task is 3 minutes, of a shape with many points 8",
        10.0,
        86_400.0,
    )
    wage_per_hour: Table = _knob(
        {"crowd": 12.0, "senior": 18.0, "specialist": 36.0, "adjudicator": 60.0},
        "currency per hour",
        "cost of a person's time, by tier",
        0.0,
        10_000.0,
    )

    def __hash__(self) -> int:
        """Return the hash of all settings; kept, because the lookahead asks for it at every node."""
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash(tuple(getattr(self, field.name) for field in dataclasses.fields(self)))

    def __reduce__(self) -> tuple[Any, ...]:
        # Hashes of texts differ between processes, so a kept one must not travel.
        return RoutingPolicy.from_json, (self.to_json(),)

    def price(self, kind: str, tier: str = "crowd", seconds: float | None = None) -> float:
        """Return what one answer costs in seconds of crowd time."""
        base = self.wage_per_hour["crowd"]
        ratio = self.wage_per_hour[tier] / base if base > 0 else 1.0
        return (self.expected_s[kind] if seconds is None else seconds) * ratio

    def to_json(self) -> dict[str, Any]:
        """Return every field as plain JSON values; `from_json` reads it back equal."""
        out: dict[str, Any] = {}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            out[field.name] = dict(value) if isinstance(value, Table) else value
        return out

    @classmethod
    def from_json(cls, obj: object) -> "RoutingPolicy":
        """Read the given fields over the defaults; raise PolicyError naming the field and the fix."""
        if not isinstance(obj, Mapping):
            raise PolicyError("policy: give an object of settings")
        known = {field.name: field for field in dataclasses.fields(cls)}
        defaults = cls()
        values: dict[str, Any] = {}
        for name, value in obj.items():
            if name not in known:
                raise PolicyError(f"policy.{name}: unknown setting; known are {', '.join(sorted(known))}")
            values[str(name)] = _read(known[name], value, getattr(defaults, name))
        policy = cls(**values)
        if policy.grid_min > policy.grid_size:
            raise PolicyError("policy.grid_min: above grid_size; lower it")
        return policy

    @classmethod
    def describe(cls) -> list[dict[str, Any]]:
        """Return each setting's name, default, unit, range and reason, for a settings page."""
        defaults = cls().to_json()
        return [
            {"name": field.name, "default": defaults[field.name], **dict(field.metadata)}
            for field in dataclasses.fields(cls)
        ]


def _read(field: "dataclasses.Field[Any]", value: object, default: object) -> Any:
    where = f"policy.{field.name}"
    low, high = field.metadata["low"], field.metadata["high"]
    if isinstance(default, Table):
        if not isinstance(value, Mapping):
            raise PolicyError(f"{where}: give an object with {', '.join(default)}")
        merged = dict(default)
        for key, entry in value.items():
            if key not in merged:
                raise PolicyError(f"{where}.{key}: unknown; known are {', '.join(default)}")
            merged[str(key)] = _in_range(entry, f"{where}.{key}", low, high, field.metadata["unit"])
        return Table(merged)
    if isinstance(default, bool):
        if not isinstance(value, bool):
            raise PolicyError(f"{where}: give true or false")
        return value
    amount = _in_range(value, where, low, high, field.metadata["unit"])
    if isinstance(default, int):
        if amount != int(amount):
            raise PolicyError(f"{where}: {amount:g} is not a whole number of {field.metadata['unit']}")
        return int(amount)
    return amount


def _in_range(value: object, where: str, low: float, high: float, unit: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PolicyError(f"{where}: give a number ({unit})")
    if not low <= value <= high:
        raise PolicyError(f"{where}: {value:g} is out of range; give {low:g} to {high:g} ({unit})")
    return float(value)
