"""Average precision is COCO's, to the last digit; matching is one to one."""

import contextlib
import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.evaluate import Boxes, average_precision, match, operating_point


def images(seed: int, count: int) -> tuple[list[Boxes], list[Boxes]]:
    """References of two classes, and detections near them, elsewhere or of the wrong class."""
    rng = np.random.default_rng(seed)
    found, truth = [], []
    for _ in range(count):
        n = int(rng.integers(0, 9))
        low = rng.uniform(0, 80, (n, 2))
        boxes = np.concatenate((low, low + rng.uniform(4, 40, (n, 2))), axis=1)
        labels = rng.integers(1, 3, n)
        truth.append(Boxes.of(boxes, labels))
        hit = rng.random(n) < 0.8
        near = boxes[hit] + rng.normal(0, 2.5, (int(hit.sum()), 4))
        low = rng.uniform(0, 80, (int(rng.integers(0, 4)), 2))
        stray = np.concatenate((low, low + 10), axis=1)
        both = np.concatenate((near, stray)).reshape(-1, 4)
        both[:, 2:] = np.maximum(both[:, 2:], both[:, :2] + 1)
        # Distinct scores: COCO's code breaks ties by the order of its rows.
        scores = rng.permutation(len(both)) / 100 + rng.uniform(0, 0.001, len(both)) + 0.1
        guess = np.concatenate((labels[hit], rng.integers(1, 3, len(stray))))
        found.append(Boxes.of(both, guess, scores))
    return found, truth


def coco_precision(found: list[Boxes], truth: list[Boxes]) -> list[float]:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    def xywh(box: np.ndarray) -> list[float]:
        return [*map(float, box[:2]), *map(float, box[2:] - box[:2])]

    rows: list[dict[str, Any]] = []
    for number, t in enumerate(truth, 1):
        for box, label in zip(t.xyxy, t.labels, strict=True):
            b = xywh(box)
            rows.append({"id": len(rows) + 1, "image_id": number, "category_id": int(label), "bbox": b})
            rows[-1] |= {"area": b[2] * b[3], "iscrowd": 0}
    reference = COCO()
    reference.dataset = {
        "images": [{"id": i + 1} for i in range(len(truth))],
        "annotations": rows,
        "categories": [{"id": 1}, {"id": 2}],
    }
    results = [
        {"image_id": i, "category_id": int(label), "bbox": xywh(box), "score": float(score)}
        for i, f in enumerate(found, 1)
        for box, label, score in zip(f.xyxy, f.labels, f.scores, strict=True)
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        reference.createIndex()
        judge = COCOeval(reference, reference.loadRes(results), "bbox")
        judge.params.maxDets = [1000]
        judge.params.areaRng, judge.params.areaRngLbl = [[0, 1e10]], ["all"]
        judge.evaluate()
        judge.accumulate()
    table = judge.eval["precision"][..., 0, 0]  # thresholds, recalls, classes
    return [float(row[row > -1].mean()) for row in table]


class TestAveragePrecision:
    @pytest.mark.parametrize("seed", range(8))
    def test_equals_the_reference_implementation(self, seed: int) -> None:
        found, truth = images(seed, 6)
        if any(not any((t.labels == c).any() for t in truth) for c in (1, 2)):
            truth[0] = Boxes.of(np.array([[0, 0, 9, 9], [20, 20, 29, 29]]), np.array([1, 2]))

        ours = average_precision(found, truth)

        assert ours == pytest.approx(coco_precision(found, truth), abs=1e-6)

    def test_of_perfect_detections_is_one(self) -> None:
        _, truth = images(0, 5)

        found = [Boxes.of(t.xyxy, t.labels, np.linspace(0.5, 0.9, len(t.labels))) for t in truth]

        assert average_precision(found, truth) == pytest.approx(np.ones(10))

    def test_does_not_count_what_is_found_on_ignored_references(self) -> None:
        boxes, scores = np.array([[0, 0, 10, 10], [50, 0, 60, 10]]), np.array([0.5, 0.9])
        found = [Boxes.of(boxes, np.array([1, 1]), scores)]

        counted = average_precision(found, [Boxes.of(boxes[:1], np.array([1]))])
        ignored = average_precision(found, [Boxes.of(boxes, np.array([1, 1]), None, np.array([False, True]))])

        assert counted[0] == pytest.approx(0.5)
        assert ignored[0] == pytest.approx(1.0)

    def test_without_references_is_undefined(self) -> None:
        nothing = Boxes.of(np.zeros((0, 4)), np.zeros(0))

        assert np.isnan(average_precision([nothing], [nothing])).all()


class TestMatch:
    @settings(max_examples=30)
    @given(st.integers(0, 2**31), st.sampled_from([0.3, 0.5, 0.75]))
    def test_gives_every_counted_reference_to_one_detection_at_most(
        self, seed: int, threshold: float
    ) -> None:
        found, truth = images(seed, 1)

        target, skip = match(found[0], truth[0], threshold)

        counted = target[(target >= 0) & ~skip]
        assert len(set(counted.tolist())) == len(counted)
        for i in np.flatnonzero(target >= 0):
            assert found[0].labels[i] == truth[0].labels[target[i]]

    def test_prefers_the_detection_with_the_higher_score(self) -> None:
        truth = Boxes.of(np.array([[0, 0, 10, 10]]), np.array([1]))
        found = Boxes.of(np.array([[0, 0, 10, 10], [1, 0, 11, 10]]), np.array([1, 1]), np.array([0.3, 0.8]))

        assert match(found, truth, 0.5)[0].tolist() == [-1, 0]


class TestOperatingPoint:
    def test_counts_what_scores_at_least_the_threshold(self) -> None:
        truth = Boxes.of(np.array([[0, 0, 10, 10], [50, 0, 60, 10]]), np.array([1, 1]))
        found = Boxes.of(
            np.array([[0, 0, 10, 8], [90, 90, 99, 99], [50, 0, 60, 10]]),
            np.array([1, 1, 1]),
            np.array([0.8, 0.6, 0.2]),
        )

        point = operating_point([found], [truth], 0.5)

        assert (point.precision, point.recall, point.found) == (0.5, 0.5, 2)
        assert point.mean_iou == pytest.approx(0.8)
