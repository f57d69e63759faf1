"""The flow of work: whose project comes first, and how much pre-labelled work is kept ready for people.

All rules are small and monotone, so that what they do can be read off a dashboard: a project's factor on the
urgency of its tasks is its due share (by weight and deadline) over the share that it got, and the next scene is opened or
held back by the hours of work that lie ready.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

DEADLINE_HORIZON_S = 3 * 24 * 3600.0  # a deadline further away than this changes nothing
DEADLINE_MOST = 8.0  # factor on urgency at the deadline and after it
FAIR_MOST = 8.0  # most that fairness raises or lowers a project
FAIR_PRIOR = 8.0  # pseudo-offers per project, so that a handful of offers says little about shares

Move = Literal["open", "hold"]


def deadline_factor(left_s: float | None) -> float:
    """Return the factor on the weight of a project with this much time left, in seconds; None: it has no deadline.

    1 until three days before, then doubling every day up to 8 at the deadline, where it stays.
    """
    if left_s is None:
        return 1.0
    near = min(max(1.0 - left_s / DEADLINE_HORIZON_S, 0.0), 1.0)
    return float(DEADLINE_MOST**near)


def fair_factors(weights: Mapping[int, float], served: Mapping[int, float]) -> dict[int, float]:
    """Return the factor of each project: its due share of the recent offers over the share that it got.

    weights: above 0, of the projects that have work now. served: recent offers. A weight is a share, not a rank: were it
    only a factor on urgency, the weightier of two projects would be served until it is empty. Before anything was
    offered, the factor is the weight relative to the mean.
    """
    total = sum(weights.values())
    offers = sum(served.get(pk, 0.0) for pk in weights)
    factors = {}
    for pk, weight in weights.items():
        got = (served.get(pk, 0.0) + FAIR_PRIOR) / (offers + FAIR_PRIOR * len(weights))
        factors[pk] = min(max(weight / total / got, 1.0 / FAIR_MOST), FAIR_MOST)
    return factors


@dataclass(frozen=True, slots=True)
class Reserve:
    """How much work lies ready for people: open questions, never fewer than `floor` and never more than `hours` of pace.

    The engine stops opening scenes above the full mark, and goes on below half of it.
    """

    floor: int = 20_000
    hours: float = 8.0

    def full(self, answers_per_hour: float) -> int:
        """Return the mark in open questions for a crowd of this pace."""
        return max(self.floor, round(self.hours * answers_per_hour))


def next_move(before: Move, open_questions: int, answers_per_hour: float, reserve: Reserve) -> Move:
    """Return whether to open the next scene or to hold it back.

    Pre-labels made long before they are looked at come from an older model than they need to, and their questions are
    ordered by what was believed then. Two marks instead of one, so that the engine works in stretches.
    """
    full = reserve.full(answers_per_hour)
    if open_questions >= full:
        return "hold"
    if before == "hold" and open_questions > full // 2:
        return "hold"
    return "open"
