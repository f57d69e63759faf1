"""Many people's answers to one refinement made into one, and how alike two such answers are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from routing.annotation.frames import from_ground, to_ground
from routing.annotation.kinds.choices import SCENE_STATES
from routing.annotation.shapes import (
    Cuboid,
    Keypoints,
    Mask,
    Polygon,
    Polyline,
    Shape,
    shape_from_json,
    shape_to_json,
)
from routing.consensus.contract import COMMON_SHARE, FusedShape
from routing.consensus.cuboids import cuboid_iou, fuse_cuboids
from routing.consensus.masks import fuse_masks, mask_iou
from routing.consensus.points import fuse_keypoints, keypoint_similarity
from routing.consensus.polygons import fuse_polygons, polygon_iou
from routing.consensus.polylines import fuse_polylines, polyline_similarity
from routing.consensus.regions import COMMON

# What a kind finds out; kinds of one aspect replace each other.
ASPECTS = {
    "fix_polygon": "outline",
    "fix_mask": "outline",
    "keypoints": "skeleton",
    "polyline": "line",
    "cuboid_cam": "cuboid",
    "cuboid_lidar": "cuboid",
    "attributes": "attributes",
    "classify_image": "class",
    "name_unknown": "class",
    "triage_scene": "state",
    "label_region": "region",
    "merge_duplicates": "same",
}
SHAPES = ("outline", "skeleton", "line", "cuboid")  # aspects that are drawn; the others are chosen
# Share of one person's squared error that everybody repeats, by aspect: what further drawings do not take away.
REPEATED = {"outline": COMMON, "skeleton": COMMON_SHARE, "line": COMMON_SHARE, "cuboid": COMMON_SHARE}
# The loss grows with this power of the position's variance: keypoints are judged by a squared distance.
LOSS_POWER = {"outline": 0.5, "skeleton": 1.0, "line": 0.5, "cuboid": 0.5}

Value = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Fused:
    """One answer made of several: P(it is right), and for shapes the expected 1 - similarity to the truth."""

    value: Value
    p_right: float
    expected_loss: float = 0.0


def is_drawn(kind: str) -> bool:
    """Return whether the answers to this kind are shapes."""
    return ASPECTS[kind] in SHAPES


def fuse_drawn(
    kind: str, ask: Mapping[str, Any], values: Sequence[Value], noises: Sequence[float], tolerance: float
) -> Fused:
    """Return the fused `{shape}` of answers `{shape, …}` that were not deleted; raise FuseError for none.

    noises: everybody's error relative to the pool. ask: the payload's own part, for the frame of cuboids.
    """
    shapes = [shape_from_json(value["shape"], "shape") for value in values]
    found = _fused(kind, ask, shapes, noises, tolerance)
    return Fused({"shape": shape_to_json(found.shape)}, found.p_within_tolerance, found.expected_loss)


def _fused(
    kind: str, ask: Mapping[str, Any], shapes: list[Any], noises: Sequence[float], tolerance: float
) -> FusedShape[Any]:
    match kind:
        case "fix_polygon":
            return fuse_polygons(shapes, noises, tolerance=tolerance)
        case "fix_mask":
            return fuse_masks(shapes, noises, tolerance=tolerance)
        case "keypoints":
            return fuse_keypoints(shapes, noises, tolerance=tolerance)
        case "polyline":
            return fuse_polylines(shapes, noises, tolerance=tolerance)
        case "cuboid_lidar":
            return fuse_cuboids(shapes, noises, tolerance=tolerance)
        case _:
            normal = _normal(ask)
            standing = [to_ground(shape, normal) for shape in shapes]
            found = fuse_cuboids(standing, noises, tolerance=tolerance, viewpoint=(0.0, 0.0, 0.0))
            placed = from_ground(found.shape, normal)
            return FusedShape(
                placed,
                found.sigma,
                found.agreement,
                found.expected_loss,
                found.p_within_tolerance,
                found.used,
            )


def _normal(ask: Mapping[str, Any]) -> Sequence[float]:
    return [float(v) for v in ask["calibration"]["ground"]["n"]]


def similarity(kind: str, ask: Mapping[str, Any], a: Shape, b: Shape) -> float:
    """Return how alike two shapes of one kind are, 0 to 1: the measure that the kind's tolerance is in."""
    match a, b:
        case Polygon(), Polygon():
            return polygon_iou(a, b)
        case Mask(), Mask():
            return mask_iou(a, b)
        case Keypoints(), Keypoints():
            return keypoint_similarity(a, b)
        case Polyline(), Polyline():
            return polyline_similarity(a, b)
        case Cuboid(), Cuboid():
            if kind == "cuboid_cam":
                a, b = to_ground(a, _normal(ask)), to_ground(b, _normal(ask))
            return cuboid_iou(a, b)
    raise ValueError(f"{kind}: {type(a).__name__} and {type(b).__name__} cannot be compared")


