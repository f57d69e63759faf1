"""Geometry of the burn-down: human work left over time, with the median and the late case ahead; pure.

Units: x in minutes from the left edge, y in percent from the top.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from webapp.ops.charts import nice_scale

LEAST_AHEAD = 10.0  # minutes
MOST_AHEAD = 12 * 60.0


@dataclass(frozen=True, slots=True)
class BurnDown:
    """past, median: paths; fan: the area between the median and the late case; top: hours at the upper edge; now: x of
    this moment; left_s: human seconds that are left."""

    width: float
    now: float
    top: float
    past: str
    median: str
    fan: str
    left_s: float


def burn_down(
    left_s: float, spent: Sequence[float], *, eta_s: float | None, late_s: float | None
) -> BurnDown | None:
    """Draw the work that is left, and that was left in each of the last minutes, as far as it is known now.

    left_s: human seconds; spent: human seconds per minute, the oldest first. None where there is nothing to draw.
    """
    total = left_s + sum(spent)
    if total <= 0:
        return None
    now = float(len(spent))
    last = late_s or eta_s or 0.0
    ahead = min(max(1.1 * last / 60, LEAST_AHEAD), MOST_AHEAD) if left_s else 0.0
    top = nice_scale(total / 3600)

    def point(x: float, seconds: float) -> str:
        return f"{x:.2f} {100 * (1 - seconds / 3600 / top):.2f}"

    points, left = [], total
    for minute, seconds in enumerate(spent):
        points.append(point(minute, left))
        left -= seconds
    here = point(now, left_s)
    past = "M" + "L".join([*points, here])
    if not left_s or eta_s is None:
        return BurnDown(now + ahead, now, top, past, "", "", left_s)
    median = _end(now, ahead, left_s, eta_s, point)
    late = _end(now, ahead, left_s, late_s, point) if late_s else median
    beyond = late_s is not None and late_s / 60 > ahead >= eta_s / 60
    corner = f"L{point(now + ahead, 0.0)}" if beyond else ""
    fan = f"M{here}L{late}{corner}L{median}Z" if late_s else ""
    return BurnDown(now + ahead, now, top, past, f"M{here}L{median}", fan, left_s)


def _end(
    now: float, ahead: float, left_s: float, finish_s: float, point: Callable[[float, float], str]
) -> str:
    """Where a line to the finish leaves the picture."""
    minutes = finish_s / 60
    if minutes <= ahead:
        return point(now + minutes, 0.0)
    return point(now + ahead, left_s * (1 - ahead / minutes))
