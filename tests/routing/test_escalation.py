"""Who decides a dispute."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.belief import Belief
from routing.eligibility import Candidate, Waiting
from routing.escalation import (
    confusion_of,
    desk_value,
    desk_weight,
    gini_gain,
    rank_specialists,
    skill_band,
    standing_ruling,
)
from routing.outcomes import Outcome
from routing.policy import RoutingPolicy
from routing.redundancy import ObjectCase
from routing.track_record import TrackRecord, replay
from routing.worth import urgency

POLICY = RoutingPolicy()


def seen(*, domain: str = "birds", cls: int | None = None, n: int = 60, right: bool = True) -> list[Outcome]:
    """n checked verdicts on wrong versions and n on right ones, all right or all wrong."""
    on_wrong, on_good = ("geometry", "ok") if right else ("ok", "geometry")
    return [Outcome("verify_box", domain, cls, on_wrong, "geometry")] * n + [
        Outcome("verify_box", domain, cls, on_good, "good")
    ] * n


def specialist(id: int, history: list[Outcome], **changes: object) -> Waiting:
    record = replay(history, TrackRecord.new("specialist"))
    fields: dict[str, object] = {"tier": "specialist", "domains": frozenset({"birds"}), "record": record}
    return Waiting(id, **{**fields, **changes})  # type: ignore[arg-type]


def dispute(cls: int | None = 1) -> ObjectCase:
    return ObjectCase(Belief.of((0.5, 0.4, 0.1)), looks=5, cls=cls)


class TestRankSpecialists:
    def test_puts_first_whose_record_separates_best(self) -> None:
        people = [specialist(1, seen(right=False)), specialist(2, []), specialist(3, seen())]

        ranked = rank_specialists(dispute(), people, POLICY, domain="birds")

        assert [r.annotator for r in ranked] == [3, 2, 1]
        assert ranked[0].gain > ranked[1].gain > ranked[2].gain

    def test_looks_at_the_class_in_question_not_at_the_whole_record(self) -> None:
        everywhere_else = seen(cls=1, n=40) + seen(cls=2, n=40, right=False)
        just_here = seen(cls=1, n=40, right=False) + seen(cls=2, n=40)
        people = [specialist(1, everywhere_else), specialist(2, just_here)]

        assert rank_specialists(dispute(2), people, POLICY, domain="birds")[0].annotator == 2
        assert rank_specialists(dispute(1), people, POLICY, domain="birds")[0].annotator == 1

    def test_weighs_both_classes_of_a_dispute_between_two(self) -> None:
        one_sided = seen(cls=1, n=60) + seen(cls=2, n=60, right=False)
        both = seen(cls=1, n=30) + seen(cls=2, n=30)
        people = [specialist(1, one_sided), specialist(2, both)]

        ranked = rank_specialists(dispute(1), people, POLICY, domain="birds", rival_cls=2)

        assert ranked[0].annotator == 2

    def test_spreads_the_load_among_equals(self) -> None:
        people = [specialist(1, seen(), answers_today=500), specialist(2, seen(), answers_today=3)]

        assert rank_specialists(dispute(), people, POLICY, domain="birds")[0].annotator == 2

    def test_leaves_out_the_unqualified_the_paused_and_the_crowd(self) -> None:
        people = [
            specialist(1, seen(), domains=frozenset({"cars"})),
            specialist(2, seen(), paused="on leave"),
            specialist(3, seen(), tier="crowd"),
            specialist(4, []),
        ]

        assert [r.annotator for r in rank_specialists(dispute(), people, POLICY, domain="birds")] == [4]

    def test_prefers_a_specialist_to_a_dearer_adjudicator_who_does_as_well(self) -> None:
        people = [specialist(1, seen(n=300), tier="adjudicator"), specialist(2, seen(n=300))]

        assert rank_specialists(dispute(), people, POLICY, domain="birds")[0].annotator == 2

    def test_finds_the_expert_among_specialists_from_their_answers_alone(self) -> None:
        """Ten specialists, one of whom knows the class; the first in rank must be better than one drawn at random."""
        rng = np.random.default_rng(4)
        won = chance = 0.0
        for _ in range(40):
            accuracy = rng.uniform(0.6, 0.95, 10)
            people = []
            for id, p in enumerate(accuracy):
                history = []
                for _ in range(60):
                    truth = str(rng.choice(["good", "geometry"]))
                    said = (
                        {"good": "ok", "geometry": "geometry"}[truth]
                        if rng.random() < p
                        else {"good": "geometry", "geometry": "ok"}[truth]
                    )
                    history.append(Outcome("verify_box", "birds", 1, said, truth))
                people.append(specialist(id, history))
            best = rank_specialists(dispute(1), people, POLICY, domain="birds")[0].annotator
            won += accuracy[best] / 40
            chance += accuracy.mean() / 40

        assert won > chance + 0.08


class TestGiniGain:
    @given(
        st.tuples(*[st.floats(0.01, 1)] * 3).map(lambda w: Belief.of(w).vector),
        st.tuples(*[st.tuples(*[st.floats(0.01, 1)] * 3)] * 3),
    )
    def test_is_never_negative_and_never_more_than_what_is_uncertain(
        self, belief: tuple[float, float, float], rows: tuple[tuple[float, float, float], ...]
    ) -> None:
        table = tuple((a / (a + b + c), b / (a + b + c), c / (a + b + c)) for a, b, c in rows)

        assert -1e-9 <= gini_gain(belief, table) <= 1 - sum(b * b for b in belief) + 1e-9

    def test_is_all_of_it_for_somebody_who_knows_and_nothing_for_somebody_who_guesses(self) -> None:
        belief = (0.5, 0.3, 0.2)
        knows = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
        guesses = ((0.4, 0.3, 0.3),) * 3

        assert gini_gain(belief, knows) == pytest.approx(1 - 0.38)
        assert gini_gain(belief, guesses) == pytest.approx(0, abs=1e-12)


class TestConfusionOf:
    def test_names_the_two_commonest_verdicts_in_a_fixed_order(self) -> None:
        assert confusion_of(dispute(), {"ok": 2, "wrong_class": 3, "part": 1}) == "ok / wrong_class"
        assert confusion_of(dispute(), {"wrong_class": 2, "ok": 2}) == "ok / wrong_class"

    def test_names_what_is_most_in_doubt_without_verdicts(self) -> None:
        assert confusion_of(dispute(), {}) == "right or not"
        assert confusion_of(ObjectCase(Belief(0.05, 0.15, 0.52)), {}) == "there or not"


class TestDeskQueue:
    def test_weighs_most_what_a_scene_waits_for_alone(self) -> None:
        assert desk_value(0.4, 1) == 0.4
        assert desk_value(0.4, 8) < desk_value(0.1, 1) < desk_value(0.4, 3)

    @pytest.mark.parametrize("cases", [1, 3, 40])
    def test_counts_one_scene_for_all_cases_that_hold_it_up(self, cases: int) -> None:
        assert sum(desk_value(1.0, cases) for _ in range(cases)) == pytest.approx(1.0)

    def test_survives_a_scene_in_which_nothing_is_counted(self) -> None:
        assert desk_value(0.3, 0) == 0.3

    @given(st.lists(st.tuples(st.floats(1e-4, 1.0), st.floats(0, 1e5)), min_size=2, max_size=6))
    def test_has_the_order_in_which_the_feed_offers_cases(self, cases: list[tuple[float, float]]) -> None:
        tasks = [
            Candidate(n, n, 1, "adjudicate", "adjudicate/birds/specialist", value=value, age_s=age)
            for n, (value, age) in enumerate(cases)
        ]

        weights = [desk_weight(value, age, POLICY) for value, age in cases]

        assert weights == pytest.approx(urgency(tasks, POLICY).tolist())

    def test_lets_an_old_case_pass_a_weightier_one(self) -> None:
        assert desk_weight(0.1, 7200.0, POLICY) > desk_weight(0.3, 0.0, POLICY)


def ruling(box: list[float] | None = None, cls: int = 0, *, is_: str = "accept") -> dict[str, Any]:
    return {"ruling": is_, "xyxy": box, "class": cls if box else None}


class TestStandingRuling:
    TRUE, NEAR, FAR = ([0.0, 0.0, w, 100.0] for w in (100.0, 90.0, 50.0))

    def test_waits_for_a_second_reader_and_then_takes_the_first_that_is_borne_out(self) -> None:
        first, second = ruling(self.TRUE), ruling(self.NEAR)

        assert standing_ruling([first], 0.75) == (None, False)
        assert standing_ruling([first, second], 0.75) == (first, True)

    @pytest.mark.parametrize(
        "other", [ruling(FAR), ruling(TRUE, 1), ruling(is_="reject"), ruling(is_="undecidable")]
    )
    def test_wants_a_third_where_two_differ_and_lets_that_one_decide(self, other: dict[str, Any]) -> None:
        first = ruling(self.TRUE)

        assert standing_ruling([first, other], 0.75) == (None, False)
        assert standing_ruling([first, other, other], 0.75) == (other, True)
        assert standing_ruling([first, other, ruling(self.NEAR)], 0.75) == (first, True)

    def test_after_three_minds_the_last_one_stands(self) -> None:
        minds = [ruling(self.TRUE), ruling(self.FAR), ruling(is_="reject")]

        assert standing_ruling(minds, 0.75) == (minds[-1], False)


class TestSkillBand:
    def test_calls_nobody_good_or_bad_before_they_are_known(self) -> None:
        timed = Outcome("verify_box", "birds", None, "ok", "good", seconds=2.0)

        assert skill_band(TrackRecord.new(), domain="birds", cls=None) == "new"
        assert skill_band(replay([timed] * 19), domain="birds", cls=None) == "new"

    @pytest.mark.parametrize(("right", "band"), [(1.0, "above"), (0.93, "usual"), (0.5, "below")])
    def test_compares_with_the_usual_person_of_the_tier(self, right: float, band: str) -> None:
        n = 200
        good = round(n * right)
        history = [Outcome("verify_box", "birds", None, "ok", "good", seconds=2.0)] * good
        history += [Outcome("verify_box", "birds", None, "geometry", "good", seconds=2.0)] * (n - good)
        history += [Outcome("verify_box", "birds", None, "geometry", "geometry", seconds=2.0)] * good
        history += [Outcome("verify_box", "birds", None, "ok", "geometry", seconds=2.0)] * (n - good)

        assert skill_band(replay(history), domain="birds", cls=None) == band
