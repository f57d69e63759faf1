"""Many track records read at once, as arrays: what matching a whole crowd to a window of tasks needs.

Every method equals the method of the same name of `TrackRecord`, person by person.
"""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from routing import skill
from routing.belief import FLOOR
from routing.policy import TIERS
from routing.pool import NO_SHIFT
from routing.track_record import (
    ANNOTATOR_WEIGHT,
    CLASS_WEIGHT,
    DOMAIN_WEIGHT,
    SPEED_WEIGHT,
    VERDICT_SOURCES,
    TrackRecord,
    scale_of,
)

Array = npt.NDArray[np.float64]


class RecordTable:
    """The records of N people."""

    def __init__(self, records: Sequence[TrackRecord]) -> None:
        self.records = records
        self._counts = [record.counts for record in records]
        self._known = frozenset[str]().union(*self._counts)  # most keys are nobody's
        self._tier = np.array([TIERS.index(record.tier) for record in records], dtype=np.intp)

    def __len__(self) -> int:
        return len(self.records)

    def counts(self, key: str) -> Array:
        """Return (N, width) weighted counts under one key of TrackRecord, in answers (seconds for sums of logs)."""
        scale = scale_of(key)
        if key not in self._known:
            return np.zeros((len(self), len(scale)))
        nothing = (0,) * len(scale)
        return np.array([c.get(key, nothing) for c in self._counts], dtype=np.float64) / scale

    def verdict_rows(self, kind: str, domain: str = "", cls: int | None = None) -> Array:
        """Return (N, 3, 3) P(verdict group | state)."""
        rows = self._by_tier(domain, lambda tier, declared: skill.verdict_pool(kind, tier, declared))
        crowd, place = self._shifts(kind, domain)
        rows = _normal(rows * crowd)
        levels = [("|", ANNOTATOR_WEIGHT), (f"{skill.quoted(domain)}|", DOMAIN_WEIGHT)]
        if cls is not None:
            levels.append((f"{skill.quoted(domain)}|{cls}", CLASS_WEIGHT))
        for level, strength in levels:
            keys = [f"v|{source}|{level}" for source in VERDICT_SOURCES.get(kind, (kind,))]
            seen = sum((self.counts(key) for key in keys), np.zeros((len(self), 9))).reshape(-1, 3, 3)
            rows = (seen + strength * rows) / (seen.sum(axis=2, keepdims=True) + strength)
            if level == "|":
                rows = _normal(rows * place)
        return rows

    def draw_good(self, domain: str, kind: str) -> Array:
        """Return (N,) P(a version that this person draws is right)."""
        rows = self._by_tier(domain, lambda tier, declared: skill.draw_pool(kind, tier, declared))
        for key, strength in (
            (f"d|{kind}|", ANNOTATOR_WEIGHT),
            (f"d|{kind}|{skill.quoted(domain)}", DOMAIN_WEIGHT),
        ):
            seen = self.counts(key)[:, :3]
            rows = (seen + strength * rows) / (seen.sum(axis=1, keepdims=True) + strength)
        return np.asarray(FLOOR + (1 - 3 * FLOOR) * rows[:, 0])

    def recall(self, domain: str, size_px: float) -> Array:
        """Return (N,) the share of objects of this size (sqrt(area) as shown, screen px) that one look finds."""
        found, looked, expected = self._looks
        own = (found + ANNOTATOR_WEIGHT * 0.8) / (looked + ANNOTATOR_WEIGHT)
        usual = (expected + ANNOTATOR_WEIGHT * 0.8) / (looked + ANNOTATOR_WEIGHT)
        pool = skill.logit(skill.pool_recall(size_px))
        prior = 1 / (1 + np.exp(-(pool + _logit(own) - _logit(usual))))
        here = self.counts(f"l|{skill.quoted(domain)}|{skill.band(size_px)}")
        return np.asarray((here[:, 0] + DOMAIN_WEIGHT * prior) / (here.sum(axis=1) + DOMAIN_WEIGHT))

    def compare_accuracy(self) -> Array:
        """Return (N,) P(the better of two versions is picked)."""
        error = np.array([skill.TIER_ERROR[tier] for tier in TIERS])[self._tier]
        seen = self.counts("c|")
        pool = 1 - (1 - skill.COMPARE_RIGHT) * error
        return np.asarray((seen[:, 0] + ANNOTATOR_WEIGHT * pool) / (seen.sum(axis=1) + ANNOTATOR_WEIGHT))

    def seconds(self, kind: str) -> Array:
        """Return (N,) the expected seconds of one answer of this kind (per cell of a grid)."""
        n, logs, squares = self.counts(f"t|{kind}").T
        usual = np.log(skill.SECONDS[kind]) + self._pace
        mean = (logs + SPEED_WEIGHT * usual) / (n + SPEED_WEIGHT)
        spread = np.maximum(squares - 2 * mean * logs + n * mean**2, 0.0)
        variance = (spread + SPEED_WEIGHT * skill.LOG_SD**2) / (n + SPEED_WEIGHT)
        return np.asarray(np.exp(mean + np.minimum(variance, 2.0) / 2))

    @cached_property
    def answers(self) -> Array:
        """(N,) timed answers of all kinds (cells of a grid)."""
        return np.asarray(sum((n for _, n, _ in self._times), np.zeros(len(self))))

    @cached_property
    def _pace(self) -> Array:
        """(N,) log of the time a person takes relative to the pool, over all kinds, shrunk to 0."""
        over, n = np.zeros((2, len(self)))
        for usual, timed, logs in self._times:
            over, n = over + logs - timed * np.log(usual), n + timed
        return np.asarray(over / (n + SPEED_WEIGHT))

    @cached_property
    def _times(self) -> list[tuple[float, Array, Array]]:
        """Of every kind that somebody answered: the usual seconds, (N,) timed answers and (N,) sums of log seconds."""
        kinds = [kind for kind in skill.SECONDS if f"t|{kind}" in self._known]
        seen = [self.counts(f"t|{kind}") for kind in kinds]
        return [(skill.SECONDS[kind], c[:, 0], c[:, 1]) for kind, c in zip(kinds, seen, strict=True)]

    @cached_property
    def _looks(self) -> tuple[Array, Array, Array]:
        """Objects found, objects there, and objects that the pool would have found, over all sizes."""
        found, looked, expected = np.zeros((3, len(self)))
        for index, limit in enumerate(skill.BANDS):
            seen = self.counts(f"l||{index}")
            there = seen.sum(axis=1)
            found, looked = found + seen[:, 0], looked + there
            expected = expected + there * skill.pool_recall(skill.band_size(limit))
        return found, looked, expected

    def _shifts(self, kind: str, domain: str) -> tuple[Array, Array]:
        """Return the pools' factors on everybody's rows, (N, 3, 3) or (1, 3, 3): in general, and in the domain."""
        pools = [record.pool for record in self.records]
        shared = pools[:1] if all(pool is pools[0] for pool in pools) else pools
        both = [pool.shift(kind, domain) if pool else (NO_SHIFT, NO_SHIFT) for pool in shared]
        return np.array([general for general, _ in both]), np.array([here for _, here in both])

    def _by_tier(self, domain: str, pool: skill.PoolOf) -> Array:
        """Return the pool's rates of everybody's tier, (N, ...), better for those who declared the domain."""
        rates = np.array([[pool(tier, declared) for declared in (False, True)] for tier in TIERS])
        declared = np.array([domain in record.declared for record in self.records], dtype=np.intp)
        return np.asarray(rates[self._tier, declared])


def _normal(rows: Array) -> Array:
    return np.asarray(rows / rows.sum(axis=-1, keepdims=True))


def _logit(p: Array) -> Array:
    p = np.clip(p, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(p / (1 - p)))
