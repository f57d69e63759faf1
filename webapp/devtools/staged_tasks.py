"""Tasks for the gallery that no rehearsal leads to: questions about what something is, and cuboids of a street scene.

The street is a frame of KITTI from the data for tests, where it is at hand; the cuboids shown are its own labels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from webapp.devtools.rehearsal import Picture
from webapp.devtools.staged_feed import StagedFeed, payload, serve_picture

Array = npt.NDArray[np.float64]

STREET = Path("images/kitti3d/training")
CLASS_KINDS = ("attributes", "classify_image", "triage_scene", "merge_duplicates", "name_unknown")
CUBOID_KINDS = ("cuboid_cam", "verify_cuboid", "cuboid_lidar")
TREE_CLASSES = (
    {"id": 0, "name": "tree", "color": "#33bb66", "key": "1"},
    {"id": 1, "name": "shrub", "color": "#5cd6ff", "key": "2"},
    {"id": 2, "name": "dead tree", "color": "#ffb347", "key": "3"},
    {"id": 3, "name": "stump", "color": "#b58cff", "key": "4"},
)
ATTRIBUTES = (
    ("health", "Health", ("living", "dying", "dead"), False),
    ("cut", "Cut off by the picture’s edge", ("no", "partly", "mostly"), False),
    ("around", "What stands close by", ("other crowns", "rock", "road"), True),
)


@dataclass
class StagedTask:
    """A payload, the files that its addresses stand for, and the keys that show it at work."""

    payload: dict[str, Any]
    files: dict[str, Path]
    keys: Sequence[str] = ()


def staged_task(kind: str, picture: Picture, data: Path) -> StagedTask:
    """Return the task of a kind; raise FileNotFoundError where a cuboid's street scene is missing under `data`."""
    if kind in CLASS_KINDS:
        return _of_classes(kind, picture)
    return _of_street(kind, data / STREET)


def _of_classes(kind: str, picture: Picture) -> StagedTask:
    with Image.open(picture.path) as image:
        size = image.size
    box = [round(edge, 1) for edge in picture.boxes[0]]
    shown = {"id": 31, "version": 2, "xyxy": box, "class": 0}
    extra: dict[str, Any] = {"schema": {"version": 1, "classes": [dict(c) for c in TREE_CLASSES]}}
    keys: tuple[str, ...] = ()
    view: list[float] | None = _around(box, size)
    match kind:
        case "attributes":
            extra |= {"object": shown, "attributes": [_attribute(*row) for row in ATTRIBUTES]}
            keys = ("1",)
        case "classify_image":
            extra |= {"object": shown, "classes": [0, 1, 2, 3]}
            keys = ("Shift+2",)
        case "name_unknown":
            extra |= {"object": shown, "classes": [0, 1, 2, 3]}
        case "merge_duplicates":
            w, h = box[2] - box[0], box[3] - box[1]
            other = [box[0] + 0.16 * w, box[1] - 0.1 * h, box[2] + 0.12 * w, box[3] - 0.08 * h]
            extra |= {"a": {"id": 4, "xyxy": box, "class": 0}, "b": {"id": 9, "xyxy": other, "class": 0}}
        case _:
            view = None
    task = payload(kind, size=size, view=view, **extra)
    task["project"]["name"] = "Trees of Yellowstone"
    return StagedTask(task, {"/crops/staged": picture.path}, keys)


def _attribute(id: str, name: str, options: Sequence[str], multi: bool) -> dict[str, Any]:
    return {"id": id, "name": name, "options": [{"id": o, "name": o} for o in options], "multi": multi}


def _of_street(kind: str, folder: Path) -> StagedTask:
    picture, sweep = folder / "image_2" / "000000.png", folder / "velodyne" / "000000.bin"
    matrices = _matrices(folder / "calib" / "000000.txt")
    projection = matrices["P2"].reshape(3, 4)
    k = projection[:, :3]
    labels = (folder / "label_2" / "000000.txt").read_text().splitlines()
    row = next(line.split() for line in labels if line.startswith("Pedestrian"))
    xyxy = [float(v) for v in row[4:8]]
    height, width, length, x, y, z, yaw = map(float, row[8:15])
    to_camera = np.linalg.inv(k) @ projection[:, 3]
    center = np.array([x, y - height / 2, z]) + to_camera
    shape = {"type": "cuboid", "center": center.tolist(), "dims": [length, width, height], "yaw": yaw}
    with Image.open(picture) as image:
        size = image.size
    extra: dict[str, Any] = {
        "object": {"id": 31, "version": 2, "xyxy": xyxy, "class": 3},
        "objects": [],
        "calibration": {"K": k.tolist(), "ground": {"n": [0.0, 1.0, 0.0], "d": 1.65}},
    }
    files = {"/crops/staged": picture}
    keys: tuple[str, ...] = ()
    match kind:
        case "verify_cuboid":
            extra["shape"] = shape
            keys = ("x",)
        case "cuboid_cam":
            extra |= {"proposal": shape, "dims_prior": [0.8, 0.6, 1.75]}
            keys = ("Shift+e",)
        case _:
            ego = _ego(matrices, to_camera)
            inverse = np.linalg.inv(ego)
            middle = inverse[:3, :3] @ center + inverse[:3, 3]
            extra["calibration"]["T_cam_ego"] = ego.tolist()
            cloud = {"url": "/clouds/staged", "count": sweep.stat().st_size // 16, "format": "float32 xyzi"}
            proposal = {**shape, "center": middle.tolist(), "yaw": -yaw - np.pi / 2}
            extra |= {"cloud": cloud, "proposal": proposal, "dims_prior": [0.8, 0.6, 1.75]}
            files["/clouds/staged"] = sweep
    return StagedTask(payload(kind, size=size, view=_around(xyxy, size, 3.0), **extra), files, keys)


def _matrices(path: Path) -> dict[str, Array]:
    rows = (line.split(":") for line in path.read_text().splitlines() if ":" in line)
    return {name: np.array(values.split(), dtype=np.float64) for name, values in rows}


def _ego(matrices: dict[str, Array], to_camera: Array) -> Array:
    """Return the transform (4, 4) from the laser's frame to that of the picture's camera."""
    rectified, sensor, shift = np.eye(4), np.eye(4), np.eye(4)
    rectified[:3, :3] = matrices["R0_rect"].reshape(3, 3)
    sensor[:3] = matrices["Tr_velo_to_cam"].reshape(3, 4)
    shift[:3, 3] = to_camera
    return np.asarray(shift @ rectified @ sensor)


def _around(xyxy: Sequence[float], size: tuple[int, int], grow: float = 2.2) -> list[float]:
    x1, y1, x2, y2 = xyxy
    side = max(x2 - x1, y2 - y1) * grow
    w, h = min(side, size[0]), min(side, size[1])
    left = min(max((x1 + x2 - w) / 2, 0.0), size[0] - w)
    top = min(max((y1 + y2 - h) / 2, 0.0), size[1] - h)
    return [left, top, w, h]


def stage(page: Any, task: StagedTask) -> StagedFeed:
    """Make Playwright's page ready to be offered the task: before it is opened."""
    for address, path in task.files.items():
        serve_picture(page, path, address)
    return StagedFeed(page, [task.payload])
