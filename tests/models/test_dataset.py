"""Training crops: seeded, inside the annotated part, and silent about what nobody annotated."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.dataset import CropOptions, CropSampler, Sample, make_target
from models.transforms import jitter_colour

NONE = np.zeros((0, 4), np.float32)


def scene(rng: np.random.Generator, width: int = 300, height: int = 200, count: int = 12) -> Sample:
    """A dark picture whose objects are bright, so that a crop shows where its boxes should be."""
    image = np.full((height, width, 3), 20, np.uint8)
    boxes = []
    for x in range(10, width - 40, 60):
        for y in range(10, height - 40, 60):
            w, h = (int(v) for v in rng.integers(12, 30, 2))
            image[y : y + h, x : x + w] = 240
            boxes.append((x, y, x + w, y + h))
    boxes = boxes[:count]
    n = len(boxes)
    known = np.array([[0, 0, width, height]], np.float32)
    return Sample(
        image, np.array(boxes, np.float32), np.zeros(n, np.int64), np.ones(n, np.float32), known, NONE
    )


class TestCrops:
    @settings(max_examples=25)
    @given(st.integers(0, 2**31), st.booleans())
    def test_show_an_object_under_every_box(self, seed: int, symmetries: bool) -> None:
        options = CropOptions(size=128, scale=1.3, symmetries=symmetries, colour=0.0)
        sampler = CropSampler([scene(np.random.default_rng(0), count=99)], options, seed)

        picture, target = sampler.one()

        for x1, y1, x2, y2 in target.boxes.numpy():
            middle = picture[int((y1 + y2) / 2), int((x1 + x2) / 2)]
            assert middle.min() > 200
            assert 0 <= x1 < x2 <= 128 and 0 <= y1 < y2 <= 128

    def test_are_the_same_for_the_same_seed(self, rng: np.random.Generator) -> None:
        sample = scene(rng)

        first, second = (CropSampler([sample], CropOptions(size=64), 9).batch(3) for _ in range(2))

        assert np.array_equal(first[0].numpy(), second[0].numpy())
        assert all(np.array_equal(a.boxes, b.boxes) for a, b in zip(first[1], second[1], strict=True))

    def test_come_from_pictures_with_annotated_area_only(self, rng: np.random.Generator) -> None:
        unknown = scene(rng)
        unknown = Sample(unknown.image, unknown.boxes, unknown.labels, unknown.weights, NONE, NONE)

        sampler = CropSampler([unknown, scene(rng)], CropOptions(size=64), 0)

        assert len(sampler.samples) == 1


class TestTarget:
    def test_ignores_objects_that_the_crop_cuts_mostly_off(self) -> None:
        boxes = np.array([[-70, 10, 10, 50], [10, 10, 50, 50], [-20, 60, 40, 90]], np.float32)

        target = make_target(boxes, np.arange(3), np.ones(3), np.array([[0, 0, 128, 128.0]]), NONE, 128)

        assert target.labels.tolist() == [1, 2]
        assert target.ignore.tolist() == [[0, 10, 10, 50]]
        assert target.boxes[1].tolist() == [0, 60, 40, 90]

    def test_forgets_what_lies_outside(self) -> None:
        boxes = np.array([[200, 200, 250, 250]], np.float32)

        target = make_target(boxes, np.zeros(1), np.ones(1), NONE, boxes, 128)

        assert len(target.boxes) == len(target.ignore) == 0


class TestColour:
    @given(st.integers(0, 2**31), st.floats(0.01, 0.5))
    def test_stays_within_range_and_shape(self, seed: int, strength: float) -> None:
        rng = np.random.default_rng(seed)
        image = rng.integers(0, 255, (9, 7, 3), dtype=np.uint8)

        out = jitter_colour(image, rng, strength)

        assert out.shape == image.shape and out.dtype == np.uint8

    def test_of_no_strength_changes_nothing(self, rng: np.random.Generator) -> None:
        image = rng.integers(0, 255, (9, 7, 3), dtype=np.uint8)

        assert jitter_colour(image, rng, 0.0) is image


def test_without_any_annotated_box_there_is_nothing_to_learn(rng: np.random.Generator) -> None:
    with pytest.raises(ValueError, match="no box"):
        CropSampler([scene(rng, count=0)], CropOptions(), 0)
