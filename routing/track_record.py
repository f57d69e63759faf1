"""What we believe of one annotator, as counts that can be added, taken back exactly, and replayed.

All counts are whole thousandths (weights) or millionths (logarithms, 1 - IoU), so that `reverted` is the exact
inverse of `updated` and the order of outcomes does not matter. Keys of the counts:

    v|kind|domain|cls   3 x 3: state by verdict group; also summed at v|kind|domain| and v|kind||
    d|kind|domain       versions drawn: good, geometry, phantom, sum of 1 - IoU, number with an IoU; also d|kind|
    l|domain|band       looks: found, missed, by size band; also l||band
    f|domain            false clicks of looks; also f|
    c|                  comparisons: right, wrong
    t|kind              times: number, sum of log s, sum of log^2 s
    g|kind              gold: number, right
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from routing import skill
from routing.belief import STATES, Belief
from routing.outcomes import DRAWN, FOUND, MISSED, RIGHT, Outcome
from routing.policy import TIERS, RoutingPolicy
from routing.pool import Pool, shifted
from routing.skill import GROUP, Row, Rows
from routing.standing import Standing, judge

MILLI = 1000
MICRO = 1_000_000
_WIDTH = {"v": 9, "d": 5, "l": 2, "f": 1, "c": 2, "t": 3, "g": 2}
_SCALE = {"v": (MILLI,) * 9, "d": (MILLI, MILLI, MILLI, MICRO, MILLI), "l": (MILLI,) * 2, "f": (MILLI,)}
_SCALE |= {"c": (MILLI,) * 2, "t": (1, MICRO, MICRO), "g": (MILLI,) * 2}

ANNOTATOR_WEIGHT = 20.0  # pseudo-answers per state that tie an annotator to the pool
DOMAIN_WEIGHT = 32.0  # pseudo-answers that tie a domain to the annotator (fitted on a set with 100 topics)
CLASS_WEIGHT = 8.0  # pseudo-answers that tie a class to the domain
SPEED_WEIGHT = 10.0  # pseudo-answers that tie a person's pace to the pool

# A ruling settles its own case, so it says nothing of its author; what specialists said while verifying does.
VERDICT_SOURCES = {"adjudicate": ("adjudicate", "verify_box")}


class RevertError(ValueError):
    """An outcome was taken back that had never been counted."""


@dataclass(frozen=True, slots=True)
class TrackRecord:
    """One annotator's counts. Immutable: `updated` and `reverted` return a new record."""

    tier: str = "crowd"
    declared: frozenset[str] = frozenset()
    counts: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    pool: Pool | None = field(
        default=None, compare=False, repr=False
    )  # what this crowd shows; None: the fixed one

    @classmethod
    def new(cls, tier: str = "crowd", declared: Iterable[str] = ()) -> "TrackRecord":
        """Return the record of a newcomer: the pool's rates for the tier, a little better in declared domains."""
        if tier not in TIERS:
            raise ValueError(f"tier: {tier!r} is not one of {', '.join(TIERS)}")
        return cls(tier, frozenset(declared))

    def updated(self, outcome: Outcome) -> "TrackRecord":
        """Return the record with one more outcome. O(domains x classes seen), a few dozen entries."""
        return self._moved(outcome, 1)

    def reverted(self, outcome: Outcome) -> "TrackRecord":
        """Return the record as if the outcome had never been counted; raise RevertError when it was not."""
        return self._moved(outcome, -1)

    def _moved(self, outcome: Outcome, sign: int) -> "TrackRecord":
        counts = dict(self.counts)
        for key, steps in _steps(outcome):
            old = counts.get(key) or (0,) * len(steps)
            new = tuple(a + sign * b for a, b in zip(old, steps, strict=True))
            # Sums of logarithms may be negative; the first entry of every vector may not.
            if new[0] < 0 or (key[0] not in "t" and min(new) < 0):
                raise RevertError(f"{outcome.kind} in {outcome.domain!r}: this outcome was never counted")
            if any(new):
                counts[key] = new
            else:
                counts.pop(key, None)
        return replace(self, counts=counts)

    def among(self, pool: Pool) -> "TrackRecord":
        """Return the same record, shrunk to what this crowd has shown instead of to the fixed pool."""
        return replace(self, pool=pool)

    def amounts(self, key: str) -> tuple[float, ...]:
        """Return the weighted counts under one key (see the module), zeros where there are none."""
        raw = self.counts.get(key)
        scale = _SCALE[key[0]]
        return tuple(n / s for n, s in zip(raw, scale, strict=True)) if raw else (0.0,) * len(scale)

    def _verdicts(self, kind: str, level: str) -> tuple[float, ...]:
        sources = VERDICT_SOURCES.get(kind)
        if sources is None:
            return self.amounts(f"v|{kind}|{level}")
        return tuple(
            sum(column) for column in zip(*(self.amounts(f"v|{s}|{level}") for s in sources), strict=True)
        )

    def verdict_rows(self, kind: str, domain: str = "", cls: int | None = None) -> Rows:
        """Return P(verdict group | state) as 3 rows of 3, shrunk class -> domain -> annotator -> pool."""
        pool = skill.verdict_pool(kind, self.tier, domain in self.declared)
        total = self._verdicts(kind, "|")
        here = self._verdicts(kind, f"{skill.quoted(domain)}|")
        fine = (0.0,) * 9 if cls is None else self._verdicts(kind, f"{skill.quoted(domain)}|{cls}")
        crowd, place = self.pool.shift(kind, domain) if self.pool else (None, None)
        rows: list[Row] = []
        for s in range(3):
            cut = slice(3 * s, 3 * s + 3)
            prior = shifted(pool[s], crowd[s]) if crowd else pool[s]
            row = skill.shrink(total[cut], prior, ANNOTATOR_WEIGHT)
            row = skill.shrink(here[cut], shifted(row, place[s]) if place else row, DOMAIN_WEIGHT)
            rows.append(skill.shrink(fine[cut], row, CLASS_WEIGHT))
        return (rows[0], rows[1], rows[2])

    def verdict_likelihoods(self, kind: str, domain: str, cls: int | None, verdict: str) -> Row:
        """Return P(verdict | good), P(verdict | geometry), P(verdict | phantom); 1, 1, 1 for "unsure"."""
        if verdict == "unsure":
            return (1.0, 1.0, 1.0)
        group = GROUP[verdict]
        if kind in ("grid_verify", "coverage_tile"):
            group = min(group, 1)
        rows = self.verdict_rows(kind, domain, cls)
        return (rows[0][group], rows[1][group], rows[2][group])

    def recall(self, domain: str, size_px: float) -> float:
        """Return the share of objects of this size (sqrt(area) as shown, screen px) that one look finds."""
        size_band = skill.band(size_px)
        pool = skill.pool_recall(size_px)
        found = missed = expected = 0.0
        for index, limit in enumerate(skill.BANDS):
            f, m = self.amounts(f"l||{index}")
            found, missed = found + f, missed + m
            expected += (f + m) * skill.pool_recall(skill.band_size(limit))
        n = found + missed
        # The annotator's own level: how far their recall over all sizes is from what the pool would have had.
        own = (found + ANNOTATOR_WEIGHT * 0.8) / (n + ANNOTATOR_WEIGHT)
        usual = (expected + ANNOTATOR_WEIGHT * 0.8) / (n + ANNOTATOR_WEIGHT)
        prior = skill.sigmoid(skill.logit(pool) + skill.logit(own) - skill.logit(usual))
        f, m = self.amounts(f"l|{skill.quoted(domain)}|{size_band}")
        return (f + DOMAIN_WEIGHT * prior) / (f + m + DOMAIN_WEIGHT)

    def box_sigma(self, domain: str) -> float:
        """Return the noise of an edge that this annotator draws, relative to sqrt(area) of the box."""
        loss = n = 0.0
        for kind in ("draw_missed", "fix_box"):
            here = self.amounts(f"d|{kind}|{skill.quoted(domain)}") if domain else self.amounts(f"d|{kind}|")
            loss, n = loss + here[3], n + here[4]
        prior = skill.BOX_SIGMA * math.sqrt(skill.TIER_ERROR[self.tier])
        sigma = (loss / skill.IOU_LOSS_PER_SIGMA + ANNOTATOR_WEIGHT * prior) / (n + ANNOTATOR_WEIGHT)
        return min(max(sigma, 0.005), 0.3)

    def draw_quality(self, domain: str, kind: str = "draw_missed") -> Belief:
        """Return the belief that a version drawn by this annotator starts with."""
        pool = skill.draw_pool(kind, self.tier, domain in self.declared)
        row = skill.shrink(self.amounts(f"d|{kind}|")[:3], pool, ANNOTATOR_WEIGHT)
        return Belief.of(
            skill.shrink(self.amounts(f"d|{kind}|{skill.quoted(domain)}")[:3], row, DOMAIN_WEIGHT)
        )

    def compare_accuracy(self) -> float:
        """Return the probability that this annotator picks the better of two versions."""
        right, wrong = self.amounts("c|")
        pool = 1 - (1 - skill.COMPARE_RIGHT) * skill.TIER_ERROR[self.tier]
        return (right + ANNOTATOR_WEIGHT * pool) / (right + wrong + ANNOTATOR_WEIGHT)

    def seconds(self, kind: str) -> float:
        """Return the expected time of one answer of this kind (per cell of a grid).

        Log-normal, shrunk kind -> annotator's pace over all kinds -> pool: who draws fast searches fast.
        """
        n, logs, squares = self.amounts(f"t|{kind}")
        timed = [(*self.amounts(f"t|{k}")[:2], usual) for k, usual in skill.SECONDS.items()]
        over = sum(total - count * math.log(usual) for count, total, usual in timed)
        pace = over / (sum(count for count, _, _ in timed) + SPEED_WEIGHT)
        prior = math.log(skill.SECONDS[kind]) + pace
        mean = (logs + SPEED_WEIGHT * prior) / (n + SPEED_WEIGHT)
        spread = squares - 2 * mean * logs + n * mean * mean
        variance = (max(spread, 0.0) + SPEED_WEIGHT * skill.LOG_SD**2) / (n + SPEED_WEIGHT)
        return math.exp(mean + min(variance, 2.0) / 2)

    def answers(self, kind: str | None = None) -> float:
        """Return how many timed answers (cells of a grid) are counted, of one kind or of all."""
        kinds = [kind] if kind else list(skill.SECONDS)
        return sum(self.amounts(f"t|{k}")[0] for k in kinds)

    def gold_summary(self) -> dict[str, dict[str, float]]:
        """Return per kind the gold answers, how many were right, and the share shrunk by 4 pseudo-answers at 90 %."""
        out: dict[str, dict[str, float]] = {}
        for kind in skill.SECONDS:
            n, right = self.amounts(f"g|{kind}")
            if n:
                out[kind] = {"answers": n, "right": right, "share": (right + 3.6) / (n + 4)}
        return out

    def gold_total(self) -> tuple[float, float]:
        """Return (right, all) gold answers of every kind."""
        known = [self.amounts(f"g|{kind}") for kind in skill.SECONDS]
        return sum(right for _, right in known), sum(n for n, _ in known)

    def standing(self, policy: RoutingPolicy) -> Standing:
        """Return ok, coach or paused, with the reason."""
        return judge(self.amounts, policy)

    def to_json(self) -> dict[str, Any]:
        """Return the record as plain JSON values."""
        counts = {key: list(self.counts[key]) for key in sorted(self.counts)}
        return {"tier": self.tier, "declared": sorted(self.declared), "counts": counts}

    @classmethod
    def from_json(cls, obj: Mapping[str, Any]) -> "TrackRecord":
        """Read what `to_json` wrote; raise ValueError for a count of the wrong shape."""
        counts = {str(key): tuple(int(n) for n in row) for key, row in (obj.get("counts") or {}).items()}
        for key, row in counts.items():
            if len(row) != _WIDTH.get(key[:1]):
                raise ValueError(f"counts.{key}: {len(row)} numbers; expected {_WIDTH.get(key[:1])}")
        record = cls.new(str(obj.get("tier", "crowd")), (str(d) for d in obj.get("declared") or ()))
        return TrackRecord(record.tier, record.declared, counts)


