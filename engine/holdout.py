"""Training examples as arrays, and which part of them measures the model instead of teaching it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from engine.images import RGB, image_size, load_rgb
from engine.tiling import grid
from engine.types import TrainingExample
from routing.annotation.boxes import as_boxes

Floats = npt.NDArray[np.float64]

PARTS = 5  # a large scene is split into about this many parts per side
WIDE = 8.0  # but no part is narrower than this many typical objects
LEAST_BOXES = 12  # fewer held-out boxes measure nothing


@dataclass(frozen=True, slots=True)
class Source:
    """One picture: boxes (N, 4), labels (N,) class ids, weights (N,), and rectangles [x1, y1, x2, y2] (K, 4).

    In the rectangles the annotation is complete: those of `train` are for learning, those of `held` for measuring.
    """

    path: str
    width: int
    height: int
    boxes: Floats
    labels: npt.NDArray[np.int64]
    weights: Floats
    train: Floats
    held: Floats

    def image(self) -> RGB:
        """Decode the picture (H, W, 3)."""
        return load_rgb(self.path)


def read_sources(
    examples: Sequence[TrainingExample], class_ids: set[int], *, to_learn: bool = True
) -> list[Source]:
    """Check and convert examples; ValueError names the picture and the field. Decodes no pixels.

    At least one box must be there, and with `to_learn` one outside of the examples that are held out.
    """
    if not examples:
        raise ValueError("examples: there is nothing to learn from; annotate at least one scene")
    sources = [_source(example, class_ids) for example in examples]
    if not any(len(s.boxes) for s, e in zip(sources, examples, strict=True) if not (to_learn and e.holdout)):
        raise ValueError(
            "examples: there is no box to learn from or to compare with; annotate some objects first"
        )
    return sources


def _source(example: TrainingExample, class_ids: set[int]) -> Source:
    size = image_size(example.image_path)
    where = f"example {example.image_path}"
    count = len(example.boxes)
    if len(example.labels) != count or len(example.weights) not in (0, count):
        raise ValueError(
            f"{where}: {count} boxes, {len(example.labels)} labels, {len(example.weights)} weights; give one each"
        )
    unknown = sorted(set(example.labels) - class_ids)
    if unknown:
        raise ValueError(f"{where}: labels {unknown} are not in classes {sorted(class_ids)}")
    try:
        boxes = as_boxes(example.boxes)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error
    weights = np.array(example.weights or [1.0] * count, dtype=np.float64)
    if not ((weights >= 0) & (weights <= 1)).all():
        raise ValueError(f"{where}: weights must lie in 0 to 1")
    rects = [(x, y, x + w, y + h) for x, y, w, h in example.regions] or [(0.0, 0.0, size.width, size.height)]
    regions = np.array(rects, dtype=np.float64)
    nothing = np.zeros((0, 4))
    train, held = (nothing, regions) if example.holdout else (regions, nothing)
    labels = np.array(example.labels, dtype=np.int64)
    return Source(example.image_path, size.width, size.height, boxes, labels, weights, train, held)


def choose_holdout(sources: Sequence[Source], *, share: float, seed: int) -> list[Source]:
    """Hold out about `share` of the boxes, by whole parts of scenes, drawn with `seed`.

    Nothing changes when some pictures are holdout already, or when there are too few boxes or parts to spare any.
    """
    if not 0 <= share < 1:
        raise ValueError(f"holdout_share must be at least 0 and below 1, got {share}")
    total = sum(len(s.boxes) for s in sources)
    if any(s.held.size for s in sources) or share == 0 or total * share < LEAST_BOXES:
        return list(sources)
    parts = [(i, cell) for i, s in enumerate(sources) for cell in _parts(s, typical_px(sources))]
    counts = [int(inside(sources[i].boxes, cell[None]).sum()) for i, cell in parts]
    taken: set[int] = set()
    got = 0
    for k in np.random.default_rng(seed).permutation(len(parts)):
        if got >= share * total:
            break
        if got + counts[k] <= 1.5 * share * total and len(taken) + 1 < len(parts):
            taken.add(int(k))
            got += counts[k]
    return [_split(s, i, parts, taken) for i, s in enumerate(sources)] if got else list(sources)


def _split(source: Source, number: int, parts: Sequence[tuple[int, Floats]], taken: set[int]) -> Source:
    mine = [(k, cell) for k, (i, cell) in enumerate(parts) if i == number]
    train = np.array([cell for k, cell in mine if k not in taken]).reshape(-1, 4)
    held = np.array([cell for k, cell in mine if k in taken]).reshape(-1, 4)
    return replace(source, train=train, held=held)


def typical_px(sources: Sequence[Source]) -> float:
    """Median of sqrt(area) of all annotated boxes, in scene pixels."""
    sides = [np.sqrt((s.boxes[:, 2:] - s.boxes[:, :2]).prod(axis=1)) for s in sources if len(s.boxes)]
    return float(np.median(np.concatenate(sides)))


def _parts(source: Source, typical: float) -> list[Floats]:
    """The annotated rectangles of a picture, cut along one grid over the picture."""
    side = max(WIDE * typical, max(source.width, source.height) / PARTS)
    out = []
    for tile in grid(source.width, source.height, side=side, halo=0):
        x, y, w, h = tile.core
        for region in source.train:
            low, high = np.maximum(region[:2], (x, y)), np.minimum(region[2:], (x + w, y + h))
            if (high - low).min() > 1:
                out.append(np.concatenate((low, high)))
    return out


def inside(boxes: Floats, rects: Floats) -> npt.NDArray[np.bool_]:
    """Which boxes (N, 4) have their centre in one of the rectangles (K, 4), half-open."""
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    low = np.all(middle[:, None] >= rects[None, :, :2], axis=-1)
    high = np.all(middle[:, None] < rects[None, :, 2:], axis=-1)
    return np.asarray(np.logical_and(low, high).any(axis=1))
