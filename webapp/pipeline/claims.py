"""Who works on which run: one engine process at a time, and nobody waits for a dead one."""

import os
import socket
from datetime import datetime, timedelta

from django.db.models import Q

from webapp.pipeline.models import Run

STALE = timedelta(
    seconds=60
)  # without a heartbeat for this long, the engine of another machine is taken for dead


def me() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def claim_next(now: datetime) -> Run | None:
    """Claim the oldest run that waits or whose engine died; None when there is none."""
    open_runs = Run.objects.filter(Q(state=Run.State.WAITING) | Q(state=Run.State.RUNNING)).order_by("pk")
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


def _abandoned(run: Run, now: datetime) -> bool:
    host, _, pid = run.claimed_by.rpartition(":")
    if host == socket.gethostname() and pid.isdigit():
        return int(pid) != os.getpid() and not _alive(int(pid))
    return run.heartbeat_at is None or run.heartbeat_at < now - STALE


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
