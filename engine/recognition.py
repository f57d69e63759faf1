"""What a freshly trained detector recognises: embeddings of the objects that people settled, learned and held out."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from engine.holdout import Floats, Source, inside
from engine.images import RGB
from engine.measure import touches
from engine.prelabel import plan_chunks
from engine.tiling import Window
from engine.types import PrelabelOptions, SceneRef
from models.checkpoint import Checkpoint
from models.evaluate import Boxes, match
from models.familiar import Familiar, familiar
from models.predict import PredictOptions, predict, to_batch
from models.train import has_fast_half
from models.transforms import crop_resized

WINDOWS = 96  # looked at on either side, spread over all pictures: 40 ms each
FOUND_IOU = 0.5


def learn_familiar(
    checkpoint: Checkpoint, sources: Sequence[Source], names: Sequence[int], seed: int
) -> Familiar | None:
    """Describe what the checkpoint recognises of the parts it learned from, with distances from the held-out parts.

    `names` are the class ids in the order of its labels. None when too few objects are found on either side.
    """
    learned = embeddings(checkpoint, [(s, s.train) for s in sources if s.train.size], names)
    held = embeddings(checkpoint, [(s, s.held) for s in sources if s.held.size], names)
    return familiar(learned, held, seed)


def embeddings(
    checkpoint: Checkpoint, places: Sequence[tuple[Source, Floats]], names: Sequence[int]
) -> Tensor:
    """(N, E) of the annotated objects in these parts of pictures that the detector finds, in one upright look."""
    plans = [(s, parts, _windows(checkpoint, s, parts)) for s, parts in places]
    step = max(1, sum(len(windows) for _, _, windows in plans) // WINDOWS)
    rows, number = [torch.zeros((0, checkpoint.detector.config.neck))], 0
    for source, parts, windows in plans:
        mine = [w for i, w in enumerate(windows, number) if i % step == 0]
        number += len(windows)
        if mine:
            image = source.image()
            rows += [_of_window(checkpoint, source, parts, image, window, names) for window in mine]
    return torch.cat(rows)


def _windows(checkpoint: Checkpoint, source: Source, parts: Floats) -> list[Window]:
    scene = SceneRef(source.path, source.path, source.width, source.height)
    tasks = plan_chunks(scene, "unsaved", replace(checkpoint.input, views=1), PrelabelOptions(classes={}))
    return [w for task in tasks for w in task.windows if touches(w.rect, parts)]


def _of_window(
    checkpoint: Checkpoint, source: Source, parts: Floats, image: RGB, window: Window, names: Sequence[int]
) -> Tensor:
    size = checkpoint.input.size
    batch = to_batch([crop_resized(image, window.rect, (size, size))])
    seen = predict(checkpoint.detector, batch, PredictOptions(views=1, embed=True), has_fast_half())[0]
    x, y = window.rect[:2]
    boxes = seen.boxes.double().numpy() / window.scale + (x, y, x, y)
    labels = torch.tensor(names)[seen.labels].numpy()
    known = inside(source.boxes, parts)
    truth = Boxes.of(source.boxes[known], source.labels[known])
    found, _ = match(Boxes.of(boxes, labels, seen.scores.numpy()), truth, FOUND_IOU)
    return seen.embedding[torch.from_numpy(found >= 0)]
