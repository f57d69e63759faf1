"""What each geometry's consensus does beyond the common contract."""

import math

import numpy as np
import pytest

from routing.annotation.shapes import Box, Cuboid, Keypoints, Mask, Polygon, Polyline
from routing.consensus.boxes import box_iou, fuse_box_shapes, fuse_boxes
from routing.consensus.contract import FuseError, fitted_sigmas, loss_scale
from routing.consensus.cuboids import fuse_cuboids
from routing.consensus.masks import decode_mask, encode_mask, fuse_masks, mask_iou, outward_bias
from routing.consensus.points import fuse_keypoints
from routing.consensus.polygons import fuse_polygons, polygon_iou
from routing.consensus.polylines import fuse_polylines
from routing.consensus.robust import circular_median, fused_sigma, geometric_median, weighted_median


def disc(radius: float, hole: float = 0.0, at: tuple[int, int] = (50, 50)) -> Mask:
    y, x = np.mgrid[0:100, 0:100]
    far = np.hypot(x - at[0], y - at[1])
    return encode_mask((far < radius) & (far >= hole))


def square(low: float, high: float) -> tuple[tuple[float, float], ...]:
    return ((low, low), (high, low), (high, high), (low, high))


class TestRobustLocation:
    def test_takes_the_mean_of_two_and_the_middle_of_three(self) -> None:
        values = np.array([[0.0], [10.0], [90.0]])

        assert weighted_median(values[:2], np.ones(2)) == pytest.approx([5])
        assert weighted_median(values, np.ones(3)) == pytest.approx([10])

    def test_gives_equal_values_the_same_result_in_any_order(self) -> None:
        values, weights = np.array([[1.0], [1.0], [2.0]]), np.array([0.2, 0.5, 0.3])
        order = [1, 0, 2]

        assert weighted_median(values, weights) == pytest.approx(
            weighted_median(values[order], weights[order])
        )

    def test_keeps_the_geometric_median_near_the_majority(self) -> None:
        points = np.array([[0.0, 0], [1, 0], [0, 1], [1e6, 1e6]])

        assert np.linalg.norm(geometric_median(points, np.ones(4))) < 3

    def test_takes_angles_across_the_wrap(self) -> None:
        angles = np.array([math.pi - 0.1, -math.pi + 0.1, math.pi - 0.05])

        middle = circular_median(angles, np.ones(3), 2 * math.pi)

        assert math.cos(middle - (math.pi - 0.05)) == pytest.approx(1)

    def test_leaves_the_error_that_all_share_however_many_answer(self) -> None:
        many = fused_sigma(np.full(1000, 0.1), np.zeros((1000, 2)) + 0.08, common=0.36)

        assert many == pytest.approx(0.08 * math.sqrt(0.36 / 0.64), rel=0.05)


class TestFuseBoxes:
    def test_does_not_average_two_rivals(self) -> None:
        fused = fuse_boxes([[0, 0, 10, 10], [8, 8, 18, 18]], [0.05, 0.02])

        assert fused.rivals
        assert fused.xyxy == (8, 8, 18, 18)
        assert fused.used == (1,)

    def test_drops_a_box_that_shows_something_else(self) -> None:
        fused = fuse_boxes([[0, 0, 10, 10], [0, 0, 10, 11], [50, 50, 60, 60], [0, 0, 11, 10]])

        assert fused.used == (0, 1, 3)
        assert box_iou(Box(fused.xyxy), Box((0, 0, 10, 10))) > 0.9


class TestFuseMasks:
    def test_keeps_a_hole_that_most_people_left_open(self) -> None:
        fused = fuse_masks([disc(30, 8), disc(31, 9), disc(30)])

        assert not decode_mask(fused.shape)[50, 50]

    def test_joins_frames_of_different_offset_and_size(self) -> None:
        whole = disc(20)
        cropped = encode_mask(decode_mask(whole)[25:80, 20:75], (20, 25))

        assert mask_iou(fuse_masks([whole, cropped]).shape, whole) == 1

    def test_meets_two_outlines_halfway(self) -> None:
        fused = fuse_masks([disc(20), disc(30)])

        assert math.sqrt(decode_mask(fused.shape).sum() / math.pi) == pytest.approx(25, abs=0.7)

    def test_keeps_the_more_precise_of_two_that_share_nothing(self) -> None:
        left, right = disc(8, at=(20, 20)), disc(8, at=(80, 80))

        assert mask_iou(fuse_masks([left, right], [0.2, 0.02]).shape, right) > 0.5

    def test_learns_from_audits_that_people_draw_outside_the_border(self) -> None:
        side = math.sqrt(math.pi) * 20
        bias = outward_bias([disc(21.5)] * 30, [disc(20)] * 30)

        corrected = fuse_masks([disc(21.5)] * 3, biases=[bias] * 3)

        assert bias == pytest.approx(1.5 / side, abs=0.01)
        assert mask_iou(corrected.shape, disc(20)) > mask_iou(disc(21.5), disc(20)) + 0.05

    def test_believes_no_bias_without_audits(self) -> None:
        assert outward_bias([], []) == 0


class TestFusePolygons:
    def test_lays_its_grid_round_those_who_agree_not_round_a_huge_outline(self) -> None:
        honest = [Polygon((square(0, 10 + d),)) for d in (0.0, 0.1, 0.2, 0.3)]

        fused = fuse_polygons([*honest, Polygon((square(-1e6, 1e6),))])

        assert fused.used == (0, 1, 2, 3)
        assert polygon_iou(fused.shape, honest[1]) > 0.97

    def test_keeps_holes(self) -> None:
        ring = [Polygon((square(0, 100), square(30 + d, 70))) for d in (0.0, 2.0, 4.0)]

        fused = fuse_polygons(ring)

        assert len(fused.shape.rings) == 2
        assert polygon_iou(fused.shape, ring[1]) > 0.98


