"""What an answer to each micro-task may say."""

import copy
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.annotation.kinds import (
    KINDS,
    AnswerError,
    TelemetryError,
    validate_answer,
    validate_blind,
    validate_outcome,
    validate_telemetry,
)

PAYLOAD: dict[str, Any] = {
    "scene": {"id": 1, "width": 1000, "height": 800},
    "schema": {"version": 1, "classes": [{"id": 0, "name": "car"}, {"id": 4, "name": "bus"}]},
    "tile": {"core": [100, 100, 200, 200]},
    "objects": [{"id": 9, "xyxy": [0, 0, 10, 10]}],
    "cells": [{"id": 1}, {"id": 2}, {"id": 3}],
    "skeleton": {"joints": [{"name": "nose"}, {"name": "tail"}], "edges": []},
    "attributes": [
        {"id": "color", "options": [{"id": "red"}, {"id": "blue"}], "multi": False},
        {"id": "parts", "options": [{"id": "roof"}, {"id": "door"}], "multi": True},
    ],
    "classes": [0, 4],
    "open": [1, 7],
}
RING = [[10.0, 10.0], [60.0, 12.0], [40.0, 50.0]]
CUBOID = {"type": "cuboid", "center": [1.0, 0.8, 9.0], "dims": [4.0, 1.8, 1.5], "yaw": 0.3}
GOOD: dict[str, dict[str, Any]] = {
    "coverage_tile": {"complete": False, "points": [{"xy": [150, 150], "class": 4}], "bad_objects": [9]},
    "draw_missed": {"objects": [{"xyxy": [1, 2, 30, 40], "class": 4}], "none": False},
    "verify_box": {"verdict": "geometry", "edges": ["right", "left"]},
    "grid_verify": {"bad": [2], "unsure": [3], "viewed": [3, 2, 1]},
    "fix_box": {"xyxy": [1, 2, 30, 40], "class": 0, "deleted": False},
    "compare_two": {"choice": "both_bad"},
    "adjudicate": {"ruling": "accept", "xyxy": [1, 2, 30, 40], "class": 0, "make_gold": True},
    "fix_polygon": {"shape": {"type": "polygon", "rings": [RING]}, "deleted": False},
    "fix_mask": {
        "shape": {"type": "mask", "size": [4, 5], "counts": [3, 7, 10], "offset": [2, 1]},
        "deleted": False,
    },
    "verify_mask": {"verdict": "geometry"},
    "point_yesno": {"on": True},
    "keypoints": {"shape": {"type": "keypoints", "points": {"nose": [5.0, 6.0, 2], "tail": [0, 0, 0]}}},
    "polyline": {"shape": {"type": "polyline", "points": [[1.0, 2.0], [30.0, 40.0]]}, "deleted": False},
    "cuboid_cam": {"shape": CUBOID, "deleted": False},
    "cuboid_lidar": {"shape": CUBOID, "deleted": False},
    "verify_cuboid": {"verdict": "ok"},
    "attributes": {"attributes": {"color": "red", "parts": ["door", "roof"]}},
    "classify_image": {"class": 4, "alt": 0},
    "triage_scene": {"state": "blurred"},
    "label_region": {"assign": {"1": 4, "7": None}},
    "merge_duplicates": {"same": True, "keep": "union"},
    "name_unknown": {"class": None, "propose": "  tram ", "out_of_scope": False},
}
NAN = math.nan
GOOD_LINE = GOOD["polyline"]["shape"]


def polygon(*rings: list[list[float]]) -> dict[str, Any]:
    return {"type": "polygon", "rings": list(rings)}


def mask(counts: list[int], offset: tuple[int, int]) -> dict[str, Any]:
    background = 20 - sum(counts)
    return {
        "type": "mask",
        "size": [4, 5],
        "counts": [*counts, background] if background > 0 else counts,
        "offset": offset,
    }


def points(**named: list[float]) -> dict[str, Any]:
    return {"type": "keypoints", "points": named}


def changed(kind: str, **change: Any) -> dict[str, Any]:
    return {**copy.deepcopy(GOOD[kind]), **change}


