"""A candidate wins only when the difference is sure, and not where it is worse."""

import json

import numpy as np
import pytest

from models.compare import Comparison, compare, outcomes
from models.evaluate import Boxes, average_precision


def scenes(seed: int, count: int = 8, side: float = 40) -> list[Boxes]:
    """Pictures of 12 objects of two classes; those of class 1 are large."""
    rng = np.random.default_rng(seed)
    out = []
    for _ in range(count):
        low = np.stack(np.meshgrid(np.arange(4) * 200.0, np.arange(3) * 200.0), axis=-1).reshape(-1, 2)
        labels = rng.integers(0, 2, 12)
        size = np.where(labels == 1, 3 * side, side)[:, None]
        low = low + rng.uniform(0, 20, (12, 2))
        out.append(Boxes.of(np.concatenate((low, low + size), axis=1), labels))
    return out


def seen(truth: list[Boxes], recall: dict[int, float], seed: int, stray: int = 2) -> list[Boxes]:
    """Detections by a model that finds this share of each class, and some nothings."""
    rng = np.random.default_rng(seed)
    out = []
    for t in truth:
        keep = rng.random(len(t.labels)) < np.array([recall[int(label)] for label in t.labels])
        low = rng.uniform(700, 780, (stray, 2))
        boxes = np.concatenate((t.xyxy[keep], np.concatenate((low, low + 15), axis=1)))
        labels = np.concatenate((t.labels[keep], rng.integers(0, 2, stray)))
        scores = np.concatenate((rng.uniform(0.4, 1, keep.sum()), rng.uniform(0, 0.6, stray)))
        out.append(Boxes.of(boxes, labels, scores))
    return out


def judged(candidate: dict[int, float], incumbent: dict[int, float], count: int = 8) -> Comparison:
    truth = scenes(0, count)
    pair = [outcomes(seen(truth, r, i), truth, unit_px=300) for i, r in enumerate((candidate, incumbent))]
    return compare(*pair, labels=("tree", "bush"), draws=200)


class TestPrecision:
    @pytest.mark.parametrize("seed", range(5))
    def test_of_the_whole_set_is_the_usual_one(self, seed: int) -> None:
        truth = scenes(seed)
        found = seen(truth, {0: 0.7, 1: 0.5}, seed)
        one = outcomes(found, truth, unit_px=300)

        result = compare(one, one, draws=2)

        assert result.overall.candidate == pytest.approx(average_precision(found, truth)[0], abs=1e-9)
        assert result.overall.objects == 96

    def test_leaves_out_ignored_references_and_what_is_found_on_them(self) -> None:
        boxes = np.array([[0, 0, 10, 10], [50, 0, 60, 10]])
        truth = [Boxes.of(boxes, np.zeros(2), None, np.array([False, True]))]
        found = [Boxes.of(boxes, np.zeros(2), np.array([0.5, 0.9]))]

        one = outcomes(found, truth, unit_px=100)

        assert len(one.truth_labels) == len(one.scores) == 1


class TestVerdict:
    def test_a_model_is_not_better_than_itself(self) -> None:
        truth = scenes(1)
        one = outcomes(seen(truth, {0: 0.7, 1: 0.7}, 3), truth, unit_px=300)

        result = compare(one, one, draws=50)

        assert result.overall.gain == result.overall.low == result.overall.high == 0
        assert not result.better

    def test_a_clear_gain_is_one(self) -> None:
        result = judged({0: 0.9, 1: 0.9}, {0: 0.5, 1: 0.5})

        assert result.better
        assert result.overall.low > 0.1
        assert result.verdict.endswith("better")

    def test_a_gain_on_three_pictures_worth_of_noise_is_none(self) -> None:
        result = judged({0: 0.62, 1: 0.6}, {0: 0.58, 1: 0.6}, count=3)

        assert not result.better
        assert "not surely better" in result.verdict

    def test_a_gain_overall_does_not_pay_for_a_class_that_got_worse(self) -> None:
        result = judged({0: 1.0, 1: 0.5}, {0: 0.2, 1: 0.9})

        assert result.overall.low > 0
        assert "bush" in result.worse and not result.better
        assert "worse on" in result.verdict

    def test_is_given_for_every_class_and_size_in_plain_json(self) -> None:
        result = json.loads(json.dumps(judged({0: 0.9, 1: 0.9}, {0: 0.5, 1: 0.5}).to_json()))

        assert [s["name"] for s in result["strata"]] == ["tree", "bush", "medium", "large"]
        assert result["better"] is True

    def test_survives_draws_without_any_object_of_a_class(self) -> None:
        truth = scenes(0, 2)
        rare = [Boxes.of(t.xyxy[:1], t.labels[:1] * 0) for t in truth]
        one = outcomes([Boxes.of(t.xyxy, t.labels, np.full(1, 0.9)) for t in rare], rare, unit_px=300)

        result = compare(one, one, draws=50)

        assert result.overall.candidate == 1 and result.overall.low == 0

    def test_needs_references_and_the_same_for_both(self) -> None:
        nothing = Boxes.of(np.zeros((0, 4)), np.zeros(0))
        none = outcomes([nothing], [nothing], unit_px=10)
        one = outcomes([nothing], scenes(0, 1), unit_px=10)

        with pytest.raises(ValueError, match="no reference"):
            compare(none, none)
        with pytest.raises(ValueError, match="different references"):
            compare(one, none)
