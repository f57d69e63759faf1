"""The cheapest safe next step of one object."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing import skill
from routing.belief import Belief
from routing.policy import RoutingPolicy
from routing.redundancy import (
    Accept,
    Ask,
    Escalate,
    ObjectCase,
    Reject,
    after_compare,
    after_fix,
    after_look,
    audit_due,
    expected_loss,
    next_step,
)
from routing.track_record import TrackRecord

POLICY = RoutingPolicy()
POOL = TrackRecord.new()

beliefs = st.tuples(*[st.floats(0, 1)] * 3).filter(lambda w: sum(w) > 0.01).map(Belief.of)

sure_weights = st.tuples(*[st.floats(1e-6, min(POLICY.target_risk, POLICY.reject_risk) / 2.001)] * 2)


def step(case: ObjectCase, policy: RoutingPolicy = POLICY) -> Accept | Reject | Ask | Escalate:
    return next_step(case, policy, domain="")


def towards_good(belief: Belief, share: float) -> Belief:
    """The belief with `share` of its doubt moved to good; what is left keeps its proportion."""
    g, m, p = belief.vector
    return Belief(g + share * (m + p), m * (1 - share), p * (1 - share))


def towards_phantom(belief: Belief, share: float) -> Belief:
    g, m, p = belief.vector
    return Belief(g * (1 - share), m * (1 - share), p + share * (g + m))


class TestNextStep:
    @settings(max_examples=60)
    @given(beliefs, st.integers(1, 4))
    def test_accepts_and_rejects_only_within_the_stated_risk(self, belief: Belief, looks: int) -> None:
        got = step(ObjectCase(belief, looks=looks))

        assert isinstance(got, Accept) == (belief.risk <= POLICY.target_risk)
        if isinstance(got, Reject):
            assert belief.exists <= POLICY.reject_risk
            assert got.risk == pytest.approx(belief.exists)

    @settings(max_examples=40)
    @given(sure_weights, st.floats(0, 1))
    def test_never_goes_back_from_accepting_when_more_certain(
        self, doubt: tuple[float, float], share: float
    ) -> None:
        belief = Belief(1 - sum(doubt), *doubt)
        case = ObjectCase(belief, looks=1)
        assert isinstance(step(case), Accept)

        assert isinstance(step(replace(case, belief=towards_good(belief, share))), Accept)

    @settings(max_examples=40)
    @given(sure_weights, st.floats(0, 1))
    def test_never_goes_back_from_rejecting_when_more_certain(
        self, doubt: tuple[float, float], share: float
    ) -> None:
        belief = Belief(*doubt, 1 - sum(doubt))
        case = ObjectCase(belief, looks=1)
        assert isinstance(step(case), Reject)

        assert isinstance(step(replace(case, belief=towards_phantom(belief, share))), Reject)

    def test_accepts_no_unseen_proposal_without_a_certificate(self) -> None:
        sure = ObjectCase(Belief.of((0.999, 0.0005, 0.0005)))

        assert not isinstance(step(sure), Accept)
        assert step(replace(sure, auto=True)) == Accept(pytest.approx(sure.belief.risk), auto=True)

    def test_is_the_same_answer_for_the_same_case(self) -> None:
        case = ObjectCase(Belief(0.6, 0.3, 0.1))

        assert step(case) == step(case)

    @settings(max_examples=40)
    @given(beliefs)
    def test_asks_for_what_costs_least(self, belief: Belief) -> None:
        got = step(ObjectCase(belief, looks=1))
        if isinstance(got, Ask) and got.terms:
            assert got.terms[got.kind] == min(got.terms.values())
            assert got.reason

    def test_takes_a_glance_at_likely_boxes_and_repairs_unlikely_outlines(self) -> None:
        likely = step(ObjectCase(Belief.of((0.85, 0.1, 0.05))))
        crooked = step(ObjectCase(Belief.of((0.05, 0.9, 0.05)), looks=1))

        assert isinstance(likely, Ask) and likely.kind == "grid_verify"
        assert isinstance(crooked, Ask) and crooked.kind == "fix_box"

    def test_follows_the_prices_that_are_measured(self) -> None:
        case = ObjectCase(Belief.of((0.85, 0.1, 0.05)))

        slow = next_step(case, POLICY, domain="", seconds={"grid_verify": 50.0})

        assert isinstance(slow, Ask) and slow.kind != "grid_verify"

    def test_hands_a_case_over_when_a_specialist_is_cheaper_than_more_questions(self) -> None:
        case = ObjectCase(Belief.of((0.4, 0.3, 0.3)), looks=2, fixes=POLICY.max_fixes)
        dear = {"grid_verify": 400.0, "verify_box": 400.0, "fix_box": 400.0, "adjudicate": 5.0}

        assert isinstance(next_step(case, POLICY, domain="", seconds=dear), Escalate)

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"unsure": POLICY.max_unsure}, "unsure"),
            ({"looks": POLICY.max_looks}, "looks"),
            ({"looks": 1, "novelty": 1.0}, "nothing seen before"),
        ],
    )
    def test_escalates_what_people_cannot_settle(self, change: dict[str, float], words: str) -> None:
        case = replace(ObjectCase(Belief.of((0.5, 0.3, 0.2))), **change)  # type: ignore[arg-type]

        got = step(case)

        assert isinstance(got, Escalate)
        assert words in got.reason
        assert got.tier == "specialist"

    def test_compares_two_versions_that_contradict_each_other(self) -> None:
        got = step(ObjectCase(Belief.of((0.5, 0.3, 0.2)), source="person", fixes=1, rivals=2))

        assert isinstance(got, Ask) and got.kind == "compare_two"

    def test_ends_for_every_belief_whatever_people_say(self) -> None:
        rng = np.random.default_rng(0)
        for _ in range(40):
            case = ObjectCase(Belief.of(rng.dirichlet((1, 1, 1))))
            for _ in range(POLICY.max_looks + POLICY.max_fixes + POLICY.max_unsure + 2):
                got = step(case)
                if not isinstance(got, Ask):
                    break
                case = _answered(case, got.kind, int(rng.integers(3)), rng)
            assert not isinstance(got, Ask)


def _answered(case: ObjectCase, kind: str, state: int, rng: np.random.Generator) -> ObjectCase:
    """The case after an answer drawn from the pool's rates, the truth being `state`; a fix makes the state good."""
    if kind in ("grid_verify", "verify_box"):
        group = int(rng.choice(3, p=skill.VERDICT_POOL[kind][state]))
        verdict = (("ok", "bad", "bad") if kind == "grid_verify" else ("ok", "geometry", "not_object"))[group]
        return after_look(case, kind=kind, verdict=verdict, record=POOL, domain="", policy=POLICY)
    if kind == "compare_two":
        return after_compare(case, choice_is_newer=True, both_bad=False, record=POOL, policy=POLICY)
    deleted = bool(rng.random() < (0.8 if state == 2 else 0.03))
    return after_fix(case, deleted=deleted, iou_with_previous=0.5, record=POOL, domain="", policy=POLICY)