# Choices -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Question:
    """One question of a chosen aspect: its options (None: none of these); of a `multi` one each option is asked."""

    name: str
    options: tuple[Any, ...]
    multi: bool = False


def questions(kind: str, ask: Mapping[str, Any]) -> tuple[Question, ...]:
    """Return what a task of this kind asks, from its own part of the payload."""
    match kind:
        case "attributes":
            return tuple(
                Question(a["id"], tuple(o["id"] for o in a["options"]), bool(a.get("multi")))
                for a in ask["attributes"]
            )
        case "classify_image" | "name_unknown":
            return (Question("class", (*ask["classes"], None)),)
        case "triage_scene":
            return (Question("state", SCENE_STATES),)
        case _:
            return (Question("same", (True, False)),)


def fuse_chosen(
    kind: str, ask: Mapping[str, Any], values: Sequence[Value], rights: Sequence[float], discount: float
) -> Fused:
    """Return the most probable choice. rights: P(each person chooses right); a wrong one is any other option.

    discount: exponent on every further answer, because people find the same objects hard.
    """
    asked = questions(kind, ask)
    picked: dict[str, Any] = {}
    p_right = 1.0
    for question in asked:
        given = [_given(kind, value, question.name) for value in values]
        options = question.options if question.multi else (question,)
        chosen = []
        for option in options:
            marks = [option in g for g in given] if question.multi else given
            best, p = most_probable(
                (False, True) if question.multi else question.options, marks, rights, discount
            )
            p_right *= p
            chosen.append(best)
        picked[question.name] = (
            [o for o, on in zip(question.options, chosen, strict=True) if on] if question.multi else chosen[0]
        )
    return Fused(_value(kind, picked, values, rights), p_right, 1 - p_right)


def _given(kind: str, value: Value, name: str) -> Any:
    return value["attributes"][name] if kind == "attributes" else value[name]


def most_probable(
    options: tuple[Any, ...], marks: Sequence[Any], rights: Sequence[float], discount: float
) -> tuple[Any, float]:
    """Return the option with the highest posterior (the first of equals) and that posterior."""
    logs = np.zeros(len(options))
    wrong = max(len(options) - 1, 1)
    weight = (1 + discount * (len(marks) - 1)) / max(len(marks), 1)
    for mark, right in zip(marks, rights, strict=True):
        p = min(max(right, 1e-3), 1 - 1e-3)
        logs += weight * np.log(np.where(np.arange(len(options)) == options.index(mark), p, (1 - p) / wrong))
    posterior = np.exp(logs - logs.max())
    posterior /= posterior.sum()
    best = int(np.argmax(np.round(posterior, 12)))
    return options[best], float(posterior[best])


def _value(kind: str, picked: Mapping[str, Any], values: Sequence[Value], rights: Sequence[float]) -> Value:
    match kind:
        case "attributes":
            return {"attributes": dict(picked)}
        case "merge_duplicates":
            return {"same": picked["same"], "keep": _kept(values, rights) if picked["same"] else None}
        case _:
            return dict(picked)


def _kept(values: Sequence[Value], rights: Sequence[float]) -> str:
    votes = {"union": 0.0, "a": 0.0, "b": 0.0}
    for value, right in zip(values, rights, strict=True):
        if value["same"]:
            votes[value["keep"]] += right
    return max(votes, key=lambda name: votes[name])
