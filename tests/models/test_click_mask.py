"""Clicks become masks: what they say is kept, and on plain pictures one click is enough."""

import time

import numpy as np
import pytest

from models.click_mask import Click, ClickError, click_mask

BOX = (60.0, 40.0, 200.0, 160.0)


def disk(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A red ellipse on green, both noisy, (200, 260, 3), and its mask."""
    ys, xs = np.mgrid[:200, :260] + 0.5
    inside = ((xs - 130) / 70) ** 2 + ((ys - 100) / 60) ** 2 <= 1
    picture = np.where(inside[..., None], (170, 60, 50), (60, 130, 60)) + rng.normal(0, 15, (200, 260, 3))
    return np.clip(picture, 0, 255).astype(np.uint8), inside


def iou(a: np.ndarray, b: np.ndarray) -> float:
    return float((a & b).sum() / (a | b).sum())


class TestClickMask:
    def test_finds_a_plain_object_from_its_box_and_better_from_a_click(
        self, rng: np.random.Generator
    ) -> None:
        picture, truth = disk(rng)

        guess = click_mask(picture, [], box=BOX)
        clicked = click_mask(picture, [Click(130, 100, True)], box=BOX)

        assert iou(guess, truth) > 0.9
        assert iou(clicked, truth) > 0.93

    def test_finds_an_object_that_fills_half_of_its_box(self, rng: np.random.Generator) -> None:
        picture, truth = disk(rng)
        truth[:, 130:] = False
        picture[:, 130:] = picture[:, :1].mean(axis=0)

        found = click_mask(picture, [Click(95, 100, True), Click(165, 100, False)], box=BOX)

        assert iou(found, truth) > 0.85

    def test_holds_every_positive_click_and_no_negative_one(self, rng: np.random.Generator) -> None:
        picture = rng.integers(0, 255, (90, 120, 3), dtype=np.uint8)
        clicks = [Click(float(rng.uniform(0, 120)), float(rng.uniform(0, 90)), bool(n % 2)) for n in range(9)]

        found = click_mask(picture, clicks)

        assert [bool(found[min(int(c.y), 89), min(int(c.x), 119)]) for c in clicks] == [
            c.positive for c in clicks
        ]

    def test_keeps_to_the_mask_so_far_away_from_the_clicks(self, rng: np.random.Generator) -> None:
        grey = np.full((200, 260, 3), 120, np.uint8)  # says nothing of itself
        _, truth = disk(rng)

        found = click_mask(grey, [Click(130, 100, True)], box=BOX, mask=truth)

        assert iou(found, truth) > 0.9

    def test_is_the_same_whatever_the_order_of_the_clicks(self, rng: np.random.Generator) -> None:
        picture, _ = disk(rng)
        clicks = [Click(130, 100, True), Click(20, 20, False), Click(100, 90, True)]

        assert np.array_equal(click_mask(picture, clicks), click_mask(picture, clicks[::-1]))

    def test_answers_within_the_blink_of_an_eye(self, rng: np.random.Generator) -> None:
        picture = rng.integers(0, 255, (512, 512, 3), dtype=np.uint8)
        clicks = [Click(256, 256, True), Click(10, 10, False)]
        seconds = []
        for _ in range(3):
            started = time.process_time()
            click_mask(picture, clicks)
            seconds.append(time.process_time() - started)

        assert min(seconds) < 0.3

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"clicks": [Click(300, 10, True)]}, r"clicks\[0\]: \(300, 10\) lies outside"),
            ({"mask": np.zeros((3, 3), bool)}, r"mask: \(3, 3\) given"),
            ({"box": (10.0, 10.0, 10.0, 20.0)}, "has no area"),
            ({"image": np.zeros((5, 5, 3), np.uint8)}, "at least 8 x 8"),
            ({"image": np.zeros((50, 50), np.uint8)}, "image: "),
        ],
    )
    def test_says_what_does_not_fit(self, rng: np.random.Generator, changes: dict, message: str) -> None:
        given = {"image": disk(rng)[0], "clicks": [], **changes}

        with pytest.raises(ClickError, match=message):
            click_mask(given.pop("image"), given.pop("clicks"), **given)
