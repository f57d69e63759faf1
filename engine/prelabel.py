"""Pre-labelling without Ray: what to look at, and one process that looks. `engine.actors` runs many of these.

A scene is cut into windows, windows are handed out in chunks, and every chunk is one small, repeatable piece of work
with a natural key, so a run may stop anywhere and go on later.
"""

import hashlib
import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch

from engine.images import RGB
from engine.pixels import OpenPictures, Pixels
from engine.signals import picture_signals
from engine.tiling import Window, fit_windows, zoomed_windows
from engine.types import (
    ModelRef,
    PrelabelOptions,
    RawDetection,
    ScenePredictionChunk,
    SceneRef,
    WindowResult,
    Xyxy,
)
from models.checkpoint import Checkpoint, InputSpec, load, read_config
from models.checkpoint import input_spec as stored_spec
from models.familiar import Familiar
from models.predict import Detections, PredictOptions, predict, to_batch
from models.train import has_fast_half
from models.transforms import crop_resized

NO_MODEL = "none"
MEASURED_PX = 512  # without a model a scene is only measured (blur, darkness), in one look
BORDER_PX = 1.5  # network pixels: a detection this close to the crop's border is cut by it
KEPT_PIXELS = 50_000_000  # of the scenes that a process keeps open


class PrelabelError(RuntimeError):
    """A scene or a model cannot be used; the message says which and why."""


@dataclass(frozen=True, slots=True)
class ChunkTask:
    """One piece of work: some windows of one scene."""

    chunk_id: str
    scene: SceneRef
    index: int
    of: int
    windows: tuple[Window, ...]
    size: int
    views: int
    options: PrelabelOptions


class Pool(Protocol):
    """Whoever executes chunks: this process (`LocalPool`) or Ray actors (`engine.actors.RayPool`)."""

    def map(self, model: ModelRef | None, tasks: Iterable[ChunkTask]) -> Iterator[ScenePredictionChunk]:
        """Yield the result of every task exactly once, in any order, taking tasks only as results are consumed."""
        ...


def input_spec(model: ModelRef | None, options: PrelabelOptions) -> InputSpec:
    """How this model looks at scenes, with what the options override."""
    stored = InputSpec() if model is None else stored_spec(read_config(Path(model.directory)))
    scale = stored.scale if options.scale is None else options.scale
    overlap = stored.overlap_px if options.overlap_px is None else options.overlap_px
    views, zooms = options.views or stored.views, stored.zooms if options.zooms is None else options.zooms
    return InputSpec(size=stored.size, scale=scale, overlap_px=overlap, views=views, zooms=zooms)


def plan_chunks(
    scene: SceneRef, version: str | None, spec: InputSpec, options: PrelabelOptions
) -> list[ChunkTask]:
    """Cut one scene into its chunks for the model `version` (None: no model, the scene is only measured).

    Pure: the same arguments give the same chunk ids, wherever and whenever.
    """
    if version is None:
        spec = InputSpec(size=MEASURED_PX)
    if spec.scale is None:
        plan = fit_windows(scene.width, scene.height, size=spec.size, overlap=spec.overlap_px)
        plan = plan[:1] if version is None else plan
    else:
        plan = zoomed_windows(
            scene.width,
            scene.height,
            size=spec.size,
            scale=spec.scale,
            zooms=spec.zooms,
            overlap=spec.overlap_px,
        )
    identity = json.dumps(
        [version, spec.size, spec.scale, spec.zooms, spec.overlap_px, spec.views, options.score_floor]
    )
    run = hashlib.sha256(identity.encode()).hexdigest()[:12]
    step = max(1, options.windows_per_chunk)
    parts = [tuple(plan[i : i + step]) for i in range(0, len(plan), step)]
    return [
        ChunkTask(
            chunk_id=f"{scene.scene_id}/{run}/{i}of{len(parts)}",
            scene=scene,
            index=i,
            of=len(parts),
            windows=part,
            size=spec.size,
            views=spec.views,
            options=options,
        )
        for i, part in enumerate(parts)
    ]


