"""Ray, started and stopped: a local one for a single machine, or the cluster that RAY_ADDRESS names."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

# Read by Ray when it is imported: no usage reports, and no note about hidden accelerators.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")

import ray

from engine.actors import RayPool

OBJECT_STORE_BYTES = 200 * 1024 * 1024  # chunks are small; pictures are read by the actors, not sent to them


@contextmanager
def open_pool(
    *, actors: int | None = None, address: str | None = None, threads: int = 1
) -> Iterator[RayPool]:
    """A pool of `actors` pre-labelling processes (default: one per core), for as long as the block runs.

    `address` or the environment variable RAY_ADDRESS joins a running cluster, whose nodes must have this package and
    the picture files under the same paths; otherwise a private Ray is started and stopped. A Ray that this process
    has already started is used and left running.
    """
    ours = not ray.is_initialized()
    if ours:
        _start(address or os.environ.get("RAY_ADDRESS"))
    try:
        resources = ray.cluster_resources()  # type: ignore[no-untyped-call]
        count = actors or max(1, int(resources.get("CPU", 1)))
        pool = RayPool(count, threads=threads)
        try:
            yield pool
        finally:
            pool.close()
    finally:
        if ours:
            ray.shutdown()


def _start(address: str | None) -> None:
    # OpenMP threads that wait in a loop would take the cores from the other actors.
    environment = {"env_vars": {"OMP_NUM_THREADS": "1"}}
    if address:
        ray.init(address=address, runtime_env=environment, logging_level=logging.WARNING, log_to_driver=False)
        return
    ray.init(
        num_cpus=os.cpu_count() or 1,
        include_dashboard=False,
        object_store_memory=OBJECT_STORE_BYTES,
        runtime_env=environment,
        logging_level=logging.WARNING,
        log_to_driver=False,
    )
