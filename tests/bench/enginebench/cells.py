"""The blood-cell set (BCCD: 205 / 87 / 72 pictures, Pascal VOC) as training examples, and one training on it."""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from engine import jobs
from engine.types import ModelRef, RetrainOptions, TrainingExample
from models.assets import AssetError
from models.checkpoint import read_config

from enginebench.common import Unavailable, read_voc, shared

CLASSES = ((0, "RBC"), (1, "WBC"), (2, "Platelets"))
# The simulated crowd knows two classes, so the loop is run on two.
TWO_CLASSES = ((0, "RBC"), (1, "WBC or platelet"))
SIZE = (640, 480)


def examples(part: str, *, two: bool = False, holdout: bool = False) -> list[TrainingExample]:
    """The pictures of "train", "val" or "test", fully annotated; the two boxes without area are left out."""
    root = shared("images", "bccd", "BCCD")
    ids = {"RBC": 0, "WBC": 1, "Platelets": 1 if two else 2}
    out = []
    for stem in (root / "ImageSets" / "Main" / f"{part}.txt").read_text().split():
        rows = list(read_voc(root / "Annotations" / f"{stem}.xml"))
        boxes, labels = tuple(box for _, box in rows), tuple(ids[name] for name, _ in rows)
        out.append(TrainingExample(str(root / "JPEGImages" / f"{stem}.jpg"), boxes, labels, holdout=holdout))
    return out


def pick(pool: Sequence[TrainingExample], count: int, seed: int) -> list[TrainingExample]:
    order = np.random.default_rng(seed).permutation(len(pool))
    return [pool[i] for i in order[:count]]


def train(
    taught: Sequence[TrainingExample],
    held: Sequence[TrainingExample],
    *,
    seed: int,
    steps: int,
    two: bool = False,
    folder: Path | None = None,
) -> tuple[ModelRef, float]:
    """Fine-tune the pretrained detector on one core; returns the version and the CPU seconds of the optimisation."""
    options = RetrainOptions(
        classes=TWO_CLASSES if two else CLASSES,
        seed=seed,
        budget_s=1e6,
        max_steps=steps,
        tolerance=0.75 if not two else 0.5,
        threads=1,
    )
    try:
        base = jobs.pretrained()
    except AssetError as error:
        raise Unavailable(str(error)) from error
    out = folder or Path(tempfile.mkdtemp(prefix="tessera-bench-"))
    ref = jobs.retrain([*taught, *held], base=base, out_dir=out, options=options)
    cpu = float(read_config(Path(ref.directory))["training"]["run"]["cpu_s"])
    print(
        json.dumps(
            {
                "images": len(taught),
                "seed": seed,
                "steps": steps,
                "cpu_s": round(cpu),
                "ap50": ref.metrics["ap50_after"],
            }
        ),
        flush=True,
    )
    return ref, cpu