class Prelabeler:
    """Holds one loaded model and the last scenes it looked at. Loading happens once, in the constructor."""

    def __init__(self, model: ModelRef | Checkpoint | None, *, threads: int = 1) -> None:
        torch.set_num_threads(threads)
        self.half = has_fast_half()
        self._scenes = OpenPictures(KEPT_PIXELS)
        self.checkpoint = load(Path(model.directory)) if isinstance(model, ModelRef) else model
        found = self.checkpoint.version if self.checkpoint else ""
        if isinstance(model, ModelRef) and found != model.version:
            raise PrelabelError(
                f"{model.directory} holds version {found[:12]}, not {model.version[:12]}; "
                "a checkpoint must never be changed in place"
            )

    def __call__(self, task: ChunkTask) -> ScenePredictionChunk:
        """Look at the windows of one task. Raises ImageRefused or PrelabelError naming the scene."""
        started = time.monotonic()
        image = self._open(task.scene)
        pictures = [crop_resized(image, window.rect, (task.size, task.size)) for window in task.windows]
        found = (
            self._detect(pictures, task.options, task.views) if self.checkpoint else [None] * len(pictures)
        )
        results = [
            self._result(task, window, picture, one)
            for window, picture, one in zip(task.windows, pictures, found, strict=True)
        ]
        version = NO_MODEL if self.checkpoint is None else self.checkpoint.version
        seconds = time.monotonic() - started
        return ScenePredictionChunk(
            task.chunk_id, task.scene.scene_id, task.index, task.of, version, tuple(results), seconds
        )

    def _open(self, scene: SceneRef) -> Pixels:
        pixels = self._scenes.get(scene.path)
        if pixels.shape[:2] != (scene.height, scene.width):
            raise PrelabelError(
                f"scene {scene.scene_id}: the file is {pixels.shape[1]} x {pixels.shape[0]}, "
                f"{scene.width} x {scene.height} was expected; import it again"
            )
        return pixels

    def _detect(self, pictures: list[RGB], options: PrelabelOptions, views: int) -> list[Detections]:
        assert self.checkpoint is not None
        familiar = self.checkpoint.familiar
        how = PredictOptions(views=views, floor=options.score_floor, embed=familiar is not None)
        found: list[Detections] = []
        for i in range(0, len(pictures), max(1, options.batch)):
            part = to_batch(pictures[i : i + max(1, options.batch)])
            found += predict(self.checkpoint.detector, part, how, self.half)
        return found

    def _result(
        self, task: ChunkTask, window: Window, picture: RGB, found: Detections | None
    ) -> WindowResult:
        detections: tuple[RawDetection, ...] = ()
        if found is not None and self.checkpoint is not None:
            labels = self.checkpoint.detector.config.labels
            classes = [task.options.classes.get(name, -1) for name in labels]
            detections = to_scene(found, window, task, classes, self.checkpoint.familiar)
        return WindowResult(
            window.rect, window.scale, detections, picture_signals(_inner(picture, window, task))
        )


def to_scene(
    found: Detections,
    window: Window,
    task: ChunkTask,
    classes: list[int],
    familiar: Familiar | None = None,
) -> tuple[RawDetection, ...]:
    """Detections of one window in scene pixels, with the project's class ids; unmapped classes are left out."""
    boxes = found.boxes.double().numpy() / window.scale + np.array([*window.rect[:2], *window.rect[:2]])
    limit = np.array([task.scene.width, task.scene.height] * 2, dtype=np.float64)
    boxes = np.clip(boxes, 0, limit)
    cut = cut_by_window(boxes, window.rect, (task.scene.width, task.scene.height), BORDER_PX / window.scale)
    sides = boxes[:, 2:] - boxes[:, :2]
    nothing = found.scores.new_zeros(len(boxes))
    novelty, strange = familiar(found.embedding) if familiar else (nothing, nothing)
    out = []
    for i, label in enumerate(found.labels.tolist()):
        if classes[label] < 0 or sides[i].min() < 1:
            continue
        x1, y1, x2, y2 = boxes[i].tolist()
        out.append(
            RawDetection(
                xyxy=(x1, y1, x2, y2),
                class_id=classes[label],
                score=float(found.scores[i]),
                margin=float(found.margins[i]),
                views=task.views,
                views_hit=int(found.hits[i]),
                spread=float(found.spread[i]),
                cut=bool(cut[i]),
                novelty=float(novelty[i]),
                strange=float(strange[i]),
            )
        )
    return tuple(out)


def cut_by_window(boxes: np.ndarray, rect: Xyxy, size: tuple[int, int], border: float) -> np.ndarray:
    """Which boxes (N, 4) touch a side of the window that is not a side of the scene (bool, (N,))."""
    x1, y1, x2, y2 = rect
    cut = np.zeros(len(boxes), bool)
    if x1 > 0:
        cut |= boxes[:, 0] < x1 + border
    if y1 > 0:
        cut |= boxes[:, 1] < y1 + border
    if x2 < size[0]:
        cut |= boxes[:, 2] > x2 - border
    if y2 < size[1]:
        cut |= boxes[:, 3] > y2 - border
    return cut


def _inner(picture: RGB, window: Window, task: ChunkTask) -> RGB:
    """The part of a picture that shows the scene, without the fill around a small one."""
    scale = picture.shape[1] / (window.rect[2] - window.rect[0])
    left, top = max(0, round(-window.rect[0] * scale)), max(0, round(-window.rect[1] * scale))
    right = round((min(window.rect[2], task.scene.width) - window.rect[0]) * scale)
    bottom = round((min(window.rect[3], task.scene.height) - window.rect[1]) * scale)
    return picture[top : max(bottom, top + 1), left : max(right, left + 1)]


class LocalPool:
    """Executes chunks one after the other in this process: for small work and for machines without Ray."""

    def __init__(self, *, threads: int = 1) -> None:
        self.threads = threads

    def map(self, model: ModelRef | None, tasks: Iterable[ChunkTask]) -> Iterator[ScenePredictionChunk]:
        prelabeler = Prelabeler(model, threads=self.threads)
        for task in tasks:
            yield prelabeler(task)
