"""Tasks for the gallery about shapes, on pictures of the data for tests: pedestrians with masks, a skier, lanes."""

import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from routing.annotation.shapes import Polygon, shape_to_json
from routing.consensus.conversions import polygon_from
from routing.consensus.masks import encode_mask
from webapp.devtools.staged_feed import payload
from webapp.devtools.staged_tasks import StagedTask

KINDS = ("fix_polygon", "polyline", "keypoints", "fix_mask", "verify_mask", "point_yesno", "label_region")
PEOPLE = Path("images/pennfudan")
SKIERS = Path("images/mmpose_keypoints/coco")
LANES = Path("images/lanes_tusimple/training_data_example")
STREET = "FudanPed00001"
CLASSES = (
    {"id": 0, "name": "pedestrian", "color": "#ffb347", "key": "1"},
    {"id": 1, "name": "lane marking", "color": "#5cd6ff", "key": "2"},
    {"id": 2, "name": "building", "color": "#b58cff", "key": "3"},
    {"id": 3, "name": "vegetation", "color": "#5fe0b0", "key": "4"},
)
BLOCK = (120, 110, 360, 300)  # x, y, width, height of the street: what is cut into segments
LEVELS = 5  # of brightness that tell segments apart
LEAST_SEGMENT = 900  # pixels; smaller ones join what surrounds them

Bools = npt.NDArray[np.bool_]
Labels = npt.NDArray[np.int64]


def staged_task(kind: str, data: Path) -> StagedTask:
    """Return the task of a kind; raise FileNotFoundError where its picture is missing under `data`."""
    match kind:
        case "keypoints":
            return _skier(data / SKIERS)
        case "polyline":
            return _lane(data / LANES)
        case "label_region":
            return _street(data / PEOPLE)
        case _:
            return _pedestrian(kind, data / PEOPLE)


def _pedestrian(kind: str, folder: Path) -> StagedTask:
    picture, people = folder / "PNGImages" / f"{STREET}.png", _labels(folder)
    whole = people == 1
    outlines = [_outline(people == n) for n in (1, 2)]
    boxes = [_box(people == n) for n in (1, 2)]
    extra: dict[str, Any] = {"object": {"id": 31, "version": 2, "xyxy": boxes[0], "class": 0}}
    neighbour = {"id": 32, "xyxy": boxes[1], "class": 0, "shape": outlines[1]}
    keys: Sequence[str] = ()
    match kind:
        case "fix_polygon":
            extra |= {"proposal": outlines[0], "objects": [neighbour]}
            keys = ["t", "t", ".", "."]
        case "fix_mask":
            headless = whole.copy()
            headless[: int(boxes[0][1]) + 50] = False
            extra |= {"proposal": shape_to_json(encode_mask(headless)), "refiner": None, "objects": []}
            keys = ["b", "]", "ArrowUp", *["Shift+ArrowUp"] * 2]
        case "verify_mask":
            extra |= {"shape": shape_to_json(encode_mask(whole)), "objects": []}
            keys = ["x"]
        case _:
            x1, y1, x2, y2 = boxes[0]
            extra |= {"class": 0, "point": [(x1 + x2) / 2, (y1 + 2 * y2) / 3]}
    return _task(kind, picture, _around(boxes[0], _size(picture)), extra, keys)


def _skier(folder: Path) -> StagedTask:
    told = json.loads((folder / "test_coco.json").read_text())
    row = next(a for a in told["annotations"] if a["num_keypoints"] > 14)
    image = next(i for i in told["images"] if i["id"] == row["image_id"])
    category = told["categories"][0]
    names = category["keypoints"]
    sides = {n: next((s for s in ("left", "right") if n.startswith(s)), None) for n in names}
    joints = [{"name": n, "label": n.replace("_", " ").capitalize(), "side": sides[n]} for n in names]
    edges = [[names[a - 1], names[b - 1]] for a, b in category["skeleton"]]
    places = np.reshape(row["keypoints"], (-1, 3)).tolist()
    x, y, w, h = row["bbox"]
    box = [x, y, x + w, y + h]
    extra = {
        "object": {"id": 31, "version": 2, "xyxy": box, "class": 0},
        "skeleton": {"joints": joints, "edges": edges},
        "proposal": {"type": "keypoints", "points": dict(zip(names, places, strict=True))},
    }
    picture = folder / image["file_name"]
    return _task("keypoints", picture, _around(box, _size(picture)), extra, ["Space"] * 5)


