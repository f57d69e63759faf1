"""Merging windows: with a perfect detector, seams neither create nor lose an object; what is doubtful is said."""

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.merge import Merged, merge
from engine.prelabel import cut_by_window
from engine.tiling import Window, windows, zoomed_windows
from engine.types import RawDetection

Floats = npt.NDArray[np.float64]
VISIBLE = 0.3  # a perfect detector reports an object of which a window shows this share


def detection(xyxy: Sequence[float], *, score: float = 0.8, cut: bool = False, cls: int = 1) -> RawDetection:
    x1, y1, x2, y2 = (float(v) for v in xyxy)
    return RawDetection((x1, y1, x2, y2), cls, score, 0.5, 1, 1, 0.0, cut)


def perfect(
    boxes: Floats, crops: Sequence[Window], size: tuple[int, int], rng: np.random.Generator
) -> tuple[list[RawDetection], list[int]]:
    """What a detector without errors reports in every window: objects cut at its border, in any order of score."""
    found, place = [], []
    for window in crops:
        seen = np.concatenate(
            (np.maximum(boxes[:, :2], window.rect[:2]), np.minimum(boxes[:, 2:], window.rect[2:])), axis=1
        )
        share = np.clip(seen[:, 2:] - seen[:, :2], 0, None).prod(1) / (boxes[:, 2:] - boxes[:, :2]).prod(1)
        cut = cut_by_window(seen, window.rect, size, 1.0)
        for i in np.flatnonzero(share >= VISIBLE):
            found.append(detection(seen[i], score=float(rng.uniform(0.3, 0.9)), cut=bool(cut[i])))
            place.append(window.index)
    return found, place


def scattered(rng: np.random.Generator, width: int, height: int, pitch: float) -> Floats:
    """Objects side by side, some touching, none over another."""
    out = []
    for x in np.arange(0, width - pitch, pitch):
        for y in np.arange(0, height - pitch, pitch):
            low = rng.uniform(0, pitch / 3, 2)
            out.append((x + low[0], y + low[1], x + pitch, y + pitch))
    return np.array(out)


def same(merged: Sequence[Merged], truth: Floats) -> bool:
    if len(merged) != len(truth):
        return False
    found = np.array(sorted(m.xyxy for m in merged))
    return bool(np.abs(found - np.array(sorted(map(tuple, truth)))).max() < 1e-6)


class TestSeams:
    @settings(max_examples=40)
    @given(
        st.integers(300, 1500),
        st.integers(300, 1500),
        st.floats(20, 60),
        st.sampled_from([(1.0,), (0.7, 1.0, 1.4)]),
        st.integers(0, 2**31),
    )
    def test_neither_create_nor_lose_an_object(
        self, width: int, height: int, pitch: float, zooms: tuple[float, ...], seed: int
    ) -> None:
        rng = np.random.default_rng(seed)
        truth = scattered(rng, width, height, pitch)
        crops = zoomed_windows(width, height, size=416, scale=1.5, zooms=zooms, overlap=pitch * 1.1)

        merged, _ = merge(*perfect(truth, crops, (width, height), rng), largest_px=pitch)

        assert same(merged, truth)

    @pytest.mark.parametrize("folder", ["bccd", "deepforest_trees", "raccoon"])
    def test_of_real_scenes_neither_create_nor_lose_an_object(
        self, shared_data: Path, folder: str, rng: np.random.Generator
    ) -> None:
        """The annotated scenes of a folder side by side in one mosaic, cut where their seams are not."""
        truth, (width, height) = mosaic(shared_data / "images" / folder)
        overlap = float((truth[:, 2:] - truth[:, :2]).max()) + 4
        crops = windows(width, height, size=416, scale=416 / (3 * overlap), overlap=overlap)
        found, place = perfect(truth, crops, (width, height), rng)

        merged, _ = merge(found, place, largest_px=overlap)

        assert len(crops) >= 6
        assert len(merged) == len(truth)

    def test_join_the_parts_of_an_object_that_no_window_shows_whole(self) -> None:
        parts = [detection((0, 0, 60, 20), cut=True), detection((25, 0, 90, 20), cut=True)]

        merged, doubts = merge(parts, [0, 1], largest_px=70)

        assert [m.xyxy for m in merged] == [(0, 0, 90, 20)]
        assert merged[0].members == (0, 1)
        assert doubts == []

    def test_never_join_a_row_of_touching_objects_into_a_chain(self) -> None:
        row = [detection((i * 40, 0, i * 40 + 90, 20), cut=True) for i in range(6)]

        merged, doubts = merge(row, list(range(6)), largest_px=90)

        assert max(m.xyxy[2] - m.xyxy[0] for m in merged) <= 1.5 * 90
        assert len(merged) > 1
        assert doubts, "what was not joined is for a person to look at"

    def test_give_way_to_whole_looks(self) -> None:
        whole, part = detection((0, 0, 40, 40), score=0.4), detection((0, 0, 40, 25), score=0.9, cut=True)

        merged, _ = merge([whole, part], [0, 1], largest_px=40)

        assert [m.xyxy for m in merged] == [(0, 0, 40, 40)]


