"""Matching waiting annotators to open assignments."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing import skill
from routing.assignment import SAME_LANE_BONUS, Candidate, Idle, Offer, Waiting, choose, explain
from routing.belief import Belief
from routing.eligibility import why_not
from routing.outcomes import Outcome
from routing.policy import RoutingPolicy
from routing.track_record import TrackRecord, replay

POLICY = RoutingPolicy()
GREEDY = RoutingPolicy.from_json({"explore_share": 0.0})
KINDS = ("verify_box", "grid_verify", "coverage_tile", "draw_missed", "fix_box", "compare_two", "adjudicate")
DOMAINS = ("", "cars", "trees")
TIERS = ("crowd", "senior", "specialist")


def task(number: int, **changes: object) -> Candidate:
    fields: dict[str, object] = {
        "assignment": number,
        "microtask": number,
        "project": 1,
        "kind": "verify_box",
        "lane": "cars",
        "belief": Belief(0.5, 0.3, 0.2),
        "value": 10.0,
    }
    return Candidate(**{**fields, **changes})  # type: ignore[arg-type]


def run(
    people: Sequence[Waiting], tasks: Sequence[Candidate], policy: RoutingPolicy = GREEDY, seed: int = 1
) -> list[Offer | Idle]:
    return choose(people, tasks, policy, now=0.0, rng=np.random.default_rng(seed))


def offers_of(made: Sequence[Offer | Idle]) -> list[Offer]:
    return [offer for offer in made if isinstance(offer, Offer)]


@st.composite
def windows(draw: st.DrawFn) -> tuple[list[Waiting], list[Candidate]]:
    sets = st.frozensets(st.sampled_from(DOMAINS[1:]))
    people = [
        Waiting(
            100 + n,
            tier=draw(st.sampled_from(TIERS)),
            domains=draw(sets),
            languages=draw(st.frozensets(st.sampled_from(["de", "en"]))),
            want=draw(st.integers(0, 3)),
            held=draw(st.integers(0, 1)),
            last_kind=draw(st.sampled_from([None, *KINDS])),
            last_lane=draw(st.sampled_from([None, "a", "b"])),
            answers_today=draw(st.sampled_from([0, 10, 5000])),
            kinds=draw(st.sampled_from([None, frozenset(KINDS[:3])])),
            paused=draw(st.sampled_from(["", "", "paused"])),
        )
        for n in range(draw(st.integers(1, 5)))
    ]
    tasks = [
        Candidate(
            n,
            microtask=draw(st.integers(0, 6)),
            project=1,
            kind=draw(st.sampled_from(KINDS)),
            lane=draw(st.sampled_from(["a", "b"])),
            domain=draw(st.sampled_from(DOMAINS)),
            tier=draw(st.sampled_from(TIERS)),
            language=draw(st.sampled_from(["", "de"])),
            excluded=draw(st.frozensets(st.integers(100, 104), max_size=2)),
            value=draw(st.floats(0, 50)),
            belief=draw(st.sampled_from([None, Belief(0.5, 0.3, 0.2), Belief(0.9, 0.05, 0.05)])),
            priority=draw(st.floats(-2, 2)),
            age_s=draw(st.floats(0, 1e5)),
        )
        for n in range(draw(st.integers(0, 12)))
    ]
    return people, tasks


class TestEligibility:
    @settings(max_examples=30)
    @given(windows(), st.integers(0, 3))
    def test_is_never_violated(self, window: tuple[list[Waiting], list[Candidate]], seed: int) -> None:
        people, tasks = window
        by_id = {person.id: person for person in people}
        by_task = {t.assignment: t for t in tasks}
        fair = float(np.mean([p.answers_today for p in people]))

        made = offers_of(run(people, tasks, POLICY, seed))

        for offer in made:
            assert not why_not(by_id[offer.annotator], by_task[offer.assignment], POLICY, fair_share=fair)
        assert len({o.assignment for o in made}) == len(made)
        pairs = [(o.annotator, by_task[o.assignment].microtask) for o in made]
        assert len(set(pairs)) == len(pairs)
        for person in people:
            given_now = sum(o.annotator == person.id for o in made)
            assert given_now <= max(person.want - person.held, 0)

    @settings(max_examples=30)
    @given(windows())
    def test_leaves_nobody_idle_whom_a_free_task_suits(
        self, window: tuple[list[Waiting], list[Candidate]]
    ) -> None:
        people, tasks = window
        people = [replace(p, tier="crowd") for p in people]  # nobody may be held back for higher work
        fair = float(np.mean([p.answers_today for p in people]))

        made = run(people, tasks)

        taken = {o.assignment for o in offers_of(made)}
        for idle in made:
            if isinstance(idle, Idle):
                person = next(p for p in people if p.id == idle.annotator)
                free = [t for t in tasks if t.assignment not in taken]
                assert all(why_not(person, t, GREEDY, fair_share=fair) for t in free)
                assert idle.reasons

    def test_says_why_somebody_gets_nothing(self) -> None:
        made = run([Waiting(1)], [task(1, domain="cars"), task(2, tier="specialist")])

        assert isinstance(made[0], Idle)
        assert any("qualification in cars" in reason for reason in made[0].reasons)
        assert run([Waiting(1)], []) == [Idle(1, ["nothing is open right now"])]
        assert run([Waiting(1, want=1, held=1)], [task(1)]) == []

    def test_keeps_specialists_for_their_own_work_and_lends_them_when_there_is_none(self) -> None:
        olga = Waiting(1, tier="specialist")

        own = offers_of(run([olga], [task(1, value=1e6), task(2, kind="adjudicate", tier="specialist")]))
        lent = offers_of(run([olga], [task(1)]))
        kept = run([olga], [task(1)], RoutingPolicy.from_json({"borrow_up": False}))

        assert [o.assignment for o in own] == [2]
        assert [o.assignment for o in lent] == [1]
        assert isinstance(kept[0], Idle)

    def test_caps_the_load_of_the_quickest(self) -> None:
        people = [Waiting(n, answers_today=0) for n in range(1, 10)] + [Waiting(10, answers_today=5000)]

        made = run(people, [task(n) for n in range(20)])

        assert 10 not in {o.annotator for o in offers_of(made)}
        assert len(offers_of(made)) == 9


class TestFairness:
    def test_an_old_task_overtakes_new_ones_of_any_value(self) -> None:
        rng = np.random.default_rng(3)
        old = task(0, value=1.0)
        for minute in range(0, 60 * 24 * 7, 15):
            fresh = [task(1 + n, value=200.0) for n in range(8)]
            made = choose([Waiting(1)], [replace(old, age_s=60.0 * minute), *fresh], GREEDY, now=0.0, rng=rng)
            if offers_of(made)[0].assignment == 0:
                break
        else:
            pytest.fail("the old task was not given within a week")

        # Its score grows by age_weight per age_scale_s: 200 times in 400 scales.
        assert minute * 60 <= 400 * POLICY.age_scale_s

    def test_newcomers_get_work_beside_proven_people(self) -> None:
        good = replay([Outcome("verify_box", "", None, "geometry", "geometry", seconds=1.0)] * 300)
        people = [Waiting(1, record=good), Waiting(2, record=good), Waiting(3)]

        made = offers_of(run(people, [task(n) for n in range(3)]))

        assert {o.annotator for o in made} == {1, 2, 3}

    def test_one_round_serves_everybody_before_anybody_gets_a_second(self) -> None:
        people = [Waiting(n, want=3) for n in range(1, 4)]

        counts = Counter(o.annotator for o in offers_of(run(people, [task(n) for n in range(4)])))

        assert sorted(counts.values()) == [1, 1, 2]


class TestScore:
    def test_prefers_what_is_at_stake_and_can_be_settled(self) -> None:
        tasks = [
            task(1, value=1.0),
            task(2, value=30.0),
            task(3, value=30.0, belief=Belief(0.98, 0.01, 0.01), kind="compare_two", expected_s=3.0),
        ]

        assert offers_of(run([Waiting(1)], tasks))[0].assignment == 2

    def test_gives_a_task_to_whoever_settles_more_of_it(self) -> None:
        sharp = replay([Outcome("verify_box", "", None, "geometry", "geometry", seconds=2.0)] * 100)
        blind = replay([Outcome("verify_box", "", None, "ok", "geometry", seconds=2.0)] * 100)
        people = [Waiting(1, record=blind), Waiting(2, record=sharp)]

        made = offers_of(run(people, [task(1)]))

        assert [o.annotator for o in made] == [2]

    def test_matches_domains_to_people_who_know_them(self) -> None:
        def expert(domain: str, other: str) -> TrackRecord:
            right = [Outcome("verify_box", domain, None, "geometry", "geometry", seconds=2.0)] * 80
            wrong = [Outcome("verify_box", other, None, "ok", "geometry", seconds=2.0)] * 80
            return replay(right + wrong)

        both = frozenset({"cars", "trees"})
        people = [
            Waiting(1, record=expert("cars", "trees"), domains=both),
            Waiting(2, record=expert("trees", "cars"), domains=both),
        ]

        made = offers_of(run(people, [task(1, domain="trees"), task(2, domain="cars")]))

        assert {(o.annotator, o.assignment) for o in made} == {(1, 2), (2, 1)}

    def test_gives_a_dispute_to_the_specialist_who_knows_its_class(self) -> None:
        def knows(cls: int, other: int) -> TrackRecord:
            right = [Outcome("verify_box", "", cls, "geometry", "geometry", seconds=2.0)] * 40
            wrong = [Outcome("verify_box", "", other, "ok", "geometry", seconds=2.0)] * 40
            return replay(right + wrong, TrackRecord.new("specialist"))

        people = [
            Waiting(1, tier="specialist", record=knows(5, 6)),
            Waiting(2, tier="specialist", record=knows(6, 5)),
        ]
        tasks = [task(n, kind="adjudicate", tier="specialist", cls=cls) for n, cls in ((1, 6), (2, 5))]

        made = offers_of(run(people, tasks))

        assert {(o.annotator, o.assignment) for o in made} == {(1, 2), (2, 1)}

    def test_stays_with_one_kind_and_lane(self) -> None:
        tasks = [
            task(1, kind="fix_box", lane="x"),
            task(2, kind="fix_box", lane="y"),
            task(3, kind="draw_missed", lane="y"),
        ]
        ada = Waiting(1, last_kind="fix_box", last_lane="y", want=3)

        order = [o.assignment for o in offers_of(run([ada], tasks))]

        assert order == [2, 1, 3]

    @settings(max_examples=30)
    @given(windows(), st.integers(0, 3))
    def test_can_be_recomputed_from_the_offer(
        self, window: tuple[list[Waiting], list[Candidate]], seed: int
    ) -> None:
        people, tasks = window
        for offer in offers_of(run(people, tasks, POLICY, seed)):
            t = offer.terms
            bonus = 1 + POLICY.block_bonus * bool(t["same_kind"]) + SAME_LANE_BONUS * bool(t["same_lane"])
            urgency = max(float(t["value"]), 1e-6)
            urgency *= 1 + POLICY.age_weight * float(t["age_s"]) / POLICY.age_scale_s
            urgency *= 2 ** float(t["priority"])
            score = urgency * float(t["settles"]) * float(t["freshness"]) * bonus / float(t["seconds"])
            assert offer.score == pytest.approx(score, rel=1e-4)
            assert urgency == pytest.approx(float(t["urgency"]))
            if offer.runner_up is not None and not t["explored"]:
                assert offer.runner_up["score"] <= offer.score
            assert explain(offer).startswith("You got this task because your answer settles")

    def test_does_not_reveal_gold(self) -> None:
        offer = offers_of(run([Waiting(1)], [task(1, gold=True)]))[0]

        assert "gold" not in explain(offer)
        assert "known" not in explain(offer)

    def test_takes_the_best_pair_first(self) -> None:
        """The greedy matching of many people to many tasks, against the definition, pair by pair."""
        rng = np.random.default_rng(5)
        people = [
            Waiting(
                n,
                record=replay(
                    [
                        Outcome(
                            "verify_box", "", None, "geometry", "geometry", seconds=float(rng.uniform(1, 4))
                        )
                    ]
                    * int(rng.integers(0, 60))
                ),
            )
            for n in range(30)
        ]
        tasks = [
            task(n, value=float(rng.uniform(1, 50)), belief=Belief.of(rng.dirichlet((3, 2, 1))))
            for n in range(70)
        ]
        solo = {
            p.id: {
                t.assignment: offers_of(choose([p], [t], GREEDY, now=0.0, rng=rng))[0].score for t in tasks
            }
            for p in people
        }
        pairs = sorted(
            ((score, p, t) for p, row in solo.items() for t, score in row.items()), key=lambda x: -x[0]
        )
        expected: dict[int, int] = {}
        for _, person, number in pairs:
            if person not in expected and number not in expected.values():
                expected[person] = number

        made = offers_of(run(people, tasks))

        assert {o.annotator: o.assignment for o in made} == expected


class TestExploration:
    def test_draws_the_stated_share_and_logs_what_it_drew(self) -> None:
        policy = RoutingPolicy.from_json({"explore_share": 0.3})
        rng = np.random.default_rng(11)
        tasks = [task(n, value=10.0 + n) for n in range(10)]
        drawn: Counter[int] = Counter()
        logged: dict[int, float] = {}
        rounds = 800
        for _ in range(rounds):
            offer = offers_of(choose([Waiting(1)], tasks, policy, now=0.0, rng=rng))[0]
            drawn[offer.assignment] += 1
            logged[offer.assignment] = offer.propensity

        assert sum(logged.values()) == pytest.approx(1)
        for number, propensity in logged.items():
            spread = 4 * (propensity * (1 - propensity) / rounds) ** 0.5
            assert drawn[number] / rounds == pytest.approx(propensity, abs=spread)

    def test_weighting_by_propensity_recovers_the_mean_over_all_tasks(self) -> None:
        policy = RoutingPolicy.from_json({"explore_share": 0.5})
        rng = np.random.default_rng(2)
        tasks = [task(n, value=10.0 + n) for n in range(5)]
        total = 0.0
        rounds = 800
        for _ in range(rounds):
            offer = offers_of(choose([Waiting(1)], tasks, policy, now=0.0, rng=rng))[0]
            total += offer.assignment / offer.propensity / len(tasks)

        assert total / rounds == pytest.approx(2.0, abs=0.25)

    def test_draws_within_the_kind_of_the_best(self) -> None:
        policy = RoutingPolicy.from_json({"explore_share": 1.0})
        tasks = [task(n, value=50.0) for n in range(4)] + [task(9, kind="fix_box", value=0.1)]

        got = {offers_of(run([Waiting(1)], tasks, policy, seed))[0].assignment for seed in range(60)}

        assert got == {0, 1, 2, 3}

    def test_has_nothing_to_draw_with_one_task(self) -> None:
        offer = offers_of(run([Waiting(1)], [task(1)], RoutingPolicy.from_json({"explore_share": 1.0})))[0]

        assert offer.propensity == 1.0
        assert offer.terms["explored"] is False

    @given(windows())
    @settings(max_examples=30)
    def test_is_the_same_again_from_the_same_dice(
        self, window: tuple[list[Waiting], list[Candidate]]
    ) -> None:
        people, tasks = window

        assert run(people, tasks, POLICY, 4) == run(people, tasks, POLICY, 4)


class TestPace:
    def test_prefers_the_quicker_of_two_but_not_whoever_only_clicks(self) -> None:
        def takes(seconds: float) -> Waiting:
            history = [Outcome("verify_box", "", None, "geometry", "geometry", seconds=seconds)] * 100
            return Waiting(round(100 * seconds), record=replay(history))

        def price(seconds: float) -> float:
            return float(offers_of(run([takes(seconds)], [task(1)]))[0].terms["seconds"])

        assert price(2.0) < price(4.0)
        assert price(0.2) == price(0.1)
        assert price(0.2) > 0.5 * price(2.0)


class TestPrices:
    def test_a_dear_person_is_kept_from_what_a_cheap_one_does_as_well(self) -> None:
        record = TrackRecord.new("senior")
        people = [Waiting(1, tier="crowd", record=record), Waiting(2, tier="senior", record=record)]

        made = offers_of(run(people, [task(1)]))

        assert [o.annotator for o in made] == [1]

    def test_a_free_crowd_divides_by_no_wage(self) -> None:
        policy = RoutingPolicy.from_json({"wage_per_hour": {"crowd": 0, "senior": 0}, "explore_share": 0.0})

        offer = offers_of(run([Waiting(1)], [task(1)], policy))[0]

        assert np.isfinite(offer.score)
        assert float(offer.terms["seconds"]) == pytest.approx(skill.SECONDS["verify_box"], rel=0.01)
