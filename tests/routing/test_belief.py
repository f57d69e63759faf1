"""What we believe of one object version."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.belief import FLOOR, Belief, BeliefError

weights = st.tuples(*[st.floats(0, 1e6)] * 3).filter(lambda w: sum(w) > 1e-6)
likelihoods = st.tuples(*[st.floats(0.001, 1)] * 3)


class TestBelief:
    @given(weights)
    def test_sums_to_one_and_rules_nothing_out(self, given_weights: tuple[float, float, float]) -> None:
        belief = Belief.of(given_weights)

        assert math.isclose(sum(belief.vector), 1)
        assert min(belief.vector) >= FLOOR * 0.999

    @given(weights, st.floats(1e-3, 1e3))
    def test_does_not_depend_on_the_scale_of_the_weights(
        self, given_weights: tuple[float, float, float], scale: float
    ) -> None:
        scaled = Belief.of([w * scale for w in given_weights])

        assert scaled.vector == pytest.approx(Belief.of(given_weights).vector, abs=1e-9)

    @given(weights, st.lists(likelihoods, max_size=4), st.floats(0.2, 1))
    def test_does_not_depend_on_the_order_of_the_evidence(
        self,
        given_weights: tuple[float, float, float],
        evidence: list[tuple[float, float, float]],
        power: float,
    ) -> None:
        start = Belief.of(given_weights)
        ends = []
        for order in itertools.permutations(evidence):
            belief = start
            for each in order:
                belief = belief.updated(each, power)
            ends.append(belief.vector)

        assert all(end == pytest.approx(ends[0], abs=1e-9) for end in ends)

    @given(weights, st.floats(0.01, 1))
    def test_stays_when_the_evidence_says_the_same_of_every_state(
        self, given_weights: tuple[float, float, float], p: float
    ) -> None:
        belief = Belief.of(given_weights)

        assert belief.updated((p, p, p)).vector == pytest.approx(belief.vector, abs=1e-12)

    @given(weights, st.floats(0.51, 0.99), st.floats(0.2, 1))
    def test_moves_towards_what_the_evidence_favours(
        self, given_weights: tuple[float, float, float], p: float, power: float
    ) -> None:
        belief = Belief.of(given_weights)

        assert belief.updated((p, 1 - p, 1 - p), power).good >= belief.good
        assert belief.updated((1 - p, 1 - p, p), power).phantom >= belief.phantom

    def test_applies_bayes_rule_to_a_worked_example(self) -> None:
        belief = Belief(0.5, 0.3, 0.2).updated((0.9, 0.1, 0.05))

        # 0.45 : 0.03 : 0.01
        assert belief.vector == pytest.approx((0.45 / 0.49, 0.03 / 0.49, 0.01 / 0.49))

    def test_puts_what_the_model_says_into_states(self) -> None:
        belief = Belief.of_model(0.7, 0.9)

        assert belief.vector == pytest.approx((0.7, 0.2, 0.1), abs=4 * FLOOR)
        assert belief.exists == pytest.approx(0.9, abs=4 * FLOOR)
        assert belief.risk == pytest.approx(0.3, abs=4 * FLOOR)

    def test_never_thinks_a_right_box_likelier_than_an_object(self) -> None:
        assert Belief.of_model(0.8, 0.2).exists >= 0.8 - 4 * FLOOR

    @given(weights)
    def test_reads_back_what_it_wrote(self, given_weights: tuple[float, float, float]) -> None:
        belief = Belief.of(given_weights)

        assert Belief.from_json(belief.to_json()) == belief

    @pytest.mark.parametrize(
        "bad",
        [(0, 0, 0), (math.nan, 1, 1), (-1, 1, 1), (math.inf, 1, 1)],
        ids=["zero", "NaN", "minus", "inf"],
    )
    def test_refuses_what_are_no_weights(self, bad: tuple[float, float, float]) -> None:
        with pytest.raises(BeliefError, match="three finite, non-negative numbers"):
            Belief.of(bad)

    @pytest.mark.parametrize("p", [-0.1, 1.1, math.nan])
    def test_names_the_probability_it_refuses(self, p: float) -> None:
        with pytest.raises(BeliefError, match="p_good"):
            Belief.of_model(p, 0.5)
        with pytest.raises(BeliefError, match="p_exists"):
            Belief.of_model(0.5, p)

    def test_refuses_evidence_that_is_not_a_number(self) -> None:
        with pytest.raises(BeliefError, match="likelihoods"):
            Belief(0.5, 0.3, 0.2).updated((math.nan, 0.1, 0.1))
