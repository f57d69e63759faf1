"""Housekeeping, one verb each. Every function returns what it changed, and may run in any process at any time."""

from datetime import datetime

import numpy as np
from django.db import connection, transaction

from webapp.labeling import abandoned, assembly, escalations, grids, holding, operations, presence
from webapp.scenes.models import Dataset


def reap_expired_leases(now: datetime) -> int:
    """Return assignments whose lease ran out to the queue."""
    with transaction.atomic():
        return operations.reap_expired(now=now)


def return_what_the_dead_hold(now: datetime) -> int:
    """Leases of web processes that are gone wait for their owners only as long as after a closed socket; returns how many
    sockets that were. On SQLite the one web process sees to it when it starts."""
    if connection.vendor != "postgresql":
        return 0
    with transaction.atomic():
        sessions = presence.dead_sessions({presence.prefix(key) for key in presence.living()})
        holding.leave(sessions, now=now)
        return len(sessions)


def form_pages(now: datetime, rng: np.random.Generator) -> int:
    """Close grid pages that have waited long enough."""
    with transaction.atomic():
        return grids.form_pages(now=now, rng=rng)


def settle_the_abandoned(now: datetime, walk: abandoned.Walk | None = None) -> int:
    """Settle, with the risk stated, what waits for an answer that nobody may give any more: in the next stretch of a walk,
    or, without one, everywhere."""
    with transaction.atomic():
        return abandoned.settle_the_abandoned(now=now, walk=walk)


def weigh_cases_again(now: datetime, scales: escalations.Scales | None = None) -> int:
    """Let what a scene waits for alone move up in the specialists' queue: every half minute with `scales`, else now."""
    with transaction.atomic():
        return escalations.weigh_again(now, scales)


def close_finished_datasets(now: datetime) -> list[Dataset]:
    """Assemble datasets in which nothing is left to ask."""
    with transaction.atomic():
        return assembly.close_finished_datasets(now=now)