def _lane(folder: Path) -> StagedTask:
    picture = folder / "image" / "0000.png"
    with Image.open(folder / "gt_instance_image" / "0000.png") as image:
        lanes = np.asarray(image.convert("L"))
    value = int(np.unique(lanes)[1])
    rows = np.flatnonzero((lanes == value).any(axis=1))
    points = [[float(np.flatnonzero(lanes[r] == value).mean()), float(r)] for r in rows[::-1][::36]]
    extra = {
        "object": {"id": 31, "version": 2, "xyxy": _box(lanes == value), "class": 1},
        "proposal": {"type": "polyline", "points": points},
    }
    width, height = _size(picture)
    return _task("polyline", picture, [0, height * 0.25, width, height * 0.75], extra, [".", ".", "."])


def _street(folder: Path) -> StagedTask:
    picture = folder / "PNGImages" / f"{STREET}.png"
    x, y, w, h = BLOCK
    with Image.open(picture) as image:
        grey = np.asarray(image.convert("L"), dtype=np.float64)[y : y + h, x : x + w]
    segments = _segments(ndimage.gaussian_filter(grey, 4.0))
    flat = segments.ravel()
    starts = np.concatenate([[0], np.flatnonzero(np.diff(flat)) + 1, [flat.size]])
    runs = [[int(flat[a]), int(b - a)] for a, b in itertools.pairwise(starts)]
    ids = [int(n) for n in np.unique(flat)]
    extra = {
        "segments": {"rect": list(BLOCK), "size": [h, w], "runs": runs},
        "open": [n for n in ids if n % 2],
        "known": {str(n): 2 + n // 2 % 2 for n in ids if not n % 2},
        "classes": [0, 2, 3],
    }
    return _task("label_region", picture, list(BLOCK), extra, ["3", "4", "v", "3"])


def _segments(grey: npt.NDArray[np.float64]) -> Labels:
    """Connected places of similar brightness (H, W), numbered from 1; small ones join what they touch most."""
    steps = np.digitize(grey, np.quantile(grey, np.linspace(0, 1, LEVELS + 1)[1:-1]))
    found = np.zeros(grey.shape, np.int64)
    for level in range(LEVELS):
        parts = ndimage.label(steps == level)[0]
        found[parts > 0] = parts[parts > 0] + found.max()
    for n in np.argsort(np.bincount(found.ravel())):
        own = found == n
        if 0 < own.sum() < LEAST_SEGMENT:
            beside = found[ndimage.binary_dilation(own) & ~own]
            found[own] = np.bincount(beside).argmax()
    return np.unique(found, return_inverse=True)[1].reshape(found.shape).astype(np.int64) + 1


def _task(
    kind: str, picture: Path, view: Sequence[float], extra: dict[str, Any], keys: Sequence[str]
) -> StagedTask:
    task = payload(kind, size=_size(picture), view=view, **extra)
    task["schema"]["classes"] = [dict(c) for c in CLASSES]
    return StagedTask(task, {"/crops/staged": picture}, keys)


def _labels(folder: Path) -> npt.NDArray[np.uint8]:
    with Image.open(folder / "PedMasks" / f"{STREET}_mask.png") as image:
        return np.asarray(image)


def _outline(mask: Bools) -> dict[str, object]:
    polygon = polygon_from(encode_mask(mask))
    return shape_to_json(Polygon(polygon.rings[:1]))


def _box(mask: Bools) -> list[float]:
    ys, xs = np.nonzero(mask)
    return [float(xs.min()), float(ys.min()), float(xs.max() + 1), float(ys.max() + 1)]


def _size(picture: Path) -> tuple[int, int]:
    with Image.open(picture) as image:
        return image.size


def _around(box: Sequence[float], size: tuple[int, int], margin: float = 0.2) -> list[float]:
    x1, y1, x2, y2 = box
    px, py = (x2 - x1) * margin, (y2 - y1) * margin
    left, top = max(0.0, x1 - px), max(0.0, y1 - py)
    return [left, top, min(size[0], x2 + px) - left, min(size[1], y2 + py) - top]
