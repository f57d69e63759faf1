"""Ray against raw processes: the same chunks with the same model and threads, and no row lost when actors die."""

import multiprocessing
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from engine import jobs
from engine.cluster import open_pool
from engine.prelabel import ChunkTask, Prelabeler, input_spec, plan_chunks
from engine.types import ModelRef, PrelabelOptions, SceneRef
from models.assets import AssetError
from models.checkpoint import Checkpoint, InputSpec, save
from models.detector import Detector, DetectorConfig

from enginebench.common import Measurement, Unavailable, cpu_seconds

WORKERS = 2
PAIRS = 5
RECORDS, KILL_EVERY_S = 10_000, 20.0


@dataclass(frozen=True, slots=True)
class Run:
    """One run over some images: images per second, and CPU seconds of all processes for one image."""

    rate: float
    cpu_s_per_image: float


@dataclass(frozen=True, slots=True)
class Pair:
    """The same work by raw processes and by Ray, right after one another."""

    raw: Run
    ray: Run

    @property
    def by_time(self) -> float:
        """Images per second with Ray over those without: what others do on the machine disturbs it."""
        return self.ray.rate / self.raw.rate

    @property
    def by_cpu(self) -> float:
        """Images per CPU second with Ray, with all that it runs beside the workers, over those without."""
        return self.raw.cpu_s_per_image / self.ray.cpu_s_per_image


def measure(*, quick: bool) -> dict[str, Measurement]:
    """Images per second of two Ray actors over those of two raw processes, in turns: the median of PAIRS such pairs.

    Both have the same model, one thread each and the same chunks. Beside it stands the ratio of their CPU seconds, which
    does not depend on what else the machine does.
    """
    try:
        model = jobs.pretrained()
    except AssetError as error:
        raise Unavailable(str(error)) from error
    with tempfile.TemporaryDirectory(prefix="tessera-bench-") as folder:
        scenes = make_scenes(Path(folder), 16 if quick else 64)
        options = PrelabelOptions(classes={"person": 0}, views=1)
        with open_pool(actors=WORKERS) as pool, Crew(model) as crew:
            pairs = list(compared(pool, crew, scenes, model, options, 1 if quick else PAIRS))
    raw, by_ray = (statistics.median(getattr(p, side).rate for p in pairs) for side in ("raw", "ray"))
    overhead = [p.ray.cpu_s_per_image - p.raw.cpu_s_per_image for p in pairs]
    detail = {
        "ray_images_s": by_ray,
        "pairs": [p.by_time for p in pairs],
        "cpu_pairs": [p.by_cpu for p in pairs],
        "overhead_ms_per_image": (WORKERS / by_ray - WORKERS / raw) * 1000,
        "overhead_cpu_ms_per_image": statistics.median(overhead) * 1000,
    }
    beside = {
        "raw processes, images/s": raw,
        "the same by CPU time": statistics.median(p.by_cpu for p in pairs),
    }
    ratio = statistics.median(p.by_time for p in pairs)
    return {"ray_efficiency": Measurement(ratio, beside, least=0.95, detail=detail)}


def measure_faults(*, quick: bool) -> dict[str, Measurement]:
    """Many records with an actor killed every KILL_EVERY_S: with a tiny detector, because it is rows that count here."""
    with tempfile.TemporaryDirectory(prefix="tessera-bench-") as folder:
        scenes = make_scenes(Path(folder), 16)
        with open_pool(actors=WORKERS) as pool:
            lost = killed(
                pool, Path(folder), scenes, 200 if quick else RECORDS, 2.0 if quick else KILL_EVERY_S
            )
    share = 1.0 - (lost["missing"] + lost["doubled"]) / lost["records"]
    beside = {"records": lost["records"], "actors killed": lost["actors_killed"]}
    return {"rows_exactly_once": Measurement(share, beside, least=1.0, detail=lost)}


def compared(
    pool: Any, crew: "Crew", scenes: list[SceneRef], model: ModelRef, options: PrelabelOptions, count: int
) -> Iterator[Pair]:
    """Pairs of runs, measured right after one another, each first in turn."""
    warm = scenes[: 2 * len(crew.workers)]
    list(jobs.prelabel(warm, model=model, options=options, pool=pool))  # actors load the model

    def by_ray() -> None:
        rows = list(jobs.prelabel(scenes, model=model, options=options, pool=pool))
        assert len(rows) == len(scenes)

    tasks = _tasks(scenes, model, options)

    def timed(work: Callable[[], object]) -> Run:
        started, cpu = time.monotonic(), cpu_seconds()
        work()
        seconds = time.monotonic() - started
        return Run(len(scenes) / seconds, (cpu_seconds() - cpu) / len(scenes))

    for number in range(count):
        if number % 2:
            ours, theirs = timed(by_ray), timed(lambda: crew.run(tasks))
        else:
            theirs, ours = timed(lambda: crew.run(tasks)), timed(by_ray)
        yield Pair(theirs, ours)


def make_scenes(folder: Path, count: int) -> list[SceneRef]:
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
    """Raw worker processes with the model loaded, each given its share of the work at once: nothing could be faster."""

    def __init__(self, model: ModelRef, workers: int = WORKERS) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipes = [context.Pipe() for _ in range(workers)]
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

    def run(self, tasks: list[ChunkTask]) -> None:
        """Do all tasks."""
        for number, (ours, _) in enumerate(self.pipes):
            ours.send(tasks[number :: len(self.workers)])
        for ours, _ in self.pipes:
            ours.recv()


def _work(pipe: "multiprocessing.connection.Connection", model: ModelRef) -> None:
    prelabeler = Prelabeler(model, threads=1)
    pipe.send("ready")
    while (tasks := pipe.recv()) is not None:
        pipe.send([prelabeler(task) for task in tasks])


def killed(pool: Any, folder: Path, scenes: list[SceneRef], records: int, every_s: float) -> dict[str, Any]:
    """Pre-label many records over the same pictures while actors are killed; count rows that are missing or doubled."""
    model = _tiny(folder / "tiny")
    many = [
        SceneRef(f"record-{n}", scenes[n % len(scenes)].path, scenes[0].width, scenes[0].height)
        for n in range(records)
    ]
    options = PrelabelOptions(classes={"thing": 0}, views=1)
    started, replaced = time.monotonic(), pool.replaced
    with _killer(pool, every_s):
        rows = Counter(c.chunk_id for c in jobs.prelabel(many, model=model, options=options, pool=pool))
    wanted = {k for s in many for k in jobs.chunk_ids(s, model=model, options=options)}
    return {
        "records": records,
        "missing": len(wanted - rows.keys()),
        "doubled": sum(rows.values()) - len(rows) + len(rows.keys() - wanted),
        "actors_killed": pool.replaced - replaced,
        "seconds": time.monotonic() - started,
    }


def _tiny(folder: Path) -> ModelRef:
    """A detector with random weights that looks at a picture once, at 64 pixels."""
    torch.manual_seed(0)
    detector = Detector(DetectorConfig(labels=("thing",))).eval()
    save(Checkpoint(detector, InputSpec(size=64), name="tiny"), folder)
    return jobs.model_ref(folder)


@contextmanager
def _killer(pool: Any, every_s: float) -> Iterator[None]:
    import ray

    done = threading.Event()

    def kill() -> None:
        turn = 0
        while not done.wait(every_s):
            handles = pool.actor_handles()
            if handles:
                ray.kill(handles[turn % len(handles)])
                turn += 1

    thread = threading.Thread(target=kill, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
