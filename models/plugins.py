"""Models that practitioners bring, behind the protocol of `models.prelabel`: described by a small JSON manifest.

    {"name": "my-cells", "runtime": "onnx", "file": "cells.onnx", "sha256": "…", "labels": ["RBC", "WBC"],
     "size": 640, "licence": "CC-BY-4.0", "mean": [0, 0, 0], "std": [255, 255, 255], "order": "rgb"}

Runtimes: "onnx" (package onnxruntime), "torch-export" (.pt2), "torchscript" (.pt) and "http" (`url` instead of `file`).
The first two outputs decide how the answer is read: see `decode`. ONNX files and HTTP answers are data. The two torch
formats may hold pickles, which run code when they are read, so they are refused unless the manifest says
`"trusted": true`: that is for files that you made yourself. The sha256 is checked before any runtime sees a file.
"""

import hashlib
import importlib
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from models.prelabel import Floats, Picture, PluginError, Prediction, Spec, nothing
from models.transforms import crop_resized

RUNTIMES = ("onnx", "torch-export", "torchscript", "http")
MAY_RUN_CODE = ("torch-export", "torchscript")
TIMEOUT_S = 60.0
MOST_BYTES = 64_000_000  # of an HTTP answer

Run = Callable[[Floats], list[npt.NDArray[Any]]]  # a batch (1, 3, size, size) -> output arrays


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a practitioner states about a model. `mean` and `std` are subtracted and divided in 0..255, in `order`."""

    name: str
    runtime: str
    labels: tuple[str, ...]
    licence: str
    size: int = 640
    file: str = ""
    sha256: str = ""
    url: str = ""
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (255.0, 255.0, 255.0)
    order: str = "rgb"
    trusted: bool = False

    @classmethod
    def read(cls, path: Path) -> "Manifest":
        """Read and check a manifest. Raises PluginError naming the field and the fix."""
        try:
            data = json.loads(path.read_text())
        except (OSError, ValueError) as error:
            raise PluginError(f"{path} is no manifest: {error}") from error
        known = set(cls.__slots__)
        if not isinstance(data, dict) or set(data) - known:
            wrong = sorted(set(data) - known) if isinstance(data, dict) else "no object"
            raise PluginError(f"{path}: unknown field(s) {wrong}; known are {', '.join(sorted(known))}")
        missing = sorted({"name", "runtime", "labels", "licence"} - set(data))
        if missing:
            raise PluginError(f"{path}: {', '.join(missing)} missing; give each")
        plain: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
        manifest = cls(**plain)
        try:
            manifest.check(path)
        except (TypeError, AttributeError) as error:
            raise PluginError(
                f"{path}: a field has the wrong type ({error}); see the example in the docs"
            ) from error
        return manifest

    def check(self, path: Path) -> None:
        """Raise PluginError for what cannot be used."""
        wrong = [
            (self.runtime not in RUNTIMES, f"runtime {self.runtime!r}; give one of {', '.join(RUNTIMES)}"),
            (not self.labels, "labels: none; give the names in the order of the model's class numbers"),
            (
                not 32 <= self.size <= 4096,
                f"size {self.size}; give the side of the input in pixels, 32 to 4096",
            ),
            (self.order not in ("rgb", "bgr"), f"order {self.order!r}; give rgb or bgr"),
            (
                len(self.mean) != 3 or len(self.std) != 3 or 0 in self.std,
                "mean, std: give three numbers, std not 0",
            ),
            (
                self.runtime == "http" and not self.url.startswith(("http://", "https://")),
                "url: give an address",
            ),
            (
                self.runtime != "http" and not (self.file and len(self.sha256) == 64),
                "file and sha256: give both",
            ),
        ]
        for bad, message in wrong:
            if bad:
                raise PluginError(f"{path}: {message}")


def open_plugin(path: Path) -> "Plugin":
    """Return the model of a manifest, ready to predict. Raises PluginError; the sha256 is checked first."""
    manifest = Manifest.read(path)
    if manifest.runtime == "http":
        return Plugin(manifest, _remote(manifest.url), hashlib.sha256(manifest.url.encode()).hexdigest())
    file = path.parent / manifest.file
    try:
        found = hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        raise PluginError(f"{path}: file: {error}") from error
    if found != manifest.sha256:
        raise PluginError(f"{file} has sha256 {found}, the manifest says {manifest.sha256}; which is right?")
    if manifest.runtime in MAY_RUN_CODE and not manifest.trusted:
        raise PluginError(
            f"{file}: files of {manifest.runtime} may hold pickles, which run code when they are read; convert it to "
            'ONNX, or say "trusted": true in the manifest if you made it yourself'
        )
    return Plugin(manifest, LOADERS[manifest.runtime](file), found)


class Plugin:
    """A model of somebody else's, asked picture by picture."""

    def __init__(self, manifest: Manifest, run: Run, version: str) -> None:
        self.manifest, self.run = manifest, run
        self.spec = Spec(
            name=manifest.name,
            task="box",
            version=version,
            labels=manifest.labels,
            licence=manifest.licence,
            origin=manifest.url or manifest.file,
            note="scores are the model's own until they are calibrated on this project's answers",
        )

    def predict(self, batch: Sequence[Picture]) -> list[Prediction]:
        """Return boxes in pixels of each picture, which is shown whole, its longer side at the input's size."""
        m = self.manifest
        out = []
        for picture in batch:
            height, width = picture.image.shape[:2]
            side = max(height, width)
            shown = crop_resized(picture.image, (0, 0, side, side), (m.size, m.size)).astype(np.float32)
            shown = shown[..., ::-1] if m.order == "bgr" else shown
            tensor = ((shown - np.array(m.mean)) / np.array(m.std)).transpose(2, 0, 1)[None]
            answer = decode(self.run(np.ascontiguousarray(tensor, np.float32)), len(m.labels), m.name)
            limit = np.array([width, height, width, height], np.float32)
            boxes = np.clip(answer["boxes"] * (side / m.size), 0, limit)
            keep = (boxes[:, 2:] - boxes[:, :2]).min(axis=1, initial=np.inf) > 0
            found = Prediction(
                boxes=boxes[keep], labels=answer["labels"][keep], scores=answer["scores"][keep]
            )
            out.append(found if keep.any() else nothing())
        return out


