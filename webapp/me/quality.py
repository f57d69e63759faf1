"""A person's own quality in numbers that help: by domain, by kind, with what to look at. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from routing.track_record import TrackRecord

ENOUGH = 8.0  # checked answers before a share says anything
SHRINK = 8.0  # pseudo-answers at the usual share, against luck
USUAL = 0.92
RIGHT_VERDICTS = (0, 4, 5, 7, 8)  # of the 3 x 3 counts of state by verdict, as routing.standing counts them
TROUBLE = 0.15  # share of one slip among the checked answers from which it is worth a word


@dataclass(frozen=True, slots=True)
class Area:
    """How somebody does in one domain. `share` is shrunk towards the usual; None before enough was checked."""

    domain: str
    checked: int
    share: float | None


@dataclass(frozen=True, slots=True)
class Slip:
    """One thing that goes wrong more often than usual. `code` is a key of the page's advice."""

    code: str
    times: int
    of: int


def areas(record: TrackRecord) -> tuple[Area, ...]:
    """Return the domains that somebody has answered in, those with most checked answers first."""
    found: dict[str, list[float]] = {}
    for key in record.counts:
        part, *rest = key.split("|")
        if part == "v" and len(rest) == 3 and rest[1] and not rest[2]:
            counts = record.amounts(key)
            entry = found.setdefault(rest[1], [0.0, 0.0])
            entry[0] += sum(counts)
            entry[1] += sum(counts[i] for i in RIGHT_VERDICTS)
        if part == "d" and len(rest) == 2 and rest[1]:
            counts = record.amounts(key)
            entry = found.setdefault(rest[1], [0.0, 0.0])
            entry[0] += sum(counts[:3])
            entry[1] += counts[0]
    rows = [Area(domain, round(n), _share(right, n)) for domain, (n, right) in found.items()]
    return tuple(sorted(rows, key=lambda row: -row.checked))


def _share(right: float, n: float) -> float | None:
    return (right + SHRINK * USUAL) / (n + SHRINK) if n >= ENOUGH else None


def slips(record: TrackRecord) -> tuple[Slip, ...]:
    """Return what is worth a word of advice, the most frequent first."""
    found = []
    for code, times, of in (*_verdict_slips(record), *_drawing_slips(record), *_search_slips(record)):
        if of >= ENOUGH and times / of >= TROUBLE:
            found.append(Slip(code, round(times), round(of)))
    return tuple(sorted(found, key=lambda slip: -slip.times / slip.of))


def _verdict_slips(record: TrackRecord) -> list[tuple[str, float, float]]:
    """Wrong outlines and things that are not there, called right; right ones doubted."""
    rows = [record.amounts(f"v|{kind}||") for kind in ("verify_box", "grid_verify")]
    total = [sum(row[i] for row in rows) for i in range(9)]
    return [
        ("loose_passed", total[3], sum(total[3:6])),
        ("phantom_passed", total[6], sum(total[6:9])),
        ("right_doubted", total[1] + total[2], sum(total[0:3])),
    ]


def _drawing_slips(record: TrackRecord) -> list[tuple[str, float, float]]:
    rows = [record.amounts(f"d|{kind}|") for kind in ("draw_missed", "fix_box")]
    good, loose, phantom = (sum(row[i] for row in rows) for i in range(3))
    return [
        ("drawn_loose", loose, good + loose + phantom),
        ("drawn_phantom", phantom, good + loose + phantom),
    ]


def _search_slips(record: TrackRecord) -> list[tuple[str, float, float]]:
    """Objects that others found in a tile that this person had searched, beyond the usual third."""
    rows = [record.amounts(key) for key in record.counts if key.startswith("l||")]
    found, missed = sum(row[0] for row in rows), sum(row[1] for row in rows)
    return [("missed", missed - 0.3 * (found + missed), found + missed)]


@dataclass(frozen=True, slots=True)
class Earned:
    """What the answers of a day are worth at a wage, counting active time only. `hourly` is None before there is any."""

    answers: int
    active_s: float
    amount: float
    hourly: float | None


def earned(by_wage: Mapping[float, tuple[int, float]]) -> Earned:
    """Sum up (answers, active seconds) by wage per hour."""
    answers = sum(n for n, _ in by_wage.values())
    active_s = sum(seconds for _, seconds in by_wage.values())
    amount = sum(wage * seconds / 3600 for wage, (_, seconds) in by_wage.items())
    return Earned(answers, active_s, amount, 3600 * amount / active_s if active_s else None)
