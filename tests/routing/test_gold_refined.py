"""Gold for shapes, choices and regions: what is asked, and how it is scored."""

import math
from typing import Any

import numpy as np
import pytest
import shapely

from routing.annotation.kinds import KINDS
from routing.annotation.segments import segments_to_json
from routing.annotation.shapes import shape_from_json
from routing.gold import score_answer
from routing.gold_refined import WRONG_MARGIN, known_question
from routing.refinement_fusing import similarity

TOLERANCE = 0.75
TURN = np.linspace(0, 2 * math.pi, 40, endpoint=False)
RING = np.stack([200 + 50 * np.cos(TURN), 200 + 40 * np.sin(TURN)], axis=1)
OUTLINE = {"type": "polygon", "rings": [RING.tolist()]}
SMALLER = {"type": "polygon", "rings": [(200 + 0.95 * (RING - 200)).tolist()]}
HALF = {"type": "polygon", "rings": [(200 + 0.7 * (RING - 200)).tolist()]}
CAMERA = {
    "K": [[700.0, 0, 400], [0, 700.0, 300], [0, 0, 1]],
    "ground": {"n": [0.0, 1.0, 0.0], "d": 1.6},
}
CUBOID = {"type": "cuboid", "center": [1.0, 0.8, 14.0], "dims": [4.2, 1.8, 1.6], "yaw": 0.4}
JOINTS = {"nose": [50, 20, 2], "left_ear": [40, 10, 2], "right_ear": [60, 10, 2]}
SKELETON = {"joints": [{"name": n} for n in JOINTS], "edges": []}
SEGMENTS = segments_to_json(np.repeat(np.array([[1, 1, 1, 2, 3]]), 10, axis=0), (0, 0, 5, 10))


def many(kind: str, ask: dict[str, Any], value: dict[str, Any], tolerance: float = TOLERANCE) -> list[Any]:
    return [known_question(kind, ask, value, tolerance, np.random.default_rng(n)) for n in range(60)]


class TestKnownQuestion:
    def test_about_an_outline_asks_again_looks_or_points(self) -> None:
        asked = many("fix_polygon", {"proposal": None}, {"shape": OUTLINE})

        assert {q.kind for q in asked} == {"fix_polygon", "verify_mask", "point_yesno"}
        area = shapely.Polygon(RING)
        points = [q for q in asked if q.kind == "point_yesno"]
        assert {q.gold["on"] for q in points} == {True, False}
        for question in points:
            spot = shapely.Point(question.details["point"])
            assert area.contains(spot) == question.gold["on"]
            assert area.boundary.distance(spot) > 5

    @pytest.mark.parametrize(
        ("kind", "ask", "shape", "tolerance"),
        [
            ("fix_polygon", {}, OUTLINE, 0.75),
            ("cuboid_cam", {"calibration": CAMERA, "proposal": None}, CUBOID, 0.5),
            ("cuboid_lidar", {"calibration": CAMERA, "cloud": {"count": 3}}, CUBOID, 0.5),
        ],
    )
    def test_that_shows_a_wrong_shape_shows_one_that_nobody_can_pass(
        self, kind: str, ask: dict[str, Any], shape: dict[str, Any], tolerance: float
    ) -> None:
        looks = [q for q in many(kind, ask, {"shape": shape}, tolerance) if q.kind.startswith("verify")]

        assert {q.gold["truth"] for q in looks} == {"good", "geometry"}
        for question in looks:
            alike = similarity(kind, ask, shape_from_json(question.details["shape"]), shape_from_json(shape))
            if question.gold["truth"] == "good":
                assert alike == pytest.approx(1.0)
            else:
                assert alike < tolerance - WRONG_MARGIN
            assert ("cloud" in question.details) == (kind == "cuboid_lidar")

    def test_about_a_choice_asks_it_again(self) -> None:
        (question,) = {
            (q.kind, q.gold["class"]) for q in many("classify_image", {"classes": [1, 2]}, {"class": 2})
        }

        assert question == ("classify_image", 2)


