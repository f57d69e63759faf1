"""Tiles: how many objects nobody has found yet, and whether another search is worth its seconds.

Model. A tile holds Poisson(rate) objects, rate ~ Gamma. Each object has a difficulty shared by all who search
(people miss the same objects), each look has the searcher's recall at that difficulty, and the whole tile may be
harder or easier than usual (a shift of all log-odds). Objects found for the first time by look i are then Poisson
with mean rate x (unseen before - unseen after), which gives the posterior of the shift and of the rate in closed
form on a small grid. Two independent looks of equal recall reduce to Chapman's estimator with known recall; sharing
the difficulty is what classical capture-recapture lacks and why it is too hopeful.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from routing import skill
from routing.annotation import boxes as bx
from routing.policy import RoutingPolicy
from routing.redundancy import Ask, Escalate

# Shift of all log-odds in this tile (haze, camouflage, an unusual season), N(0, 0.7) on five points.
SHIFTS = ((-1.4, 0.06), (-0.7, 0.24), (0.0, 0.40), (0.7, 0.24), (1.4, 0.06))
PRIOR_SHAPE = 0.7  # Gamma prior of the number of objects: wide, so that the looks decide
PRIOR_MEAN = 4.0  # objects in a tile of which nothing is known
LEAST_DOUBT = 0.002  # P(a search was none) below which it is not worth considering
SAME_PLACE = 0.75  # centres this far apart, relative to the larger size, belong to different objects


@dataclass(frozen=True, slots=True)
class Look:
    """One finished search: the searcher's mean recall, new objects found (confirmed), live objects shown before.

    doubt: P(the searcher did not look at all), as `TrackRecord.standing` has it; it counts when nothing was found.
    """

    annotator: int
    recall: float
    found: int
    live_before: int
    doubt: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Return the look as plain JSON values."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_json(cls, obj: Mapping[str, Any]) -> "Look":
        """Read what `to_json` wrote."""
        return cls(
            int(obj["annotator"]),
            float(obj["recall"]),
            int(obj["found"]),
            int(obj["live_before"]),
            float(obj.get("doubt", 0.0)),
        )


@dataclass(frozen=True, slots=True)
class TileCase:
    """All that the routing knows of one tile now.

    live: objects alive in the core. area_px: core area in square scene pixels. object_px: typical sqrt(area) of an
    object in scene pixels. model_mass: sum of the scores of proposals too weak to be shown (expected objects).
    """

    looks: tuple[Look, ...] = ()
    live: int = 0
    area_px: float = 0.0
    object_px: float = 48.0
    model_mass: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Return the case as plain JSON values."""
        out = {name: getattr(self, name) for name in self.__slots__}
        return {**out, "looks": [look.to_json() for look in self.looks]}

    @classmethod
    def from_json(cls, obj: Mapping[str, Any]) -> "TileCase":
        """Read what `to_json` wrote."""
        known = {name: obj[name] for name in cls.__slots__ if name in obj}
        return cls(**{**known, "looks": tuple(Look.from_json(look) for look in obj.get("looks") or ())})


@dataclass(frozen=True, slots=True)
class Complete:
    """The tile closes with this many objects expected missing, and this probability of at least one."""

    expected_missed: float
    risk: float


def expected_missing(case: TileCase, policy: RoutingPolicy) -> tuple[float, float]:
    """Return (expected number of objects nobody found, probability of at least one)."""
    found, recalls, doubts = _passes(case, policy)
    prior_mean = max(PRIOR_MEAN, 1.5 * case.live, case.model_mass)
    shape, scale = PRIOR_SHAPE, PRIOR_SHAPE / prior_mean
    bases = [_base(recall) for recall in recalls]
    logs: list[float] = []
    means: list[float] = []
    clean: list[float] = []
    for looked, chance in _who_looked(found, doubts):
        for shift, weight in SHIFTS:
            unseen = [
                1.0,
                *_unseen([b if real else None for b, real in zip(bases, looked, strict=True)], shift),
            ]
            log = math.log(weight * chance)
            for i, n in enumerate(found):
                log += n * math.log(max(unseen[i] - unseen[i + 1], 1e-9))
            total, left = sum(found), unseen[-1]
            log -= (shape + total) * math.log(scale + 1 - left)
            logs.append(log)
            means.append(left * (shape + total) / (scale + 1 - left))
            # The unseen number is negative binomial; this is its probability of zero.
            clean.append(((scale + 1 - left) / (scale + 1)) ** (shape + total))
    weights = np.exp(np.array(logs) - max(logs))
    weights /= weights.sum()
    return float(weights @ np.array(means)), float(1 - weights @ np.array(clean))


def _who_looked(found: Sequence[int], doubts: Sequence[float]) -> list[tuple[tuple[bool, ...], float]]:
    """Return every way in which passes that found nothing may have been none, with its probability."""
    ways: list[tuple[tuple[bool, ...], float]] = [((), 1.0)]
    for n, doubt in zip(found, doubts, strict=True):
        real = [((*way, True), p * (1 - doubt)) for way, p in ways]
        ways = real + [((*way, False), p * doubt) for way, p in ways if doubt > LEAST_DOUBT and not n]
    return ways


