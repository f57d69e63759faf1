"""What one person may ask of one web process: so many messages a second, and so many sockets at once."""

import threading
import time
from dataclasses import dataclass, field
from typing import Protocol

from django.conf import settings

MOST_BUCKETS = 10_000  # people remembered before those who asked for nothing lately are forgotten


@dataclass(slots=True)
class Bucket:
    """A token bucket: `rate` messages a second in the long run, `burst` at once.

    Two threads that take from it in the same instant may take one token for two, which does no harm.
    """

    rate: float = settings.FEED_RATE
    burst: float = settings.FEED_BURST
    tokens: float = field(init=False)
    filled_at: float = field(init=False, default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.tokens = self.burst

    def take(self, now: float) -> float:
        """Take one token; returns 0.0, or the seconds until there is one again."""
        self.tokens = min(self.burst, self.tokens + (now - self.filled_at) * self.rate)
        self.filled_at = now
        if self.tokens < 1:
            return (1 - self.tokens) / self.rate
        self.tokens -= 1
        return 0.0

    def full(self, now: float) -> bool:
        return self.tokens + (now - self.filled_at) * self.rate >= self.burst


class Buckets:
    """A bucket for each person who asks over HTTP, where no socket keeps it between requests."""

    def __init__(self) -> None:
        self._of: dict[int, Bucket] = {}
        self._lock = threading.Lock()

    def take(self, person: int) -> float:
        """As `Bucket.take`, now."""
        now = time.monotonic()
        with self._lock:
            if len(self._of) >= MOST_BUCKETS:
                self._of = {pk: bucket for pk, bucket in self._of.items() if not bucket.full(now)}
            bucket = self._of.get(person)
            if bucket is None:
                bucket = self._of[person] = Bucket()
            return bucket.take(now)


class Tab(Protocol):
    """One open socket of a person."""

    def make_room(self) -> None:
        """Close, because the person has opened too many after this one."""


class Tabs:
    """The sockets that each person has open in this process, the oldest first.

    Whoever opens one too many loses the oldest: it may be a half-open one that nobody has noticed to be dead.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._of: dict[int, list[Tab]] = {}

    def come(self, person: int, tab: Tab) -> None:
        """Count a new socket in, and have the oldest make room for it if it must."""
        tabs = self._of.setdefault(person, [])
        tabs.append(tab)
        if len(tabs) > self.most:
            tabs.pop(0).make_room()

    def go(self, person: int, tab: Tab) -> None:
        """Count a socket out that closed, if it counts."""
        tabs = self._of.get(person, [])
        if tab in tabs:
            tabs.remove(tab)
        if not tabs:
            self._of.pop(person, None)
