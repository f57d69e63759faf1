"""Two drawings of one thing side by side: which are compared, what a choice changes, and who chose well."""

from typing import Any

import pytest

from routing.policy import RoutingPolicy
from routing.refinement import AskMore, Refer, RefinementCase, Said, current, next_refinement_step
from routing.refinement_credit import credit_refinement
from routing.refinement_pairs import MAX_PAIRS, chose_well, rival_pair, setback

POLICY = RoutingPolicy()


def line(*points: tuple[float, float]) -> dict[str, Any]:
    return {"shape": {"type": "polyline", "points": [list(p) for p in points]}, "deleted": False}


LOW, HIGH = line((0, 100), (200, 100)), line((0, 20), (200, 20))
NEAR_LOW = line((0, 101), (200, 101))


def choice(by: int, which: str, a: int, b: int) -> Said:
    return Said(by, "compare_two", {"choice": which, "a": a, "b": b})


def undecided(*more: Said) -> RefinementCase:
    """Five people who drew two lines far apart: nobody may draw any more."""
    drawn = [Said(n, "polyline", LOW if n % 2 else HIGH) for n in range(1, 6)]
    return RefinementCase("polyline", {}, (*drawn, *more))


class TestRivalPair:
    def test_is_the_two_drawings_least_alike(self) -> None:
        assert rival_pair("polyline", {}, {7: LOW, 3: HIGH, 5: NEAR_LOW}, [], 0.7) in ((3, 7), (3, 5))

    def test_is_the_same_whatever_the_order(self) -> None:
        one, other = {7: LOW, 3: HIGH}, {3: HIGH, 7: LOW}

        assert (
            rival_pair("polyline", {}, one, [], 0.7) == rival_pair("polyline", {}, other, [], 0.7) == (3, 7)
        )

    def test_is_none_where_all_agree_or_were_compared(self) -> None:
        done = [{"choice": "A", "a": 7, "b": 3}]

        assert rival_pair("polyline", {}, {7: LOW, 5: NEAR_LOW}, [], 0.7) is None
        assert rival_pair("polyline", {}, {7: LOW, 3: HIGH}, done, 0.7) is None
        assert rival_pair("polyline", {}, {7: LOW, 3: HIGH, 5: NEAR_LOW}, done * MAX_PAIRS, 0.7) is None

    def test_is_none_for_kinds_that_have_no_picture_to_compare(self) -> None:
        assert rival_pair("attributes", {}, {}, [], 0.7) is None


class TestNextStep:
    def test_compares_before_a_specialist_has_to_draw(self) -> None:
        step = next_refinement_step(undecided(), POLICY)

        assert isinstance(step, AskMore) and step.kind == "compare_two"
        assert step.pair is not None and (step.pair[0] % 2) != (step.pair[1] % 2)

    def test_refers_when_comparing_did_not_settle_it(self) -> None:
        more = [choice(8, "both_bad", 1, 2), choice(9, "both_bad", 2, 3)]

        assert isinstance(next_refinement_step(undecided(*more), POLICY), Refer)


class TestSetback:
    def test_grows_for_whoever_lost_and_not_for_the_winner(self) -> None:
        compared = [{"choice": "B", "a": 1, "b": 2}]

        assert (setback(1, compared), setback(2, compared), setback(3, compared)) == (2.0, 1.0, 1.0)

    def test_is_none_of_an_equal_pair_and_both_of_a_bad_one(self) -> None:
        assert setback(1, [{"choice": "equal", "a": 1, "b": 2}]) == 1.0
        assert setback(1, [{"choice": "both_bad", "a": 1, "b": 2}]) == 2.0

    def test_moves_the_fused_line_towards_the_preferred_drawing(self) -> None:
        drawn = (Said(1, "polyline", LOW), Said(2, "polyline", NEAR_LOW))
        before = current(RefinementCase("polyline", {}, drawn), POLICY)
        after = current(RefinementCase("polyline", {}, (*drawn, choice(3, "B", 1, 2))), POLICY)

        assert after.value["shape"]["points"][0][1] > before.value["shape"]["points"][0][1]


class TestCredit:
    @pytest.mark.parametrize(
        ("which", "a", "b", "well"),
        [("A", 0.9, 0.5, True), ("B", 0.9, 0.5, False), ("equal", 0.9, 0.5, False), ("equal", 0.9, 0.88, True),
         ("B", 0.9, 0.88, True), ("both_bad", 0.4, 0.3, True), ("both_bad", 0.9, 0.3, False)],
    )  # fmt: skip
    def test_goes_to_who_chose_the_nearer_drawing(self, which: str, a: float, b: float, well: bool) -> None:
        assert chose_well(which, a, b, 0.7) is well

    def test_is_counted_as_a_comparison(self) -> None:
        case = RefinementCase(
            "polyline", {}, (Said(1, "polyline", LOW), Said(2, "polyline", HIGH), choice(3, "A", 1, 2))
        )

        outcomes = dict(credit_refinement(case, LOW, 0.02, domain="d", cls=0, policy=POLICY))

        assert (outcomes[3].kind, outcomes[3].given) == ("compare_two", "right")
