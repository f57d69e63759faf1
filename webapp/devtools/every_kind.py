"""For every kind of micro-task a small world in which the product itself came to ask it: from its schema and predictions,
through the answers of others, to an open question. Tests walk through them and the gallery takes pictures of them."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings

from routing.annotation.shapes import Polygon, shape_to_json
from routing.consensus.conversions import mask_of
from webapp.devtools import rehearsal
from webapp.devtools.rehearsal import Picture, Script, World
from webapp.labeling.models import Microtask
from webapp.people.models import User

USUAL = [4.0, 1.7, 1.5]  # length, width, height of the cuboids, metres
EYE = 1.5  # height of the camera, metres
CALIBRATION = {
    "K": [[620.0, 0.0, 360.0], [0.0, 620.0, 200.0], [0.0, 0.0, 1.0]],
    "ground": {"n": [0.0, 1.0, 0.0], "d": EYE},
    "T_cam_ego": [
        [0.0, -1.0, 0.0, 0.0],
        [0.0, 0.0, -1.0, EYE],
        [1.0, 0.0, 0.0, 0.0],
        [0.0, 0.0, 0.0, 1.0],
    ],
}
JOINTS = {"head": None, "left_hand": "left", "right_hand": "right", "foot": None}
SKELETON = {
    "joints": [
        {"name": n, "label": n.replace("_", " ").capitalize(), "side": side} for n, side in JOINTS.items()
    ],
    "edges": [["head", "left_hand"], ["head", "right_hand"], ["head", "foot"]],
}
ATTRIBUTES = [
    {"id": "health", "name": "Health", "options": [{"id": o, "name": o} for o in ("living", "dying", "dead")]},
    {"id": "around", "name": "What stands close by", "multi": True,
     "options": [{"id": o, "name": o} for o in ("crowns", "rock", "road")]},
]  # fmt: skip
BOX_KINDS = tuple(rehearsal.PLANS)
LAND = ("tree", "orchard", "meadow", "road")


@dataclass(frozen=True)
class Opened:
    """A world with one open question, and who is to answer it."""

    world: World
    task: Microtask
    person: User


@dataclass(frozen=True)
class Plan:
    """How a world comes to ask one kind: the schema, what came with the picture, and what the crew answers."""

    classes: tuple[Mapping[str, Any] | str, ...] = ("tree",)
    more: Mapping[str, Any] | None = None
    imported: Callable[[], Mapping[str, Any]] = dict
    answers: Mapping[str, Script] = field(default_factory=dict)
    boxes: Callable[[World], list[Any]] | None = None
    specialist: bool = False


def open_drawn_pair(picture: Picture, geometry: str) -> Opened:
    """Make a world of its own whose crew drew one crown in two ways, until a third person is to compare them."""
    return _opened(picture, "compare_two", PAIRS[geometry])


def open_every(picture: Picture, kind: str) -> Opened:
    """Make a world of its own in which one micro-task of this kind is open."""
    if kind in BOX_KINDS:
        world = rehearsal.build(picture)
        task = rehearsal.open_kind(world, kind)
        return Opened(world, task, world.olga if kind == "adjudicate" else world.ada)
    return _opened(picture, kind, PLANS[kind])


def _opened(picture: Picture, kind: str, plan: Plan) -> Opened:
    world = rehearsal.build(picture, classes=plan.classes, more=plan.more, crew=24)
    if came := plan.imported():
        world.scene.imported = {**(world.scene.imported or {}), **came}
        world.scene.save()
    planned = None if plan.boxes is None else plan.boxes(world)
    task = rehearsal.open_wanted(world, kind, planned=planned, answers=plan.answers)
    return Opened(world, task, world.olga if plan.specialist else world.ada)


def disc(box: rehearsal.Box, *, cut: float = 0.0) -> dict[str, Any]:
    """The crown in a box as a polygon; `cut` is the share of its width left out on the right."""
    x1, y1, x2, y2 = box
    turns = np.linspace(0, 2 * math.pi, 36, endpoint=False)
    x = np.minimum((x1 + x2) / 2 + (x2 - x1) / 2 * np.cos(turns), x2 - cut * (x2 - x1))
    y = (y1 + y2) / 2 + (y2 - y1) / 2 * np.sin(turns)
    return {"type": "polygon", "rings": [np.stack([x, y], axis=1).round(2).tolist()]}


def _outlined(task: Microtask) -> dict[str, Any]:
    return {"shape": disc(task.payload["object"]["xyxy"]), "deleted": False}


def _at_odds() -> Script:
    """One draws the whole crown, the next leaves out its right side, in turn."""
    turn: Iterator[int] = count()

    def draw(task: Microtask) -> dict[str, Any]:
        cut = 0.4 if next(turn) % 2 else 0.0
        return {"shape": disc(task.payload["object"]["xyxy"], cut=cut), "deleted": False}

    return draw


def _lines_at_odds() -> Script:
    """Everybody draws it through the middle of the crown in another direction: no two agree."""
    turn: Iterator[int] = count()

    def draw(task: Microtask) -> dict[str, Any]:
        x1, y1, x2, y2 = task.payload["object"]["xyxy"]
        x, y, angle = (x1 + x2) / 2, (y1 + y2) / 2, next(turn) * math.pi / 5
        dx, dy = (x2 - x1) / 2 * math.cos(angle), (y2 - y1) / 2 * math.sin(angle)
        points = [[x - dx, y - dy], [x + dx, y + dy]]
        return {"shape": {"type": "polyline", "points": points}, "deleted": False}

    return draw


def _halves_at_odds(*, masked: bool = False) -> Script:
    """Everybody draws another half of the crown."""
    turn: Iterator[int] = count()

    def draw(task: Microtask) -> dict[str, Any]:
        x1, y1, x2, y2 = task.payload["object"]["xyxy"]
        turns = np.linspace(0, math.pi, 18) + next(turn) * 2 * math.pi / 5
        x, y = (x1 + x2) / 2 + (x2 - x1) / 2 * np.cos(turns), (y1 + y2) / 2 + (y2 - y1) / 2 * np.sin(turns)
        ring = tuple((float(a), float(b)) for a, b in np.stack([x, y], axis=1).round(2))
        half = Polygon((ring,))
        scene = task.payload["scene"]
        shape = mask_of(half, scene["width"], scene["height"]) if masked else half
        return {"shape": shape_to_json(shape), "deleted": False}

    return draw


def _solid(task: Microtask) -> dict[str, Any]:
    center = [0.3, EYE - USUAL[2] / 2, 11.0]
    return {"shape": {"type": "cuboid", "center": center, "dims": USUAL, "yaw": -1.2}, "deleted": False}


def _measured() -> dict[str, Any]:
    return {"calibration": CALIBRATION}


def _scanned() -> dict[str, Any]:
    """A stored cloud: a flat ground with one car on it, 14 m ahead."""
    points = cloud((14.0, 2.0), 0.35)
    path = Path(settings.MEDIA_DIR) / "rehearsal" / "cloud.bin"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(points.tobytes())
    return {**_measured(), "cloud": {"file": "rehearsal/cloud.bin", "count": len(points)}}


def cloud(place: tuple[float, float], yaw: float, points: int = 600) -> np.ndarray:
    """Return float32 (N, 4) of the two faces of a car that a scanner at the origin sees, on a flat ground."""
    rng = np.random.default_rng(2)
    length, width, height = USUAL
    along, across = rng.uniform(-0.5, 0.5, (2, points)) * [[length], [width]]
    cos, sin = math.cos(yaw), math.sin(yaw)
    eye = np.array([[cos, sin], [-sin, cos]]) @ -np.array(place)
    half = np.arange(points) < points // 2
    u = np.where(half, along, np.sign(eye[0]) * length / 2)
    v = np.where(half, np.sign(eye[1]) * width / 2, across)
    x, y = place[0] + cos * u - sin * v, place[1] + sin * u + cos * v
    seen = np.stack([x, y, rng.uniform(0.3, height, points), np.full(points, 0.5)], axis=1)
    gx, gy = rng.uniform(-12, 12, (2, 4000))
    ground = np.stack([gx + 14, gy, rng.normal(0, 0.02, 4000), np.full(4000, 0.1)], axis=1)
    return np.concatenate([seen, ground]).astype("<f4")


def _twice(world: World) -> list[Any]:
    """The same crown predicted two times, a little apart."""
    return [
        rehearsal.predicted(world, 0, 0.9, 0.98),
        rehearsal.predicted(world, 0, 0.9, 0.98, (3.0, -2.0, 4.0, -1.0)),
    ]


def _near(world: World) -> list[Any]:
    """The crown at the bottom of the picture: under the horizon, where things stand on the ground."""
    lowest = max(range(len(world.truth)), key=lambda n: world.truth[n][3])
    return [rehearsal.predicted(world, lowest, 0.9, 0.98)]


def _polygons(**answers: Script) -> Plan:
    return Plan(({"name": "tree", "geometry": "polygon"},), answers=answers)


def _cuboids(imported: Callable[[], Mapping[str, Any]], **answers: Script) -> Plan:
    classes = ({"name": "tree", "geometry": "cuboid", "dims": USUAL},)
    return Plan(classes, imported=imported, answers=answers, boxes=_near)


PLANS: dict[str, Plan] = {
    "fix_polygon": _polygons(),
    "verify_mask": _polygons(fix_polygon=_outlined),
    "point_yesno": _polygons(fix_polygon=_at_odds(), verify_mask=lambda task: {"verdict": "geometry"}),
    "fix_mask": Plan(({"name": "tree", "geometry": "mask"},)),
    "polyline": Plan(({"name": "tree", "geometry": "polyline"},)),
    "keypoints": Plan(
        ({"name": "tree", "geometry": "keypoints", "skeleton": "tree"},), {"skeletons": {"tree": SKELETON}}
    ),
    "cuboid_cam": _cuboids(_measured),
    "cuboid_lidar": _cuboids(_scanned),
    "verify_cuboid": _cuboids(_measured, cuboid_cam=_solid),
    "attributes": Plan(({"name": "tree", "attributes": ["health", "around"]},), {"attributes": ATTRIBUTES}),
    "classify_image": Plan(LAND, {"scene": {"classes": [1, 2, 3]}}),
    "triage_scene": Plan(more={"scene": {"triage": True}}),
    "label_region": Plan(LAND, {"scene": {"regions": [0, 2, 3]}}),
    "merge_duplicates": Plan(boxes=_twice),
    "name_unknown": Plan(
        ({"name": "plant", "subclasses": [1, 2]}, "oak", "pine"),
        answers={"classify_image": lambda task: {"class": None, "alt": None}},
        specialist=True,
    ),
}

REFUSED: dict[str, Script] = {
    "verify_mask": lambda task: {"verdict": "geometry"},
    "point_yesno": lambda task: {"on": False},
}
PAIRS: dict[str, Plan] = {
    "polyline": Plan(({"name": "tree", "geometry": "polyline"},), answers={"polyline": _lines_at_odds()}),
    "polygon": _polygons(fix_polygon=_halves_at_odds(), **REFUSED),
    "mask": Plan(
        ({"name": "tree", "geometry": "mask"},),
        answers={"fix_mask": _halves_at_odds(masked=True), **REFUSED},
    ),
}
