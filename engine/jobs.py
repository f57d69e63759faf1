"""The engine's front door: scenes in, predictions out; corrected examples in, a better model out.

Everything that goes in or comes out is plain data (`engine.types`, JSON-able). Nothing here knows a database: the
caller stores each chunk as it comes, hands back the keys it already has after a restart, and gets what is missing.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.holdout import read_sources
from engine.measure import class_names, measure_known
from engine.prelabel import LocalPool, Pool, input_spec, plan_chunks
from engine.scene import combine
from engine.training import train_detector
from engine.types import (
    ModelRef,
    PrelabelOptions,
    Progress,
    RetrainOptions,
    ScenePrediction,
    ScenePredictionChunk,
    SceneRef,
    TrainingExample,
)
from models.assets import Report
from models.checkpoint import load, read_config, version_of
from models.compare import compare
from models.zoo import coco_detector


def pretrained(report: Report | None = None) -> ModelRef:
    """The COCO detector that every project starts from, fetched on first use (see `models.assets`)."""
    return model_ref(coco_detector(report))


def model_ref(directory: str | Path) -> ModelRef:
    """Describe the checkpoint in a folder. Raises CheckpointError when there is none."""
    folder = Path(directory)
    document = read_config(folder)
    return ModelRef(
        name=str(document["name"]),
        version=version_of(folder),
        directory=str(folder),
        labels=tuple(document["config"]["labels"]),
        metrics=document["metrics"],
    )


def chunk_ids(scene: SceneRef, *, model: ModelRef | None, options: PrelabelOptions) -> list[str]:
    """The keys of all chunks that `prelabel` yields for a scene, without looking at it."""
    return [
        task.chunk_id for task in plan_chunks(scene, _version(model), input_spec(model, options), options)
    ]


def prelabel(
    scenes: Sequence[SceneRef],
    *,
    model: ModelRef | None,
    options: PrelabelOptions,
    pool: Pool | None = None,
    done: Collection[str] = (),
    progress: Callable[[Progress], None] | None = None,
) -> Iterator[ScenePredictionChunk]:
    """Yield every chunk of every scene whose key is not in `done`, exactly once, as they finish.

    `pool` is where it runs: `engine.cluster.open_pool()` for Ray, None for this process. With `model` None the scenes
    are only measured. Feed the chunks of a scene to `predict_scene` when all of them are there. Raises PrelabelError or
    ImageRefused naming the scene that cannot be used.
    """
    spec = input_spec(model, options)
    finished = set(done)
    tasks = [task for scene in scenes for task in plan_chunks(scene, _version(model), spec, options)]
    waiting = [task for task in tasks if task.chunk_id not in finished]
    if progress:
        progress(Progress("prelabel", len(tasks) - len(waiting), len(tasks)))
    ready = len(tasks) - len(waiting)
    for chunk in (pool or LocalPool()).map(model, waiting):
        ready += 1
        if progress:
            progress(Progress("prelabel", ready, len(tasks), {"chunk_s": chunk.seconds}))
        yield chunk


def _version(model: ModelRef | None) -> str | None:
    return model.version if model else None


def predict_scene(
    scene: SceneRef, chunks: Sequence[ScenePredictionChunk], *, model: ModelRef | None
) -> ScenePrediction:
    """Merge the chunks of one scene and calibrate. Raises IncompleteScene when some are missing or doubled."""
    document = read_config(Path(model.directory)) if model else {}
    largest = document.get("training", {}).get("object_px_p95")
    return combine(
        scene,
        chunks,
        calibration=document.get("calibration"),
        largest_px=largest,
        mean_of_zooms=document.get("input", {}).get("scale") is not None,
    )


def retrain(
    examples: Sequence[TrainingExample],
    *,
    base: ModelRef,
    out_dir: str | Path,
    options: RetrainOptions,
    incumbent: ModelRef | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> ModelRef:
    """Fine-tune `base` on what people settled, measure it on what it never saw, calibrate, and save a new version.

    The checkpoint lands in a new folder under `out_dir`. `metrics` of the result holds `ap50_before` (of `incumbent`, by
    default `base`, on the same holdout, 0 for classes it does not know), `ap50_after`, `ap_after`, `comparison` of the
    two with intervals, operating points, the calibration's `ece`, and `sample`: rows [p, p_there, right, there, class id]
    of held-out objects for certifying auto-accept. Raises
    ValueError when there is nothing to learn from or an example cannot be read.
    """
    return model_ref(
        train_detector(
            examples,
            base=base,
            incumbent=incumbent or base,
            out_dir=Path(out_dir),
            options=options,
            progress=progress,
        )
    )


def evaluate(
    examples: Sequence[TrainingExample],
    *,
    candidate: ModelRef,
    incumbent: ModelRef,
    classes: Mapping[int, str],
    tolerance: float = 0.75,
    threads: int = 1,
    progress: Callable[[Progress], None] | None = None,
) -> dict[str, Any]:
    """Look with both models at examples that neither learned from, and compare them by class and size with intervals.

    Returns `models.compare.Comparison` as JSON, and for each model its AP, recall and operating points. Raises ValueError
    when an example cannot be read or nothing is annotated.
    """
    held = read_sources([replace(e, holdout=True) for e in examples], set(classes), to_learn=False)
    how = PrelabelOptions(classes={name: class_id for class_id, name in classes.items()})
    results = []
    for number, ref in enumerate((candidate, incumbent)):
        if progress:
            progress(Progress("measure", number, 2))
        results.append(
            measure_known(load(Path(ref.directory)), held, how, tolerance=tolerance, threads=threads)
        )
    if progress:
        progress(Progress("measure", 2, 2))
    ours, theirs = results
    comparison = compare(ours.outcomes, theirs.outcomes, labels=class_names(classes)).to_json()
    return {
        **comparison,
        "candidate": ours.summary(),
        "incumbent": theirs.summary(),
        "holdout_boxes": ours.boxes,
    }