class TestStatedRisk:
    def test_covers_what_goes_wrong_when_people_are_as_believed(self) -> None:
        """Objects drawn from the prior, verdicts drawn from the pool's rates: the model is right, so must its risk."""
        rng = np.random.default_rng(8)
        priors = [Belief.of(rng.dirichlet((6, 2, 1))) for _ in range(12)]
        stated, wrong, looks = [], [], []
        for number in range(3000):
            prior = priors[number % len(priors)]
            state = int(rng.choice(3, p=np.array(prior.vector) / sum(prior.vector)))
            case = ObjectCase(prior)
            while isinstance(got := step(case), Ask) and got.kind in ("grid_verify", "verify_box"):
                case = _answered(case, got.kind, state, rng)
            if isinstance(got, Accept):
                stated.append(got.risk)
                wrong.append(state != 0)
                looks.append(case.looks)

        assert len(stated) > 1000
        margin = 3 * (np.mean(wrong) * (1 - np.mean(wrong)) / len(wrong)) ** 0.5
        assert np.mean(wrong) <= np.mean(stated) + margin
        assert np.mean(stated) <= POLICY.target_risk
        assert np.mean(looks) < 3


class TestAfterLook:
    @given(
        beliefs,
        st.permutations(["ok", "geometry", "not_object", "unsure", "ok"]),
    )
    def test_does_not_depend_on_who_looked_first(self, belief: Belief, order: list[str]) -> None:
        def after(verdicts: list[str]) -> ObjectCase:
            case = ObjectCase(belief)
            for verdict in verdicts:
                case = after_look(
                    case, kind="verify_box", verdict=verdict, record=POOL, domain="", policy=POLICY
                )
            return case

        one, other = after(order), after(sorted(order))

        assert one.belief.vector == pytest.approx(other.belief.vector, abs=1e-9)
        assert (one.looks, one.unsure) == (4, 1)

    @given(beliefs)
    def test_ok_raises_and_refusal_lowers_the_belief(self, belief: Belief) -> None:
        case = ObjectCase(belief)

        def after(kind: str, verdict: str) -> float:
            return after_look(
                case, kind=kind, verdict=verdict, record=POOL, domain="", policy=POLICY
            ).belief.good

        assert after("verify_box", "ok") >= belief.good >= after("verify_box", "geometry")
        assert after("grid_verify", "ok") >= belief.good >= after("grid_verify", "bad")
        # A glance on a page says less than a look at one object.
        assert after("verify_box", "ok") >= after("grid_verify", "ok")

    def test_a_better_annotator_counts_for_more(self) -> None:
        case = ObjectCase(Belief.of((0.5, 0.3, 0.2)))

        def ok_from(record: TrackRecord) -> float:
            return after_look(
                case, kind="verify_box", verdict="ok", record=record, domain="", policy=POLICY
            ).belief.good

        assert ok_from(TrackRecord.new("specialist")) > ok_from(POOL)


