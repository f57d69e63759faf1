"""Whether an annotator may go on: ok, coach or paused, with the reason in words. Never a silent ban."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from routing import skill
from routing.policy import RoutingPolicy
from routing.skill import SPAM_TYPES, Row, SpamType

SLOPPY = 2.6  # factor on the pool's error rates of somebody who looks, but carelessly

# P(state of a drawn version) of somebody who looks, but draws to a rule of their own: a swapped class, a margin.
SYSTEMATIC_DRAWN: Row = (0.10, 0.87, 0.03)
SYSTEMATIC_PRIOR = 0.01
COACH_CONFIDENCE = 0.9  # posterior of careless or systematic work from which a refresher is offered

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
    looks = 1 - policy.spam_prior - SYSTEMATIC_PRIOR
    priors = {"diligent": 0.85 * looks, "sloppy": 0.15 * looks, "systematic": SYSTEMATIC_PRIOR}
    priors |= {spam.name: policy.spam_prior / len(SPAM_TYPES) for spam in SPAM_TYPES}
    seen = np.array([n for key, width in _EVIDENCE for n in counts(key)[:width]])
    score = _LOG_RATES @ seen + np.log([priors[name] for name in _NAMES])
    weights = np.exp(score - score.max())
    posterior = dict(zip(_NAMES, (weights / weights.sum()).tolist(), strict=True))
    spam = sum(posterior[each.name] for each in SPAM_TYPES)
    evaluated = _evaluated(counts)
    if evaluated >= policy.spam_min_answers and spam >= policy.spam_confidence:
        kind = max(SPAM_TYPES, key=lambda s: posterior[s.name])
        return Standing(
            "paused", f"Over {evaluated:.0f} checked answers this account {kind.say}.", spam, 0.0, evaluated
        )
    fast = _too_fast(counts, policy)
    if fast is not None:
        return Standing("paused", fast, spam, posterior["sloppy"], evaluated)
    if evaluated >= policy.spam_min_answers and posterior["systematic"] >= COACH_CONFIDENCE:
        reason = (
            "Your verdicts are right, but nearly all you drew had the outline or the class wrong in the end; "
            "please compare with the guideline's examples."
        )
        return Standing("coach", reason, spam, posterior["sloppy"], evaluated)
    if evaluated >= policy.spam_min_answers and posterior["sloppy"] >= COACH_CONFIDENCE:
        reason = f"Over {evaluated:.0f} checked answers there were more slips than usual; a short refresher may help."
        return Standing("coach", reason, spam, posterior["sloppy"], evaluated)
    right, n = _accuracy(counts)
    if n >= policy.spam_min_answers and (right + 8 * 0.9) / (n + 8) < policy.coach_accuracy:
        reason = f"{right:.0f} of {n:.0f} checked verdicts were right; a short refresher may help."
        return Standing("coach", reason, spam, posterior["sloppy"], evaluated)
    return Standing("ok", "", spam, posterior["sloppy"], evaluated)


def _log_rates(spam: SpamType | None, factor: float = 1.0, drawn: Row | None = None) -> list[float]:
    """Return the tempered log-likelihood of one count of each kind in _EVIDENCE, for one way of working."""
    rates: list[float] = []
    for kind in VERDICTS:
        for state in range(3):
            row = skill.scaled(skill.VERDICT_POOL[kind][state], RIGHT[kind][state], factor)
            if spam is not None:
                row = spam.grid if kind == "grid_verify" else spam.verify
            rates += [TEMPER * _log(p) for p in row]
    for kind in DRAWINGS:
        pool = skill.scaled(skill.DRAW_POOL[kind], 0, factor)
        rates += [TEMPER * _log(p) for p in drawn or (spam.drawn if spam is not None else pool)]
    for limit in skill.BANDS:
        recall = skill.pool_recall(skill.band_size(limit))
        if spam is not None:
            recall *= spam.recall
        elif factor > 1:
            recall = skill.sigmoid(skill.logit(recall) - 1.0)
        rates += [MISS_TEMPER * math.log(recall), MISS_TEMPER * math.log(1 - recall)]
    return rates


def _log(p: float) -> float:
    return math.log(max(p, 1e-3))


VERDICTS, DRAWINGS = ("verify_box", "grid_verify"), ("draw_missed", "fix_box")
RIGHT = {"verify_box": (0, 1, 2), "grid_verify": (0, 1, 1)}  # the right verdict group for each state

# The counts that tell, with how many of their entries, and what one of each says for every way of working.
_EVIDENCE = [(f"v|{kind}||", 9) for kind in VERDICTS] + [(f"d|{kind}|", 3) for kind in DRAWINGS]
_EVIDENCE += [(f"l||{band}", 2) for band in range(len(skill.BANDS))]
_WAYS = {
    "diligent": _log_rates(None),
    "sloppy": _log_rates(None, SLOPPY),
    "systematic": _log_rates(None, drawn=SYSTEMATIC_DRAWN),
    **{spam.name: _log_rates(spam) for spam in SPAM_TYPES},
}
_NAMES = tuple(_WAYS)
_LOG_RATES = np.array(list(_WAYS.values()))


def _evaluated(counts: Counts) -> float:
    verdicts = sum(sum(counts(f"v|{kind}||")) for kind in VERDICTS)
    drawn = sum(sum(counts(f"d|{kind}|")[:3]) for kind in DRAWINGS)
    # Objects of one tile are found and missed together, so they count for less.
    looked = sum(sum(counts(f"l||{band}")[:2]) for band in range(len(skill.BANDS))) * MISS_TEMPER
    return verdicts + drawn + looked


def _accuracy(counts: Counts) -> tuple[float, float]:
    right = n = 0.0
    for kind in VERDICTS:
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


def evidence_of(counts: Counts) -> list[float]:
    """Return, for each of SPAM_TYPES, the log-likelihood of the counts under it less that of diligent work."""
    score = _LOG_RATES @ np.array([n for key, width in _EVIDENCE for n in counts(key)[:width]])
    diligent = score[_NAMES.index("diligent")]
    return [float(score[_NAMES.index(spam.name)] - diligent) for spam in SPAM_TYPES]
