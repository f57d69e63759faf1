"""Which web processes live. Each holds one advisory lock of PostgreSQL for as long as its connection lives, so a killed
process is seen to be dead at once, and nothing has to expire. On SQLite there is one web process."""

import secrets
import time
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from webapp.labeling.models import Assignment
from webapp.labeling.windows import Share

CLASS = 0x7E55  # the first half of our advisory locks' keys
EVERY_S = 1.0  # how often the others are counted, and the clock is compared
JITTER = timedelta(seconds=1)  # a clock that is off by less than this is right


class Presence:
    """This process among its peers; used by the dispatcher's database thread only."""

    def __init__(self) -> None:
        self.key = secrets.randbelow(2**31 - 1) + 1
        self.share = Share()
        self._held_by: Any = None
        self._read_at = 0.0
        self._clock_off = timedelta()

    @property
    def prefix(self) -> str:
        """What the sessions of this process begin with."""
        return prefix(self.key)

    def refresh(self) -> Share:
        """Hold the lock (again, after a lost connection) and say which share of each lane is this process's."""
        if connection.vendor != "postgresql":
            return self.share
        now = time.monotonic()
        connection.ensure_connection()
        if self._held_by is not connection.connection:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [CLASS, self.key])
                # Compiling the statements of a round takes longer than running them.
                cursor.execute("SET jit = off")
            self._held_by, self._read_at = connection.connection, 0.0
        if now > self._read_at + EVERY_S:
            keys = sorted(living() | {self.key})
            self.share, self._read_at = Share(keys.index(self.key), len(keys)), now
            self._clock_off = database_now() - timezone.now()
        return self.share

    def now(self) -> datetime:
        """The time by the database's clock, by which leases are given and end, whatever this machine's clock says."""
        return timezone.now() + (self._clock_off if abs(self._clock_off) > JITTER else timedelta())


def database_now() -> datetime:
    """The database's clock; on SQLite, which has none, this machine's."""
    if connection.vendor != "postgresql":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
        return now


def prefix(key: int) -> str:
    return f"{key:08x}"


def living() -> set[int]:
    """Keys of the web processes that are connected to this database now."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND objsubid = 2 AND granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            [CLASS],
        )
        return {key for (key,) in cursor.fetchall()}


def dead_sessions(alive: set[str]) -> list[str]:
    """Sessions that hold leases although the process they belonged to is gone; `alive` are the prefixes of the others."""
    held = Assignment.objects.filter(state=Assignment.State.LEASED).exclude(session="")
    sessions = held.values_list("session", flat=True).distinct()
    return [session for session in sessions if len(session) == SESSION and session[:8] not in alive]


SESSION = 24  # characters: 8 of the process, 16 of the socket
