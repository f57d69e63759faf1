"""Blocks of segments: fused by area, asked again only where people disagree, exported as masks."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from routing.annotation.segments import cells_of, pixels_of, segment_ids, segments_to_json
from routing.annotation.shapes import Mask, Polygon, shape_from_json, shape_to_json
from routing.consensus.masks import decode_mask
from routing.policy import RoutingPolicy
from routing.refinement import AskMore, Refer, RefinementCase, Said, Settled, Wait, next_refinement_step
from routing.refinement_credit import credit_refinement
from routing.refinement_regions import agreement, narrowed, painted
from routing.simulation import SimulatedAnnotator, make_crowd, make_truth

POLICY = RoutingPolicy()
IDS = np.repeat(np.repeat(np.array([[1, 1, 2], [1, 1, 3]]), 40, axis=0), 40, axis=1)  # (80, 120)
ASK: dict[str, Any] = {
    "segments": segments_to_json(IDS, (20, 30, 120, 80)),
    "open": [1, 2, 3],
    "known": {},
    "classes": [0, 4, 5],
}


def case(*assigns: dict[str, int | None], waiting: int = 0) -> RefinementCase:
    said = tuple(
        Said(n, "label_region", {"assign": assign}, right=0.9, seconds=20.0)
        for n, assign in enumerate(assigns, start=1)
    )
    return RefinementCase("label_region", ASK, said, waiting=waiting)


class TestSegments:
    def test_come_back_from_their_run_lengths(self) -> None:
        stored = segments_to_json(IDS, (20, 30, 120, 80))

        assert (segment_ids(stored) == IDS).all()
        assert cells_of(stored) == {1: 6400, 2: 1600, 3: 1600}

    def test_are_stretched_over_their_rectangle_where_cells_are_coarse(self) -> None:
        ids, corner = pixels_of({"rect": [5, 6, 4, 4], "size": [2, 2], "runs": [[1, 1], [2, 1], [3, 2]]})

        assert ids.tolist() == [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 3, 3], [3, 3, 3, 3]]
        assert corner == (5, 6)

    def test_that_do_not_fill_their_block_are_refused(self) -> None:
        with pytest.raises(ValueError, match="3 cells for 2 × 2"):
            segment_ids({"rect": [0, 0, 2, 2], "size": [2, 2], "runs": [[1, 3]]})


class TestNextRegionStep:
    def test_asks_two_at_first(self) -> None:
        step = next_refinement_step(case(), POLICY)

        assert isinstance(step, AskMore) and (step.kind, step.count) == ("label_region", 2)

    def test_waits_for_the_second(self) -> None:
        assert isinstance(next_refinement_step(case({"1": 0, "2": 4, "3": None}, waiting=1), POLICY), Wait)

    def test_settles_what_two_agree_on(self) -> None:
        both = {"1": 0, "2": 4, "3": None}
        step = next_refinement_step(case(both, both), POLICY)

        assert isinstance(step, Settled)
        assert step.value == {"assign": both}
        assert 0 < step.risk <= POLICY.target_risk

    def test_asks_a_third_only_about_what_is_disputed(self) -> None:
        step = next_refinement_step(case({"1": 0, "2": 4, "3": 5}, {"1": 0, "2": 4, "3": 0}), POLICY)

        assert isinstance(step, AskMore)
        assert (step.count, step.segments) == (1, [3])

    def test_counts_a_third_only_where_they_were_asked(self) -> None:
        step = next_refinement_step(
            case({"1": 0, "2": 4, "3": 5}, {"1": 0, "2": 4, "3": 0}, {"3": 5}), POLICY
        )

        assert isinstance(step, Settled)
        assert step.value["assign"] == {"1": 0, "2": 4, "3": 5}

    def test_leaves_it_to_a_specialist_after_as_many_answers_as_the_policy_allows(self) -> None:
        split = [{"1": label, "2": 4, "3": 5} for label in (0, 4, 5, None)]
        step = next_refinement_step(case(*split), replace(POLICY, max_looks=4))

        assert isinstance(step, Refer)

    def test_lets_a_specialist_rule_on_the_rest(self) -> None:
        crowd = case({"1": 0, "2": 4, "3": 5}, {"1": 0, "2": 4, "3": 0})
        ruling = Said(9, "label_region", {"assign": {"3": None}}, rules=True)
        step = next_refinement_step(replace(crowd, said=(*crowd.said, ruling)), POLICY)

        assert isinstance(step, Settled)
        assert step.value["assign"] == {"1": 0, "2": 4, "3": None}


class TestRegionCredit:
    def test_is_by_area(self) -> None:
        settled = {"assign": {"1": 0, "2": 4, "3": 5}}

        assert agreement(ASK, {"assign": {"1": 0, "2": 4, "3": 0}}, settled) == pytest.approx(8000 / 9600)
        assert agreement(ASK, {"assign": {"3": 0}}, settled) == 0

    def test_calls_right_who_named_most_of_the_area(self) -> None:
        asked = case({"1": 0, "2": 4, "3": 5}, {"1": 4, "2": 4, "3": 5})
        learned = credit_refinement(
            asked, {"assign": {"1": 0, "2": 4, "3": 5}}, 0.02, domain="street", cls=None, policy=POLICY
        )

        assert [(who, outcome.truth) for who, outcome in learned] == [(1, "good"), (2, "geometry")]
        assert learned[1][1].iou == pytest.approx(3200 / 9600)


class TestPainted:
    def test_gives_every_class_its_pixels(self) -> None:
        found = painted(ASK, {"1": 0, "2": 4, "3": 0})

        assert [entry["class"] for entry in found] == [0, 4]
        large, small = (shape_from_json(entry["shape"]) for entry in found)
        assert isinstance(large, Mask) and isinstance(small, Mask)
        assert (decode_mask(large).sum(), decode_mask(small).sum()) == (8000, 1600)
        assert (small.offset, small.size) == ((100, 30), (40, 40))

    def test_leaves_void_empty_and_keeps_what_was_known(self) -> None:
        found = painted({**ASK, "open": [2, 3], "known": {"1": 5}}, {"2": None, "3": None})

        assert [entry["class"] for entry in found] == [5]

    def test_shows_what_is_agreed_on_as_known(self) -> None:
        asked = narrowed(ASK, {"1": 0, "2": None, "3": 5}, [3])

        assert (asked["open"], asked["known"]) == ([3], {"1": 0})


class TestSimulatedRegions:
    def test_follow_the_truth_and_take_longer_for_more_segments(self) -> None:
        rings = [[20.0, 30.0], [100.0, 30.0], [100.0, 110.0], [20.0, 110.0]]
        left = shape_to_json(Polygon((tuple((x, y) for x, y in rings),)))
        truth = make_truth(
            [], [], np.random.default_rng(0), (300, 200), about={"regions": [{"class": 4, "shape": left}]}
        )
        payload = {
            **ASK,
            "kind": "label_region",
            "view": [0, 0, 200, 150],
            "scene": {"id": 1, "width": 300, "height": 200},
        }
        right = 0
        seconds: dict[int, list[float]] = {1: [], 3: []}
        for profile in make_crowd(30, 1, mix={"diligent": 1.0}):
            mind = SimulatedAnnotator(profile)
            for count in (1, 3):
                reply = mind.answer({**payload, "open": [1, 2, 3][:count]}, truth, tasks_done=50, now_s=0.0)
                if reply.value is not None:
                    right += sum(
                        reply.value["assign"][str(id)] == (4 if id == 1 else None)
                        for id in range(1, count + 1)
                    )
                seconds[count].append(reply.active_ms)
        assert 100 <= right <= 120
        assert np.median(seconds[3]) > 1.3 * np.median(seconds[1])
