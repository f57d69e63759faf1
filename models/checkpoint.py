"""Checkpoints: a folder with `model.safetensors` (tensors only) and `model.json` (everything else). Never a pickle."""

import hashlib
import json
import math
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from models.detector import Detector, DetectorConfig
from models.familiar import Familiar

WEIGHTS, CONFIG = "model.safetensors", "model.json"
FAMILIAR = "familiar."  # tensors of the weights file that are not the network's
FORMAT = 1
ARCHITECTURE = "nanodet-g"


class CheckpointError(ValueError):
    """A folder does not hold a checkpoint that can be used; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class InputSpec:
    """How pictures are shown to the network.

    `scale` is network pixels per picture pixel; None shows the whole picture with its longer side at `size`.
    `overlap_px` (picture pixels) is what neighbouring windows share at least. `views` is how many mirrored or turned
    looks are fused: 2 where up is up, 8 where it is not. With a `scale`, the scene is looked at once per entry of
    `zooms`, at that multiple of it, and the scores are averaged.
    """

    size: int = 416
    scale: float | None = None
    overlap_px: float = 0.0
    views: int = 2
    zooms: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        if self.size < 32 or self.size % 32:
            raise CheckpointError(f"input.size must be a positive multiple of 32, got {self.size}")
        if self.scale is not None and not 0 < self.scale <= 16:
            raise CheckpointError(f"input.scale must be above 0 and at most 16, got {self.scale}")
        if self.views not in (1, 2, 4, 8):
            raise CheckpointError(f"input.views must be 1, 2, 4 or 8, got {self.views}")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A loaded model. `calibration` is what `models.calibration` reads; `familiar` is None where it is not known what the
    model recognises; `version` is `version_of` its folder."""

    detector: Detector
    input: InputSpec
    calibration: dict[str, Any] | None = None
    metrics: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    name: str = "detector"
    version: str = ""
    familiar: Familiar | None = None


def save(checkpoint: Checkpoint, folder: Path, *, half: bool = False) -> str:
    """Write a checkpoint folder in one move and return its version. `half` stores fp16 weights (half the size).

    Raises FileExistsError when `folder` exists: versions are never overwritten.
    """
    if folder.exists():
        raise FileExistsError(f"{folder} exists; checkpoints are never overwritten")
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=".checkpoint-", dir=folder.parent))
    try:
        dtype = torch.float16 if half else torch.float32
        state = {k: v.to(dtype).contiguous() for k, v in checkpoint.detector.state_dict().items()}
        if checkpoint.familiar is not None:
            state |= {FAMILIAR + k: v.contiguous() for k, v in checkpoint.familiar.tensors().items()}
        save_file(state, scratch / WEIGHTS)
        document = {
            "format": FORMAT,
            "architecture": ARCHITECTURE,
            "name": checkpoint.name,
            "config": asdict(checkpoint.detector.config),
            "input": asdict(checkpoint.input),
            "calibration": checkpoint.calibration,
            "metrics": checkpoint.metrics,
            "training": checkpoint.training,
        }
        (scratch / CONFIG).write_text(json.dumps(known(document), indent=1, sort_keys=True, allow_nan=False))
        os.chmod(scratch, 0o755)
        os.rename(scratch, folder)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    return version_of(folder)


def known(value: Any) -> Any:
    """Return plain values with None for every NaN or infinity: what was not measured, in the words of JSON."""
    if isinstance(value, dict):
        return {key: known(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [known(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def version_of(folder: Path) -> str:
    """sha256 over the weights and all of the configuration that changes predictions (not metrics, names and times)."""
    document = read_config(folder)
    essence = {name: document[name] for name in ("format", "architecture", "config", "input", "calibration")}
    digest = hashlib.sha256(json.dumps(essence, sort_keys=True).encode())
    try:
        digest.update((folder / WEIGHTS).read_bytes())
    except OSError as error:
        raise CheckpointError(f"{folder} is not a checkpoint: {error}") from error
    return digest.hexdigest()


def read_config(folder: Path) -> dict[str, Any]:
    """Read and check `model.json` without touching the weights."""
    try:
        document = json.loads((folder / CONFIG).read_text())
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{folder} is not a checkpoint: {error}") from error
    if document.get("format") != FORMAT or document.get("architecture") != ARCHITECTURE:
        raise CheckpointError(
            f"{folder / CONFIG}: format {document.get('format')!r} of {document.get('architecture')!r} is not "
            f"supported; expected format {FORMAT} of {ARCHITECTURE}"
        )
    return dict(document)


def load(folder: Path) -> Checkpoint:
    """Load a checkpoint for prediction. Raises CheckpointError when files are missing, damaged or do not fit."""
    document = read_config(folder)
    try:
        detector = Detector(_config(document["config"]))
        state = {name: tensor.float() for name, tensor in load_file(folder / WEIGHTS).items()}
        known = {k.removeprefix(FAMILIAR): state.pop(k) for k in list(state) if k.startswith(FAMILIAR)}
        detector.load_state_dict(state)
        familiar = Familiar.of(known) if known else None
        spec = input_spec(document)
    except CheckpointError:
        raise
    except Exception as error:  # safetensors, torch and json raise many kinds, all of them mean the same here
        raise CheckpointError(f"{folder}: {error}") from error
    detector.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Checkpoint(
        detector=detector,
        input=spec,
        calibration=document["calibration"],
        metrics=document["metrics"],
        training=document["training"],
        name=document["name"],
        version=version_of(folder),
        familiar=familiar,
    )


def input_spec(document: Mapping[str, Any]) -> InputSpec:
    """The `input` part of a configuration that `read_config` returned. Raises CheckpointError."""
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in document["input"].items()}
    try:
        return InputSpec(**values)
    except TypeError as error:
        raise CheckpointError(f"input: {error}") from error


def _config(data: Mapping[str, Any]) -> DetectorConfig:
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
    return DetectorConfig(**values)