def next_look(case: TileCase, policy: RoutingPolicy) -> Complete | Ask | Escalate:
    """Return Complete when few are missing or finding them costs more than they are worth; else one more look."""
    missing, risk = expected_missing(case, policy)
    if not case.looks:
        return Ask("coverage_tile", "crowd", "nobody has searched this tile", {"expected_missed": missing})
    allowed = max(policy.missed_target * (case.live + missing), policy.missed_floor)
    if missing <= allowed:
        return Complete(missing, risk)
    look_s = policy.price("coverage_tile")
    recall = min(max(look.recall for look in case.looks), 0.9)
    gain = missing * recall * policy.error_cost_s["missed"]
    terms = {"expected_missed": missing, "allowed": allowed, "gain_s": gain, "price_s": look_s}
    if len(case.looks) >= policy.max_coverage_looks:
        if missing > 4 * allowed and case.looks[-1].found > 0.25 * max(case.live, 1):
            return Escalate(f"{len(case.looks)} searches and still many new objects", "specialist")
        return Complete(missing, risk)
    if gain < look_s:
        return Complete(missing, risk)
    return Ask("coverage_tile", "crowd", f"about {missing:.1f} objects are still missing", terms)


def _passes(case: TileCase, policy: RoutingPolicy) -> tuple[list[int], list[float], list[float]]:
    """Return found-for-the-first-time, recall and doubt of every pass; what was there before is the model's."""
    if not case.looks:
        return ([case.live], [policy.model_recall], [0.0]) if case.live else ([], [], [])
    found = [look.found for look in case.looks]
    recalls = [look.recall for look in case.looks]
    doubts = [min(max(look.doubt, 0.0), 0.99) for look in case.looks]
    before = case.looks[0].live_before
    if not before:
        return found, recalls, doubts
    return [before, *found], [policy.model_recall, *recalls], [0.0, *doubts]


def _unseen(bases: Sequence[float | None], shift: float) -> list[float]:
    """Return, after each pass, the share of objects that no pass so far has found; None is a pass that was none."""
    left = [1.0] * len(skill.DIFFICULTY)
    out: list[float] = []
    for base in bases:
        if base is not None:
            at = base + shift
            left = [p * (1 - skill.sigmoid(at - d)) for p, (d, _) in zip(left, skill.DIFFICULTY, strict=True)]
        out.append(sum(p * w for p, (_, w) in zip(left, skill.DIFFICULTY, strict=True)))
    return out


def _base(recall: float) -> float:
    """Return the log-odds at difficulty 0 whose mean over the difficulties is `recall` (Newton, three steps)."""
    recall = min(max(recall, 0.02), 0.985)
    base = 1.15 * skill.logit(recall)
    for _ in range(3):
        values = [(skill.sigmoid(base - d), w) for d, w in skill.DIFFICULTY]
        mean = sum(p * w for p, w in values)
        slope = sum(p * (1 - p) * w for p, w in values)
        base += (recall - mean) / max(slope, 1e-3)
    return base


@dataclass(frozen=True, slots=True)
class Merged:
    """What is left of a search's clicks: `points` (M, 2) to draw at, and why the others were dropped.

    kept: index of each kept point. doubled: (dropped index, kept index). known: (dropped index, index of the object).
    """

    points: npt.NDArray[np.float64]
    kept: tuple[int, ...]
    doubled: tuple[tuple[int, int], ...]
    known: tuple[tuple[int, int], ...]


def merge_points(points: npt.ArrayLike, objects: npt.ArrayLike, radius: float) -> Merged:
    """Return the clicks (N, 2) without those inside a live box (M, 4) or within `radius` px of an earlier click.

    A click counts as inside a box only within its middle 80 %, because crowns, cells and cars touch.
    """
    pts = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    live = bx.as_boxes(objects)
    inner = live.copy()
    margin = 0.1 * (live[:, 2:] - live[:, :2])
    inner[:, :2] += margin
    inner[:, 2:] -= margin
    inside = bx.holds(inner, pts)
    kept: list[int] = []
    doubled: list[tuple[int, int]] = []
    known: list[tuple[int, int]] = []
    for i, p in enumerate(pts):
        hits = np.flatnonzero(inside[:, i])
        if len(hits):
            nearest = hits[np.argmin(np.linalg.norm(bx.centers(live[hits]) - p, axis=1))]
            known.append((i, int(nearest)))
            continue
        near = [k for k in kept if float(np.hypot(*(pts[k] - p))) <= radius]
        if near:
            doubled.append((i, near[0]))
        else:
            kept.append(i)
    return Merged(pts[kept], tuple(kept), tuple(doubled), tuple(known))


def match_new_box(box: Sequence[float], live_boxes: npt.ArrayLike, policy: RoutingPolicy) -> int | None:
    """Return the index of the live box (N, 4) that a newly drawn box duplicates, or None."""
    live = bx.as_boxes(live_boxes)
    if not len(live):
        return None
    new = bx.as_boxes([list(box)])
    overlap = bx.iou_matrix(new, live)[0]
    # One box inside another of similar place is the same object drawn as a part or a group.
    nested = bx.ios_matrix(new, live)[0] >= 0.85
    apart = np.linalg.norm(bx.centers(live) - bx.centers(new), axis=1)
    near = apart <= (1 - SAME_PLACE) * np.maximum(bx.size(live), bx.size(new)[0])
    same = (overlap >= policy.duplicate_iou) | (nested & near)
    if not same.any():
        return None
    return int(np.argmax(np.where(same, overlap + 1.0, 0.0)))