def decode(outputs: Sequence[npt.NDArray[Any]], classes: int, name: str) -> Prediction:
    """Read the outputs for one picture, in pixels of the input, as one of three common forms:

    three arrays boxes (N, 4), labels (N,), scores (N,), as torchvision's detectors give; two arrays boxes (N, 4) and
    class scores (N, classes); one array (N, 6) of x1 y1 x2 y2 score label. A leading 1 for the batch is dropped. Raises
    PluginError for anything else and for numbers that cannot be.
    """
    arrays = [np.asarray(o, np.float32) for o in outputs]
    arrays = [
        a[0] if a.ndim > 1 and a.shape[0] == 1 and a.ndim == rank + 1 else a for a, rank in _ranks(arrays)
    ]
    shapes = [a.shape for a in arrays]
    match shapes:
        case [(n, 4), (m,), (k,)] if n == m == k:
            boxes, labels, scores = arrays
        case [(n, 4), (m, c)] if n == m and c == classes:
            boxes, labels, scores = arrays[0], arrays[1].argmax(axis=1), arrays[1].max(axis=1)
        case [(_, 6)]:
            boxes, scores, labels = arrays[0][:, :4], arrays[0][:, 4], arrays[0][:, 5]
        case _:
            raise PluginError(f"{name}: outputs of shapes {shapes} are none of the forms that are understood")
    whole = labels.astype(np.int64)
    sound = np.isfinite(boxes).all() and ((scores >= 0) & (scores <= 1)).all()
    if not sound or ((whole < 0) | (whole >= classes)).any():
        raise PluginError(
            f"{name}: boxes must be finite, scores in 0 to 1 and labels below {classes}; check the export"
        )
    return Prediction(boxes=boxes, labels=whole, scores=scores)


def _ranks(arrays: Sequence[npt.NDArray[Any]]) -> list[tuple[npt.NDArray[Any], int]]:
    """Each array with the number of dimensions it should have: with three outputs, labels and scores are flat."""
    return [(a, 1 if len(arrays) == 3 and i else 2) for i, a in enumerate(arrays)]


# Runtimes --------------------------------------------------------------------------------------------------------


def _onnx(file: Path) -> Run:
    try:
        runtime = importlib.import_module("onnxruntime")
    except ImportError as error:
        raise PluginError("ONNX models need the package onnxruntime; run: pip install onnxruntime") from error
    options = runtime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = runtime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    entry = session.get_inputs()[0].name
    return lambda x: list(session.run(None, {entry: x}))


def _exported(file: Path) -> Run:
    program = torch.export.load(file).module()
    return lambda x: _arrays(program(torch.from_numpy(x)))


def _scripted(file: Path) -> Run:
    module = torch.jit.load(str(file), map_location="cpu").eval()
    return lambda x: _arrays(module(torch.from_numpy(x)))


def _arrays(answer: Any) -> list[npt.NDArray[Any]]:
    """Tensors of a tuple, or of torchvision's dict (in a list of one), as arrays."""
    if isinstance(answer, list) and len(answer) == 1:
        answer = answer[0]
    if isinstance(answer, Mapping):
        answer = [answer["boxes"], answer["labels"], answer["scores"]]
    items = [answer] if isinstance(answer, torch.Tensor) else answer
    return [t.detach().float().numpy() for t in items]


def _remote(url: str) -> Run:
    """POST the batch as {"shape", "data"} (flat float32); the answer is {"outputs": [nested lists]}."""

    def run(x: Floats) -> list[npt.NDArray[Any]]:
        body = json.dumps({"shape": list(x.shape), "data": x.reshape(-1).tolist()}).encode()
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
                data = answer.read(MOST_BYTES + 1)
            if len(data) > MOST_BYTES:
                raise PluginError(f"{url} answered more than {MOST_BYTES / 1e6:.0f} MB")
            return [np.array(o, np.float32) for o in json.loads(data)["outputs"]]
        except (urllib.error.URLError, TimeoutError, ValueError, KeyError, TypeError) as error:
            if isinstance(error, PluginError):
                raise
            raise PluginError(f"{url} gave no usable answer: {error}") from error

    return run


LOADERS: dict[str, Callable[[Path], Run]] = {
    "onnx": _onnx,
    "torch-export": _exported,
    "torchscript": _scripted,
}
