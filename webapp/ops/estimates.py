"""What the operations room computes from its counts; pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

PRIOR_OBJECT_S = 6.0  # human seconds per object, until enough are settled to measure it
PRIOR_OBJECTS = 20  # settled objects that weigh as much as the prior
TILE_S = 10.0  # one more look at an unfinished tile
WINDOW_S = 300.0  # how far back the present pace reaches


@dataclass(frozen=True, slots=True)
class Work:
    """What is left and how fast it goes. `recent_active_s` are the human seconds of the last `recent_s` seconds."""

    open_objects: int
    settled_objects: int
    active_s: float
    open_tiles: int
    recent_active_s: float
    recent_s: float = WINDOW_S


def seconds_per_object(settled: int, active_s: float) -> float:
    """Human seconds that settling an object takes, shrunk towards the prior while few are settled."""
    return (active_s + PRIOR_OBJECT_S * PRIOR_OBJECTS) / (settled + PRIOR_OBJECTS)


def eta_s(work: Work) -> float | None:
    """Wall seconds until everything is settled if people go on as in the last minutes; None when nobody works.

    The median case: half of the time it takes longer, because work that is still hidden (missed objects, disputes)
    is not counted.
    """
    if work.open_objects == 0 and work.open_tiles == 0:
        return 0.0
    pace = work.recent_active_s / work.recent_s if work.recent_s > 0 else 0.0
    if pace <= 0:
        return None
    per_object = seconds_per_object(work.settled_objects, work.active_s)
    return (work.open_objects * per_object + work.open_tiles * TILE_S) / pace


def eta_late_s(work: Work, paces: Sequence[float]) -> float | None:
    """The pessimistic case (9 in 10 are earlier, as far as the pace decides): the mean of `paces`, human seconds per
    second in each of the last minutes, less 1.28 of its standard errors. None when nobody works or it cannot be told."""
    n = len(paces)
    if n < 2 or (work.open_objects == 0 and work.open_tiles == 0):
        return None
    mean = sum(paces) / n
    error = (sum((pace - mean) ** 2 for pace in paces) / (n - 1) / n) ** 0.5
    low = mean - 1.28 * error
    if low <= 0:
        return None
    per_object = seconds_per_object(work.settled_objects, work.active_s)
    return (work.open_objects * per_object + work.open_tiles * TILE_S) / low


def left_s(work: Work) -> float:
    """Human seconds that settling everything that is known takes."""
    per_object = seconds_per_object(work.settled_objects, work.active_s)
    return work.open_objects * per_object + work.open_tiles * TILE_S


def late_risk(work: Work, paces: Sequence[float], until_s: float) -> float | None:
    """Return P(not everything known is settled in `until_s` seconds) if people go on as in the last minutes, whose human
    seconds per second are `paces`: the mean pace is normal with its standard error. None when it cannot be told."""
    n = len(paces)
    left = left_s(work)
    if left == 0:
        return 0.0
    if until_s <= 0:
        return 1.0
    if n < 2 or sum(paces) <= 0:
        return None
    mean = sum(paces) / n
    error = (sum((pace - mean) ** 2 for pace in paces) / (n - 1) / n) ** 0.5
    needed = left / until_s
    if error == 0:
        return float(needed > mean)
    return 0.5 * (1 + math.erf((needed - mean) / error / math.sqrt(2)))


def band(values: Sequence[float]) -> tuple[float, float] | None:
    """Return where 8 in 10 of the next values lie, by the mean and spread of the last ones; None of fewer than three."""
    n = len(values)
    if n < 3:
        return None
    mean = sum(values) / n
    spread = (sum((value - mean) ** 2 for value in values) / (n - 1) * (1 + 1 / n)) ** 0.5
    return max(0.0, mean - 1.28 * spread), mean + 1.28 * spread


def ratio(part: float, whole: float) -> float | None:
    """A share, or None of nothing."""
    return part / whole if whole else None