def replay(outcomes: Iterable[Outcome], start: TrackRecord | None = None) -> TrackRecord:
    """Return the record after all outcomes, equal to adding them one by one in any order."""
    record = start or TrackRecord.new()
    totals = {key: list(row) for key, row in record.counts.items()}
    for outcome in outcomes:
        for key, steps in _steps(outcome):
            row = totals.setdefault(key, [0] * len(steps))
            for index, step in enumerate(steps):
                row[index] += step
    counts = {key: tuple(row) for key, row in totals.items() if any(row)}
    return replace(record, counts=counts)


def scale_of(key: str) -> tuple[int, ...]:
    """Return how many units of each entry under this key make one answer."""
    return _SCALE[key[0]]


def _steps(o: Outcome) -> Iterator[tuple[str, tuple[int, ...]]]:
    weight = round(o.weight * MILLI)
    domain = skill.quoted(o.domain)
    if o.given in GROUP:
        group = GROUP[o.given]
        if o.kind in ("grid_verify", "coverage_tile"):
            group = min(group, 1)
        row = [0] * 9
        row[3 * STATES.index(o.truth) + group] = weight
        levels = [f"v|{o.kind}||", f"v|{o.kind}|{domain}|"]
        if o.cls is not None:
            levels.append(f"v|{o.kind}|{domain}|{o.cls}")
        # A project without a domain name would otherwise count twice under one key.
        for key in dict.fromkeys(levels):
            yield key, tuple(row)
    elif o.given == DRAWN:
        loss = (0, 0) if o.iou is None else (round((1 - o.iou) * o.weight * MICRO), weight)
        drawn = (*(weight if state == o.truth else 0 for state in STATES), *loss)
        for key in dict.fromkeys((f"d|{o.kind}|", f"d|{o.kind}|{domain}")):
            yield key, drawn
    elif o.given in (FOUND, MISSED):
        yield from _look_steps(o, domain, weight)
    else:
        yield "c|", (weight, 0) if o.given == RIGHT else (0, weight)
    if o.seconds is not None and o.seconds > 0:
        log = math.log(o.seconds)
        yield f"t|{o.kind}", (1, round(log * MICRO), round(log * log * MICRO))
    if o.gold:
        yield f"g|{o.kind}", (weight, weight if o.right else 0)


def _look_steps(o: Outcome, domain: str, weight: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    if o.truth == "phantom":
        if o.given == FOUND:
            for key in dict.fromkeys(("f|", f"f|{domain}")):
                yield key, (weight,)
        return
    size_band = skill.band(48.0 if o.size_px is None else o.size_px)
    step = (weight, 0) if o.given == FOUND else (0, weight)
    for key in dict.fromkeys((f"l||{size_band}", f"l|{domain}|{size_band}")):
        yield key, step
