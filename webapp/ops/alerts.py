"""When a manager should be told: measures, thresholds, and what opens, goes on and closes. Pure.

Every rule has two thresholds: an alert opens at the upper one and closes below the lower one, so that a measure that
hovers about a threshold does not flicker.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from webapp.ops.estimates import TILE_S, Work, seconds_per_object

LEAST_JUDGED = 40  # settled proposals before their quality says anything
Subject = tuple[str, str]  # (kind, what it is about)


@dataclass(frozen=True, slots=True)
class Rule:
    """`opens` at this value, `closes` below that one."""

    opens: float
    closes: float


RULES: Mapping[str, Rule] = {
    "budget": Rule(1.0, 0.95),  # forecast cost in shares of the budget
    "drift": Rule(0.10, 0.06),  # how much less often proposals hold than the model says
    "late": Rule(0.5, 0.3),  # P(a project misses its deadline)
    "paused": Rule(1.0, 0.5),  # whether a person's work is paused
    "stuck": Rule(30.0, 20.0),  # minutes that the oldest question of a kind has waited
    "spam": Rule(0.80, 0.60),  # P(the pictures are not looked at) of somebody at work
}


@dataclass(frozen=True, slots=True)
class Measure:
    """One value to hold against its rule. `title` names the subject for people."""

    kind: str
    subject: str
    title: str
    value: float
    project: int | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """What follows: alerts to open, open ones with their new value, open ones to close."""

    opened: tuple[Measure, ...]
    going_on: tuple[Measure, ...]
    closed: tuple[Subject, ...]


def decide(measures: Iterable[Measure], open_now: Iterable[Subject]) -> Changes:
    """Hold measures against the rules. An open alert whose subject is not measured any more is closed."""
    found = {(m.kind, m.subject): m for m in measures}
    known = set(open_now)
    opened = [m for key, m in found.items() if key not in known and m.value >= RULES[m.kind].opens]
    going_on = [m for key, m in found.items() if key in known and m.value >= RULES[m.kind].closes]
    still = {(m.kind, m.subject) for m in going_on}
    return Changes(tuple(opened), tuple(going_on), tuple(sorted(known - still)))


def forecast_cost(spent: float, work: Work, wage_per_hour: float) -> float:
    """Return what a project will have cost when everything known is settled, at the pace per object so far."""
    left_s = work.open_objects * seconds_per_object(work.settled_objects, work.active_s)
    return spent + (left_s + work.open_tiles * TILE_S) / 3600 * wage_per_hour


def overstated(stated: Sequence[float], held: Sequence[bool]) -> float:
    """Return by how much a proposer's stated probabilities exceed the share that people left as it was, less two
    standard errors; 0 before enough was judged."""
    n = len(stated)
    if n < LEAST_JUDGED:
        return 0.0
    real = (sum(held) + 1) / (n + 2)
    return max(0.0, sum(stated) / n - real - 2 * (real * (1 - real) / n) ** 0.5)
