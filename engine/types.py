"""What goes into the engine and what comes out: plain frozen data, JSON-able both ways.

`to_json` gives dicts and lists, `from_json` reads them back equal. Coordinates are pixels of the full scene after EXIF
orientation: floats, origin at the top-left corner of the top-left pixel, boxes `[x1, y1, x2, y2]`, rectangles of view
`[x, y, w, h]`. Class ids are those of the project's label schema.
"""

import types
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

Xyxy = tuple[float, float, float, float]
Rect = tuple[float, float, float, float]

Action = Literal["auto_accept", "auto_accept_audit", "grid", "verify", "fix", "specialist", "drop"]


@dataclass(frozen=True, slots=True)
class SceneRef:
    """One image to annotate. `width` and `height` are after EXIF orientation."""

    scene_id: str
    path: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class ModelRef:
    """A checkpoint directory (`model.safetensors` + `model.json`); `version` changes with its predictions."""

    name: str
    version: str
    directory: str
    labels: tuple[str, ...]
    metrics: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PrelabelOptions:
    """How to look at scenes.

    `classes` maps the model's label names to class ids of the project; labels that are missing are dropped. `scale` is
    network pixels per scene pixel (None: the checkpoint's own, which for photographs is "the whole image at once").
    `overlap_px` is the shared strip of neighbouring windows in scene pixels and should be at least the 95th percentile
    of object size (None: the checkpoint's own). `views` is how many mirrored or turned looks are fused (1, 2, 4 or 8;
    None: the checkpoint's own). `zooms` are the multiples of `scale` at which a scene is looked at (None: its own).
    """

    classes: dict[str, int]
    scale: float | None = None
    overlap_px: float | None = None
    score_floor: float = 0.05
    views: int | None = None
    zooms: tuple[float, ...] | None = None
    windows_per_chunk: int = 8
    batch: int = 4


@dataclass(frozen=True, slots=True)
class TileRef:
    """A crop of a scene. It owns the objects whose centre lies in `core`; `crop` is core plus halo."""

    tile_id: str
    core: Rect
    crop: Rect


@dataclass(frozen=True, slots=True)
class RawDetection:
    """A detection of one window before the windows of its scene are merged.

    `views_hit` of `views` looks found it; `spread` is the mean standard deviation of its edges over those looks divided
    by the square root of its area. `cut` says that it touches a border of the crop that is not a border of the scene.
    `novelty` and `strange` are those of `models.familiar`, 0 where the model does not know what it recognises.
    """

    xyxy: Xyxy
    class_id: int
    score: float
    margin: float
    views: int
    views_hit: int
    spread: float
    cut: bool
    novelty: float = 0.0
    strange: float = 0.0


@dataclass(frozen=True, slots=True)
class WindowResult:
    """What the network saw in one crop: `rect` in scene pixels, shown at `scale`; detections and measures of the crop
    itself (`blur`, `dark`, `clipped`, `contrast`, see `engine.signals`)."""

    rect: Xyxy
    scale: float
    detections: tuple[RawDetection, ...]
    signals: dict[str, float]


