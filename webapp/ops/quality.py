"""What settled objects tell of the quality of the work; pure. Every figure names the objects that it counts."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from routing.certify import clopper_pearson_lower, clopper_pearson_upper

NOTHING = -1  # the class of what turned out to be nothing
MOST_CLASSES = 8
VERDICT_KINDS = ("grid_verify", "verify_box")


@dataclass(frozen=True, slots=True)
class Item:
    """A settled object. first_label: the class it was proposed as. looks: (annotator, kind, verdict, version, seconds)."""

    id: int
    state: str
    label: int
    first_label: int
    settled_by: str
    source: str
    version: int
    model: int | None
    risk: float
    looks: tuple[tuple[int, str, str, int, float], ...] = ()

    @property
    def right(self) -> bool:
        """Whether it is part of the result."""
        return self.state == "accepted"

    @property
    def verdicts(self) -> list[tuple[str, int]]:
        """(ok or not, version) of each plain verdict."""
        return [
            ("ok" if verdict == "ok" else "not", version)
            for _, kind, verdict, version, _ in self.looks
            if kind in VERDICT_KINDS and verdict != "unsure"
        ]

    @property
    def pairs(self) -> tuple[int, int]:
        """(agreeing, all) pairs of verdicts on the same version."""
        found = [a[0] == b[0] for a, b in combinations(self.verdicts, 2) if a[1] == b[1]]
        return sum(found), len(found)

    @property
    def seconds(self) -> float:
        """Human seconds of all looks."""
        return sum(look[4] for look in self.looks)


def _by_model(item: Item) -> bool:
    return item.source == "model"


def _ruled(item: Item) -> bool:
    return item.settled_by == "specialist"


def _fixed(item: Item) -> bool:
    return any(kind == "fix_box" for _, kind, *_ in item.looks)


def _overturned(item: Item) -> bool:
    """A ruling that rejected, or drew an outline that nobody had drawn before."""
    drawn = {version for _, _, verdict, version, _ in item.looks if verdict == "drawn"}
    return _ruled(item) and (item.state == "rejected" or (item.version > 1 and item.version not in drawn))


@dataclass(frozen=True, slots=True)
class Kind:
    """A share that is shown: `counted` of those that `among` lets through. `good`: whether more is better."""

    counted: Callable[[Item], bool]
    among: Callable[[Item], bool]
    good: bool


KINDS: Mapping[str, Kind] = {
    "first_pass": Kind(lambda i: i.right and i.version == 1, _by_model, True),
    "reworked": Kind(_fixed, lambda i: True, False),
    "phantom": Kind(lambda i: i.state == "rejected", _by_model, False),
    "machine": Kind(lambda i: i.right and i.settled_by == "machine", lambda i: i.right, True),
    "escalated": Kind(_ruled, lambda i: True, False),
    "overturned": Kind(_overturned, _ruled, False),
    "disagreed": Kind(lambda i: i.pairs[0] < i.pairs[1], lambda i: i.pairs[1] > 0, False),
    "unsure": Kind(lambda i: any(look[2] == "unsure" for look in i.looks), lambda i: bool(i.looks), False),
    "undecidable": Kind(lambda i: i.state == "undecidable", lambda i: True, False),
}


@dataclass(frozen=True, slots=True)
class Share:
    """n of `of`, with the exact 95 % interval; None of nothing."""

    n: int
    of: int

    @property
    def value(self) -> float | None:
        return self.n / self.of if self.of else None

    @property
    def low(self) -> float:
        return clopper_pearson_lower(self.n, self.of, 0.025) if self.of else 0.0

    @property
    def high(self) -> float:
        return clopper_pearson_upper(self.n, self.of, 0.025) if self.of else 1.0

    @property
    def low_x(self) -> str:
        """Where the interval begins, and `width` how wide it is, in percent, as SVG wants it in every language."""
        return f"{100 * self.low:.2f}"

    @property
    def width(self) -> str:
        return f"{max(100 * (self.high - self.low), 0.5):.2f}"


def share_of(items: Iterable[Item], name: str) -> Share:
    """Return one of `KINDS` over the items."""
    kind = KINDS[name]
    among = [item for item in items if kind.among(item)]
    return Share(sum(map(kind.counted, among)), len(among))


@dataclass(frozen=True, slots=True)
class Group:
    """The objects of one class, or of one model version. agreement: share of agreeing pairs of verdicts; kept: model's
    proposals that were accepted as they were; seconds: human seconds per object; edits: redrawings per accepted object."""

    key: int
    objects: int
    kept: Share
    agreement: Share
    unsure: Share
    seconds: float
    edits: float
    risk: float

    @property
    def item_class(self) -> str:
        """The name of the gallery of a class, and `item_model` of a model version."""
        return f"class.{self.key}"

    @property
    def item_model(self) -> str:
        return f"model.{self.key}"


def agreement_of(items: Iterable[Item]) -> Share:
    """Return how many of all pairs of verdicts on one version agree."""
    pairs = [item.pairs for item in items]
    return Share(sum(a for a, _ in pairs), sum(n for _, n in pairs))


def grouped(items: Iterable[Item], key: Callable[[Item], int | None]) -> list[Group]:
    """Return the groups of the items that have a key, the largest first."""
    found: dict[int, list[Item]] = defaultdict(list)
    for item in items:
        if (value := key(item)) is not None:
            found[value].append(item)
    return sorted((_group(value, rows) for value, rows in found.items()), key=lambda g: (-g.objects, g.key))


def _group(key: int, items: Sequence[Item]) -> Group:
    accepted = [item for item in items if item.right]
    return Group(
        key=key,
        objects=len(items),
        kept=share_of(items, "first_pass"),
        agreement=agreement_of(items),
        unsure=share_of(items, "unsure"),
        seconds=sum(item.seconds for item in items) / len(items),
        edits=sum(item.version - 1 for item in accepted) / len(accepted) if accepted else 0.0,
        risk=sum(item.risk for item in accepted) / len(accepted) if accepted else 0.0,
    )


@dataclass(frozen=True, slots=True)
class Confusion:
    """What was proposed as each class (rows) and what it turned out to be (columns; the last is nothing)."""

    classes: tuple[int, ...]
    cells: dict[tuple[int, int], int] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[int, ...]:
        return (*self.classes, NOTHING)


def pair_of(item: Item) -> tuple[int, int]:
    """(proposed as, turned out as)."""
    return item.first_label, NOTHING if item.state == "rejected" else item.label


def confusion(items: Iterable[Item]) -> Confusion:
    """Count the pairs of the decided items, for the most frequent classes."""
    decided = [item for item in items if item.state != "undecidable"]
    times: dict[int, int] = defaultdict(int)
    for item in decided:
        for label in {item.first_label, item.label}:
            times[label] += 1
    classes = tuple(sorted(sorted(times, key=lambda c: -times[c])[:MOST_CLASSES]))
    cells: dict[tuple[int, int], int] = defaultdict(int)
    for item in decided:
        cells[pair_of(item)] += 1
    return Confusion(classes, dict(cells))


def cost_per_correct(cost: float, accepted: int, risk: float) -> float | None:
    """Return what one object that is right has cost: those accepted, less the stated share of wrong ones."""
    right = accepted * (1 - risk)
    return cost / right if right > 0 else None
