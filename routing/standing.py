"""Whether an annotator may go on: ok, coach or paused, with the reason in words. Never a silent ban."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from routing import skill
from routing.policy import RoutingPolicy
from routing.skill import SPAM_TYPES, Row

SLOPPY = 2.6  # factor on the pool's error rates of somebody who looks, but carelessly

# Evidence from different objects of one tile or page is not independent; below 1 keeps honest people safe.
TEMPER = 0.7
MISS_TEMPER = 0.35  # misses are shared by all who look, so they say least about one person

Counts = Callable[[str], tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class Standing:
    """`state` is "ok", "coach" or "paused"; `reason` is a sentence for the annotator; the rest is the evidence."""

    state: str
    reason: str
    spam: float = 0.0  # posterior that the pictures are not looked at
    sloppy: float = 0.0  # posterior of careless, but real, work
    evaluated: float = 0.0  # weighted answers behind it

    def to_json(self) -> dict[str, Any]:
        """Return the standing as plain JSON values."""
        return {
            "state": self.state,
            "reason": self.reason,
            "spam": self.spam,
            "sloppy": self.sloppy,
            "evaluated": self.evaluated,
        }


def judge(counts: Counts, policy: RoutingPolicy) -> Standing:
    """Return the standing that the counts of one annotator support (see TrackRecord for the keys)."""
    scores = {"diligent": _log_likelihood(counts, None, 1.0), "sloppy": _log_likelihood(counts, None, SLOPPY)}
    scores |= {spam.name: _log_likelihood(counts, spam, 1.0) for spam in SPAM_TYPES}
    priors = {"diligent": 0.85 * (1 - policy.spam_prior), "sloppy": 0.15 * (1 - policy.spam_prior)}
    priors |= {spam.name: policy.spam_prior / len(SPAM_TYPES) for spam in SPAM_TYPES}
    top = max(scores.values())
    weights = {name: priors[name] * math.exp(score - top) for name, score in scores.items()}
    total = sum(weights.values())
    posterior = {name: weight / total for name, weight in weights.items()}
    spam = 1.0 - posterior["diligent"] - posterior["sloppy"]
    evaluated = _evaluated(counts)
    if evaluated >= policy.spam_min_answers and spam >= policy.spam_confidence:
        kind = max(SPAM_TYPES, key=lambda s: posterior[s.name])
        return Standing(
            "paused", f"Over {evaluated:.0f} checked answers this account {kind.say}.", spam, 0.0, evaluated
        )
    fast = _too_fast(counts, policy)
    if fast is not None:
        return Standing("paused", fast, spam, posterior["sloppy"], evaluated)
    if evaluated >= policy.spam_min_answers and posterior["sloppy"] >= 0.9:
        reason = f"Over {evaluated:.0f} checked answers there were more slips than usual; a short refresher may help."
        return Standing("coach", reason, spam, posterior["sloppy"], evaluated)
    right, n = _accuracy(counts)
    if n >= policy.spam_min_answers and (right + 8 * 0.9) / (n + 8) < policy.coach_accuracy:
        reason = f"{right:.0f} of {n:.0f} checked verdicts were right; a short refresher may help."
        return Standing("coach", reason, spam, posterior["sloppy"], evaluated)
    return Standing("ok", "", spam, posterior["sloppy"], evaluated)


def _log_likelihood(counts: Counts, spam: "skill.SpamType | None", factor: float) -> float:
    total = 0.0
    for kind in ("verify_box", "grid_verify"):
        rows = skill.VERDICT_POOL[kind]
        right = (0, 1, 1) if kind == "grid_verify" else (0, 1, 2)
        n = counts(f"v|{kind}||")
        for state in range(3):
            if spam is None:
                row: Row = skill.scaled(rows[state], right[state], factor)
            else:
                row = spam.grid if kind == "grid_verify" else spam.verify
            total += TEMPER * _log(n[3 * state : 3 * state + 3], row)
    for kind in ("draw_missed", "fix_box"):
        pool = skill.DRAW_POOL[kind]
        drawn = spam.drawn if spam is not None else skill.scaled(pool, 0, factor)
        total += TEMPER * _log(counts(f"d|{kind}|")[:3], drawn)
    for band, limit in enumerate(skill.BANDS):
        found, missed = counts(f"l||{band}")[:2]
        recall = skill.pool_recall(skill.band_size(limit))
        if spam is not None:
            recall = spam.recall * recall
        elif factor > 1:
            recall = skill.sigmoid(skill.logit(recall) - 1.0)
        total += MISS_TEMPER * (found * math.log(recall) + missed * math.log(1 - recall))
    return total


def _log(counts: tuple[float, ...], row: Row) -> float:
    return sum(n * math.log(max(p, 1e-3)) for n, p in zip(counts, row, strict=True) if n)


def _evaluated(counts: Counts) -> float:
    verdicts = sum(sum(counts(f"v|{kind}||")) for kind in ("verify_box", "grid_verify"))
    drawn = sum(sum(counts(f"d|{kind}|")[:3]) for kind in ("draw_missed", "fix_box"))
    # Objects of one tile are found and missed together, so they count for less.
    looked = sum(sum(counts(f"l||{band}")[:2]) for band in range(len(skill.BANDS))) * MISS_TEMPER
    return verdicts + drawn + looked


def _accuracy(counts: Counts) -> tuple[float, float]:
    right = n = 0.0
    for kind in ("verify_box", "grid_verify"):
        c = counts(f"v|{kind}||")
        n += sum(c)
        right += c[0] + c[4] + c[5] + c[7] + c[8]
    return right, n


def _too_fast(counts: Counts, policy: RoutingPolicy) -> str | None:
    """Return a sentence when the typical time of some kind is below anything a person can look in."""
    for kind, median in policy.expected_s.items():
        n, logs, squares = counts(f"t|{kind}")[:3]
        if n < policy.spam_min_answers:
            continue
        mean = logs / n
        spread = math.sqrt(max(squares / n - mean * mean, 0.05))
        share = 0.5 * math.erfc((mean - math.log(policy.fast_factor * median)) / (spread * math.sqrt(2)))
        if share >= policy.fast_share:
            return f"{n:.0f} answers of the kind {kind} took about {math.exp(mean):.1f} s each, too little to look."
    return None
