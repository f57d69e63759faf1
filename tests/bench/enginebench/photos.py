"""Out of the box, on photographs: COCO boxes, people's keypoints and masks, with the pretrained models as they come."""

import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from engine.pixels import Pixels
from engine.shapes import ShapeAsk, look
from models.assets import AssetError
from models.boxdetector import BoxDetector
from models.evaluate import Boxes, average_precision
from models.people import KEYPOINTS, oks
from models.predict import PredictOptions
from models.prelabel import Picture
from models.zoo import open_entry
from routing.annotation.shapes import Keypoints, Mask
from routing.consensus.masks import decode_mask

from enginebench.common import Measurement, Unavailable, interval, shared

OUTLINE, SKELETON = ShapeAsk("person", "outline"), ShapeAsk("person", "skeleton", KEYPOINTS)


def measure(*, quick: bool) -> dict[str, Measurement]:
    torch.set_num_threads(1)
    try:
        return {
            "coco128_ap50": coco(quick),
            "person_oks": keypoints(),
            "person_mask_iou": masks(quick),
        }
    except AssetError as error:
        raise Unavailable(str(error)) from error


def rgb(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"))


def coco(quick: bool) -> Measurement:
    """AP50 over the 128 pictures of val2017; the baseline is one plain look instead of a mirrored pair."""
    root = shared("images", "coco128")
    pictures = sorted((root / "images" / "val2017").glob("*.jpg"))[: 16 if quick else None]
    truth = [_yolo(root / "object_detection" / "labels" / "val2017" / f"{p.stem}.txt", p) for p in pictures]
    model = open_entry("nanodet-g-coco")
    assert isinstance(model, BoxDetector)
    results = {}
    for views in (1, model.options.views):
        seer = BoxDetector(model.checkpoint, model.spec, PredictOptions(views=views, floor=0.01))
        found = [
            Boxes.of(out["boxes"], out["labels"], out["scores"])
            for p in pictures
            for out in seer.predict([Picture(rgb(p))])
        ]
        results[views] = average_precision(found, truth)
    ours, plain = results[model.options.views], results[1]
    detail = {"images": len(pictures), "boxes": sum(len(t.labels) for t in truth), "ap": float(ours.mean())}
    return Measurement(
        float(ours[0]), {"one look": float(plain[0]), "prototype": 0.450}, least=0.44, detail=detail
    )


def _yolo(path: Path, picture: Path) -> Boxes:
    """Rows of class, centre and size relative to the picture."""
    with Image.open(picture) as image:
        size = np.array(image.size, float)
    rows = np.loadtxt(path, ndmin=2) if path.exists() and path.stat().st_size else np.zeros((0, 5))
    centre, half = rows[:, 1:3] * size, rows[:, 3:5] * size / 2
    return Boxes.of(np.concatenate((centre - half, centre + half), axis=1), rows[:, 0])


def keypoints() -> Measurement:
    """Mean OKS over the people with labelled joints of four COCO pictures; a person who is not found counts 0."""
    folder = shared("images", "mmpose_keypoints", "coco")
    document = json.loads((folder / "test_coco.json").read_text())
    model = open_entry("movenet-multipose")
    whole, close, shown = [], [], []
    for image in document["images"]:
        people = [
            a for a in document["annotations"] if a["image_id"] == image["id"] and a.get("num_keypoints")
        ]
        truth = [np.array(a["keypoints"], np.float32).reshape(-1, 3) for a in people]
        boxes = np.array([[x, y, x + w, y + h] for x, y, w, h in (a["bbox"] for a in people)], np.float32)
        pixels = rgb(folder / image["file_name"])
        seen, prompted = model.predict([Picture(pixels), Picture(pixels, boxes)])
        for number, (points, person) in enumerate(zip(truth, people, strict=True)):
            whole.append(max((oks(k, points, person["area"]) for k in seen["keypoints"]), default=0.0))
            close.append(oks(prompted["keypoints"][number], points, person["area"]))
            shape = look(Pixels(folder / image["file_name"]), boxes[number], SKELETON, model)
            if isinstance(shape, Keypoints):
                shown.append(oks(_ordered(shape), points, person["area"]))
    low, high = interval(whole, np.random.default_rng(0))
    detail = {"people": len(whole), "interval": [low, high], "with_boxes": float(np.mean(close))}
    detail |= {"shown_as_proposals": len(shown), "of_those": float(np.mean(shown))}
    return Measurement(float(np.mean(whole)), {"prototype": 0.69}, least=0.65, detail=detail)


def masks(quick: bool) -> Measurement:
    """Mean IoU over the pedestrians of PennFudan, given their boxes; the baseline is the ellipse in the box."""
    folder = shared("images", "pennfudan")
    model = open_entry("selfie-mask")
    ours, ellipse, shown = [], [], []
    for path in sorted((folder / "PNGImages").glob("*.png"))[: 4 if quick else None]:
        marks = np.asarray(Image.open(folder / "PedMasks" / f"{path.stem}_mask.png"))
        truth = [marks == v for v in np.unique(marks[marks > 0])]
        boxes = np.array([_bounds(t) for t in truth], np.float32)
        found = model.predict([Picture(rgb(path), boxes)])[0]["masks"]
        ours += [_iou(m, t) for m, t in zip(found, truth, strict=True)]
        ellipse += [_iou(_ellipse(b, t.shape), t) for b, t in zip(boxes, truth, strict=True)]
        shapes = [look(Pixels(path), b, OUTLINE, model) for b in boxes]
        pairs = zip(shapes, truth, strict=True)
        shown += [_iou(_placed(m, t.shape), t) for m, t in pairs if isinstance(m, Mask)]
    low, high = interval(ours, np.random.default_rng(0))
    detail = {"people": len(ours), "interval": [low, high], "median": float(np.median(ours))}
    detail |= {"shown_as_proposals": len(shown), "of_those": float(np.mean(shown))}
    return Measurement(
        float(np.mean(ours)), {"ellipse in the box": float(np.mean(ellipse))}, least=0.75, detail=detail
    )


def _ordered(shape: Keypoints) -> np.ndarray:
    place = {name: (x, y, v) for name, x, y, v in shape.points}
    return np.array([place[name] for name in KEYPOINTS], np.float32)


def _placed(mask: Mask, shape: tuple[int, ...]) -> np.ndarray:
    out = np.zeros(shape, bool)
    x, y = mask.offset
    out[y : y + mask.size[0], x : x + mask.size[1]] = decode_mask(mask)
    return out


def _bounds(mask: np.ndarray) -> tuple[int, int, int, int]:
    ys, xs = np.nonzero(mask)
    return int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1


def _ellipse(box: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    ys, xs = np.mgrid[: shape[0], : shape[1]]
    middle, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2
    return ((xs + 0.5 - middle[0]) / half[0]) ** 2 + ((ys + 0.5 - middle[1]) / half[1]) ** 2 <= 1


def _iou(a: np.ndarray, b: np.ndarray) -> float:
    return float((a & b).sum() / max((a | b).sum(), 1))
