"""Our own detector as a pre-labeller: photographs in, boxes with calibrated scores out.

Large scenes go through `engine.prelabel`, which cuts, merges and calibrates; this looks at each picture as a whole.
"""

from collections.abc import Sequence

import numpy as np
import torch

from models.checkpoint import Checkpoint
from models.predict import PredictOptions, predict, to_batch
from models.prelabel import Picture, Prediction, Spec
from models.train import has_fast_half
from models.transforms import crop_resized


class BoxDetector:
    """A checkpoint behind the protocol of `models.prelabel`."""

    def __init__(self, checkpoint: Checkpoint, spec: Spec, options: PredictOptions | None = None) -> None:
        self.checkpoint, self.spec = checkpoint, spec
        self.options = options or PredictOptions(views=checkpoint.input.views)
        self.half = has_fast_half()

    def predict(self, batch: Sequence[Picture]) -> list[Prediction]:
        """Return boxes in pixels of each picture, best first, each picture shown whole at the network's input size."""
        size = self.checkpoint.input.size
        found = []
        for (
            picture
        ) in batch:  # Pictures differ in shape; padding all to one would cost more than batching saves.
            height, width = picture.image.shape[:2]
            scale = size / max(height, width)
            w, h = (max(32, -(-round(side * scale) // 32) * 32) for side in (width, height))
            shown = crop_resized(picture.image, (0, 0, w / scale, h / scale), (w, h))
            seen = predict(self.checkpoint.detector, to_batch([shown]), self.options, self.half)[0]
            limit = torch.tensor([width, height, width, height], dtype=torch.float32)
            boxes = torch.minimum(seen.boxes / scale, limit).numpy().astype(np.float32)
            found.append(
                Prediction(
                    boxes=boxes, labels=seen.labels.numpy().astype(np.int64), scores=seen.scores.numpy()
                )
            )
        return found
