"""Cutting scenes: cores partition, windows overlap, and no seam creates or loses an object."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.tiling import (
    by_density,
    fit_windows,
    grid,
    halo_for,
    owner,
    tile,
    tile_side,
    windows,
    zoomed_windows,
)

SIZES = st.integers(1, 5000)


class TestWindows:
    @given(SIZES, SIZES, st.sampled_from([64, 416]), st.floats(0.1, 4), st.floats(0, 300))
    def test_hold_every_small_object_whole_in_one_of_them(
        self, width: int, height: int, size: int, scale: float, overlap: float
    ) -> None:
        side = size / scale
        if (width / side) * (height / side) > 400:
            return
        crops = windows(width, height, size=size, scale=scale, overlap=overlap)

        reach = min(overlap, side / 2)
        rects = np.array([w.rect for w in crops])
        for x in np.linspace(0, max(width - reach, 0), 7):
            for y in np.linspace(0, max(height - reach, 0), 7):
                low = rects[:, :2] <= np.array([x, y]) + 1e-6
                high = rects[:, 2:] >= np.array([min(x + reach, width), min(y + reach, height)]) - 1e-6
                assert (low & high).all(axis=1).any()

    @given(SIZES, SIZES, st.floats(0.2, 2))
    def test_have_one_size_and_stay_inside_a_scene_that_is_larger(
        self, width: int, height: int, scale: float
    ) -> None:
        side = 416 / scale

        for window in windows(width, height, size=416, scale=scale, overlap=50):
            x1, y1, x2, y2 = window.rect
            assert x2 - x1 == pytest.approx(side) and y2 - y1 == pytest.approx(side)
            if width >= side:
                assert x1 >= 0 and x2 <= width + 1e-6
            if height >= side:
                assert y1 >= 0 and y2 <= height + 1e-6

    def test_are_numbered_through_over_all_zooms(self) -> None:
        crops = zoomed_windows(1000, 800, size=416, scale=1.0, zooms=(0.5, 1.0), overlap=60)

        assert [w.index for w in crops] == list(range(len(crops)))
        assert {w.scale for w in crops} == {0.5, 1.0}

    def test_of_a_photograph_are_the_whole_of_it(self) -> None:
        (whole,) = fit_windows(640, 480, size=416, overlap=0)

        assert whole.rect == (0, -80, 640, 560)
        assert whole.scale == pytest.approx(416 / 640)

    def test_of_a_large_photograph_add_closer_looks(self) -> None:
        whole, *closer = fit_windows(4000, 3000, size=416, overlap=100)

        assert whole.scale < closer[0].scale
        assert len(closer) >= 4


class TestCores:
    @given(SIZES, SIZES, st.floats(100, 1500), st.integers(0, 40), st.integers(0, 2**31))
    def test_partition_the_scene_exactly(
        self, width: int, height: int, side: float, count: int, seed: int
    ) -> None:
        points = np.random.default_rng(seed).uniform((0, 0), (width, height), (count, 2))

        tiles = by_density(width, height, points, side=side, halo=30, most=3)

        assert sum(t.core[2] * t.core[3] for t in tiles) == width * height
        assert len({t.tile_id for t in tiles}) == len(tiles)
        for x, y in points:
            holders = [
                t
                for t in tiles
                if t.core[0] <= x < t.core[0] + t.core[2] and t.core[1] <= y < t.core[1] + t.core[3]
            ]
            assert holders == [owner(tiles, (x, y), (width, height))]

    @given(SIZES, SIZES, st.floats(100, 1500), st.floats(0, 200))
    def test_lie_within_their_crop_and_the_crop_within_the_scene(
        self, width: int, height: int, side: float, halo: float
    ) -> None:
        for t in grid(width, height, side=side, halo=halo):
            x, y, w, h = t.core
            cx, cy, cw, ch = t.crop
            assert 0 <= cx <= x and 0 <= cy <= y
            assert x + w <= cx + cw + 1e-6 <= width + 1e-5
            assert y + h <= cy + ch + 1e-6 <= height + 1e-5
            assert max(w, h) <= max(1.25 * side + 1, 1)

    def test_are_split_where_objects_crowd_until_they_are_small(self) -> None:
        points = np.random.default_rng(0).uniform(0, 200, (50, 2))

        tiles = by_density(800, 800, points, side=800, halo=0, most=12, least_side=100)

        assert min(t.core[2] for t in tiles) == 100
        assert max(t.core[2] for t in tiles) == 400

    @given(st.floats(-50, 1050), st.floats(-50, 550))
    def test_own_even_points_at_and_past_the_border(self, x: float, y: float) -> None:
        tiles = grid(1000, 500, side=300, halo=20)

        found = owner(tiles, (x, y), (1000, 500))

        inside = (min(max(x, 0), math.nextafter(1000, 0)), min(max(y, 0), math.nextafter(500, 0)))
        cx, cy, w, h = found.core
        assert cx <= inside[0] < cx + w and cy <= inside[1] < cy + h

    def test_that_leave_a_gap_are_reported(self) -> None:
        with pytest.raises(ValueError, match="do not cover"):
            owner([tile((0, 0, 10, 10), 100, 100, 5)], (50, 50), (100, 100))


class TestTileSize:
    def test_makes_small_objects_legible(self) -> None:
        assert tile_side(10) == pytest.approx(208.3, abs=0.1)
        assert tile_side(500) == 1000

    @pytest.mark.parametrize("size", [0, -3, math.nan])
    def test_refuses_objects_without_size(self, size: float) -> None:
        with pytest.raises(ValueError, match="object_px must be above 0"):
            tile_side(size)

    def test_halo_holds_a_large_object_and_some_context(self) -> None:
        assert halo_for(100, 400) == 100
        assert halo_for(10, 400) == 60
        assert halo_for(1, 10) == 24
