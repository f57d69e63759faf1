"""From answers to cases and from settled cases to track records."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.belief import Belief
from routing.outcomes import DRAWN, FOUND, MISSED, RIGHT, WRONG, Outcome
from routing.policy import RoutingPolicy
from routing.redundancy import ObjectCase
from routing.track_record import TrackRecord
from routing.workflow import (
    Event,
    TileLook,
    apply_grid,
    credit_gold,
    credit_object,
    credit_tile,
    drawn_case,
    grid_verdicts,
    look_of,
    model_case,
    screen_px,
    state_of,
)

POLICY = RoutingPolicy()
POOL = TrackRecord.new()
BOX = (0.0, 0.0, 100.0, 100.0)
CROOKED = (0.0, 0.0, 100.0, 50.0)  # IoU 0.5 with BOX
ADA, BEN = 1, 2


def credited(events: list[Event], final: tuple[float, ...] | None, certainty: float = 1.0) -> list[Outcome]:
    return [
        outcome
        for _, outcome in credit_object(events, final, 1, certainty=certainty, domain="cars", policy=POLICY)
    ]


class TestCases:
    def test_of_the_model_carries_its_probabilities(self) -> None:
        case = model_case(BOX, 1, 0.7, 0.9, novelty=0.2)

        assert case.belief == Belief.of_model(0.7, 0.9)
        assert (case.source, case.cls, case.size_px, case.novelty) == ("model", 1, 100.0, 0.2)

    def test_of_a_person_starts_from_their_hand(self) -> None:
        case = drawn_case(BOX, 1, POOL, "cars", value=2.0)

        assert case.source == "person" and case.value == 2.0
        assert case.belief.good == pytest.approx(POOL.draw_quality("cars").good, abs=1e-3)

    def test_is_larger_on_screen_in_a_narrower_view(self) -> None:
        assert screen_px(10, 450) == 2 * screen_px(10, 900)


class TestGrid:
    def test_gives_each_viewed_cell_its_verdict(self) -> None:
        value = {"bad": [1], "unsure": [2], "viewed": [1, 2, 3]}

        assert grid_verdicts(value) == {1: "bad", 2: "unsure", 3: "ok"}

    def test_moves_real_cells_and_leaves_seeds_out(self) -> None:
        case = ObjectCase(Belief.of((0.8, 0.1, 0.1)))
        value = {"bad": [1], "unsure": [], "viewed": [1, 2, 99]}

        after = apply_grid({1: case, 2: case}, value, record=POOL, domain="", policy=POLICY)

        assert set(after) == {1, 2}
        assert after[1].belief.good < case.belief.good < after[2].belief.good


class TestStateOf:
    def test_knows_good_crooked_and_nothing(self) -> None:
        assert state_of(BOX, 1, BOX, 1, POLICY) == ("good", 1.0, 1.0)
        assert state_of(CROOKED, 1, BOX, 1, POLICY)[0] == "geometry"
        assert state_of(BOX, 2, BOX, 1, POLICY)[0] == "geometry"
        assert state_of(BOX, 1, None, None, POLICY) == ("phantom", 1.0, None)

    def test_is_least_certain_at_the_tolerance(self) -> None:
        edge = (0.0, 0.0, 100.0, 100.0 * POLICY.tolerance_iou)

        assert state_of(edge, 1, BOX, 1, POLICY)[1] == pytest.approx(0.3)


class TestCreditObject:
    def test_credits_a_look_with_what_the_version_turned_out_to_be(self) -> None:
        events = [
            Event(ADA, "look", "verify_box", BOX, 1, "ok", seconds=2.0),
            Event(BEN, "look", "verify_box", CROOKED, 1, "ok"),
        ]

        right, wrong = credited(events, BOX)

        assert (right.given, right.truth, right.seconds) == ("ok", "good", 2.0)
        assert (wrong.given, wrong.truth) == ("ok", "geometry")
        assert right.right and not wrong.right

    def test_credits_everything_on_a_rejected_object_as_nothing_there(self) -> None:
        events = [
            Event(ADA, "draw", "draw_missed", BOX, 1),
            Event(BEN, "look", "verify_box", BOX, 1, "not_object"),
            Event(BEN, "fix", "fix_box", None),
        ]

        drawn, seen, deleted = credited(events, None)

        assert (drawn.given, drawn.truth) == (DRAWN, "phantom")
        assert seen.right and deleted.right and deleted.given == "not_object"

    @given(st.floats(0.5, 1))
    def test_counts_for_less_the_less_certain_the_end(self, certainty: float) -> None:
        (outcome,) = credited([Event(ADA, "look", "verify_box", BOX, 1, "ok")], BOX, certainty)

        assert outcome.weight == pytest.approx(2 * certainty - 1)

    def test_learns_nothing_from_a_coin_or_an_unsure(self) -> None:
        (coin,) = credited([Event(ADA, "look", "verify_box", BOX, 1, "ok")], BOX, 0.5)

        assert coin.weight == 0
        assert credited([Event(ADA, "look", "verify_box", BOX, 1, "unsure")], BOX) == []

    def test_learns_no_noise_from_a_box_compared_with_itself(self) -> None:
        own, changed = credited(
            [
                Event(ADA, "draw", "draw_missed", BOX, 1),
                Event(BEN, "draw", "draw_missed", (0.0, 0.0, 100.0, 90.0), 1),
            ],
            BOX,
        )

        assert own.iou is None and own.weight < 1
        assert changed.iou == pytest.approx(0.9)

    def test_credits_a_comparison_by_which_was_closer(self) -> None:
        chose_right = Event(ADA, "compare", "compare_two", BOX, other=CROOKED)
        chose_wrong = Event(BEN, "compare", "compare_two", CROOKED, other=BOX)
        no_matter = Event(BEN, "compare", "compare_two", BOX, other=BOX)

        outcomes = credited([chose_right, chose_wrong, no_matter], BOX)

        assert [o.given for o in outcomes] == [RIGHT, WRONG]

    def test_reads_back_an_event(self) -> None:
        event = Event(ADA, "compare", "compare_two", BOX, 1, other=CROOKED, seconds=1.5)

        assert Event.from_json(event.to_json()) == event
        deleted = Event(ADA, "fix", "fix_box", None)
        assert Event.from_json(deleted.to_json()) == deleted


class TestCreditTile:
    def test_credits_what_was_found_missed_and_clicked_in_vain(self) -> None:
        looks = [
            TileLook(ADA, (), ((50.0, 50.0), (500.0, 500.0)), 900.0, seconds=9.0),
            TileLook(BEN, (BOX,), (), 900.0),
        ]
        other = (200.0, 200.0, 260.0, 260.0)

        outcomes = credit_tile(looks, [BOX, other], certainty=1.0, domain="cars", policy=POLICY)

        ada = [o for who, o in outcomes if who == ADA]
        ben = [o for who, o in outcomes if who == BEN]
        assert [(o.given, o.truth) for o in ada] == [(FOUND, "good"), (MISSED, "good"), (FOUND, "phantom")]
        assert [(o.given, o.truth) for o in ben] == [(MISSED, "good")]  # BOX was outlined already
        assert [o.seconds for o in ada] == [9.0, None, None]  # one search takes its time once
        assert ada[0].size_px == pytest.approx(100.0)

    def test_has_only_false_clicks_in_an_empty_tile(self) -> None:
        look = TileLook(ADA, (), ((5.0, 5.0),), 900.0, seconds=4.0)

        outcomes = credit_tile([look], [], certainty=1.0, domain="", policy=POLICY)

        assert [(o.given, o.truth, o.seconds) for _, o in outcomes] == [(FOUND, "phantom", 4.0)]


class TestCreditGold:
    def test_counts_a_verdict_fully(self) -> None:
        (outcome,) = credit_gold(
            "verify_box",
            {"class": 3},
            {"truth": "phantom"},
            {"verdict": "not_object"},
            domain="cars",
            seconds=2.0,
        )

        assert outcome == Outcome("verify_box", "cars", 3, "not_object", "phantom", 1.0, True, 2.0)

    def test_counts_the_known_cells_of_a_page_and_shares_its_time(self) -> None:
        value = {"bad": [1], "unsure": [2], "viewed": [1, 2, 3, 4]}
        gold = {"bad": [1, 2], "good": [3], "states": {4: "geometry"}}

        outcomes = credit_gold("grid_verify", {"class": 1}, gold, value, domain="", seconds=8.0)

        assert [(o.given, o.truth) for o in outcomes] == [
            ("ok", "good"),
            ("bad", "phantom"),
            ("ok", "geometry"),
        ]
        assert {o.seconds for o in outcomes} == {2.0}

    def test_counts_hidden_objects_of_a_tile(self) -> None:
        gold = {"hidden": [{"id": 1, "xyxy": list(BOX)}, {"id": 2, "xyxy": [200, 200, 220, 220]}]}
        value = {"points": [{"xy": [50.0, 50.0], "class": 1}]}

        outcomes = credit_gold("coverage_tile", {"view": [0, 0, 900, 900]}, gold, value, domain="")

        assert [o.given for o in outcomes] == [FOUND, MISSED]

    def test_counts_drawn_boxes_by_overlap_and_class(self) -> None:
        gold = {"xyxy": list(BOX), "class": 1}

        def drawn(box: tuple[float, ...], cls: int = 1) -> Outcome:
            value = {"xyxy": list(box), "class": cls, "deleted": False}
            return credit_gold("fix_box", {}, gold, value, domain="")[0]

        assert (drawn(BOX).truth, drawn(BOX).iou) == ("good", 1.0)
        assert drawn(CROOKED).truth == "geometry"
        assert drawn(BOX, cls=2).truth == "geometry"
        assert drawn((300.0, 300.0, 310.0, 310.0)).truth == "phantom"

    def test_counts_a_deletion_as_saying_nothing_is_there(self) -> None:
        value = {"xyxy": None, "class": None, "deleted": True}

        (right,) = credit_gold("fix_box", {}, {"xyxy": None}, value, domain="")
        (wrong,) = credit_gold("fix_box", {}, {"xyxy": list(BOX), "class": 1}, value, domain="")

        assert right.right and not wrong.right

    def test_counts_a_comparison(self) -> None:
        (outcome,) = credit_gold("compare_two", {}, {"choice": "A"}, {"choice": "B"}, domain="")

        assert outcome.given == WRONG and outcome.gold


class TestLookOf:
    def test_expects_more_of_whoever_sees_it_larger(self) -> None:
        def look(width: float) -> float:
            return look_of(ADA, POOL, "", object_px=20, view_width=width, found=1, live_before=0).recall

        assert look(300.0) > look(1200.0)