class TestAfterFix:
    def test_a_deletion_speaks_against_the_object(self) -> None:
        case = ObjectCase(Belief.of((0.3, 0.4, 0.3)))

        after = after_fix(case, deleted=True, iou_with_previous=0.0, record=POOL, domain="", policy=POLICY)

        assert after.belief.exists < case.belief.exists
        assert after.fixes == 1 and after.source == "model"

    def test_leaving_a_box_alone_confirms_it_less_than_an_ok(self) -> None:
        case = ObjectCase(Belief.of((0.5, 0.4, 0.1)))

        left = after_fix(case, deleted=False, iou_with_previous=1.0, record=POOL, domain="", policy=POLICY)
        ok = after_look(case, kind="verify_box", verdict="ok", record=POOL, domain="", policy=POLICY)

        assert case.belief.good < left.belief.good < ok.belief.good

    @given(beliefs)
    def test_a_new_version_starts_from_what_is_known_of_the_hand(self, belief: Belief) -> None:
        case = ObjectCase(belief, auto=True)

        after = after_fix(case, deleted=False, iou_with_previous=0.5, record=POOL, domain="", policy=POLICY)

        assert after.source == "person" and not after.auto
        assert after.rival_good == belief.good
        assert after.belief.exists >= belief.exists - 1e-3

    def test_two_people_who_agree_confirm_each_other_and_two_who_do_not_are_rivals(self) -> None:
        case = ObjectCase(Belief.of((0.3, 0.6, 0.1)), source="person", fixes=1)

        def second(iou: float) -> ObjectCase:
            return after_fix(
                case, deleted=False, iou_with_previous=iou, record=POOL, domain="", policy=POLICY
            )

        assert second(0.9).rivals == 1
        assert second(0.4).rivals == 2
        assert second(0.9).belief.good > second(0.4).belief.good


class TestAfterCompare:
    def test_the_chosen_version_is_believed_more(self) -> None:
        case = ObjectCase(Belief.of((0.6, 0.3, 0.1)), source="person", rivals=2, rival_good=0.5)

        newer = after_compare(case, choice_is_newer=True, both_bad=False, record=POOL, policy=POLICY)
        older = after_compare(case, choice_is_newer=False, both_bad=False, record=POOL, policy=POLICY)
        neither = after_compare(case, choice_is_newer=None, both_bad=True, record=POOL, policy=POLICY)

        assert newer.belief.good > 0.6
        assert older.belief.good > 0.5
        assert neither.belief.good < 0.6
        assert {newer.rivals, older.rivals, neither.rivals} == {1}


class TestExpectedLoss:
    @given(beliefs)
    def test_is_what_the_better_of_accepting_and_rejecting_would_cost(self, belief: Belief) -> None:
        cost = POLICY.error_cost_s
        accept = cost["geometry"] * belief.geometry + cost["phantom"] * belief.phantom
        reject = cost["missed"] * belief.exists

        assert expected_loss(ObjectCase(belief), POLICY) == pytest.approx(min(accept, reject))

    @given(beliefs, st.floats(0.1, 20))
    def test_grows_with_the_value_at_stake(self, belief: Belief, value: float) -> None:
        plain = expected_loss(ObjectCase(belief), POLICY)

        assert expected_loss(ObjectCase(belief, value=value), POLICY) == pytest.approx(value * plain)


class TestAudit:
    def test_takes_the_stated_share(self, rng: np.random.Generator) -> None:
        drawn = sum(audit_due(rng, POLICY) for _ in range(20_000))

        assert drawn / 20_000 == pytest.approx(POLICY.audit_share, abs=0.006)


class TestObjectCase:
    @given(beliefs, st.integers(0, 5), st.booleans())
    def test_reads_back_what_it_wrote(self, belief: Belief, looks: int, auto: bool) -> None:
        case = ObjectCase(belief, looks=looks, auto=auto, cls=3, size_px=12.5, rival_good=0.25)

        assert ObjectCase.from_json(case.to_json()) == case
