"""How many objects nobody has found yet, and whether another search is worth it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing import skill
from routing.coverage import (
    Complete,
    Look,
    TileCase,
    expected_missing,
    match_new_box,
    merge_points,
    next_look,
)
from routing.policy import RoutingPolicy
from routing.redundancy import Ask, Escalate

POLICY = RoutingPolicy()


def tile(*found: int, before: int = 0, recall: float = 0.8) -> TileCase:
    looks, live = [], before
    for number, n in enumerate(found):
        looks.append(Look(number, recall, n, live))
        live += n
    return TileCase(tuple(looks), live=live)


class TestExpectedMissing:
    @settings(max_examples=60)
    @given(st.lists(st.integers(0, 20), max_size=4), st.integers(0, 20), st.floats(0.05, 0.95))
    def test_is_a_number_of_objects_and_a_probability(
        self, found: list[int], before: int, recall: float
    ) -> None:
        missing, risk = expected_missing(tile(*found, before=before, recall=recall), POLICY)

        assert missing >= 0 and np.isfinite(missing)
        assert 0 <= risk <= 1

    @settings(max_examples=40)
    @given(st.lists(st.integers(0, 20), min_size=1, max_size=3), st.floats(0.2, 0.95))
    def test_falls_with_every_clean_look(self, found: list[int], recall: float) -> None:
        before, _ = expected_missing(tile(*found, recall=recall), POLICY)
        after, _ = expected_missing(tile(*found, 0, recall=recall), POLICY)

        assert after < before

    @settings(max_examples=40)
    @given(st.integers(0, 15), st.integers(0, 10), st.integers(1, 10))
    def test_grows_with_what_the_last_look_still_found(self, first: int, last: int, more: int) -> None:
        few, _ = expected_missing(tile(first, last), POLICY)
        many, _ = expected_missing(tile(first, last + more), POLICY)

        assert many > few

    def test_does_not_depend_on_the_order_of_equal_searchers(self) -> None:
        a = tile(5, 2)
        swapped = replace(a, looks=tuple(replace(look, annotator=9 - look.annotator) for look in a.looks))

        assert expected_missing(a, POLICY) == expected_missing(swapped, POLICY)

    def test_is_right_on_average_when_people_see_as_believed(self) -> None:
        """Tiles drawn from the model: shared difficulty, a shift per tile, two looks of known recall."""
        rng = np.random.default_rng(6)
        levels, weights = zip(*skill.DIFFICULTY, strict=True)
        stated = missed = 0.0
        for _ in range(600):
            n = int(rng.poisson(8))
            d = rng.choice(levels, n, p=np.array(weights) / sum(weights))
            p = 1 / (1 + np.exp(-(1.6 - d)))
            recall = float(np.mean([1 / (1 + np.exp(-(1.6 - level))) for level in levels]))
            first = rng.random(n) < p
            second = (rng.random(n) < p) & ~first
            case = tile(int(first.sum()), int(second.sum()), recall=recall)
            stated += expected_missing(case, POLICY)[0]
            missed += n - int(first.sum()) - int(second.sum())

        assert 0.6 < stated / missed < 1.6


class TestDoubt:
    def test_keeps_a_tile_open_that_only_somebody_doubtful_called_empty(self) -> None:
        def called_empty(doubt: float) -> TileCase:
            return TileCase((Look(1, 0.87, 0, 0, doubt),))

        assert isinstance(next_look(called_empty(0.0), POLICY), Complete)
        assert isinstance(next_look(called_empty(POLICY.spam_prior), POLICY), Ask)

    def test_closes_after_a_second_independent_empty_search(self) -> None:
        looks = (Look(1, 0.87, 0, 0, POLICY.spam_prior), Look(2, 0.87, 0, 0, POLICY.spam_prior))

        assert isinstance(next_look(TileCase(looks), POLICY), Complete)

    @settings(max_examples=40)
    @given(st.integers(1, 12), st.integers(1, 3), st.floats(0, 0.5), st.floats(0, 0.4))
    def test_makes_empty_searches_after_the_first_count_for_less(
        self, first: int, empty: int, doubt: float, more: float
    ) -> None:
        def missing(value: float) -> float:
            looks = tuple(replace(look, doubt=value) for look in tile(first, *[0] * empty).looks)
            return expected_missing(TileCase(looks, live=first), POLICY)[0]

        assert missing(doubt + more) >= missing(doubt) - 1e-6

    def test_does_not_doubt_somebody_who_found_something(self) -> None:
        sure = TileCase((Look(1, 0.87, 5, 0, 0.0),), live=5)
        doubtful = TileCase((Look(1, 0.87, 5, 0, 0.5),), live=5)

        assert expected_missing(sure, POLICY) == pytest.approx(expected_missing(doubtful, POLICY))


class TestNextLook:
    def test_searches_every_tile_once(self) -> None:
        got = next_look(TileCase(), POLICY)

        assert isinstance(got, Ask) and got.kind == "coverage_tile"

    def test_closes_after_enough_clean_looks(self) -> None:
        case = tile(6, 0, 0, recall=0.9)

        got = next_look(case, POLICY)

        assert isinstance(got, Complete)
        assert got.expected_missed == pytest.approx(expected_missing(case, POLICY)[0])

    def test_goes_on_while_much_is_found(self) -> None:
        got = next_look(tile(6, 5, recall=0.7), POLICY)

        assert isinstance(got, Ask)
        assert "still missing" in got.reason

    @settings(max_examples=30)
    @given(st.lists(st.integers(0, 30), min_size=5, max_size=5), st.floats(0.1, 0.95))
    def test_ends_after_the_most_looks(self, found: list[int], recall: float) -> None:
        found = (found + [0] * POLICY.max_coverage_looks)[: POLICY.max_coverage_looks]

        assert not isinstance(next_look(tile(*found, recall=recall), POLICY), Ask)

    def test_hands_over_a_tile_that_never_runs_dry(self) -> None:
        found = [10] * POLICY.max_coverage_looks

        got = next_look(tile(*found[:1], *[40] * (len(found) - 1), recall=0.3), POLICY)

        assert isinstance(got, Escalate | Complete)

    def test_reads_back_what_it_wrote(self) -> None:
        case = tile(3, 1, before=2)

        assert TileCase.from_json(case.to_json()) == case


class TestMergePoints:
    @given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)), max_size=12))
    def test_accounts_for_every_click_once(self, points: list[tuple[float, float]]) -> None:
        merged = merge_points(points, [[10, 10, 30, 30]], 5.0)

        seen = [*merged.kept, *(i for i, _ in merged.doubled), *(i for i, _ in merged.known)]
        assert sorted(seen) == list(range(len(points)))
        for i, a in enumerate(merged.points):
            for b in merged.points[:i]:
                assert np.hypot(*(a - b)) > 5.0

    def test_takes_a_click_in_a_live_box_as_known_and_one_at_its_rim_as_new(self) -> None:
        merged = merge_points([[20, 20], [29.5, 20]], [[10, 10, 30, 30]], 2.0)

        assert merged.known == ((0, 0),)
        assert merged.kept == (1,)

    def test_takes_two_close_clicks_for_one_object(self) -> None:
        merged = merge_points([[0, 0], [1, 0], [50, 50]], [], 2.0)

        assert merged.kept == (0, 2)
        assert merged.doubled == ((1, 0),)

    def test_mutates_nothing(self) -> None:
        points, boxes = np.array([[20.0, 20.0]]), np.array([[10.0, 10.0, 30.0, 30.0]])

        merge_points(points, boxes, 2.0)

        assert points.tolist() == [[20, 20]] and boxes.tolist() == [[10, 10, 30, 30]]


class TestMatchNewBox:
    def test_finds_the_object_that_was_drawn_again(self) -> None:
        live = [[0, 0, 10, 10], [50, 50, 70, 70]]

        assert match_new_box([51, 51, 71, 71], live, POLICY) == 1
        assert match_new_box([100, 100, 120, 120], live, POLICY) is None
        assert match_new_box([0, 0, 1, 1], [], POLICY) is None

    def test_takes_a_part_in_the_same_place_for_the_same_object(self) -> None:
        assert match_new_box([53, 53, 67, 67], [[50, 50, 70, 70]], POLICY) == 0

    def test_leaves_a_small_object_on_a_large_one_alone(self) -> None:
        assert match_new_box([0, 0, 4, 4], [[0, 0, 100, 100]], POLICY) is None
