"""What a click says about the model's weak proposals."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.belief import Belief
from routing.prompting import FALSE_CLICK, Hint, confirmed, meant_by

SMALL = Hint((100, 100, 140, 140), 0, 0.05, 0.1)
BESIDE = Hint((128, 100, 170, 140), 0, 0.05, 0.1)
DRAWN = Belief.of((0.8, 0.1, 0.1))


class TestMeantBy:
    def test_takes_the_proposal_whose_middle_is_nearest(self) -> None:
        assert meant_by((121, 119), [BESIDE, SMALL])[0] == 1  # type: ignore[index]

    def test_takes_the_likelier_of_two_at_the_same_place(self) -> None:
        likelier = Hint((102, 98, 141, 139), 0, 0.3, 0.5)

        found = meant_by((120, 120), [SMALL, likelier])

        assert found is not None and found[0] == 1

    @pytest.mark.parametrize("hints", [[], [SMALL]])
    def test_says_nothing_where_no_proposal_holds_the_click(self, hints: list[Hint]) -> None:
        assert meant_by((300, 300), hints) is None

    def test_believes_the_click_more_than_the_model(self) -> None:
        found = meant_by((120, 120), [SMALL])

        assert found is not None
        assert found[1].exists == pytest.approx(1 - FALSE_CLICK, abs=1e-3)
        assert SMALL.p_good < found[1].good < SMALL.p_good / SMALL.p_there

    def test_doubts_the_outline_when_others_compete(self) -> None:
        rival = Hint((90, 95, 150, 150), 0, 0.06, 0.1)

        alone, contested = meant_by((120, 120), [SMALL]), meant_by((120, 120), [SMALL, rival])

        assert alone is not None and contested is not None
        assert contested[1].good < alone[1].good

    @given(st.floats(-1000, 1000), st.floats(-1000, 1000))
    def test_does_not_depend_on_where_the_scene_begins(self, dx: float, dy: float) -> None:
        hints = [SMALL, BESIDE]
        moved = [
            Hint((h.xyxy[0] + dx, h.xyxy[1] + dy, h.xyxy[2] + dx, h.xyxy[3] + dy), h.cls, h.p_good, h.p_there)
            for h in hints
        ]

        here, there = meant_by((122, 119), hints), meant_by((122 + dx, 119 + dy), moved)

        assert here is not None and there is not None
        assert here[0] == there[0] and here[1].good == pytest.approx(there[1].good, abs=1e-6)


class TestConfirmed:
    def test_agreement_of_person_and_model_raises_the_belief(self) -> None:
        assert confirmed(DRAWN, (101, 101, 141, 141), [SMALL]).good > DRAWN.good

    @pytest.mark.parametrize("hints", [[], [BESIDE]])
    def test_absence_of_a_proposal_changes_nothing(self, hints: list[Hint]) -> None:
        assert confirmed(DRAWN, (300, 300, 340, 340), hints) == DRAWN
