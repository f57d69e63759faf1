"""Retraining: from settled annotations to a measured, calibrated checkpoint.

What people annotated is split by place, never by object: parts of the scenes (or whole small pictures) are held out,
trained on by nobody, and looked at through the same windows, looks and merging as in production. From them come the
metrics and the calibration.
"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.holdout import Source, choose_holdout, inside, read_sources
from engine.measure import Measured, class_names, measure, measure_known
from engine.recognition import learn_familiar
from engine.types import ModelRef, PrelabelOptions, Progress, RetrainOptions, TrainingExample
from models.calibration import CalibrationError
from models.calibration import fit as fit_calibration
from models.checkpoint import Checkpoint, InputSpec, load, save
from models.compare import compare
from models.dataset import CropOptions, CropSampler, Sample
from models.train import TrainOptions, train, with_labels

TARGET_PX = 44.0  # network pixels that a typical object should have: what one location of the finest level can see well
LEAST_VIEW = 2.5  # a window must be this many large objects wide
SIZE, LEAST_SIZE = 416, 192
ZOOMS = (0.7, 1.0, 1.4)  # three looks find what one misses: measured +4 points of AP50 on unseen scenes
DEFAULT_STEPS = 400
Report = Callable[[Progress], None]


def train_detector(
    examples: Sequence[TrainingExample],
    *,
    base: ModelRef,
    incumbent: ModelRef,
    out_dir: Path,
    options: RetrainOptions,
    progress: Report | None = None,
) -> Path:
    """Train, measure, calibrate and save; returns the new checkpoint folder. See `engine.jobs.retrain`."""
    report = progress or (lambda p: None)
    torch.set_num_threads(options.threads)
    names = dict(options.classes)
    sources = choose_holdout(
        read_sources(examples, set(names)), share=options.holdout_share, seed=options.seed
    )
    spec = input_for(sources, upright=options.upright)
    start = load(Path(base.directory))
    order = {class_id: i for i, class_id in enumerate(names)}
    samples = [_sample(s, order) for s in sources if s.train.size]
    sampler = CropSampler(samples, _crops(spec, options), options.seed)
    detector, run = train(
        with_labels(start.detector, tuple(names.values())),
        sampler,
        TrainOptions(
            steps=options.max_steps or default_steps(spec.size), budget_s=options.budget_s, seed=options.seed
        ),
        lambda done, total, loss: report(Progress("train", done, total, {"loss": loss})),
    )
    training = {
        "base": base.version,
        "options": asdict(options),
        "run": asdict(run),
        "examples": len(examples),
        "boxes": sum(int(inside(s.boxes, s.train).sum()) for s in sources),
        "object_px_median": object_px(sources, 50),
        "object_px_p95": object_px(sources, 95),
    }
    trained = Checkpoint(
        detector=detector, input=spec, name=start.name.removesuffix("-tuned") + "-tuned", training=training
    )
    finished = _measured(trained, incumbent, sources, names, options, report)
    out_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=out_dir) as scratch:
        version = save(finished, Path(scratch) / "model")
        folder = out_dir / version[:16]
        if not folder.exists():  # The same run on the same data gives the same version.
            (Path(scratch) / "model").rename(folder)
    return folder


def object_px(sources: Sequence[Source], percentile: float) -> float:
    """Percentile of sqrt(area) of all annotated boxes, in scene pixels."""
    sides = [np.sqrt((s.boxes[:, 2:] - s.boxes[:, :2]).prod(axis=1)) for s in sources if len(s.boxes)]
    return float(np.percentile(np.concatenate(sides), percentile))


def input_for(sources: Sequence[Source], *, upright: bool) -> InputSpec:
    """How large to show pictures: typical objects at TARGET_PX, large ones well inside a window."""
    typical, large = object_px(sources, 50), object_px(sources, 95)
    scale = float(np.clip(min(TARGET_PX / typical, SIZE / (LEAST_VIEW * large)), 0.05, 4.0))
    # Small pictures get a window that just holds them: what is only fill costs as much time as what is not.
    longest = max(max(s.width, s.height) for s in sources) * scale
    size = int(np.clip(-(-longest // 32) * 32, LEAST_SIZE, SIZE))
    return InputSpec(size=size, scale=scale, overlap_px=1.1 * large, views=2 if upright else 8, zooms=ZOOMS)


def default_steps(size: int) -> int:
    """Steps that cost about as much as DEFAULT_STEPS at the full input size."""
    return round(DEFAULT_STEPS * (SIZE / size) ** 2)


def _crops(spec: InputSpec, options: RetrainOptions) -> CropOptions:
    assert spec.scale is not None
    return CropOptions(size=spec.size, scale=spec.scale, symmetries=not options.upright)


def _sample(source: Source, order: dict[int, int]) -> Sample:
    """What of one picture is learned: boxes in the training part; those elsewhere are neither object nor background."""
    mine = inside(source.boxes, source.train)
    return Sample(
        image=source.image(),
        boxes=source.boxes[mine].astype(np.float32),
        labels=np.array([order[int(c)] for c in source.labels[mine]], dtype=np.int64),
        weights=source.weights[mine].astype(np.float32),
        known=source.train.astype(np.float32),
        ignore=source.boxes[~mine].astype(np.float32),
    )


def _measured(
    trained: Checkpoint,
    incumbent: ModelRef,
    sources: Sequence[Source],
    names: dict[int, str],
    options: RetrainOptions,
    report: Report,
) -> Checkpoint:
    """The checkpoint with metrics and calibration from the held-out parts; without any, it says so."""
    held = [s for s in sources if s.held.size and inside(s.boxes, s.held).any()]
    if not held:
        return replace(trained, metrics={"holdout_boxes": 0, "ap50_before": None, "ap50_after": None})
    how = PrelabelOptions(classes={name: class_id for class_id, name in names.items()})
    report(Progress("measure", 0, 2))
    before = measure_known(
        load(Path(incumbent.directory)), held, how, tolerance=options.tolerance, threads=options.threads
    )
    report(Progress("measure", 1, 2))
    trained = replace(trained, familiar=learn_familiar(trained, sources, tuple(names), options.seed))
    after = measure(trained, held, how, tolerance=options.tolerance, threads=options.threads)
    report(Progress("measure", 2, 2))
    metrics: dict[str, Any] = {
        "holdout_boxes": after.boxes,
        "ap50_before": before.ap50,
        "ap50_after": after.ap50,
        "comparison": compare(
            after.outcomes, before.outcomes, labels=class_names(names), seed=options.seed
        ).to_json(),
        "ap_after": after.ap,
        "operating": [asdict(point) for point in after.operating if point.found],
    }
    try:
        calibration, right, there = fit_calibration(
            after.features,
            after.right,
            after.there,
            after.groups,
            names=after.names,
            tolerance=options.tolerance,
            recall=after.recall,
        )
    except CalibrationError as error:
        return replace(trained, metrics={**metrics, "calibration": str(error)})
    metrics |= {
        "calibration": {
            "ece": calibration.ece,
            "log_loss": calibration.log_loss,
            "objects": calibration.size,
            "method": calibration.right.method,
            "recall": calibration.recall,
        },
        "sample": _rows(right, there, after),
    }
    return replace(trained, metrics=metrics, calibration=calibration.to_json())


def _rows(right: np.ndarray, there: np.ndarray, after: Measured) -> list[list[float]]:
    columns = (right.round(4), there.round(4), after.right, after.there, after.labels)
    return [[float(v) for v in row] for row in zip(*columns, strict=True)]
