"""Pre-labelling on a real Ray: an actor is killed, and every row is there exactly once."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from engine import jobs
from engine.prelabel import PrelabelError
from engine.types import ModelRef, PrelabelOptions, SceneRef

pytestmark = pytest.mark.ray

OPTIONS = PrelabelOptions(classes={"block": 7}, score_floor=0.0001, windows_per_chunk=1)


@pytest.mark.timeout(280)
def test_rows_are_written_exactly_once_though_an_actor_is_killed(
    tiny_model: ModelRef, scenes: list[SceneRef]
) -> None:
    from engine.cluster import open_pool  # importing Ray costs a second, which other tests need not pay

    many = [replace(s, scene_id=f"{s.scene_id}/{n}") for n in range(12) for s in scenes]
    wanted = [k for s in many for k in jobs.chunk_ids(s, model=tiny_model, options=OPTIONS)]
    local = {c.chunk_id: c.windows for c in jobs.prelabel(scenes, model=tiny_model, options=OPTIONS)}
    with open_pool(actors=2) as pool:
        rows = []
        for chunk in jobs.prelabel(many, model=tiny_model, options=OPTIONS, pool=pool):
            rows.append(chunk)
            if len(rows) == len(wanted) // 3:
                kill(pool.actor_handles()[0])
        replaced = pool.replaced
        gone = replace(scenes[0], path=str(Path(scenes[0].path).with_name("gone.png")))
        with pytest.raises(PrelabelError, match="does not exist"):
            list(jobs.prelabel([gone], model=tiny_model, options=OPTIONS, pool=pool))

    assert Counter(c.chunk_id for c in rows) == Counter(wanted)
    assert replaced >= 1
    first = {c.chunk_id.replace("/0/", "/", 1): c.windows for c in rows if "/0/" in c.chunk_id[:10]}
    assert first.keys() == local.keys()
    for key, windows in first.items():
        assert [w.rect for w in windows] == [w.rect for w in local[key]]
        assert [len(w.detections) for w in windows] == [len(w.detections) for w in local[key]]


def kill(actor: object) -> None:
    import ray

    ray.kill(actor)
