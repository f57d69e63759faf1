"""Housekeeping, one verb each. Every function returns what it changed, and may run in any process at any time."""

from datetime import datetime

import numpy as np
from django.db import transaction

from webapp.labeling import assembly, grids, operations
from webapp.scenes.models import Dataset


def reap_expired_leases(now: datetime) -> int:
    """Return assignments whose lease ran out to the queue."""
    with transaction.atomic():
        return operations.reap_expired(now=now)


def form_pages(now: datetime, rng: np.random.Generator) -> int:
    """Close grid pages that have waited long enough."""
    with transaction.atomic():
        return grids.form_pages(now=now, rng=rng)


def close_finished_datasets(now: datetime) -> list[Dataset]:
    """Assemble datasets in which nothing is left to ask."""
    with transaction.atomic():
        return assembly.close_finished_datasets(now=now)
