"""One protocol for everything that proposes annotations, whoever trained it and in whatever it runs.

A pre-labeller has a `spec` that says what it proposes and where it comes from, and `predict(batch)`, which looks at
pictures and returns what torchvision's models return, as numpy arrays. Results are JSON-able by `to_json`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Protocol, TypedDict, runtime_checkable

import numpy as np
import numpy.typing as npt

Task = Literal["box", "keypoints", "mask", "cuboid", "embedding"]
Floats = npt.NDArray[np.float32]


class PluginError(ValueError):
    """A model cannot be used as a pre-labeller; the message says what is missing and how to give it."""


@dataclass(frozen=True, slots=True)
class Spec:
    """What a pre-labeller proposes. `labels` are its classes, `points` the names of its keypoints.

    `needs_boxes` says that each picture must come with boxes to look into. `trainable` says that projects may fine-tune
    it. `version` changes with its predictions. `origin` and `licence` go into exports. `measured` holds what was
    measured, by name of the set; `note` is what a person should know before trusting it.
    """

    name: str
    task: Task
    version: str
    labels: tuple[str, ...]
    licence: str
    origin: str
    points: tuple[str, ...] = ()
    needs_boxes: bool = False
    trainable: bool = False
    note: str = ""
    measured: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the spec as plain JSON values."""
        return {**asdict(self), "measured": dict(self.measured)}


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One RGB picture (H, W, 3) uint8, and boxes (N, 4) in its pixels to look into, where the model needs them."""

    image: npt.NDArray[np.uint8]
    boxes: Floats | None = None


class Prediction(TypedDict, total=False):
    """Objects of one picture in its pixels: boxes (N, 4) x1 y1 x2 y2, labels (N,) indices into `spec.labels`, scores
    (N,) in 0..1; where the task has them: keypoints (N, K, 3) x, y, score; masks (N, H, W) bool; embeddings (N, D) of
    unit length."""

    boxes: Floats
    labels: npt.NDArray[np.int64]
    scores: Floats
    keypoints: Floats
    masks: npt.NDArray[np.bool_]
    embeddings: Floats


@runtime_checkable
class PreLabeller(Protocol):
    """Loaded once, asked often; never trained through this."""

    spec: Spec

    def predict(self, batch: Sequence[Picture]) -> list[Prediction]:
        """Return one prediction per picture, in order."""
        ...


def to_json(prediction: Prediction) -> dict[str, Any]:
    """Return lists and numbers; masks become COCO's uncompressed run lengths {"size": [h, w], "counts": [...]}."""
    out: dict[str, Any] = {}
    for name, value in prediction.items():
        array = np.asarray(value)
        out[name] = [run_lengths(mask) for mask in array] if name == "masks" else array.tolist()
    return out


def run_lengths(mask: npt.NDArray[np.bool_]) -> dict[str, Any]:
    """Run lengths of a mask (H, W), column by column, the first one of background: COCO's uncompressed RLE."""
    flat = np.asarray(mask, bool).T.reshape(-1)
    ends = np.flatnonzero(np.append(np.diff(flat), True)) + 1 if flat.size else np.zeros(0, int)
    counts = np.diff(np.concatenate(([0], ends))).tolist()
    if flat.size and flat[0]:
        counts = [0, *counts]
    return {"size": [int(v) for v in mask.shape], "counts": [int(c) for c in counts]}


def nothing() -> Prediction:
    """Return the prediction of a picture without objects."""
    return Prediction(
        boxes=np.zeros((0, 4), np.float32), labels=np.zeros(0, np.int64), scores=np.zeros(0, np.float32)
    )


def checked_boxes(spec: Spec, picture: Picture) -> Floats:
    """Return the boxes of a picture for a model that needs them; PluginError when there are none or they are unsound."""
    if picture.boxes is None:
        raise PluginError(f"{spec.name} looks into boxes: give each picture its boxes (N, 4)")
    boxes = np.asarray(picture.boxes, np.float32).reshape(-1, 4)
    if not np.isfinite(boxes).all() or (boxes[:, 2:] <= boxes[:, :2]).any():
        raise PluginError(f"{spec.name}: boxes must be finite with x1 < x2 and y1 < y2")
    return boxes
