"""Shapes to start from, for classes that published models know: the pixels of a person, and where the joints are.

A detector proposes boxes; what a label schema wants beyond them is looked for in each box by the pretrained model for
it. What comes out is shown to people as a start and never counts as an answer.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.images import RGB
from engine.pixels import Pixels
from engine.types import PredictedObject, SceneRef
from models.assets import AssetError
from models.prelabel import Picture, PreLabeller
from models.zoo import MOVENET_MULTIPOSE, SELFIE_MASK, entry_of, open_entry
from routing.annotation.shapes import Keypoints, Mask, Shape, shape_to_json
from routing.consensus.masks import encode_mask

MODELS = {"outline": SELFIE_MASK.key, "skeleton": MOVENET_MULTIPOSE.key}
ROOM = 0.3  # of the box's longer side, around it: both models want to see where a person ends
LEAST_THERE = 0.3  # P(there) from which a look at an object is worth its 30 ms
LEAST_MASK, LEAST_PERSON, LEAST_JOINT = (
    0.4,
    0.1,
    0.2,
)  # scores; a weak joint is placed, but as one that is hidden

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ShapeAsk:
    """What a class wants beyond its box: "outline" or "skeleton", the latter with the names of its joints."""

    class_name: str
    aspect: str
    joints: tuple[str, ...] = ()


def knows(ask: ShapeAsk) -> bool:
    """Return whether a pretrained model proposes this: it knows the class by name, and every joint."""
    if ask.aspect not in MODELS:
        return False
    spec = entry_of(MODELS[ask.aspect]).spec
    return ask.class_name in spec.labels and (ask.aspect != "skeleton" or {*ask.joints} <= {*spec.points})


class ShapeProposer:
    """Looks into the boxes of objects whose class asks for a shape that a model knows; opens models on first use.

    `asks` are by class id. `unavailable` says why there are no shapes when a model can neither be found nor fetched.
    """

    def __init__(
        self, asks: Mapping[int, ShapeAsk], open_model: Callable[[str], PreLabeller] = open_entry
    ) -> None:
        self.asks = {label: ask for label, ask in asks.items() if knows(ask)}
        self.unavailable = ""
        self._open_model = open_model
        self._models: dict[str, PreLabeller] = {}

    def of(self, scene: SceneRef, objects: Sequence[PredictedObject]) -> dict[int, dict[str, Any]]:
        """Return by object id the shapes that were found, by aspect, in the JSON of `routing.annotation.shapes` and in
        scene pixels. Raises ImageRefused when the picture cannot be read."""
        wanted = [o for o in objects if o.class_id in self.asks and o.p_there >= LEAST_THERE]
        if not wanted or self.unavailable:
            return {}
        try:
            models = {o.class_id: self._model(self.asks[o.class_id]) for o in wanted}
        except AssetError as error:
            self.unavailable = str(error)
            return {}
        pixels, found = Pixels(scene.path), {}
        for item in wanted:
            ask = self.asks[item.class_id]
            shape = look(pixels, item.xyxy, ask, models[item.class_id])
            if shape is not None:
                found[item.object_id] = {ask.aspect: shape_to_json(shape)}
        return found

    def _model(self, ask: ShapeAsk) -> PreLabeller:
        name = MODELS[ask.aspect]
        if name not in self._models:
            self._models[name] = self._open_model(name)
        return self._models[name]


def look(pixels: Pixels, xyxy: Sequence[float], ask: ShapeAsk, model: PreLabeller) -> Shape | None:
    """Return what a model sees in one box (scene pixels) and a margin around it; None when it is not sure enough."""
    height, width = pixels.shape[:2]
    box = np.array(xyxy, np.float32)
    room = ROOM * float((box[2:] - box[:2]).max())
    left, top = (int(v) for v in np.clip(np.floor(box[:2] - room), 0, (width - 1, height - 1)))
    right, bottom = (int(v) for v in np.clip(np.ceil(box[2:] + room), (left + 1, top + 1), (width, height)))
    crop: RGB = pixels[top:bottom, left:right]
    inside = box - np.array([left, top, left, top], np.float32)
    seen = model.predict([Picture(crop, inside[None])])[0]
    score = float(seen["scores"][0])
    if ask.aspect == "outline":
        return _mask(seen["masks"][0], (left, top)) if score >= LEAST_MASK else None
    if score < LEAST_PERSON:
        return None
    named = dict(zip(model.spec.points, seen["keypoints"][0], strict=True))
    offset = np.array([left, top, 0], np.float32)
    return _joints({name: named[name] + offset for name in ask.joints}, width, height)


def _mask(pixels: npt.NDArray[np.bool_], offset: tuple[int, int]) -> Mask | None:
    """The mask cut to what is in it, placed in the scene; None for an empty one."""
    ys, xs = np.nonzero(pixels)
    if not len(ys):
        return None
    x, y = int(xs.min()), int(ys.min())
    return encode_mask(pixels[y : ys.max() + 1, x : xs.max() + 1], (offset[0] + x, offset[1] + y))


def _joints(found: Mapping[str, Floats], width: int, height: int) -> Keypoints | None:
    """Joints in the scene: sure ones visible, weak ones hidden, those outside of the picture absent."""
    points: list[tuple[str, float, float, int]] = []
    for name, (x, y, score) in sorted(found.items()):
        if 0 <= x <= width and 0 <= y <= height:
            points.append((name, float(x), float(y), 2 if score >= LEAST_JOINT else 1))
        else:
            points.append((name, 0.0, 0.0, 0))
    return Keypoints(tuple(points)) if any(v for *_, v in points) else None
