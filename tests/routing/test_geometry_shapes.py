"""Shapes as JSON: what is read, what comes back, what is refused and under which name."""

import math

import pytest

from routing.annotation.fields import FieldError
from routing.annotation.shapes import Box, Mask, Polygon, shape_from_json, shape_to_json, validated

SQUARE = [[0, 0], [10, 0], [10, 10], [0, 10]]
GOOD = (
    {"type": "box", "xyxy": [1, 2, 3, 4]},
    {"type": "rotated_box", "cxcywh": [1, 2, 3, 4], "angle": 0.5},
    {"type": "polygon", "rings": [SQUARE, [[2, 2], [4, 2], [3, 4]]]},
    {"type": "mask", "size": [2, 3], "counts": [1, 2, 3], "offset": [5, 6]},
    {"type": "keypoints", "points": {"nose": [1, 2, 2], "tail": [0, 0, 0]}},
    {"type": "points", "points": [[1, 2], [3, 4]]},
    {"type": "polyline", "points": [[1, 2], [3, 4]]},
    {"type": "cuboid", "center": [1, 2, 3], "dims": [4, 5, 6], "yaw": 0.1},
)
BAD = (
    ({"type": "box", "xyxy": [3, 2, 1, 4]}, r"geometry\.xyxy: the box has no area"),
    ({"type": "box", "xyxy": [math.nan, 2, 3, 4]}, r"geometry\.xyxy\[0\]: NaN"),
    ({"type": "rotated_box", "cxcywh": [1, 2, 0, 4], "angle": 0}, r"cxcywh: width and height"),
    ({"type": "polygon", "rings": []}, r"rings: no outline"),
    ({"type": "polygon", "rings": [[[0, 0], [9, 9], [9, 0], [0, 9]]]}, r"rings\[0\]: crosses itself"),
    ({"type": "polygon", "rings": [SQUARE, [[5, 5], [15, 5], [8, 8]]]}, r"crosses itself or its holes"),
    ({"type": "polygon", "rings": [[[0, 0], [1, 1]]]}, r"fewer than three"),
    ({"type": "mask", "size": [2, 2], "counts": [4]}, r"no area"),
    ({"type": "mask", "size": [2, 2], "counts": [1, 2]}, r"add up to 3"),
    ({"type": "mask", "size": [2, 2], "counts": [1, 0, 3]}, r"counts\[1\]: 0"),
    ({"type": "keypoints", "points": {"nose": [1, 2, 3]}}, r"points\.nose\[2\]: 3; visibility"),
    ({"type": "polyline", "points": [[1, 1], [1, 1]]}, r"no length"),
    ({"type": "cuboid", "center": [1, 2, 3], "dims": [4, 0, 6], "yaw": 0}, r"no volume"),
    ({"type": "circle"}, r"geometry\.type: 'circle' is not one of"),
    ([1, 2, 3, 4], r"give an object with a type"),
)


class TestShapeFromJson:
    @pytest.mark.parametrize("form", GOOD, ids=lambda form: form["type"])
    def test_reads_back_what_it_wrote(self, form: dict[str, object]) -> None:
        shape = shape_from_json(form)

        assert shape_from_json(shape_to_json(shape)) == shape
        assert shape_to_json(shape) == form

    @pytest.mark.parametrize(("form", "message"), BAD)
    def test_refuses_by_field_name(self, form: object, message: str) -> None:
        with pytest.raises(FieldError, match=message):
            shape_from_json(form)

    def test_does_not_close_a_ring_twice(self) -> None:
        closed = shape_from_json({"type": "polygon", "rings": [[*SQUARE, SQUARE[0]]]})

        assert closed == shape_from_json({"type": "polygon", "rings": [SQUARE]})


class TestValidated:
    def test_returns_a_good_shape_as_it_is(self) -> None:
        box = Box((0.0, 0.0, 1.0, 1.0))
        assert validated(box) is box

    def test_finds_what_no_json_reader_has_seen(self) -> None:
        with pytest.raises(FieldError, match=r"mine\.xyxy\[2\]: infinity"):
            validated(Box((0.0, 0.0, math.inf, 1.0)), "mine")
        with pytest.raises(FieldError, match="crosses itself"):
            validated(Polygon((((0.0, 0.0), (1.0, 1.0), (2.0, 2.0), (1.0, 1.0)),)))
        with pytest.raises(FieldError, match="size: 0 × 4"):
            validated(Mask((0, 4), (0,)))
