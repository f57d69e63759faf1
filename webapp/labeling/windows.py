"""The head of every lane, held in memory: what one process may offer next.

A window is a cache of open assignments, best first. Nothing in it is reserved: `operations.lease` takes an assignment by a
conditional update under a lock, so two processes that want the same one do not both get it. To meet seldom they read
different shares of each lane (`share`), and take from all of it when their own share is used up. So the cost of a lease
depends on the number of lanes and on the size of the windows, never on how many tasks are open.
"""

import math
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import islice
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef
from django.utils import timezone

from routing.assignment import Candidate
from routing.belief import Belief
from routing.eligibility import rank
from webapp.labeling import bulk
from webapp.labeling.desk_hours import Resting
from webapp.labeling.models import Assignment, Lane
from webapp.labeling.parking import PARKED, park_strays
from webapp.labeling.shares import Shares
from webapp.labeling.shelf import QUESTION, Question, Shelf
from webapp.people.wording import kind_title
from webapp.scenes.models import Dataset

LaneKey = tuple[int, str]

LEAST, MOST = 24, 256  # candidates per lane
TOTAL = 2_048  # candidates wanted over all lanes of an organisation
LANES_S = 1.0  # how old the list of lanes and of paused projects may be
STALE_S = 30.0  # after that a window is read anew: values and priorities may have changed

AGE = {
    "postgresql": "extract(epoch FROM clock_timestamp() - m.created_at)::float8",
    "sqlite": "(julianday('now') - julianday(m.created_at)) * 86400.0",
}
OPEN = (
    f"SELECT a.id, a.rank, a.project_id, a.lane, {QUESTION}, m.excluded, m.secret, m.value, <age>"
    " FROM labeling_assignment a JOIN labeling_microtask m ON m.id = a.microtask_id WHERE a.id {ids}"
)


DATASET = 6  # the place of the data set in a row of OPEN


@dataclass(slots=True)
class Entry:
    """One open assignment as the matcher sees it."""

    candidate: Candidate
    question: Question
    rank: float
    lane: LaneKey


@dataclass(slots=True)
class Window:
    """The head of one lane. `drained`: the lane had no more when it was last read."""

    entries: dict[int, Entry] = field(default_factory=dict)
    drained: bool = False
    read_at: float = -math.inf


@dataclass(frozen=True, slots=True)
class Share:
    """This process takes the assignments first whose id, by blocks of 64, leaves this remainder: what was asked together
    lies in one tile, and two processes that are busy in one tile wait for each other."""

    index: int = 0
    of: int = 1


