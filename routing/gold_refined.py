"""Gold for questions about shapes, choices and regions: made from settled refinements, scored part by part.

Gold is a plain dict kept on the server only. Shapes `{"shape": … | null}` (null: nothing is there); looks `{"truth":
"good|geometry|phantom"}`; point_yesno `{"on": bool}`; choices what was settled: `{"attributes": {…}}`, `{"class": id | null}`,
`{"state": …}`, `{"same": bool}`; label_region `{"assign": {segment id: class | null}, "cells": {segment id: count}}`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import shapely

from routing.annotation.frames import from_ground, to_ground
from routing.annotation.segments import cells_of
from routing.annotation.shapes import Cuboid, Mask, Polygon, Shape, shape_from_json, shape_to_json
from routing.consensus.conversions import polygon_from
from routing.consensus.polygons import shape_of
from routing.gold_score import GoldScore
from routing.refinement_fusing import ASPECTS, similarity

# Least similarity of a drawn gold shape; a cuboid is held to its project's tolerance.
PASS_SHAPE = {"outline": 0.85, "skeleton": 0.85, "line": 0.85}
PASS_REGION = 0.85  # mean IoU over the classes of a block
WRONG_MARGIN = 0.1  # known-wrong shapes stay this far below the tolerance, so that nobody can rightly say ok
CLEAR_SHARE = 0.12  # of sqrt(area): how far a known point stays from the border
TRIES = 40
LOOKS = {"outline": "verify_mask", "cuboid": "verify_cuboid"}
TOLD = {"geometry": "outline_off", "phantom": "nothing_here", "good": "was_right"}

Ask = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class KnownQuestion:
    """A question with a known answer: its kind, what it shows beside the object, and the gold."""

    kind: str
    details: dict[str, Any]
    gold: dict[str, Any]


def known_question(
    kind: str, ask: Ask, value: Mapping[str, Any], tolerance: float, rng: np.random.Generator
) -> KnownQuestion:
    """Return a question about a settled refinement: the same again, a look at its shape, or at one known to be wrong, or a
    point that lies clearly on or off it."""
    aspect = ASPECTS[kind]
    if aspect == "outline" and rng.random() < 1 / 3 and (point := _clear_point(value, rng)) is not None:
        xy, on = point
        return KnownQuestion("point_yesno", {"point": xy}, {"on": on})
    if aspect in LOOKS and rng.random() < 0.5:
        shape, truth = value["shape"], "good"
        wrong = _spoilt(kind, ask, shape, tolerance, rng) if rng.random() < 0.5 else None
        if wrong is not None:
            shape, truth = wrong, "geometry"
        shown = {name: ask[name] for name in ("calibration", "cloud") if name in ask}
        return KnownQuestion(LOOKS[aspect], {**shown, "shape": shape}, {"truth": truth})
    if kind == "label_region":
        cells = {str(id): count for id, count in cells_of(ask["segments"]).items()}
        return KnownQuestion(kind, dict(ask), {"assign": dict(value["assign"]), "cells": cells})
    gold = {name: value[name] for name in ("shape", "attributes", "class", "state", "same") if name in value}
    return KnownQuestion(kind, dict(ask), gold)


def score_refined(kind: str, payload: Ask, gold: Mapping[str, Any], value: Mapping[str, Any]) -> GoldScore:
    """Return how a validated answer compares with the gold; raise KeyError for gold of another kind."""
    match kind:
        case "verify_mask" | "verify_cuboid":
            truth = gold["truth"]
            right = (value["verdict"] == "ok") == (truth == "good")
            return _plain(right, {"truth": truth}, TOLD[truth])
        case "point_yesno":
            right = value["on"] == gold["on"]
            return _plain(right, {"on": gold["on"]}, "point_on" if gold["on"] else "point_beside")
        case "attributes":
            return _attributes(gold["attributes"], value["attributes"])
        case "label_region":
            return _regions(gold, value["assign"])
        case "classify_image" | "name_unknown" | "triage_scene" | "merge_duplicates":
            name = {"triage_scene": "state", "merge_duplicates": "same"}.get(kind, "class")
            return _plain(value[name] == gold[name], {name: gold[name]}, "settled_other")
        case _:
            return _shape(kind, payload, gold["shape"], value.get("shape"))


def _plain(right: bool, detail: dict[str, Any], otherwise: str) -> GoldScore:
    return GoldScore(right, float(right), detail, "right" if right else otherwise)


def _shape(kind: str, payload: Ask, target: Any, given: Any) -> GoldScore:
    if target is None or given is None:
        return _plain(target is None and given is None, {}, "no_object" if target is None else "object_here")
    alike = similarity(
        kind, payload, shape_from_json(given, "value.shape"), shape_from_json(target, "gold.shape")
    )
    alike = min(alike, 1.0)
    needed = PASS_SHAPE.get(ASPECTS[kind], float(payload["tolerance"]))
    swapped = kind == "keypoints" and _sides_swapped(payload, given, target)
    return GoldScore(
        alike >= needed and not swapped, alike, {"iou": alike, "swapped": swapped},
        "agreement_swapped" if swapped else "agreement", {"percent": round(100 * alike)},
    )  # fmt: skip


def _sides_swapped(payload: Ask, given: Any, target: Any) -> bool:
    """Whether more left and right joints lie nearer to the place of their partner than to their own."""
    names = {joint["name"] for joint in payload["skeleton"]["joints"]}
    nearer = farther = 0
    for name in names:
        other = name.replace("left", "right") if "left" in name else name.replace("right", "left")
        if other == name or other not in names:
            continue
        here, own, partner = given["points"][name], target["points"][name], target["points"][other]
        if here[2] and own[2] and partner[2]:
            to_partner = math.dist(here[:2], partner[:2])
            nearer += to_partner < math.dist(here[:2], own[:2])
            farther += to_partner >= math.dist(here[:2], own[:2])
    return nearer > farther


def _attributes(target: Mapping[str, Any], given: Mapping[str, Any]) -> GoldScore:
    wrong = sorted(id for id in target if given.get(id) != target[id])
    share = 1 - len(wrong) / max(len(target), 1)
    return GoldScore(
        not wrong, share, {"wrong": wrong}, "attributes" if wrong else "right", {"names": ", ".join(wrong)}
    )


def _regions(gold: Mapping[str, Any], given: Mapping[str, Any]) -> GoldScore:
    """Mean IoU over the classes that the block has, by the cells of the segments; void counts as a class."""
    target, cells = gold["assign"], gold["cells"]
    both: dict[Any, int] = {}
    either: dict[Any, int] = {}
    for name, label in target.items():
        said = given.get(name)
        for one in {label, said}:
            either[one] = either.get(one, 0) + cells[name]
        if said == label:
            both[label] = both.get(label, 0) + cells[name]
    classes = set(target.values())
    mean = sum(both.get(c, 0) / max(either[c], 1) for c in classes) / max(len(classes), 1)
    wrong = sorted(int(name) for name in target if given.get(name) != target[name])
    return GoldScore(
        mean >= PASS_REGION, mean, {"wrong": wrong}, "segments" if wrong else "right",
        {"n": len(target) - len(wrong), "of": len(target)},
    )  # fmt: skip


# Known to be wrong --------------------------------------------------------------------------------------------


def _spoilt(kind: str, ask: Ask, shape: Any, tolerance: float, rng: np.random.Generator) -> Any:
    """Return the shape moved clearly out of its tolerance; None where no try gave one."""
    true = shape_from_json(shape, "shape")
    for _ in range(TRIES):
        angle, by = rng.uniform(0, 2 * math.pi), rng.uniform(0.25, 0.6)
        moved = _moved(kind, ask, true, by * math.cos(angle), by * math.sin(angle))
        if moved is not None and similarity(kind, ask, moved, true) < tolerance - WRONG_MARGIN:
            return shape_to_json(moved)
    return None


def _moved(kind: str, ask: Ask, shape: Shape, dx: float, dy: float) -> Shape | None:
    """Return a shape moved by shares of its own size, in the picture or along the ground; None outside the scene."""
    match shape:
        case Cuboid():
            normal = [float(v) for v in ask["calibration"]["ground"]["n"]] if kind == "cuboid_cam" else None
            solid = shape if normal is None else to_ground(shape, normal)
            x, y, z = solid.center
            length = solid.dims[0]
            solid = replace(solid, center=(x + dx * length, y + dy * length, z))
            return solid if normal is None else from_ground(solid, normal)
        case Polygon():
            x1, y1, x2, y2 = shape_of(shape).bounds
            rings = tuple(
                tuple((x + dx * (x2 - x1), y + dy * (y2 - y1)) for x, y in ring) for ring in shape.rings
            )
            points = np.array([p for ring in rings for p in ring])
            return Polygon(rings) if points.min() >= 0 else None
        case Mask():
            (x, y), (h, w) = shape.offset, shape.size
            corner = (x + round(dx * w), y + round(dy * h))
            return replace(shape, offset=corner) if min(corner) >= 0 else None
    return None


def _clear_point(value: Mapping[str, Any], rng: np.random.Generator) -> tuple[list[float], bool] | None:
    """Return a point well inside or well outside an outline, and which; None for an outline without room."""
    shape = shape_from_json(value["shape"], "shape")
    polygon = polygon_from(shape) if isinstance(shape, Mask) else shape
    if not isinstance(polygon, Polygon):
        return None
    area = shape_of(polygon)
    clear = CLEAR_SHARE * math.sqrt(area.area)
    on = bool(rng.random() < 0.5)
    x1, y1, x2, y2 = area.bounds
    for _ in range(TRIES):
        x, y = rng.uniform(max(x1 - clear, 0), x2), rng.uniform(max(y1 - clear, 0), y2)
        spot = shapely.Point(x, y)
        if bool(area.contains(spot)) == on and area.boundary.distance(spot) >= clear:
            return [float(x), float(y)], on
    return None
