"""The blood-cell set (BCCD: 205 / 87 / 72 pictures, Pascal VOC) as training examples, and one training on it."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from engine import jobs
from engine.types import ModelRef, RetrainOptions, TrainingExample
from models.assets import AssetError
from models.checkpoint import read_config

from enginebench.common import ROOT, Unavailable, read_voc, shared

CLASSES = ((0, "RBC"), (1, "WBC"), (2, "Platelets"))
# The simulated crowd knows two classes, so the loop is run on two.
TWO_CLASSES = ((0, "RBC"), (1, "WBC or platelet"))
SIZE = (640, 480)
KEPT = ROOT / "out" / "bench" / "models"


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
) -> tuple[ModelRef, float]:
    """Fine-tune the pretrained detector on one core; returns the version and the CPU seconds of the optimisation.

    What this very code has trained on these pictures before is found again, so that a benchmark that was stopped goes on.
    """
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
    examples = [*taught, *held]
    out = KEPT / _fingerprint([base.version, repr(options), repr(examples)])
    finished = sorted(folder.parent for folder in out.glob("*/model.json"))
    ref = jobs.model_ref(finished[0]) if finished else jobs.retrain(
        examples, base=base, out_dir=out, options=options
    )  # fmt: skip
    cpu = float(read_config(Path(ref.directory))["training"]["run"]["cpu_s"])
    row = {"images": len(taught), "seed": seed, "steps": steps, "cpu_s": round(cpu)}
    print(json.dumps({**row, "ap50": ref.metrics["ap50_after"], "kept": bool(finished)}), flush=True)
    return ref, cpu


def _fingerprint(parts: Sequence[str]) -> str:
    """Names what a training depends on: its arguments and the code."""
    return hashlib.sha256("\n".join([*parts, CODE]).encode()).hexdigest()[:16]


def _code() -> str:
    digest = hashlib.sha256()
    for folder in ("engine", "models"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


CODE = _code()  # of all that this process has imported; it may change on disk later