class Windows:
    """All windows of one process; one thread uses them."""

    def __init__(self, shelf: Shelf | None = None) -> None:
        self.shelf = shelf or Shelf()
        self.share = Share()
        self.shares = Shares()
        self.resting = Resting()
        self.news: deque[frozenset[LaneKey] | None] = deque(
            maxlen=1_000
        )  # added to by any thread: see `stir`
        self._lanes: dict[int | None, tuple[float, list[LaneKey]]] = {}
        self._paused: dict[int | None, list[tuple[str, str]]] = {}  # lane and the name of what is paused
        self._parked: dict[int | None, frozenset[int]] = {}  # paused data sets of projects that go on
        self._windows: dict[LaneKey, Window] = {}
        self._gone: set[int] = set()

    def begin(self) -> None:
        """A round of leasing begins: what is taken out during it is still open in the database, and must not come back."""
        self._gone = set()

    def stir(self) -> None:
        """Take the news: lanes in which somebody made work (None: it may be any) are read again when they run low."""
        while self.news:
            lanes = self.news.popleft()
            for lane in self._windows if lanes is None else lanes:
                if window := self._windows.get(lane):
                    window.drained = False
                else:
                    self._lanes.clear()  # A lane that we have not met: read the list again.

    def forget(self) -> None:
        """Start anew, after a transaction that used these windows failed."""
        self._lanes.clear()
        self._windows.clear()

    def take_out(self, assignments: Iterable[int], lanes: Iterable[LaneKey]) -> None:
        """Remove what was leased or turned out to be taken."""
        gone, taken = list(assignments), list(lanes)
        self._gone.update(gone)
        self.shares.count(project for project, _ in taken)
        for lane in set(taken):
            entries = self._windows[lane].entries
            for pk in gone:
                entries.pop(pk, None)

    def left(self, lanes: Iterable[LaneKey]) -> bool:
        """Whether one of these lanes holds more, or may: as far as it was read."""
        windows = (self._windows.get(lane) for lane in lanes)
        return any(window is not None and (window.entries or not window.drained) for window in windows)

    def candidates(
        self, organisation: int | None, domains: frozenset[str], tier: int, wanted: int
    ) -> list[Entry]:
        """About `wanted` entries that people of these domains, up to this tier, may get: the best of every lane.

        Lanes are asked in the order of their best entry; all of them when there are no more lanes than entries wanted.
        """
        self.stir()
        lanes = self._open_lanes(organisation)
        filled = self._filled([lane for lane in lanes if _suits(lane[1], domains, tier)])
        if not filled:  # What others could do tells these people why there is nothing for them.
            filled = self._filled(lanes[:16])
        filled.sort(key=lambda w: -next(iter(w.entries.values())).rank)
        each = max(1, math.ceil(wanted / max(1, len(filled))))
        return list(islice(_heads(filled, each), wanted))

    def _filled(self, lanes: Sequence[LaneKey]) -> list[Window]:
        if lanes:
            self._fill(lanes)
        return [window for window in (self._windows[lane] for lane in lanes) if window.entries]

    def _open_lanes(self, organisation: int | None) -> list[LaneKey]:
        read_at, lanes = self._lanes.get(organisation, (-math.inf, []))
        now = time.monotonic()
        if read_at < now - LANES_S:
            mine = Lane.objects.filter(project__organisation=organisation).order_by("pk")
            rows = mine.filter(project__paused=False).values_list(
                "project_id", "key", "project__paused_kinds"
            )
            lanes, resting = _without_paused_kinds(rows)
            waiting = Assignment.objects.filter(
                state="open", project=OuterRef("project"), lane=OuterRef("key")
            )
            paused = mine.filter(Exists(waiting), project__paused=True)
            names = self._park(organisation)
            parked = mine.filter(Exists(waiting.filter(rank__lt=PARKED)), project__in=names)
            self._paused[organisation] = [
                *paused.values_list("key", "project__name"),
                *((key, names[pk]) for key, pk in parked.values_list("key", "project")),
                *self._resting(mine.filter(Exists(waiting), project__in=resting), resting),
            ]
            self._lanes[organisation] = (now, lanes)
            self.shelf.load_projects(project for project, _ in lanes)
            self._share_out(lanes)
        return lanes

    def _resting(self, waiting: Iterable[Lane], resting: dict[int, frozenset[str]]) -> list[tuple[str, str]]:
        """Lanes with open work of kinds that are paused, and the name of what is paused."""
        if not resting:
            return []
        self.shelf.load_projects(resting)
        kinds = ((lane, lane.key.partition("/")[0]) for lane in waiting)
        return [
            (lane.key, f"{self.shelf.project(lane.project_id).name} · {kind_title(kind)}")
            for lane, kind in kinds
            if kind in resting[lane.project_id]
        ]

    def _park(self, organisation: int | None) -> dict[int, str]:
        """Learn which data sets are paused; returns their names by project."""
        paused = Dataset.objects.filter(
            project__organisation=organisation, project__paused=False, paused=True
        )
        rows = list(paused.order_by("name").values_list("pk", "project", "project__name", "name"))
        parked = frozenset(row[0] for row in rows)
        if parked != self._parked.get(organisation, frozenset()):
            for window in self._windows.values():
                window.entries, window.drained = {}, False
        self._parked[organisation] = parked
        names: dict[int, str] = {}
        for _, project, title, name in rows:
            names[project] = f"{names[project]}, {name}" if project in names else f"{title} · {name}"
        return names

    def paused_for(self, organisation: int | None, domains: frozenset[str], tier: int) -> str:
        """Why there is nothing now for people of these domains and this tier who could work in what is paused, or ""."""
        suiting = (name for key, name in self._paused.get(organisation, []) if _suits(key, domains, tier))
        names = sorted(set(suiting))
        return f"{', '.join(names[:3])}: work is paused" if names else ""

    def _share_out(self, lanes: Sequence[LaneKey]) -> None:
        """Give tasks at hand the priority that their projects have by now."""
        busy = {lane[0] for lane in lanes if (window := self._windows.get(lane)) and window.entries}
        changed = self.shares.revise([self.shelf.project(pk) for pk in sorted(busy)], timezone.now())
        for lane, window in self._windows.items():
            if lane[0] in changed:
                priority = self.shares.of(lane[0])
                for entry in window.entries.values():
                    entry.candidate = replace(entry.candidate, priority=priority)

    def _fill(self, lanes: Sequence[LaneKey]) -> None:
        """Read the lanes whose windows run low, all in one statement."""
        size = min(MOST, max(LEAST, TOTAL // len(lanes)))
        clock = time.monotonic()
        low = []
        for lane in lanes:
            window = self._windows.setdefault(lane, Window())
            if window.read_at < clock - STALE_S:
                window.entries, window.drained = {}, False
            if len(window.entries) <= size // 3 and not window.drained:
                low.append(lane)
        if not low:
            return
        heads = self._heads_of(low, size, self.share)
        if self.share.of > 1:
            dry = [lane for lane in low if not heads[lane] and not self._windows[lane].entries]
            heads |= self._heads_of(dry, size, Share())
        unknown = [
            pk
            for lane in low
            for pk in heads[lane]
            if pk not in self._windows[lane].entries and pk not in self._gone
        ]
        read = {row[0]: row for row in bulk.select(OPEN.replace("<age>", AGE[connection.vendor]), unknown)}
        self._leave_out_parked(read)
        for lane in low:
            window = self._windows[lane]
            fresh = {pk: self._entry(read[pk]) for pk in heads[lane] if pk in read}
            merged = sorted((fresh | window.entries).items(), key=lambda item: -item[1].rank)
            window.entries, window.read_at = dict(merged), clock
            window.drained = len(heads[lane]) < size

    def _leave_out_parked(self, read: dict[int, tuple[Any, ...]]) -> None:
        """Leave out what belongs to a paused data set, and park it."""
        parked = frozenset[int]().union(*self._parked.values())
        strays = [row for row in read.values() if row[DATASET] in parked]
        if strays:
            park_strays({row[DATASET] for row in strays}, {(row[2], row[3]) for row in strays})
        for row in strays:
            del read[row[0]]

    def _heads_of(self, lanes: Sequence[LaneKey], size: int, share: Share) -> dict[LaneKey, list[int]]:
        """Ids of the first open assignments of each lane, best first."""
        found: dict[LaneKey, list[int]] = {lane: [] for lane in lanes}
        if not lanes:
            return found
        # Whole numbers in the text, so that the plan is made for them: of an unknown LIMIT it expects a tenth of all rows.
        # The share is what the others leave: of an equality with what is computed, PostgreSQL expects one row in 200, and
        # would sort the whole lane instead of reading its head in order.
        others = ", ".join(str(n) for n in range(share.of) if n != share.index)
        mine = f" AND (a.id >> 6) %% {share.of} NOT IN ({others})" if others else ""
        head = (
            "SELECT id FROM labeling_assignment a WHERE a.state = 'open' AND a.project_id = {project} AND a.lane = {lane}"
            f" AND a.rank > {PARKED:.0f}{mine} ORDER BY a.rank DESC LIMIT {size}"
        )
        if bulk.is_postgresql():
            each = head.format(project="l.project", lane="l.lane")
            rows = bulk.rows_of(
                "SELECT l.project, l.lane, h.id FROM json_to_recordset(%s::json) AS l(project bigint, lane text)"
                f" CROSS JOIN LATERAL ({each}) AS h",
                [bulk.dumps([{"project": p, "lane": key} for p, key in lanes])],
            )
            for project, key, pk in rows:
                found[(project, key)].append(pk)
            return found
        with connection.cursor() as cursor:
            for project, key in lanes:
                sql = head.format(project="%s", lane="%s")
                cursor.execute(sql, [project, key])
                found[(project, key)] = [pk for (pk,) in cursor.fetchall()]
        return found

    def _entry(self, row: tuple[Any, ...]) -> Entry:
        pk, order, project, key = row[:4]
        excluded, secret, value, age = row[-4:]
        question = self.shelf.questions.get(row[4]) or self.shelf.keep(row[4:-4])
        hidden = bulk.loads(secret)
        belief = hidden.get("belief")
        payload = question.payload
        candidate = Candidate(
            assignment=pk, microtask=question.id, project=project, kind=question.kind, lane=key, domain=question.domain,
            cls=(payload.get("object") or {}).get("class", payload.get("class")), tier=question.tier,
            excluded=frozenset(bulk.loads(excluded)), value=value, belief=Belief.from_json(belief) if belief else None,
            priority=self.shares.of(project), age_s=age,
            expected_s=question.expected_s, gold="gold" in hidden,
        )  # fmt: skip
        return Entry(candidate, question, order, (project, key))


def _without_paused_kinds(
    rows: Iterable[tuple[int, str, list[str]]],
) -> tuple[list[LaneKey], dict[int, frozenset[str]]]:
    """The lanes of which something may be offered, and the paused kinds of each project that has any."""
    lanes: list[LaneKey] = []
    resting: dict[int, frozenset[str]] = {}
    for project, key, kinds in rows:
        if kinds:
            resting[project] = frozenset(kinds)
        if key.partition("/")[0] not in kinds:
            lanes.append((project, key))
    return lanes, resting


@lru_cache(maxsize=4_096)
def _suits(lane: str, domains: frozenset[str], tier: int) -> bool:
    """Whether a lane (kind/domain/tier; a domain may have slashes) holds work for people of these domains and this tier."""
    rest, _, needed = lane.rpartition("/")
    domain = rest.partition("/")[2]
    return (not domain or domain in domains) and rank(needed) <= tier


def _heads(windows: Sequence[Window], each: int) -> Iterator[Entry]:
    for window in windows:
        yield from islice(window.entries.values(), each)
