"""The forms in which crowds' geometry is published."""

import json

import pytest

from routing.annotation.crowd_forms import parse_crowd
from routing.annotation.fields import FieldError
from routing.annotation.shapes import Box, Cuboid, Mask, Points, Polygon, shape_to_json
from routing.tabular.shapes import plain_json

SQUARE = [[0, 0], [4, 0], [4, 4], [0, 4]]
FORMS = [
    ("boxes", [[0, 0, 4, 4]], Box((0, 0, 4, 4))),
    ("polygon", {"polygon": SQUARE}, Polygon((((0, 0), (4, 0), (4, 4), (0, 4)),))),
    ("mask", {"size": [2, 3], "rle": [1, 2, 3]}, Mask((2, 3), (1, 2, 3))),
    ("points", [[2, 1]], Points(((2, 1),))),
    ("cuboid", {"center": [1, 2, 3], "size": [4, 2, 1], "yaw": 0.5}, Cuboid((1, 2, 3), (4, 2, 1), 0.5)),
]


class TestParseCrowd:
    @pytest.mark.parametrize(("geometry", "value", "shape"), FORMS)
    def test_reads_the_plain_form(self, geometry, value, shape):
        assert parse_crowd(json.dumps(value), geometry, "here").shapes == (shape,)

    @pytest.mark.parametrize(("geometry", "value", "shape"), FORMS)
    def test_reads_the_typed_form_too(self, geometry, value, shape):
        assert parse_crowd(json.dumps(shape_to_json(shape)), geometry, "here").shapes == (shape,)

    @pytest.mark.parametrize(("geometry", "value", "shape"), FORMS[1:3] + FORMS[4:])
    def test_reads_back_what_is_written_out(self, geometry, value, shape):
        assert parse_crowd(plain_json(shape), geometry, "here").shapes == (shape,)

    def test_takes_an_empty_list_for_nothing_here(self):
        assert parse_crowd("[]", "boxes", "here").shapes == ()

    def test_counts_what_it_leaves_out(self):
        answer = parse_crowd("[[0, 0, 0, 4], [0, 0, 2, 2]]", "boxes", "here")
        assert len(answer.shapes) == 1 and answer.left_out == 1

    def test_mends_an_outline_that_touches_itself(self):
        pinched = [[0, 0], [10, 0], [10, 10], [5, 10], [5, 11], [6, 11], [5, 10], [0, 10]]
        answer = parse_crowd(json.dumps({"polygon": pinched}), "polygon", "here")
        assert answer.mended == 1 and len(answer.shapes) == 1

    @pytest.mark.parametrize(
        ("geometry", "text", "fault"),
        [
            ("boxes", "[1", "here: not JSON"),
            ("boxes", "[[0, 0, 1]]", r"here\[0\]"),
            ("boxes", "[[0, 0, NaN, 1]]", r"here\[0\]\[2\]"),
            ("boxes", "[[5, 0, 1, 1]]", "x2 < x1"),
            ("polygon", "{}", "here.polygon: missing"),
            ("polygon", json.dumps({"polygon": [[0, 0], [4, 4], [4, 0], [0, 4]]}), "crosses itself"),
            ("mask", '{"size": [2, 2], "rle": [1, 2]}', "here"),
            ("boxes", '{"type": "points", "points": [[1, 1]]}', "points where boxes is asked"),
        ],
    )
    def test_names_the_field_and_the_fix(self, geometry, text, fault):
        with pytest.raises(FieldError, match=fault):
            parse_crowd(text, geometry, "here")