class TestFuseKeypoints:
    def test_votes_on_visibility_and_places_a_point_by_those_who_show_it(self) -> None:
        def pose(x: float, v: int) -> Keypoints:
            shown = ("hand", x, 10.0, v) if v else ("hand", 0.0, 0.0, 0)
            return Keypoints((("foot", 0.0, 100.0, 2), shown))

        fused = fuse_keypoints([pose(10, 2), pose(12, 1), pose(11, 1), pose(0, 0)])

        (_, _, _, foot), (_, x, _, hand) = fused.shape.points
        assert (foot, hand) == (2, 1)
        assert x == pytest.approx(11, abs=0.5)

    def test_leaves_a_swap_of_left_and_right_out(self) -> None:
        right = Keypoints((("left", 0.0, 0.0, 2), ("right", 100.0, 0.0, 2)))
        swapped = Keypoints((("left", 100.0, 0.0, 2), ("right", 0.0, 0.0, 2)))

        fused = fuse_keypoints([right, right, swapped, right])

        assert fused.shape.points[0][1] == pytest.approx(0, abs=0.1)


class TestFusePolylines:
    def test_runs_the_way_that_most_people_drew(self) -> None:
        there = Polyline(((0.0, 0.0), (100.0, 1.0)))
        back = Polyline(((100.0, 0.0), (0.0, 1.0)))

        fused = fuse_polylines([there, back, back])

        assert fused.shape.points[0][0] > fused.shape.points[-1][0]

    def test_does_not_bend_its_course_for_a_line_that_stops_early(self) -> None:
        whole = [Polyline(((0.0, y), (50.0, y + 20), (100.0, y))) for y in (0.0, 1.0, 2.0)]
        short = Polyline(((0.0, 1.0), (50.0, 21.0), (70.0, 13.0)))

        fused = np.array(fuse_polylines([*whole, short]).shape.points)

        assert fused[:, 1].max() == pytest.approx(21, abs=1)


class TestFuseCuboids:
    def test_outvotes_a_heading_that_looks_backwards(self) -> None:
        car = Cuboid((0.0, 0.0, 0.0), (4.0, 2.0, 1.5), 0.1)
        back = Cuboid((0.0, 0.0, 0.0), (4.0, 2.0, 1.5), 0.1 - math.pi)

        assert fuse_cuboids([car, back, car]).shape.yaw == pytest.approx(0.1)

    def test_reads_width_and_length_that_somebody_swapped(self) -> None:
        car = Cuboid((0.0, 0.0, 0.0), (4.0, 2.0, 1.5), 0.0)
        swapped = Cuboid((0.0, 0.0, 0.0), (2.0, 4.0, 1.5), math.pi / 2)

        assert fuse_cuboids([car, swapped, car]).shape.dims == pytest.approx((4, 2, 1.5))

    def test_lets_a_wrong_depth_pull_neither_the_side_nor_the_size(self) -> None:
        dice = np.random.default_rng(0)
        eye, ray = (0.0, 0.0, 1.5), np.array([0.8, 0.6])
        seen = []
        for _ in range(5):
            x, y = 40 * ray + 3 * dice.normal() * ray + 0.05 * dice.normal(size=2)
            seen.append(Cuboid((float(x), float(y), 0.8), (4.4, 1.8, 1.6), 0.5))

        fused = fuse_cuboids(seen, viewpoint=eye)

        across = float(np.array(fused.shape.center[:2]) @ np.array([-0.6, 0.8]))
        depth, lateral, _ = fused.axes
        assert abs(across) < 0.1
        assert fused.shape.dims == pytest.approx((4.4, 1.8, 1.6))
        assert depth > 3 * lateral

    def test_refuses_a_viewpoint_that_is_nowhere(self) -> None:
        car = Cuboid((0.0, 0.0, 0.0), (4.0, 2.0, 1.5), 0.0)
        with pytest.raises(FuseError, match="viewpoint: NaN"):
            fuse_cuboids([car], viewpoint=(0.0, math.nan, 0.0))


class TestSkillOfShapes:
    def test_gives_the_careless_more_noise_than_the_careful(self) -> None:
        dice = np.random.default_rng(3)
        tasks = []
        for _ in range(40):
            true = np.array([0.0, 0, 100, 60]) + np.tile(dice.uniform(0, 900, 2), 2)
            noise = {"careful": 2, "usual": 4, "other": 4, "careless": 12}
            drawn = {name: true + sd * dice.normal(size=4) for name, sd in noise.items()}
            tasks.append({name: Box(tuple(box.tolist())) for name, box in drawn.items()})

        sigmas = fitted_sigmas(tasks, fuse_box_shapes, box_iou)

        assert sigmas["careful"] < sigmas["usual"] < sigmas["careless"]
        assert sigmas["careless"] > 1.5 * sigmas["careful"]

    def test_knows_nobody_from_tasks_of_two_answers(self) -> None:
        box = Box((0.0, 0.0, 1.0, 1.0))
        assert fitted_sigmas([{"ada": box, "bea": box}], fuse_box_shapes, box_iou) == {}

    def test_scales_expected_losses_by_what_audits_show_and_not_at_all_without(self) -> None:
        assert loss_scale([], []) == 1
        assert 1.5 < loss_scale([0.1] * 50, [0.2] * 50) < 2
        with pytest.raises(FuseError, match="audits"):
            loss_scale([0.1], [math.nan])
