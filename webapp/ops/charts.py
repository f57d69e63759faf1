"""Geometry of the throughput chart; pure. Units: x in minutes from the left, y in percent from the top."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from routing.annotation.kinds import KINDS
from webapp.ops.estimates import band

GAP = 0.18  # minutes between bars
AHEAD = 5  # minutes that are forecast
PAST = 10  # whole minutes that this is told from
HALVES = (1, 2, 3, 4, 5, 6, 8)


@dataclass(frozen=True, slots=True)
class Bar:
    """A part of a column: one kind in one minute."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    title: str


@dataclass(frozen=True, slots=True)
class Throughput:
    """Answers per minute, stacked by kind. `top` is the value at the upper edge; `labels` are (percent, text).

    ahead: where 8 in 10 of the next minutes are expected, in answers; None where it cannot be told.
    """

    minutes: int
    top: int
    bars: tuple[Bar, ...]
    kinds: tuple[str, ...]
    labels: tuple[tuple[float, str], ...]
    total: int
    ahead: tuple[float, float] | None = None

    @property
    def width(self) -> int:
        """Minutes from the left to the right edge."""
        return self.minutes + (AHEAD if self.ahead else 0)

    @property
    def band(self) -> Bar | None:
        """The part ahead as an area."""
        if self.ahead is None:
            return None
        low, high = self.ahead
        y = 100 * (1 - high / self.top)
        return Bar(
            self.minutes + GAP / 2,
            y,
            AHEAD - GAP,
            max(100 * (high - low) / self.top, 1.0),
            "",
            f"{low:.0f} – {high:.0f}",
        )


def throughput(counts: Mapping[tuple[datetime, str], int], *, now: datetime, minutes: int = 30) -> Throughput:
    """Stack `counts` of answers by (start of the minute, kind) over the last `minutes`, the current one included."""
    last = now.replace(second=0, microsecond=0)
    starts = [last - timedelta(minutes=minutes - 1 - index) for index in range(minutes)]
    shown = {start: index for index, start in enumerate(starts)}
    kinds = tuple(kind for kind in KINDS if any(k == kind and start in shown for start, k in counts))
    columns = [[counts.get((start, kind), 0) for kind in kinds] for start in starts]
    sums = [sum(column) for column in columns]
    ahead = band(sums[-1 - PAST : -1]) if any(sums[-1 - PAST :]) else None
    top = nice_top(max([*sums, math.ceil(ahead[1]) if ahead else 0]))
    bars = []
    for index, column in enumerate(columns):
        below = 0
        for kind, value in zip(kinds, column, strict=True):
            if value:
                title = f"{starts[index]:%H:%M} · {kind.replace('_', ' ')}: {value}"
                y = 100 * (1 - (below + value) / top)
                bars.append(Bar(index + GAP / 2, y, 1 - GAP, 100 * value / top, kind, title))
                below += value
    labels = tuple((100 * (i + 0.5) / minutes, f"{starts[i]:%H:%M}") for i in range(4, minutes, 5))
    return Throughput(minutes, top, tuple(bars), kinds, labels, sum(sums), ahead)


@dataclass(frozen=True, slots=True)
class Column:
    """One hour's column. `x` counts hours from the left, `y` and `height` are percent of the plot."""

    x: float
    y: float
    width: float
    height: float
    title: str


@dataclass(frozen=True, slots=True)
class Columns:
    """A value per hour. `top` is the value at the upper edge; `labels` are (percent, text); `total` is their sum."""

    hours: int
    top: float
    columns: tuple[Column, ...]
    labels: tuple[tuple[float, str], ...]
    total: float


def hourly(values: Mapping[datetime, float], *, now: datetime, hours: int) -> Columns:
    """Draw a value per hour over the last `hours`, the current one included; keys are starts of hours."""
    last = now.replace(minute=0, second=0, microsecond=0)
    starts = [last - timedelta(hours=hours - 1 - index) for index in range(hours)]
    shown = [values.get(start, 0.0) for start in starts]
    top = nice_scale(max(shown, default=0.0))
    columns = tuple(
        Column(
            i + GAP / 2,
            100 * (1 - value / top),
            1 - GAP,
            100 * value / top,
            f"{starts[i]:%H:%M}: {value:.2f}",
        )
        for i, value in enumerate(shown)
        if value > 0
    )
    labels = tuple((100 * (i + 0.5) / hours, f"{starts[i]:%H:%M}") for i in range(3, hours, 4))
    return Columns(hours, top, columns, labels, sum(shown))


def nice_scale(highest: float) -> float:
    """The smallest of 1, 2, 4, 5 or 10 times a power of ten that is not below `highest`; 1 of nothing."""
    if highest <= 0:
        return 1.0
    scale = 10.0 ** math.floor(math.log10(highest))
    return next((step * scale for step in (1, 2, 4, 5) if step * scale >= highest), 10 * scale)


def nice_top(highest: int) -> int:
    """The smallest of 2, 4, 6, 8, 10, 12, 16, 20, 40, ... that is not below `highest`: its half is whole too."""
    scale = 1
    while True:
        for half in HALVES:
            if 2 * half * scale >= highest:
                return 2 * half * scale
        scale *= 10


def widths(values: Sequence[int]) -> list[float]:
    """Each value in percent of the largest."""
    largest = max(values, default=0)
    return [100 * value / largest if largest else 0.0 for value in values]