# kind: payload, gold, a right answer and a wrong one
CASES: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "fix_polygon": ({"tolerance": 0.75}, {"shape": OUTLINE}, {"shape": SMALLER}, {"shape": HALF}),
    "fix_mask": (
        {"tolerance": 0.75},
        {"shape": {"type": "mask", "size": [10, 10], "counts": [0, 100], "offset": [5, 5]}},
        {"shape": {"type": "mask", "size": [10, 9], "counts": [0, 90], "offset": [5, 5]}},
        {"shape": {"type": "mask", "size": [10, 6], "counts": [0, 60], "offset": [5, 5]}},
    ),
    "polyline": (
        {"tolerance": 0.7},
        {"shape": {"type": "polyline", "points": [[0, 0], [100, 0]]}},
        {"shape": {"type": "polyline", "points": [[0, 0.2], [100, 0.2]]}},
        {"shape": None, "deleted": True},
    ),
    "keypoints": (
        {"tolerance": 0.65, "skeleton": SKELETON},
        {"shape": {"type": "keypoints", "points": JOINTS}},
        {"shape": {"type": "keypoints", "points": {**JOINTS, "nose": [50.2, 20.1, 2]}}},
        {"shape": {"type": "keypoints",
                   "points": {**JOINTS, "left_ear": JOINTS["right_ear"], "right_ear": JOINTS["left_ear"]}}},
    ),
    "cuboid_cam": (
        {"tolerance": 0.5, "calibration": CAMERA}, {"shape": CUBOID}, {"shape": CUBOID},
        {"shape": {**CUBOID, "center": [1.0, 0.8, 18.0]}},
    ),
    "cuboid_lidar": (
        {"tolerance": 0.5}, {"shape": CUBOID}, {"shape": CUBOID},
        {"shape": {**CUBOID, "center": [4.0, 0.8, 14.0]}},
    ),
    "verify_mask": ({}, {"truth": "geometry"}, {"verdict": "part"}, {"verdict": "ok"}),
    "verify_cuboid": ({}, {"truth": "good"}, {"verdict": "ok"}, {"verdict": "geometry"}),
    "point_yesno": ({}, {"on": False}, {"on": False}, {"on": True}),
    "attributes": (
        {}, {"attributes": {"color": "red", "parts": ["leaf"]}},
        {"attributes": {"color": "red", "parts": ["leaf"]}}, {"attributes": {"color": "red", "parts": []}},
    ),
    "classify_image": ({}, {"class": None}, {"class": None, "alt": None}, {"class": 1, "alt": None}),
    "name_unknown": ({}, {"class": 2}, {"class": 2}, {"class": None}),
    "triage_scene": ({}, {"state": "usable"}, {"state": "usable"}, {"state": "dark"}),
    "merge_duplicates": ({}, {"same": True}, {"same": True, "keep": "a"}, {"same": False, "keep": None}),
    "label_region": (
        {}, {"assign": {"1": 0, "2": 0, "3": None}, "cells": {"1": 300, "2": 15, "3": 100}},
        {"assign": {"1": 0, "2": None, "3": None}}, {"assign": {"1": 0, "2": 0, "3": 4}},
    ),
}  # fmt: skip
OF_BOXES = {
    "coverage_tile", "draw_missed", "verify_box", "grid_verify", "fix_box", "compare_two", "adjudicate",
}  # fmt: skip


class TestScoring:
    def test_knows_every_kind(self) -> None:
        assert set(CASES) | OF_BOXES == set(KINDS)

    @pytest.mark.parametrize("kind", CASES)
    def test_tells_right_from_wrong_and_says_why(self, kind: str) -> None:
        payload, gold, right, wrong = CASES[kind]

        good, bad = (score_answer(kind, payload, gold, value) for value in (right, wrong))

        assert good.correct and good.share > 0.8 and good.to_feedback()["message"]
        assert not bad.correct and bad.share < good.share and bad.code != "right"
        assert "{" not in bad.to_feedback()["message"]

    def test_of_swapped_sides_says_so(self) -> None:
        payload, gold, _, swapped = CASES["keypoints"]

        assert score_answer("keypoints", payload, gold, swapped).code == "agreement_swapped"

    def test_of_gold_of_another_kind_is_an_error(self) -> None:
        with pytest.raises(ValueError, match="gold of kind point_yesno"):
            score_answer("point_yesno", {}, {"class": 1}, {"on": True})

    def test_of_regions_is_the_mean_over_classes(self) -> None:
        cells = {"1": 300, "2": 100}
        gold = {"assign": {"1": 0, "2": 4}, "cells": cells}
        score = score_answer("label_region", {"segments": SEGMENTS}, gold, {"assign": {"1": 0, "2": 0}})

        assert score.share == pytest.approx((300 / 400 + 0) / 2)
        assert score.detail == {"wrong": [2]}
