"""What a click says about the model's weak proposals."""

import pytest

from routing.belief import Belief
from routing.witness import WITNESS, Hint, confirmed

SMALL = Hint((100, 100, 140, 140), 0, 0.05, 0.1)
BESIDE = Hint((128, 100, 170, 140), 0, 0.05, 0.1)
DRAWN = Belief.of((0.8, 0.1, 0.1))


class TestConfirmed:
    def test_agreement_of_person_and_model_raises_the_belief(self) -> None:
        assert confirmed(DRAWN, (101, 101, 141, 141), [SMALL]).good > DRAWN.good

    @pytest.mark.parametrize("hints", [[], [BESIDE]])
    def test_absence_of_a_proposal_changes_nothing(self, hints: list[Hint]) -> None:
        assert confirmed(DRAWN, (300, 300, 340, 340), hints) == DRAWN

    def test_a_proposal_that_is_as_weak_as_those_beside_every_box_says_nothing(self) -> None:
        faint = Hint(SMALL.xyxy, 0, WITNESS / 4, WITNESS / 2)

        assert confirmed(DRAWN, (101, 101, 141, 141), [faint]) == DRAWN
