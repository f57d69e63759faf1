"""Who works on which run: one engine process at a time, and nobody waits for a dead one."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import F, Q
from django.utils import timezone

from webapp.pipeline.models import Run

BEAT_S = 5.0  # between heartbeats
STALE = timedelta(seconds=30)  # without a heartbeat for this long, an engine is taken for dead


def me() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def claim_next(now: datetime) -> Run | None:
    """Claim the oldest run that waits or whose engine died; None when there is none. Runs that no engine has had come
    first, so that one that was held back does not keep the others waiting."""
    open_runs = Run.objects.filter(Q(state=Run.State.WAITING) | Q(state=Run.State.RUNNING)).order_by(
        F("heartbeat_at").asc(nulls_first=True), "pk"
    )
    for run in open_runs:
        if run.state == Run.State.RUNNING and not _abandoned(run, now):
            continue
        claimed = Run.objects.filter(
            pk=run.pk, state=run.state, claimed_by=run.claimed_by, heartbeat_at=run.heartbeat_at
        ).update(state=Run.State.RUNNING, claimed_by=me(), heartbeat_at=now, started_at=run.started_at or now)
        if claimed:  # Otherwise another engine was first.
            run.refresh_from_db()
            return run
    return None


@contextmanager
def heartbeat(run: Run) -> Iterator[None]:
    """Say every few seconds that the run is being worked on, for as long as the block runs."""
    done = threading.Event()
    thread = threading.Thread(target=_beat, args=(run.pk, done), name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _beat(run: int, done: threading.Event) -> None:
    try:
        while not done.wait(BEAT_S):
            Run.objects.filter(pk=run, claimed_by=me()).update(heartbeat_at=timezone.now())
    finally:
        connection.close()  # this thread's own


def _abandoned(run: Run, now: datetime) -> bool:
    if run.heartbeat_at is None or run.heartbeat_at < now - STALE:
        return True
    # On this machine it shows at once, without waiting for the heartbeat to grow old.
    host, _, pid = run.claimed_by.rpartition(":")
    return host == socket.gethostname() and pid.isdigit() and int(pid) != os.getpid() and not _alive(int(pid))


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
