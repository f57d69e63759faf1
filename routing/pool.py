"""What everybody's answers together show: how hard a kind is here, and how much harder one domain is than another.

One person's record is shrunk to the pool. Without a Pool that is the fixed one of `skill`; with one, it is what this
crowd has shown, shrunk to the fixed one. A domain shifts everybody's log-probabilities alike, as an item's difficulty
does in a Rasch model; what one person does differently in it is left to their own record.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from routing import skill
from routing.skill import Row, Rows

GENERAL_WEIGHT = 20.0  # pseudo-answers per state that tie the crowd to the fixed pool
DOMAIN_WEIGHT = 8.0  # pseudo-answers per state that tie a domain to the crowd

Counts = Mapping[str, tuple[int, ...]]
Shift = tuple[Rows, Rows]  # factors on the fixed pool's rows, and on a person's rows in one domain

NO_SHIFT: Rows = ((1.0, 1.0, 1.0), (1.0, 1.0, 1.0), (1.0, 1.0, 1.0))


@dataclass(frozen=True, eq=False, slots=True)
class Pool:
    """Everybody's verdict counts under the keys of TrackRecord, in thousandths of an answer."""

    counts: Counts
    _shifts: dict[tuple[str, str], Shift] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, everybody: Iterable[Counts]) -> "Pool":
        """Return the sum of many records' counts."""
        totals: dict[str, list[int]] = {}
        for counts in everybody:
            for key, row in counts.items():
                if key.startswith("v|"):
                    old = totals.setdefault(key, [0] * len(row))
                    for index, n in enumerate(row):
                        old[index] += n
        return cls({key: tuple(row) for key, row in totals.items()})

    def shift(self, kind: str, domain: str) -> Shift:
        """Return what this crowd changes: factors on the fixed pool's P(group | state), and those of the domain."""
        key = (kind, domain)
        if key not in self._shifts:
            fixed = skill.verdict_pool(kind, "crowd", False)
            general = self._shrunk(f"v|{kind}||", fixed, GENERAL_WEIGHT)
            here = (
                self._shrunk(f"v|{kind}|{skill.quoted(domain)}|", general, DOMAIN_WEIGHT)
                if domain
                else general
            )
            self._shifts[key] = (_ratio(general, fixed), _ratio(here, general))
        return self._shifts[key]

    def _shrunk(self, key: str, prior: Rows, weight: float) -> Rows:
        seen = [n / 1000 for n in self.counts.get(key, (0,) * 9)]
        rows = [skill.shrink(seen[3 * s : 3 * s + 3], prior[s], weight) for s in range(3)]
        return (rows[0], rows[1], rows[2])


def shifted(row: Row, by: Row) -> Row:
    """Return the row with its entries multiplied by `by`, as a distribution again."""
    a, b, c = row[0] * by[0], row[1] * by[1], row[2] * by[2]
    total = a + b + c
    return (a / total, b / total, c / total)


def _ratio(rows: Rows, to: Rows) -> Rows:
    a, b, c = (
        (r[0] / max(t[0], 1e-6), r[1] / max(t[1], 1e-6), r[2] / max(t[2], 1e-6))
        for r, t in zip(rows, to, strict=True)
    )
    return (a, b, c)