class TestValidateAnswer:
    @pytest.mark.parametrize("kind", KINDS)
    def test_takes_a_good_answer_and_its_own_normal_form(self, kind: str) -> None:
        normal = validate_answer(kind, PAYLOAD, GOOD[kind])

        assert validate_answer(kind, PAYLOAD, normal) == normal

    @pytest.mark.parametrize("kind", KINDS)
    def test_mutates_nothing(self, kind: str) -> None:
        value, payload = copy.deepcopy(GOOD[kind]), copy.deepcopy(PAYLOAD)

        validate_answer(kind, payload, value)

        assert value == GOOD[kind] and payload == PAYLOAD

    @pytest.mark.parametrize("kind", KINDS)
    def test_refuses_unknown_and_missing_fields_by_name(self, kind: str) -> None:
        with pytest.raises(AnswerError, match=r"value\.guess: unknown field"):
            validate_answer(kind, PAYLOAD, changed(kind, guess=1))
        first = next(iter(GOOD[kind]))
        with pytest.raises(AnswerError, match=f"value.{first}: missing"):
            validate_answer(kind, PAYLOAD, {k: v for k, v in GOOD[kind].items() if k != first})
        with pytest.raises(AnswerError, match="value: give an object"):
            validate_answer(kind, PAYLOAD, [1])

    @pytest.mark.parametrize(
        ("kind", "change", "named"),
        [
            (
                "draw_missed",
                {"objects": [{"xyxy": [NAN, 2, 3, 4], "class": 0}]},
                r"objects\[0\].xyxy\[0\]: NaN",
            ),
            ("draw_missed", {"objects": [{"xyxy": [1, 2, 30], "class": 0}]}, r"objects\[0\].xyxy: give \[x1"),
            (
                "draw_missed",
                {"objects": [{"xyxy": [1, 2, 30, 40], "class": 7}]},
                r"objects\[0\].class: 7 is not",
            ),
            ("draw_missed", {"objects": [{"xyxy": [1, 2, 1, 2], "class": 0}]}, "no area"),
            ("draw_missed", {"objects": [{"xyxy": [30, 40, 1, 2], "class": 0}]}, "no area"),
            ("draw_missed", {"objects": [{"xyxy": [1, 2, 3000, 4], "class": 0}]}, "outside the scene"),
            ("draw_missed", {"none": True}, "value.none: true with objects"),
            ("draw_missed", {"objects": []}, "value.none: false without objects"),
            ("fix_box", {"xyxy": [1, 2, math.inf, 4]}, r"value.xyxy\[2\]: out of range"),
            ("fix_box", {"xyxy": [1, 2, 10**400, 4]}, r"value.xyxy\[2\]: out of range"),
            ("fix_box", {"xyxy": None}, "value.xyxy: null"),
            ("fix_box", {"deleted": True}, "value.xyxy: give null together with deleted"),
            ("fix_box", {"class": True}, "value.class: give a whole number"),
            ("fix_box", {"class": None}, "value.class: give a whole number"),
            ("coverage_tile", {"points": [{"xy": [NAN, 150], "class": 0}]}, r"points\[0\].xy\[0\]: NaN"),
            ("coverage_tile", {"points": [{"xy": [500, 150], "class": 0}]}, "outside the tile's core"),
            ("coverage_tile", {"points": [{"xy": [150, 150], "class": 3}]}, "class: 3 is not"),
            ("coverage_tile", {"complete": True}, "value.complete: true with points"),
            ("coverage_tile", {"points": []}, "value.complete: false without points"),
            ("coverage_tile", {"bad_objects": [8]}, "value.bad_objects"),
            ("verify_box", {"verdict": "fine"}, "value.verdict: 'fine' is not one of ok"),
            ("verify_box", {"verdict": "ok"}, "value.edges: leave it out with the verdict ok"),
            ("verify_box", {"edges": ["inside"]}, r"value.edges\[0\]"),
            ("grid_verify", {"bad": [4]}, "value.bad"),
            ("grid_verify", {"bad": [3]}, "value.unsure: 3 is also in bad"),
            ("grid_verify", {"viewed": [1]}, "value.bad"),
            ("compare_two", {"choice": "C"}, "value.choice: 'C' is not one of A, B"),
            ("adjudicate", {"ruling": "reject"}, "value.xyxy: give null with the ruling reject"),
            ("adjudicate", {"xyxy": None}, "value.xyxy: null; accepting needs the box"),
            ("adjudicate", {"rubric": {"edge": [1]}}, "value.rubric.edge"),
            ("adjudicate", {"note": "x" * 5000}, "value.note: 5000 characters"),
            ("fix_polygon", {"shape": None}, "value.shape: null; draw it or say deleted"),
            ("fix_polygon", {"deleted": True}, "value.shape: give null together with deleted"),
            ("fix_polygon", {"shape": GOOD_LINE}, "value.shape.type: polyline; this task asks for a polygon"),
            (
                "fix_polygon",
                {"shape": polygon([[1, 1], [9, 1]])},
                r"rings\[0\]: fewer than three different points",
            ),
            ("fix_polygon", {"shape": polygon([[1, 1], [9, 9], [9, 1], [1, 9]])}, "crosses itself"),
            (
                "fix_polygon",
                {"shape": polygon([[1, 1], [9, 1], [9, 900]])},
                r"rings\[0\]\[2\]\[1\]: 900 lies outside",
            ),
            ("fix_polygon", {"shape": polygon([[1, 1], [NAN, 1], [9, 9]])}, r"rings\[0\]\[1\]\[0\]: NaN"),
            ("fix_mask", {"clicks": [[1, 2, 3]]}, r"value.clicks\[0\]\[2\]: 3; give 1 to add"),
            ("fix_mask", {"shape": mask([18], (998, 0))}, "leave the scene of 1000 × 800"),
            ("fix_mask", {"shape": {**mask([3], (0, 0)), "counts": [3, 8]}}, "add up to 11"),
            ("verify_mask", {"edges": []}, "value.edges: unknown field"),
            ("point_yesno", {"on": "yes"}, "value.on: give true or false"),
            ("keypoints", {"shape": points(nose=[1, 2, 2])}, "value.shape.points.tail: missing"),
            (
                "keypoints",
                {"shape": points(nose=[1, 2, 2], tail=[1, 1, 1], ear=[1, 1, 1])},
                "points.ear: not a joint",
            ),
            ("keypoints", {"shape": points(nose=[1, 2, 3], tail=[0, 0, 0])}, "visibility is 0 absent"),
            (
                "keypoints",
                {"shape": points(nose=[1, 2000, 2], tail=[0, 0, 0])},
                r"points.nose\[1\]: 2000 lies outside",
            ),
            (
                "polyline",
                {"shape": {"type": "polyline", "points": [[1, 1], [1, 1]]}},
                "the line has no length",
            ),
            ("cuboid_cam", {"shape": {**CUBOID, "center": [0, 0, -3]}}, "behind the camera"),
            ("cuboid_cam", {"shape": {**CUBOID, "dims": [400, 1, 1]}}, r"dims\[0\]: 400 m is out of range"),
            ("cuboid_cam", {"shape": {**CUBOID, "dims": [4, 0, 1]}}, "the cuboid has no volume"),
            ("attributes", {"attributes": {"color": "red"}}, "value.attributes.parts: missing"),
            (
                "attributes",
                {"attributes": {"color": "pink", "parts": []}},
                "value.attributes.color: 'pink' is not",
            ),
            (
                "attributes",
                {"attributes": {"color": "red", "parts": "door"}},
                "value.attributes.parts: give a list",
            ),
            ("classify_image", {"class": 7}, "value.class: 7 is not a class of this task"),
            ("classify_image", {"alt": 4}, "value.alt: the same as class"),
            ("triage_scene", {"state": "ugly"}, "value.state: 'ugly' is not one of usable"),
            ("merge_duplicates", {"same": False}, "value.keep: give null when they are not the same"),
            ("merge_duplicates", {"keep": None}, "value.keep"),
            ("label_region", {"assign": {"1": 4}}, r"value\.assign\.7: missing"),
            ("label_region", {"assign": {"1": 4, "7": 3}}, r"value\.assign\.7: 3 is not a class"),
            ("label_region", {"assign": {"1": 4, "7": 0, "8": 0}}, r"value\.assign\.8: unknown field"),
            ("name_unknown", {"propose": " "}, "value: give exactly one of"),
            ("name_unknown", {"class": 4}, "value: give exactly one of"),
        ],
    )
    def test_names_the_field_it_refuses(self, kind: str, change: dict[str, Any], named: str) -> None:
        with pytest.raises(AnswerError, match=named):
            validate_answer(kind, PAYLOAD, changed(kind, **change))

    def test_moves_a_slip_over_the_border_back(self) -> None:
        value = validate_answer("fix_box", PAYLOAD, changed("fix_box", xyxy=[-0.5, 2, 1000.9, 40]))

        assert value["xyxy"] == [0.0, 2.0, 1000.0, 40.0]

    def test_moves_a_point_that_slipped_over_the_border_back(self) -> None:
        shape = polygon([[-0.5, 10.0], [60.0, 12.0], [40.0, 800.4]])

        value = validate_answer("fix_polygon", PAYLOAD, {"shape": shape, "deleted": False})

        assert value["shape"]["rings"] == [[[0.0, 10.0], [60.0, 12.0], [40.0, 800.0]]]

    def test_forgets_where_an_absent_joint_was_drawn(self) -> None:
        shape = points(nose=[5, 6, 2], tail=[7, 7, 0])

        value = validate_answer("keypoints", PAYLOAD, {"shape": shape})

        assert value["shape"]["points"]["tail"] == [0.0, 0.0, 0]

    def test_knows_no_other_kind(self) -> None:
        with pytest.raises(AnswerError, match="kind: 'guess' is not one of"):
            validate_answer("guess", PAYLOAD, {})

    @given(
        st.sampled_from(KINDS),
        st.recursive(
            st.one_of(st.none(), st.booleans(), st.floats(), st.integers(), st.text(max_size=5)),
            lambda inner: st.one_of(
                st.lists(inner, max_size=3),
                st.dictionaries(
                    st.sampled_from(
                        ["xyxy", "class", "none", "objects", "verdict", "points", "xy", "ruling"]
                    ),
                    inner,
                    max_size=4,
                ),
            ),
            max_leaves=12,
        ),
    )
    def test_fails_on_rubbish_only_with_an_answer_error(self, kind: str, rubbish: object) -> None:
        refused = ""
        try:
            validate_answer(kind, PAYLOAD, rubbish)
        except AnswerError as error:
            refused = str(error)

        assert not refused or refused.startswith("value")


