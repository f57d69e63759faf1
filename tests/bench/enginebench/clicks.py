"""Clicks to masks on real objects: how well the mask fits after the clicks that a person would make next.

The person clicks in the middle of the largest region that is wrong, on the side that it should be on. The constants of
`models.click_mask` were chosen on a sixteenth of COCO's val2017 part here and a tenth of PennFudan; this measures on
the train2017 part and on the other pedestrians.
"""

import time
from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from models.click_mask import Click, click_mask

from enginebench.common import Measurement, shared

CROP_PX, LEAST_PX = 512, 48
CLICKS = 4
EVERY = 8  # of the objects, to stay within a minute


def measure(*, quick: bool) -> dict[str, Measurement]:
    every = 40 if quick else EVERY
    sets = {"coco": list(_coco())[::every], "pedestrians": list(_pedestrians())[1::every]}
    told, seconds = {}, []
    for name, objects in sets.items():
        rows = [_clicked(*o, seconds) for o in objects]
        means = np.mean(rows, axis=0)
        told[name] = {
            "objects": len(rows),
            "ellipse": means[0],
            "box_only": means[1],
            **{f"after_{n}": means[1 + n] for n in (1, 2, 4)},
        }
    coco = told["coco"]
    return {
        "click_mask_iou": Measurement(
            coco["after_4"],
            {"box only": coco["box_only"], "ellipse in the box": coco["ellipse"]},
            detail={**told, "ms_mean": 1000 * np.mean(seconds), "ms_p95": 1000 * np.percentile(seconds, 95)},
        )
    }


def _clicked(picture: np.ndarray, truth: np.ndarray, seconds: list[float]) -> list[float]:
    """IoU of the ellipse in the box, of the mask from the box alone, and after each click."""
    picture, truth, box = _crop(picture, truth)
    ys, xs = np.mgrid[: truth.shape[0], : truth.shape[1]] + 0.5
    u, v = (2 * xs - box[0] - box[2]) / (box[2] - box[0]), (2 * ys - box[1] - box[3]) / (box[3] - box[1])
    row = [_iou(u**2 + v**2 <= 1, truth)]
    clicks: list[Click] = []
    found = None
    for _ in range(CLICKS + 1):
        started = time.process_time()
        found = click_mask(picture, clicks, box=box, mask=found)
        seconds.append(time.process_time() - started)
        row.append(_iou(found, truth))
        clicks.append(_next_click(found, truth))
    return row


def _next_click(found: np.ndarray, truth: np.ndarray) -> Click:
    deepest = []
    for positive, wrong in ((True, truth & ~found), (False, found & ~truth)):
        depth = ndimage.distance_transform_edt(np.pad(wrong, 1))[1:-1, 1:-1]
        y, x = np.unravel_index(int(depth.argmax()), depth.shape)
        deepest.append((float(depth[y, x]), Click(x + 0.5, y + 0.5, positive)))
    return max(deepest, key=lambda d: d[0])[1]


def _crop(
    picture: np.ndarray, truth: np.ndarray
) -> tuple[np.ndarray, np.ndarray, tuple[float, float, float, float]]:
    """The object with a quarter of its size around it, at CROP_PX, and its box there."""
    ys, xs = np.nonzero(truth)
    x1, y1, x2, y2 = int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1
    margin = round(0.25 * max(x2 - x1, y2 - y1)) + 4
    left, top = max(0, x1 - margin), max(0, y1 - margin)
    right, bottom = min(truth.shape[1], x2 + margin), min(truth.shape[0], y2 + margin)
    scale = CROP_PX / max(right - left, bottom - top)
    size = (round((right - left) * scale), round((bottom - top) * scale))
    part = Image.fromarray(picture[top:bottom, left:right]).resize(size, Image.Resampling.BILINEAR)
    mask = Image.fromarray(truth[top:bottom, left:right].astype(np.uint8) * 255).resize(size)
    box = ((x1 - left) * scale, (y1 - top) * scale, (x2 - left) * scale, (y2 - top) * scale)
    return np.asarray(part), np.asarray(mask) > 127, box


def _coco() -> Iterator[tuple[np.ndarray, np.ndarray]]:
    root = shared("images", "coco128")
    for path in sorted((root / "images" / "train2017").glob("*.jpg")):
        labels = root / "instance_segmentation" / "labels" / "train2017" / f"{path.stem}.txt"
        picture = np.asarray(Image.open(path).convert("RGB"))
        for line in labels.read_text().splitlines() if labels.exists() else ():
            points = np.array([float(v) for v in line.split()[1:]]).reshape(-1, 2)
            mask = Image.new("1", (picture.shape[1], picture.shape[0]))
            if len(points) >= 3:
                ImageDraw.Draw(mask).polygon([(x * mask.width, y * mask.height) for x, y in points], fill=1)
            truth = np.asarray(mask)
            if truth.sum() >= LEAST_PX**2:
                yield picture, truth


def _pedestrians() -> Iterator[tuple[np.ndarray, np.ndarray]]:
    root = shared("images", "pennfudan")
    for path in sorted((root / "PNGImages").glob("*.png")):
        marks = np.asarray(Image.open(root / "PedMasks" / f"{path.stem}_mask.png"))
        picture = np.asarray(Image.open(path).convert("RGB"))
        yield from ((picture, marks == v) for v in np.unique(marks[marks > 0]))


def _iou(a: np.ndarray, b: np.ndarray) -> float:
    return float((a & b).sum() / max((a | b).sum(), 1))
