"""Several nodes: Ray's own test cluster of one core each against as many raw processes, on the cores that there are."""

import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine import jobs
from engine.cluster import open_pool
from engine.types import PrelabelOptions
from models.assets import AssetError

from enginebench.common import Measurement, Unavailable
from enginebench.scale import Crew, compared, make_scenes

NODES = (1, 2, 4)
PAIRS, SCENES = 5, 24  # per node, so that the end of a run, when some have nothing left, weighs the same


def measure(*, quick: bool) -> dict[str, Measurement]:
    """Images per second on n nodes over those of n raw processes with the same model, one thread each: the median of
    PAIRS pairs, and of those for NODES the lowest. SCENES pictures for each node, and for one node twice as many.

    More nodes than cores share the cores, and so do the raw processes: growth beyond the cores is nobody's, and what
    Ray costs per node is left.
    """
    try:
        model = jobs.pretrained()
    except AssetError as error:
        raise Unavailable(str(error)) from error
    options = PrelabelOptions(classes={"person": 0}, views=1)
    each: dict[str, list[float]] = {}
    by_cpu: dict[str, list[float]] = {}
    raw: dict[str, float] = {}
    ours: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="tessera-bench-") as folder:
        scenes = make_scenes(Path(folder), 8 if quick else SCENES * NODES[-1])
        for count in NODES[:2] if quick else NODES:
            with (
                _cluster(count) as address,
                open_pool(address=address, actors=count) as pool,
                Crew(model, count) as crew,
            ):
                mine = scenes if quick else scenes[: SCENES * max(count, 2)]
                pairs = list(compared(pool, crew, mine, model, options, 1 if quick else PAIRS))
            name = f"{count} nodes"
            for side, rates in (("raw", raw), ("ray", ours)):
                rates[name] = statistics.median(getattr(p, side).rate for p in pairs)
            each[name], by_cpu[name] = [p.by_time for p in pairs], [p.by_cpu for p in pairs]
    ratios = {name: statistics.median(values) for name, values in each.items()}
    cpu = {f"by CPU time, {name}": statistics.median(values) for name, values in by_cpu.items()}
    return {
        "node_efficiency": Measurement(
            min(ratios.values()),
            {f"raw images/s, {name}": value for name, value in raw.items()} | cpu,
            least=0.9,
            detail={"ratios": ratios, "pairs": each, "cpu_pairs": by_cpu, "ray_images_s": ours},
        )
    }


@contextmanager
def _cluster(nodes: int) -> Iterator[str]:
    """The address of a cluster whose head works on nothing, with `nodes` nodes of one core."""
    from ray.cluster_utils import Cluster

    made: Any = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    try:
        for _ in range(nodes):
            made.add_node(num_cpus=1)
        made.wait_for_nodes()
        yield made.address
    finally:
        made.shutdown()
