"""Whether somebody who has worked well has stopped looking: change detection over their checked answers, in order.

A track record forgets nothing, so a thousand good answers would hide a hundred careless ones. Page's CUSUM (Biometrika
1954) watches, for each careless way of working, the evidence for it against diligent work, and starts anew whenever the
evidence turns against it. Unlike a track record it depends on the order of the answers; it is rebuilt by replaying them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from routing.outcomes import Outcome
from routing.skill import SPAM_TYPES
from routing.standing import Standing, evidence_of
from routing.track_record import TrackRecord

# ln(1000 / 0.01): a diligent annotator is suspected about once in a hundred thousand checked answers.
ALARM = 11.5
_SAY = {spam.name: spam.say for spam in SPAM_TYPES}


@dataclass(frozen=True, slots=True)
class Drift:
    """For each careless way of working (SPAM_TYPES): the evidence since it was last refuted, and over how many answers."""

    sums: tuple[float, ...] = (0.0,) * len(SPAM_TYPES)
    since: tuple[int, ...] = (0,) * len(SPAM_TYPES)

    def updated(self, outcome: Outcome) -> "Drift":
        """Return the state after one more checked answer."""
        counts = TrackRecord.new().updated(outcome)
        steps = evidence_of(counts.amounts)
        sums = [max(0.0, old + step) for old, step in zip(self.sums, steps, strict=True)]
        since = [n + 1 if total > 0 else 0 for n, total in zip(self.since, sums, strict=True)]
        return Drift(tuple(sums), tuple(since))

    def standing(self) -> Standing | None:
        """Return a pause with its reason when somebody has stopped looking, None while all is well."""
        worst = max(range(len(self.sums)), key=lambda k: self.sums[k])
        if self.sums[worst] < ALARM:
            return None
        n = self.since[worst]
        reason = f"Over the last {n} checked answers this account {_SAY[SPAM_TYPES[worst].name]}."
        return Standing("paused", reason, spam=1.0, evaluated=float(n))

    def to_json(self) -> dict[str, Any]:
        """Return the state as plain JSON values."""
        return {"sums": list(self.sums), "since": list(self.since)}

    @classmethod
    def from_json(cls, obj: Mapping[str, Any]) -> "Drift":
        """Read what `to_json` wrote; a state of other ways of working starts anew."""
        sums, since = tuple(float(x) for x in obj["sums"]), tuple(int(n) for n in obj["since"])
        return cls(sums, since) if len(sums) == len(since) == len(SPAM_TYPES) else cls()


def replay(outcomes: Iterable[Outcome]) -> Drift:
    """Return the state after all outcomes, in their order."""
    state = Drift()
    for outcome in outcomes:
        state = state.updated(outcome)
    return state
