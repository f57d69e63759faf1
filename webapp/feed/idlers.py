"""Annotators for whom there was nothing: who of them is tried when there may be work, and when to stop.

Nobody is woken by the thousand: a few are tried, those who wait longest first; twice as many in the next round while
there is work left that would suit somebody, and nobody once it is gone. So one new task costs the same however many wait.
"""

from collections.abc import Collection
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from routing.eligibility import rank
from webapp.feed import metrics
from webapp.feed.seats import Seat
from webapp.labeling.wakeups import LaneKey
from webapp.labeling.windows import Windows

# Tried first when work is announced: enough to choose from, because whoever waits longest is seldom who does it best.
FEW = 64
# And when nothing was, now and then: an announcement may be lost, a pause over, a qualification new.
LOOKED = 64
MOST = 1_024  # in one turn; rounds have their own limit
UNKNOWN = "?"  # the organisation of a project that was not met yet


class Crowd(NamedTuple):
    """Whom the work of a lane may suit: interchangeable people."""

    organisation: int | str | None
    domain: str
    tier: int

    def has(self, seat: Seat) -> bool:
        person = seat.person
        ours = self.organisation in (person.organisation_id, UNKNOWN)
        return ours and (not self.domain or self.domain in seat.domains) and self.tier <= rank(person.tier)


ANYBODY = Crowd(UNKNOWN, "", 0)


@dataclass(slots=True)
class News:
    """The lanes announced for a crowd that are not known to be empty since, and how many of it are to be tried next."""

    lanes: set[LaneKey]
    turn: int = FEW


class Idlers:
    """Touched on the event loop only; `windows` is asked between rounds."""

    def __init__(self, windows: Windows) -> None:
        self._windows = windows
        self._seats: dict[str, Seat] = {}  # the longest waiting first
        self._occasion = 0  # counted: on each, everybody is tried once at most
        self._news: dict[Crowd, News] = {}
        self._look = 0  # how many of those who wait longest are to be tried, because no lane was named
        self._asked: set[Crowd] = set()  # of whom some are being tried

    def __len__(self) -> int:
        return len(self._seats)

    @property
    def due(self) -> bool:
        """Whether somebody is to be tried."""
        return self._look > 0 or bool(self._news)

    def add(self, seat: Seat) -> None:
        self._seats[seat.session] = seat

    def drop(self, seat: Seat) -> None:
        self._seats.pop(seat.session, None)

    def stir(self, lanes: Collection[LaneKey] | None) -> None:
        """There may be work, in these lanes or (None) in any."""
        if not self._seats:
            return
        self._occasion += 1
        if lanes is None:
            self._look = max(self._look, LOOKED)
        for lane in lanes or ():
            crowd = self._crowd(lane)
            self._news.setdefault(crowd, News(set())).lanes.add(lane)
            self._asked.discard(crowd)  # What those who are being tried find says nothing of this.

    def take(self, most: int) -> list[Seat]:
        """Those to be tried now, at most so many. They are idle no more until they are added again."""
        chosen: list[Seat] = []
        for crowd, news in list(self._news.items()):
            if len(chosen) < most:
                found = self._untried(crowd, min(news.turn, most - len(chosen)), "work")
                self._asked.add(crowd)
                if not found:  # All whom it may suit were tried.
                    del self._news[crowd]
                chosen += found
        if self._look and len(chosen) < most:
            found = self._untried(ANYBODY, min(self._look, most - len(chosen)), "look")
            self._look = self._look if found else 0
            chosen += found
        return chosen

    def tried(self, served: bool) -> None:
        """Some were, with or without success: try more of them while there is something left."""
        for crowd in self._asked & self._news.keys():
            news = self._news[crowd]
            if self._windows.left(news.lanes):
                news.turn = min(2 * news.turn, MOST)
            else:
                del self._news[crowd]
        self._asked.clear()
        self._look = min(2 * self._look, MOST) if served else 0

    def rest(self) -> None:
        """Try nobody until there is news."""
        self._look = 0
        self._news.clear()
        self._asked.clear()

    def _untried(self, crowd: Crowd, most: int, why: str) -> list[Seat]:
        untried = (s for s in self._seats.values() if s.tried != self._occasion and crowd.has(s))
        found = list(islice(untried, most))
        for seat in found:
            del self._seats[seat.session]
            seat.tried = self._occasion
        metrics.TRIED.labels(why).inc(len(found))
        return found

    def _crowd(self, lane: LaneKey) -> Crowd:
        """The crowd of a lane, which is named by its kind, its domain, which may have slashes, and its tier."""
        project, key = lane
        rest, _, tier = key.rpartition("/")
        organisation = self._windows.shelf.organisation_of(project, UNKNOWN)
        return Crowd(organisation, rest.partition("/")[2], rank(tier))