class TestValidateBlind:
    def test_reads_the_ruling_alone(self) -> None:
        assert validate_blind(PAYLOAD, {"ruling": "reject"}) == {
            "ruling": "reject",
            "xyxy": None,
            "class": None,
        }
        with pytest.raises(AnswerError, match=r"blind\.xyxy: null"):
            validate_blind(PAYLOAD, {"ruling": "accept"})


class TestValidateOutcome:
    def test_reads_an_answer_with_its_telemetry(self) -> None:
        got = validate_outcome(
            {"outcome": "answered", "value": {"verdict": "ok"}, "telemetry": {"active_ms": 5, "edits": 2}}
        )

        assert got["telemetry"] == {"active_ms": 5.0, "edits": 2.0}
        assert got["report"] is None

    @pytest.mark.parametrize(
        ("message", "named"),
        [
            ({"outcome": "done"}, "outcome: 'done'"),
            ({}, "outcome"),
            ({"outcome": "answered"}, "value: missing"),
            ({"outcome": "skip", "value": {}}, "value: leave it out"),
            ({"outcome": "skip", "report": {"code": "other"}}, "report: leave it out"),
            ({"outcome": "report", "report": {"code": "boring"}}, "report.code"),
            ({"outcome": "report"}, "report: give an object"),
        ],
    )
    def test_names_the_field_it_refuses(self, message: dict[str, Any], named: str) -> None:
        with pytest.raises(AnswerError, match=named):
            validate_outcome(message)

    @pytest.mark.parametrize(
        "bad", [{"active_ms": -1}, {"active_ms": NAN}, {"edits": "2"}, {"mood": 1}, {"simulated": 1}, [1]]
    )
    def test_refuses_telemetry_that_cannot_be(self, bad: object) -> None:
        with pytest.raises(TelemetryError, match="telemetry"):
            validate_telemetry(bad)

    def test_takes_no_telemetry_for_none(self) -> None:
        assert validate_telemetry(None) == {}
        assert validate_telemetry({"active_ms": None}) == {}
