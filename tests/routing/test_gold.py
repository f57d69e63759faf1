"""Tasks with a known answer."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.annotation import boxes as bx
from routing.gold import (
    gold_due,
    make_seed_boxes,
    make_verify_gold,
    score_answer,
    seeds_needed,
)
from routing.outcomes import Outcome
from routing.policy import RoutingPolicy
from routing.track_record import TrackRecord, replay

POLICY = RoutingPolicy()
WH = (1000.0, 800.0)


def scattered(rng: np.random.Generator, n: int) -> np.ndarray:
    """n boxes of 30 to 60 px on a grid of places, so that there is room between them."""
    places = rng.permutation(48)[:n]
    corner = np.stack([20 + places % 8 * 120, 20 + places // 8 * 120], axis=1).astype(float)
    return np.concatenate([corner, corner + rng.uniform(30, 60, (n, 2))], axis=1)


class TestGoldDue:
    def test_comes_often_for_newcomers_and_never_stops(self, rng: np.random.Generator) -> None:
        known = replay([Outcome("verify_box", "", None, "ok", "good", seconds=1.0)] * POLICY.newcomer_answers)

        def share(record: TrackRecord) -> float:
            return sum(gold_due(record, "verify_box", POLICY, rng) for _ in range(5000)) / 5000

        assert share(TrackRecord.new()) == pytest.approx(POLICY.gold_share_new, abs=0.02)
        assert share(known) == pytest.approx(POLICY.gold_share, abs=0.02)

    def test_is_new_in_every_kind(self, rng: np.random.Generator) -> None:
        known = replay([Outcome("verify_box", "", None, "ok", "good", seconds=1.0)] * POLICY.newcomer_answers)
        policy = RoutingPolicy.from_json({"gold_share": 0.0, "gold_share_new": 0.9})

        assert not any(gold_due(known, "verify_box", policy, rng) for _ in range(50))
        assert any(gold_due(known, "fix_box", policy, rng) for _ in range(50))


class TestSeedsNeeded:
    @given(st.integers(1, 30), st.floats(0, 0.5))
    def test_lifts_a_page_to_the_share_wanted_with_no_seed_too_many(self, cells: int, wrong: float) -> None:
        seeds = seeds_needed(cells, wrong, POLICY)

        def share(n: int) -> float:
            return (n + wrong * cells) / (n + cells)

        assert share(seeds) >= POLICY.seed_share - 1e-9
        assert seeds <= 1 or share(seeds - 1) < POLICY.seed_share


class TestSeeds:
    @settings(max_examples=25)
    @given(st.integers(0, 10**6), st.integers(1, 30), st.integers(1, 8))
    def test_are_wrong_beyond_doubt_and_lie_in_the_scene(self, seed: int, n: int, count: int) -> None:
        rng = np.random.default_rng(seed)
        live = scattered(rng, n)

        seeds = make_seed_boxes(live, rng, POLICY, WH, count=count)

        assert seeds
        for made in seeds:
            box = bx.as_boxes([made.xyxy])
            best = bx.iou_matrix(box, live).max()
            assert best < POLICY.tolerance_iou - 0.05
            assert made.truth in ("geometry", "phantom")
            assert made.truth == "geometry" or best < 0.3
            assert (box[0, 2:] - box[0, :2] >= 10).all()
            assert box.min() >= 0 and box[0, 2] <= WH[0] and box[0, 3] <= WH[1]

    def test_are_of_both_kinds_though_every_page_has_only_one(self) -> None:
        rng = np.random.default_rng(2)
        live = scattered(rng, 10)

        made = [seed.truth for _ in range(200) for seed in make_seed_boxes(live, rng, POLICY, WH, count=1)]

        assert len(made) == 200
        assert 70 < made.count("phantom") < 130

    def test_come_fewer_where_there_is_no_room(self) -> None:
        rng = np.random.default_rng(0)
        full = [[0, 0, 50, 50]]

        assert len(make_seed_boxes(full, rng, POLICY, (50, 50), count=6)) < 6
        assert make_seed_boxes([], rng, POLICY, WH) == []

    def test_leave_the_boxes_alone(self) -> None:
        rng = np.random.default_rng(0)
        live = scattered(rng, 4)
        before = live.copy()

        make_seed_boxes(live, rng, POLICY, WH, count=4)

        assert (live == before).all()

    def test_are_right_half_of_the_time_in_verify_gold(self) -> None:
        rng = np.random.default_rng(1)
        live = scattered(rng, 10)

        made = [make_verify_gold(live, 3, rng, POLICY, WH) for _ in range(400)]

        good = [seed for seed in made if seed.truth == "good"]
        assert 0.42 < len(good) / 400 < 0.58
        assert all(seed.xyxy == tuple(live[3]) for seed in good)
        assert {seed.truth for seed in made} == {"good", "geometry", "phantom"}


class TestScoreAnswer:
    @pytest.mark.parametrize(
        ("truth", "verdict", "correct"),
        [
            ("good", "ok", True),
            ("good", "geometry", False),
            ("geometry", "wrong_class", True),
            ("geometry", "ok", False),
            ("phantom", "not_object", True),
            ("phantom", "ok", False),
        ],
    )
    def test_scores_a_verdict(self, truth: str, verdict: str, correct: bool) -> None:
        score = score_answer("verify_box", {}, {"truth": truth}, {"verdict": verdict})

        assert score.correct is correct
        assert score.share == float(correct)
        assert score.to_feedback()["message"].startswith("Right." if correct else "Not quite")

    def test_scores_a_page_by_what_was_seen(self) -> None:
        gold = {"bad": [1, 2], "good": [3, 4]}

        full = score_answer("grid_verify", {}, gold, {"bad": [1, 2], "viewed": [1, 2, 3, 4]})
        slip = score_answer("grid_verify", {}, gold, {"bad": [1, 3], "viewed": [1, 2, 3, 4]})
        half = score_answer("grid_verify", {}, gold, {"bad": [1], "viewed": [1, 3]})

        assert full.correct and full.share == 1.0
        assert not slip.correct and slip.share == 0.5
        assert slip.detail == {"missed": [2], "alarms": [3]}
        assert half.correct

    def test_scores_a_drawn_box_by_overlap_and_class(self) -> None:
        gold = {"xyxy": [0, 0, 100, 100], "class": 2}

        def drawn(box: list[float] | None, cls: int = 2) -> bool:
            value = {"xyxy": box, "class": cls, "deleted": box is None}
            return score_answer("fix_box", {}, gold, value).correct

        assert drawn([0, 0, 100, 90])
        assert not drawn([0, 0, 100, 70])
        assert not drawn([0, 0, 100, 100], cls=1)
        assert not drawn(None)
        assert score_answer(
            "fix_box", {}, {"xyxy": None}, {"xyxy": None, "class": None, "deleted": True}
        ).correct

    def test_is_more_lenient_with_small_boxes(self) -> None:
        small = {"xyxy": [0, 0, 20, 20], "class": None}
        value = {"objects": [{"xyxy": [0, 0, 20, 15], "class": 1}], "none": False}

        assert score_answer("draw_missed", {}, small, value).correct

    def test_scores_a_search_by_what_was_hidden(self) -> None:
        gold = {"hidden": [{"id": 5, "xyxy": [0, 0, 10, 10]}, {"id": 6, "xyxy": [50, 50, 60, 60]}]}

        score = score_answer("coverage_tile", {}, gold, {"points": [{"xy": [5, 5], "class": 0}]})

        assert not score.correct and score.share == 0.5
        assert score.detail == {"missed": [6]}
        assert score_answer("coverage_tile", {}, {"hidden": []}, {"points": []}).correct

    def test_scores_comparisons_and_rulings(self) -> None:
        assert score_answer("compare_two", {}, {"choice": "A"}, {"choice": "A"}).correct
        assert not score_answer("compare_two", {}, {"choice": "A"}, {"choice": "equal"}).correct
        gold = {"ruling": "accept", "xyxy": [0, 0, 50, 50], "class": 1}
        right = {"ruling": "accept", "xyxy": [0, 0, 50, 48], "class": 1}
        assert score_answer("adjudicate", {}, gold, right).correct
        assert not score_answer("adjudicate", {}, gold, {"ruling": "reject", "xyxy": None}).correct
        assert score_answer("adjudicate", {}, {"ruling": "reject"}, {"ruling": "reject"}).correct

    def test_names_the_kind_it_cannot_score(self) -> None:
        with pytest.raises(ValueError, match="gold of kind guess"):
            score_answer("guess", {}, {}, {})
        with pytest.raises(ValueError, match="truth"):
            score_answer("verify_box", {}, {}, {"verdict": "ok"})

    @given(st.lists(st.floats(0, 100), min_size=4, max_size=4))
    def test_share_is_a_share(self, numbers: list[float]) -> None:
        x1, x2 = sorted(numbers[:2])
        y1, y2 = sorted(numbers[2:])
        value = {"xyxy": [x1, y1, x2, y2], "class": 1, "deleted": False}

        score = score_answer("fix_box", {}, {"xyxy": [10, 10, 90, 90], "class": 1}, value)

        assert 0 <= score.share <= 1
        assert math.isfinite(score.share)
