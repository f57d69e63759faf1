"""What is known of a picture and of a predicted object besides the score. Pure.

Signals of an object are plain floats, stored with every prediction and fed to the calibration:
`logit` of the score · `log_size` of sqrt(area) in network pixels · `hit` share of looks that found it · `spread` of its
edges over the looks, relative to its size · `agree` share of the windows that saw it whole and found it · `crowd` the
highest IoU with another object · `nested` share of it inside another · `near` neighbours within its own size · `margin`
to the second-best class · `edge` 1 when the scene's border cuts it · `cut` 1 when no window saw it whole · `strange` how
far it is from all that the model recognises, and `novelty` the same as a percentile (`models.familiar`).
Signals of a picture: `blur` (log variance of the Laplacian, high is sharp), `dark` and `clipped` shares, `contrast`.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

from engine.merge import Merged, overlapping
from engine.types import RawDetection, WindowResult

FEATURES = (
    *("logit", "log_size", "hit", "spread", "agree", "crowd", "nested", "near", "margin", "edge", "cut"),
    "strange",
)
SIDE = 256  # blur depends on resolution, so every picture is measured at one size
DARK, BRIGHT = 30, 250
BORDER_PX = 2.0


def picture_signals(picture: npt.NDArray[np.uint8]) -> dict[str, float]:
    """Measure a picture (H, W, 3) uint8: `blur`, `dark`, `clipped` (shares of pixels), `contrast` (0 to 1)."""
    grey = np.asarray(
        Image.fromarray(picture).convert("L").resize((SIDE, SIDE), Image.Resampling.BILINEAR), np.float32
    )
    laplace = 4 * grey[1:-1, 1:-1] - grey[:-2, 1:-1] - grey[2:, 1:-1] - grey[1:-1, :-2] - grey[1:-1, 2:]
    low, high = np.percentile(grey, (5, 95))
    return {
        "blur": float(np.log1p(laplace.var())),
        "dark": float((grey < DARK).mean()),
        "clipped": float((grey > BRIGHT).mean()),
        "contrast": float(high - low) / 255.0,
    }


def object_signals(
    objects: Sequence[Merged],
    detections: Sequence[RawDetection],
    place: Sequence[int],
    windows: Sequence[WindowResult],
    size: tuple[int, int],
) -> list[dict[str, float]]:
    """Signals of every merged object of a scene of `size` (width, height); `place[i]` is the window of detection i."""
    if not objects:
        return []
    boxes = np.array([m.xyxy for m in objects], dtype=np.float64)
    classes = np.array([m.class_id for m in objects])
    sides = np.sqrt(np.maximum((boxes[:, 2:] - boxes[:, :2]).prod(axis=1), 1e-6))
    crowd, nested, near = _company(boxes, classes, sides)
    agree = _agreement(objects, boxes, place, windows)
    width, height = size
    far = np.array([width, height]) - BORDER_PX
    edge = np.asarray((boxes[:, :2] < BORDER_PX).any(axis=1) | (boxes[:, 2:] > far).any(axis=1))
    out = []
    for i, merged in enumerate(objects):
        raw = detections[merged.source]
        out.append(
            {
                "logit": _logit(merged.score),
                "log_size": math.log(sides[i] * windows[place[merged.source]].scale),
                "hit": raw.views_hit / max(raw.views, 1),
                "spread": min(raw.spread, 1.0),
                "agree": float(agree[i]),
                "crowd": float(crowd[i]),
                "nested": float(nested[i]),
                "near": float(near[i]),
                "margin": raw.margin,
                "edge": float(edge[i]),
                "cut": float(raw.cut),
                "strange": raw.strange,
                "novelty": raw.novelty,
            }
        )
    return out


def feature_rows(
    signals: Sequence[dict[str, float]], names: Sequence[str] = FEATURES
) -> npt.NDArray[np.float64]:
    """Rows (N, len(names)) for the calibration, in the order of `names`."""
    return np.array([[s[name] for name in names] for s in signals], dtype=np.float64).reshape(-1, len(names))


def _company(
    boxes: npt.NDArray[np.float64], classes: npt.NDArray[np.intp], sides: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    pairs = overlapping(boxes, classes)
    crowd, nested = np.zeros(len(boxes)), np.zeros(len(boxes))
    for one in (pairs.first, pairs.second):
        np.maximum.at(crowd, one, pairs.iou)
        np.maximum.at(nested, one, pairs.shared / np.maximum(pairs.areas[one], 1e-9))
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    grown = np.concatenate((middle - sides[:, None], middle + sides[:, None]), axis=1)
    around = overlapping(grown, np.zeros(len(boxes), int))
    near = np.zeros(len(boxes))
    apart = np.abs(middle[around.first] - middle[around.second]).max(axis=1)
    for one in (around.first, around.second):
        np.add.at(near, one[apart <= sides[one]], 1.0)
    return crowd, nested, near


def _agreement(
    objects: Sequence[Merged],
    boxes: npt.NDArray[np.float64],
    place: Sequence[int],
    windows: Sequence[WindowResult],
) -> npt.NDArray[np.float64]:
    """Windows that found the object, of those that contain it whole (at least the one that it comes from)."""
    rects = np.array([w.rect for w in windows])
    agree = np.ones(len(objects))
    for i, merged in enumerate(objects):
        whole = int(((rects[:, :2] <= boxes[i, :2]) & (rects[:, 2:] >= boxes[i, 2:])).all(axis=1).sum())
        agree[i] = min(1.0, len({place[m] for m in merged.members}) / max(whole, 1))
    return agree


def _logit(p: float) -> float:
    p = min(max(p, 1e-6), 1 - 1e-6)
    return math.log(p / (1 - p))