class TestMerge:
    def test_of_nothing_is_nothing(self) -> None:
        assert merge([], [], largest_px=10) == ([], [])

    def test_keeps_classes_apart(self) -> None:
        two = [detection((0, 0, 20, 20), cls=1), detection((0, 0, 20, 20), cls=2)]

        merged, _ = merge(two, [0, 1], largest_px=20)

        assert sorted(m.class_id for m in merged) == [1, 2]

    def test_averages_looks_that_agree_weighted_by_score(self) -> None:
        two = [detection((0, 0, 20, 20), score=0.9), detection((2, 0, 22, 20), score=0.3)]

        merged, _ = merge(two, [0, 1], largest_px=20)

        assert merged[0].xyxy == pytest.approx((0.5, 0, 20.5, 20))

    def test_score_is_the_mean_over_the_passes_of_the_best_in_each(self) -> None:
        looks = [detection((0, 0, 20, 20), score=s) for s in (0.9, 0.5, 0.6)]

        merged, _ = merge(looks, [0, 1, 2], largest_px=20, passes=[0, 0, 1])
        once, _ = merge(looks, [0, 1, 2], largest_px=20)

        assert merged[0].score == pytest.approx((0.9 + 0.6) / 2)
        assert once[0].score == pytest.approx(0.9)

    def test_a_pass_that_found_nothing_at_all_still_counts(self) -> None:
        merged, _ = merge([detection((0, 0, 20, 20), score=0.9)], [0], largest_px=20, passes=[1], looks=3)

        assert merged[0].score == pytest.approx(0.3)

    @given(st.permutations(range(12)))
    def test_does_not_depend_on_the_order_of_the_windows(self, order: list[int]) -> None:
        rng = np.random.default_rng(5)
        boxes = [(x, y, x + 30, y + 30) for x, y in rng.uniform(0, 60, (12, 2))]
        found = [detection(b, score=0.3 + 0.05 * i, cut=i % 3 == 0) for i, b in enumerate(boxes)]

        straight, _ = merge(found, list(range(12)), largest_px=30)
        shuffled, _ = merge([found[i] for i in order], order, largest_px=30)

        assert np.allclose([m.xyxy for m in straight], [m.xyxy for m in shuffled])
        assert [m.score for m in straight] == pytest.approx([m.score for m in shuffled])


def mosaic(folder: Path, most: int = 24) -> tuple[Floats, tuple[int, int]]:
    """Boxes of up to `most` VOC files, each picture in its own cell; boxes that nearly coincide count once."""
    boxes: list[tuple[float, ...]] = []
    cells = sorted(p for p in folder.rglob("*.xml"))[:most]
    assert cells
    sizes = [ElementTree.parse(p).getroot().find("size") for p in cells]
    width = max(int(s.findtext("width", "0")) for s in sizes if s is not None)
    height = max(int(s.findtext("height", "0")) for s in sizes if s is not None)
    columns = max(2, round(len(cells) ** 0.5))
    for number, path in enumerate(cells):
        dx, dy = number % columns * width, number // columns * height
        mine: list[tuple[float, ...]] = []
        for item in ElementTree.parse(path).getroot().iter("bndbox"):
            x1, y1, x2, y2 = (float(item.findtext(k, "0")) for k in ("xmin", "ymin", "xmax", "ymax"))
            box = (x1 + dx, y1 + dy, min(x2, width) + dx, min(y2, height) + dy)
            if x2 - x1 > 2 and y2 - y1 > 2 and all(_iou(box, other) < 0.5 for other in mine):
                mine.append(box)
        boxes += mine
    return np.array(boxes), (columns * width, -(-len(cells) // columns) * height)


def _iou(a: Sequence[float], b: Sequence[float]) -> float:
    w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(w, 0) * max(h, 0)
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)