@dataclass(frozen=True, slots=True)
class ScenePredictionChunk:
    """A few windows of one scene. `chunk_id` is a natural key: same scene, model and options, same chunks."""

    chunk_id: str
    scene_id: str
    index: int
    of: int
    model_version: str
    windows: tuple[WindowResult, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class PredictedObject:
    """One object of a scene, merged over windows and looks.

    `p` is the calibrated probability that the class is right and the IoU with the true outline reaches the tolerance;
    `p_there` that it shows one real object of this class at all (IoU >= 0.3), so `p <= p_there`. `signals` are those of
    `engine.signals`.
    """

    object_id: int
    class_id: int
    geometry: dict[str, Any]
    score: float
    p: float
    p_there: float
    signals: dict[str, float]

    @property
    def xyxy(self) -> Xyxy:
        x1, y1, x2, y2 = self.geometry["xyxy"]
        return (x1, y1, x2, y2)


@dataclass(frozen=True, slots=True)
class StitchCandidate:
    """Two objects that may be one, cut or seen twice; a person may decide. `ios`: overlap relative to the smaller."""

    first: int
    second: int
    ios: float


@dataclass(frozen=True, slots=True)
class ScenePrediction:
    """All objects of one scene, best first. `recall` is the share of objects that the model proposed on its holdout."""

    scene_id: str
    model_version: str
    objects: tuple[PredictedObject, ...]
    stitches: tuple[StitchCandidate, ...]
    recall: float
    signals: dict[str, float]


@dataclass(frozen=True, slots=True)
class TrainingExample:
    """One image, or a part of it, whose objects people have settled.

    `regions` are the rectangles `[x, y, w, h]` inside which the annotation is complete (coverage done): only there does
    an absence of boxes teach "nothing here". `weights` (0 to 1) discount boxes by their remaining risk. An example with
    `holdout=True` is never trained on and measures the model.
    """

    image_path: str
    boxes: tuple[Xyxy, ...]
    labels: tuple[int, ...]
    weights: tuple[float, ...] = ()
    regions: tuple[Rect, ...] = ()
    holdout: bool = False


@dataclass(frozen=True, slots=True)
class RetrainOptions:
    """How to learn. `classes` are the project's (id, name). `budget_s` is wall time for the optimisation; `max_steps`
    bounds it too, so that on a machine that is fast enough the result does not depend on its load. `tolerance` is the
    IoU from which a box counts as right. `upright` is for pictures in which up is up (photographs): they are mirrored
    but never turned. Examples marked `holdout` measure the model; without any, `holdout_share` of the boxes is set
    aside."""

    classes: tuple[tuple[int, str], ...]
    seed: int = 0
    budget_s: float = 120.0
    max_steps: int | None = None
    tolerance: float = 0.75
    holdout_share: float = 0.2
    upright: bool = False
    threads: int = 2


@dataclass(frozen=True, slots=True)
class Progress:
    """One step of a long call, for a progress bar: `done` of `total` in `stage`, with numbers worth showing."""

    stage: str
    done: float
    total: float
    values: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ObjectPlan:
    """What to do with one predicted object, and why. `auto` says that its stratum holds a certificate; `expected_s` is
    the expected loss in seconds of crowd time of the chosen action, `instead_s` that of the best other one."""

    object_id: int
    tile_id: str
    action: Action
    auto: bool
    reason: str
    expected_s: float
    instead_s: float


@dataclass(frozen=True, slots=True)
class CoverageTile:
    """A tile in which people look for what is missing. `shown` objects are proposed in its core; `expected_missing` are
    those that the model is thought to have missed or that were dropped; `priority` orders the work."""

    tile: TileRef
    shown: int
    expected_missing: float
    priority: float


@dataclass(frozen=True, slots=True)
class ScenePlan:
    scene_id: str
    tiles: tuple[CoverageTile, ...]
    objects: tuple[ObjectPlan, ...]


@dataclass(frozen=True, slots=True)
class ResolvedObject:
    """The outcome of one object of a scene, however reached. `risk` is the posterior probability that it is wrong."""

    object_id: int
    class_id: int
    geometry: dict[str, Any]
    status: Literal["accepted", "rejected", "undecidable"]
    source: Literal["model", "human"]
    verified_by: tuple[str, ...]
    risk: float
    model_version: str | None = None
    provenance: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AssembledObject:
    annotation_id: int
    object_ids: tuple[int, ...]
    class_id: int
    geometry: dict[str, Any]
    risk: float
    source: Literal["model", "human"]
    trainable: bool
    provenance: dict[str, Any]


@dataclass(frozen=True, slots=True)
class AssembledScene:
    scene_id: str
    objects: tuple[AssembledObject, ...]
    ignored: tuple[dict[str, Any], ...]
    conflicts: tuple[tuple[int, int], ...]


T = TypeVar("T")


def to_json(value: Any) -> Any:
    """Turn any value of this module into dicts, lists, numbers and text."""
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value


def from_json(kind: type[T], data: Mapping[str, Any]) -> T:
    """Rebuild a dataclass of this module from `to_json` output; ValueError names unknown or missing fields."""
    hints = get_type_hints(kind)
    names = [f.name for f in fields(kind)]  # type: ignore[arg-type]
    unknown = sorted(set(data) - set(names))
    if unknown:
        raise ValueError(
            f"{kind.__name__}: unknown field(s) {', '.join(unknown)}; known are {', '.join(names)}"
        )
    try:
        return kind(**{name: _value(hints[name], data[name]) for name in names if name in data})
    except TypeError as error:
        raise ValueError(f"{kind.__name__}: {error}") from error


def _value(hint: Any, data: Any) -> Any:
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        if data is None:
            return None
        return _value(next(a for a in args if a is not type(None)), data)
    if is_dataclass(hint):
        return from_json(hint, data)  # type: ignore[arg-type]
    if origin is tuple:
        if len(args) == 2 and args[1] is Ellipsis:
            return tuple(_value(args[0], item) for item in data)
        if len(args) != len(data):
            raise ValueError(f"expected {len(args)} values, got {len(data)}")
        return tuple(_value(a, item) for a, item in zip(args, data, strict=True))
    if hint is float and isinstance(data, int):
        return float(data)
    return data
