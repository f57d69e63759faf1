"""Ray against raw processes: the same chunks with the same model and threads, and no row lost when actors die."""

import multiprocessing
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

from engine import jobs
from engine.cluster import open_pool
from engine.prelabel import ChunkTask, input_spec, plan_chunks
from engine.types import ModelRef, PrelabelOptions, SceneRef
from models.assets import AssetError

from enginebench.common import Measurement, Unavailable

WORKERS = 2
REPEATS = 3


def measure(*, quick: bool) -> dict[str, Measurement]:
    """Images per second of two Ray actors over those of two raw processes, in turns on the same machine; best of each."""
    try:
        model = jobs.pretrained()
    except AssetError as error:
        raise Unavailable(str(error)) from error
    count = 16 if quick else 64
    with tempfile.TemporaryDirectory(prefix="tessera-bench-") as folder:
        scenes = _scenes(Path(folder), count)
        options = PrelabelOptions(classes={"person": 0}, views=1)
        raw, ray_rate = 0.0, 0.0
        with open_pool(actors=WORKERS) as pool, Crew(model) as crew:
            list(jobs.prelabel(scenes[:4], model=model, options=options, pool=pool))  # actors load the model
            for _ in range(1 if quick else REPEATS):
                raw = max(raw, count / crew.run(_tasks(scenes, model, options)))
                started = time.monotonic()
                rows = list(jobs.prelabel(scenes, model=model, options=options, pool=pool))
                ray_rate = max(ray_rate, count / (time.monotonic() - started))
                assert len(rows) == count
            lost = killed(pool, scenes, model, options)
    overhead_ms = (WORKERS / ray_rate - WORKERS / raw) * 1000
    return {
        "ray_efficiency": Measurement(
            ray_rate / raw,
            {"raw processes, images/s": raw},
            least=0.95,
            detail={"ray_images_s": ray_rate, "overhead_ms_per_image": overhead_ms, **lost},
        )
    }


def _scenes(folder: Path, count: int) -> list[SceneRef]:
    rng = np.random.default_rng(0)
    out = []
    for number in range(count):
        path = folder / f"{number}.png"
        small = rng.integers(0, 255, (30, 40, 3), dtype=np.uint8)
        Image.fromarray(small).resize((640, 480), Image.Resampling.BICUBIC).save(path, compress_level=1)
        out.append(SceneRef(f"scene-{number}", str(path), 640, 480))
    return out


def _tasks(scenes: list[SceneRef], model: ModelRef, options: PrelabelOptions) -> list[ChunkTask]:
    spec = input_spec(model, options)
    return [task for s in scenes for task in plan_chunks(s, model.version, spec, options)]


class Crew:
    """Raw worker processes with the model loaded, each given half of the work at once: nothing could be faster."""

    def __init__(self, model: ModelRef) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipes = [context.Pipe() for _ in range(WORKERS)]
        self.workers = [
            context.Process(target=_work, args=(pipe[1], model), daemon=True) for pipe in self.pipes
        ]

    def __enter__(self) -> "Crew":
        for worker in self.workers:
            worker.start()
        for ours, _ in self.pipes:
            assert ours.recv() == "ready"
        return self

    def __exit__(self, *_: object) -> None:
        for ours, _theirs in self.pipes:
            ours.send(None)
        for worker in self.workers:
            worker.join(10)

    def run(self, tasks: list[ChunkTask]) -> float:
        """Seconds for all tasks."""
        started = time.monotonic()
        for number, (ours, _) in enumerate(self.pipes):
            ours.send(tasks[number::WORKERS])
        for ours, _ in self.pipes:
            ours.recv()
        return time.monotonic() - started


def _work(pipe: "multiprocessing.connection.Connection", model: ModelRef) -> None:
    from engine.prelabel import Prelabeler

    prelabeler = Prelabeler(model, threads=1)
    pipe.send("ready")
    while (tasks := pipe.recv()) is not None:
        pipe.send([prelabeler(task) for task in tasks])


def killed(pool: object, scenes: list[SceneRef], model: ModelRef, options: PrelabelOptions) -> dict[str, int]:
    """Kill an actor in the middle of a run; count rows that are missing or there twice."""
    import ray

    wanted = [k for s in scenes for k in jobs.chunk_ids(s, model=model, options=options)]
    rows = []
    for chunk in jobs.prelabel(scenes, model=model, options=options, pool=pool):  # type: ignore[arg-type]
        rows.append(chunk.chunk_id)
        if len(rows) == len(wanted) // 2:
            ray.kill(pool.actor_handles()[0])  # type: ignore[attr-defined]
    counted = Counter(rows)
    return {
        "rows_after_a_killed_actor": len(rows),
        "missing": len(set(wanted) - set(rows)),
        "doubled": sum(n - 1 for n in counted.values()),
    }
