"""Axis-aligned boxes."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.annotation import boxes as bx

coordinate = st.floats(-1e4, 1e4)
box = st.tuples(coordinate, coordinate, st.floats(0.5, 1e3), st.floats(0.5, 1e3)).map(
    lambda t: [t[0], t[1], t[0] + t[2], t[1] + t[3]]
)
some = st.lists(box, min_size=1, max_size=6)


class TestIou:
    @given(some, some)
    def test_is_a_symmetric_share(self, a: list[list[float]], b: list[list[float]]) -> None:
        left, right = bx.as_boxes(a), bx.as_boxes(b)

        overlap = bx.iou_matrix(left, right)

        assert overlap.shape == (len(a), len(b))
        assert (overlap >= 0).all() and (overlap <= 1 + 1e-9).all()
        np.testing.assert_allclose(overlap, bx.iou_matrix(right, left).T)
        assert overlap[0, 0] == pytest.approx(bx.iou(a[0], b[0]), abs=1e-9)

    @given(some, st.floats(-1e3, 1e3), st.floats(-1e3, 1e3), st.floats(0.1, 10))
    def test_does_not_depend_on_place_or_scale(
        self, a: list[list[float]], dx: float, dy: float, scale: float
    ) -> None:
        boxes = bx.as_boxes(a)
        moved = bx.shift(boxes, dx, dy) * scale

        np.testing.assert_allclose(bx.iou_matrix(moved, moved), bx.iou_matrix(boxes, boxes), atol=1e-6)

    @given(box)
    def test_is_one_with_itself(self, b: list[float]) -> None:
        assert bx.iou(b, b) == pytest.approx(1)

    def test_is_zero_for_boxes_without_area(self) -> None:
        empty = bx.as_boxes([[5, 5, 5, 5]])

        assert bx.iou_matrix(empty, empty)[0, 0] == 0
        assert bx.ios_matrix(empty, empty)[0, 0] == 0

    def test_of_the_smaller_is_one_for_a_box_inside_another(self) -> None:
        assert bx.ios_matrix(bx.as_boxes([[0, 0, 10, 10]]), bx.as_boxes([[2, 2, 4, 4]]))[0, 0] == 1


class TestAsBoxes:
    @pytest.mark.parametrize(
        ("bad", "words"),
        [
            ([[0, 0, math.nan, 1]], "NaN"),
            ([[0, 0, math.inf, 1]], "infinity"),
            ([[1, 0, 0, 1]], "x2 < x1"),
            ([[0, 0, 1]], "shape"),
        ],
    )
    def test_says_what_is_wrong(self, bad: list[list[float]], words: str) -> None:
        with pytest.raises(ValueError, match=words):
            bx.as_boxes(bad)

    def test_copies(self) -> None:
        given_boxes = np.array([[0.0, 0.0, 1.0, 1.0]])

        bx.as_boxes(given_boxes)[0, 0] = 9

        assert given_boxes[0, 0] == 0

    def test_of_nothing_is_no_box(self) -> None:
        assert bx.as_boxes([]).shape == (0, 4)
        assert bx.as_points([]).shape == (0, 2)


class TestNms:
    @given(some, st.floats(0.1, 0.9))
    def test_keeps_the_best_and_no_two_that_overlap_more(self, a: list[list[float]], limit: float) -> None:
        boxes = bx.as_boxes(a)
        scores = np.linspace(0, 1, len(a))

        kept = bx.nms(boxes, scores, max_iou=limit)

        overlap = bx.iou_matrix(boxes[kept], boxes[kept]) - np.eye(len(kept))
        assert kept[0] == len(a) - 1
        assert (overlap <= limit + 1e-9).all()
        dropped = sorted(set(range(len(a))) - set(kept.tolist()))
        assert all((bx.iou_matrix(boxes[[i]], boxes[kept]) > limit).any() for i in dropped)


class TestMatch:
    @given(some, some, st.floats(0.05, 0.9))
    def test_pairs_one_to_one_above_the_limit(
        self, a: list[list[float]], b: list[list[float]], limit: float
    ) -> None:
        pairs = bx.match(bx.as_boxes(a), bx.as_boxes(b), min_iou=limit)

        assert len({i for i, _, _ in pairs}) == len(pairs) == len({j for _, j, _ in pairs})
        assert all(value >= limit for _, _, value in pairs)
        assert [v for _, _, v in pairs] == sorted((v for _, _, v in pairs), reverse=True)


class TestPlaces:
    @given(box, st.floats(1, 500))
    def test_grows_and_stays_in_the_scene(self, b: list[float], margin: float) -> None:
        grown = bx.grown(b, margin, 1e4, 1e4)

        assert grown.min() >= 0 and grown.max() <= 1e4

    def test_holds_points_on_its_rim(self) -> None:
        inside = bx.holds(bx.as_boxes([[0, 0, 10, 10]]), bx.as_points([[10, 10], [10.1, 5], [3, 4]]))

        assert inside.tolist() == [[True, False, True]]
