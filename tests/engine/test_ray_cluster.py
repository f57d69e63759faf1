"""Pre-labelling on several nodes: Ray's own test cluster runs them as processes of this machine; one is lost on the way."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from engine import jobs
from engine.types import ModelRef, PrelabelOptions, SceneRef

pytestmark = [pytest.mark.ray, pytest.mark.slow]

OPTIONS = PrelabelOptions(classes={"block": 7}, score_floor=0.0001, windows_per_chunk=2)
NODES = 2


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A head that works on nothing, and NODES nodes with one core each."""
    import ray  # importing Ray costs a second, which other tests need not pay
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    try:
        made.nodes = [made.add_node(num_cpus=1) for _ in range(NODES)]
        ray.init(address=made.address, log_to_driver=False, logging_level="ERROR")
        made.wait_for_nodes()
        yield made
    finally:
        ray.shutdown()
        made.shutdown()


@pytest.mark.timeout(280)
def test_rows_are_written_exactly_once_though_a_node_is_lost_and_nothing_takes_its_place(
    cluster: Any, tiny_model: ModelRef, scenes: list[SceneRef]
) -> None:
    from engine.cluster import open_pool

    many = [replace(s, scene_id=f"{s.scene_id}/{n}") for n in range(20) for s in scenes]
    wanted = [k for s in many for k in jobs.chunk_ids(s, model=tiny_model, options=OPTIONS)]
    rows = []
    with open_pool() as pool:
        assert pool.count == NODES
        for chunk in jobs.prelabel(many, model=tiny_model, options=OPTIONS, pool=pool):
            rows.append(chunk.chunk_id)
            if len(rows) == len(wanted) // 4:
                cluster.remove_node(cluster.nodes.pop(), allow_graceful=False)
        replaced = pool.replaced

    assert Counter(rows) == Counter(wanted)
    assert replaced >= 1
