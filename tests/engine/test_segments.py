"""Pictures cut into blocks and segments that people name."""

import numpy as np
import pytest
from scipy import ndimage

from engine.segments import BLOCK_PX, MOST_SEGMENTS, blocks, chosen, segments_of


def quarters(size: int = 160, noise: float = 6.0) -> np.ndarray:
    """Four plain quarters of different colour, with some noise."""
    rng = np.random.default_rng(4)
    colors = np.array([[60, 120, 50], [150, 150, 160], [90, 70, 50], [40, 60, 140]], dtype=np.float64)
    half = size // 2
    which = np.repeat(np.repeat(np.array([[0, 1], [2, 3]]), half, axis=0), half, axis=1)
    return np.clip(colors[which] + rng.normal(0, noise, (size, size, 3)), 0, 255).astype(np.uint8)


class TestBlocks:
    @pytest.mark.parametrize("size", [(100, 80), (384, 385), (2472, 2299), (1, 5000)])
    def test_fill_the_picture_without_overlap(self, size: tuple[int, int]) -> None:
        covered = np.zeros((size[1], size[0]), dtype=int)
        for x, y, w, h in blocks(*size):
            assert 0 < w <= BLOCK_PX and 0 < h <= BLOCK_PX
            covered[y : y + h, x : x + w] += 1
        assert (covered == 1).all()

    def test_are_chosen_by_their_share_and_always_the_same(self) -> None:
        rects = list(blocks(384 * 40, 384 * 40))
        share = [chosen(rect, "a" * 64, 0.25) for rect in rects]

        assert 0.2 < np.mean(share) < 0.3
        assert share == [chosen(rect, "a" * 64, 0.25) for rect in rects]
        assert all(chosen(rect, "a" * 64, 1.0) for rect in rects)


class TestSegmentsOf:
    def test_keep_to_the_edges_of_what_is_there(self) -> None:
        found = segments_of(quarters(), most=4)

        assert sorted(np.unique(found)) == [1, 2, 3, 4]
        first = np.unique(found, return_index=True)[1]
        assert (np.diff(first) > 0).all()  # in reading order
        for rows, columns in ((0, 0), (0, 80), (80, 0), (80, 80)):
            part = found[
                rows + 3 : rows + 77, columns + 3 : columns + 77
            ]  # Three pixels at an edge count nowhere.
            assert (part == part[40, 40]).mean() > 0.95

    def test_are_connected_and_few(self) -> None:
        rng = np.random.default_rng(0)
        noisy = ndimage.gaussian_filter(rng.uniform(0, 255, (200, 260, 3)), (6, 6, 0))
        stretched = (255 * (noisy - noisy.min()) / np.ptp(noisy)).astype(np.uint8)
        found = segments_of(stretched)

        assert found.shape == (200, 260)
        assert 2 <= found.max() <= MOST_SEGMENTS
        assert all(ndimage.label(found == id)[1] == 1 for id in range(1, found.max() + 1))
        assert np.bincount(found.ravel())[1:].min() >= 0.004 * found.size

    @pytest.mark.parametrize("size", [(1, 1), (3, 50), (40, 40)])
    def test_of_a_plain_or_tiny_picture_are_at_least_one(self, size: tuple[int, int]) -> None:
        found = segments_of(np.full((*size, 3), 90, dtype=np.uint8))

        assert found.shape == size
        assert set(np.unique(found)) == set(range(1, int(found.max()) + 1))
