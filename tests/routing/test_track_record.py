"""What we believe of one annotator: counted, taken back, replayed, shrunk."""

import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing import skill
from routing.outcomes import DRAWN, FOUND, MISSED, RIGHT, WRONG, Outcome, OutcomeError
from routing.pool import Pool
from routing.record_table import RecordTable
from routing.track_record import RevertError, TrackRecord, replay

DOMAINS = ("", "cars", "a|b", "50%")
STATES = ("good", "geometry", "phantom")

verdicts = st.builds(
    Outcome,
    kind=st.sampled_from(["verify_box", "grid_verify", "adjudicate"]),
    domain=st.sampled_from(DOMAINS),
    cls=st.one_of(st.none(), st.integers(0, 3)),
    given=st.sampled_from(["ok", "geometry", "not_object", "bad"]),
    truth=st.sampled_from(STATES),
    weight=st.floats(0, 1),
    gold=st.booleans(),
    seconds=st.one_of(st.none(), st.floats(0.1, 100)),
)
drawings = st.builds(
    Outcome,
    kind=st.sampled_from(["draw_missed", "fix_box"]),
    domain=st.sampled_from(DOMAINS),
    cls=st.none(),
    given=st.just(DRAWN),
    truth=st.sampled_from(STATES),
    weight=st.floats(0, 1),
    iou=st.one_of(st.none(), st.floats(0, 1)),
    seconds=st.one_of(st.none(), st.floats(0.1, 100)),
)
looks = st.builds(
    Outcome,
    kind=st.just("coverage_tile"),
    domain=st.sampled_from(DOMAINS),
    cls=st.none(),
    given=st.sampled_from([FOUND, MISSED]),
    truth=st.sampled_from(["good", "phantom"]),
    weight=st.floats(0, 1),
    size_px=st.one_of(st.none(), st.floats(1, 500)),
)
choices = st.builds(
    Outcome,
    kind=st.just("compare_two"),
    domain=st.sampled_from(DOMAINS),
    cls=st.none(),
    given=st.sampled_from([RIGHT, WRONG]),
    truth=st.just("good"),
    weight=st.floats(0, 1),
)
outcomes = st.one_of(verdicts, drawings, looks, choices)
histories = st.lists(outcomes, max_size=30)


def looked(kind: str, domain: str, said: str, truth: str, cls: int | None = None) -> Outcome:
    return Outcome(kind, domain, cls, said, truth)


class TestCounting:
    @given(histories)
    def test_replay_equals_one_by_one(self, history: list[Outcome]) -> None:
        record = TrackRecord.new("senior", ["cars"])
        start = record
        for outcome in history:
            record = record.updated(outcome)

        assert replay(history, start) == record

    @given(histories, st.randoms())
    def test_order_does_not_matter(self, history: list[Outcome], shuffler: random.Random) -> None:
        shuffled = list(history)
        shuffler.shuffle(shuffled)

        assert replay(shuffled) == replay(history)

    @given(histories, outcomes)
    def test_taking_back_is_exact(self, history: list[Outcome], outcome: Outcome) -> None:
        record = replay(history)

        assert record.updated(outcome).reverted(outcome) == record

    @given(histories, st.randoms())
    def test_taking_everything_back_in_any_order_leaves_a_newcomer(
        self, history: list[Outcome], shuffler: random.Random
    ) -> None:
        record = replay(history)
        # Zero-weight outcomes leave nothing behind to be taken back, and nothing is.
        shuffled = list(history)
        shuffler.shuffle(shuffled)
        for outcome in shuffled:
            record = record.reverted(outcome)

        assert record == TrackRecord.new()

    def test_refuses_to_take_back_what_was_never_counted(self) -> None:
        record = TrackRecord.new().updated(looked("verify_box", "cars", "ok", "good"))

        with pytest.raises(RevertError, match="never counted"):
            record.reverted(looked("verify_box", "trees", "ok", "good"))

    @given(histories)
    def test_reads_back_what_it_wrote(self, history: list[Outcome]) -> None:
        record = replay(history, TrackRecord.new("specialist", ["a|b"]))

        assert TrackRecord.from_json(record.to_json()) == record

    def test_refuses_counts_of_another_shape(self) -> None:
        with pytest.raises(ValueError, match=r"counts\.v\|verify_box\|\|: 2 numbers; expected 9"):
            TrackRecord.from_json({"counts": {"v|verify_box||": [1, 2]}})

    def test_refuses_an_unknown_tier_by_name(self) -> None:
        with pytest.raises(ValueError, match="tier: 'boss'"):
            TrackRecord.new("boss")

    @given(histories, outcomes)
    def test_mutates_nothing(self, history: list[Outcome], outcome: Outcome) -> None:
        record = replay(history)
        before = record.to_json()

        record.updated(outcome)

        assert record.to_json() == before


class TestShrinkage:
    @pytest.mark.parametrize("tier", ["crowd", "specialist"])
    def test_a_newcomer_is_the_pool(self, tier: str) -> None:
        record = TrackRecord.new(tier)

        np.testing.assert_allclose(
            record.verdict_rows("verify_box", "cars", 1), skill.verdict_pool("verify_box", tier, False)
        )
        assert record.recall("cars", 40.0) == pytest.approx(skill.pool_recall(40.0))
        assert record.seconds("verify_box") == pytest.approx(2.0 * math.exp(skill.LOG_SD**2 / 2))

    def test_an_entry_test_in_a_domain_helps_there_only(self) -> None:
        record = TrackRecord.new("crowd", ["cars"])

        assert (
            record.verdict_rows("verify_box", "cars")[1][1] > record.verdict_rows("verify_box", "trees")[1][1]
        )

    def test_ten_answers_in_a_new_domain_already_move_it(self) -> None:
        steady = [looked("verify_box", "cars", "geometry", "geometry")] * 200
        record = replay(steady)
        before = record.verdict_rows("verify_box", "trees")[1][0]
        for _ in range(10):
            record = record.updated(looked("verify_box", "trees", "ok", "geometry"))

        after = record.verdict_rows("verify_box", "trees")[1][0]
        elsewhere = record.verdict_rows("verify_box", "cars")[1][0]

        assert after > before + 0.15
        assert elsewhere < before + 0.05

    def test_a_class_moves_away_from_its_domain(self) -> None:
        history = [looked("verify_box", "cars", "ok", "geometry", 7)] * 8
        history += [looked("verify_box", "cars", "geometry", "geometry", 1)] * 40
        record = replay(history)

        passes = [record.verdict_rows("verify_box", "cars", cls)[1][0] for cls in (1, 2, 7)]

        assert passes[0] < passes[1] < passes[2]

    @given(st.integers(0, 300))
    def test_many_answers_outweigh_the_pool(self, n: int) -> None:
        record = replay([looked("verify_box", "cars", "geometry", "good")] * n)

        refused = record.verdict_rows("verify_box", "cars")[0][1]

        assert refused >= 0.04
        assert n < 200 or refused > 0.9

    @settings(max_examples=30)
    @given(histories)
    def test_every_row_stays_a_distribution(self, history: list[Outcome]) -> None:
        record = replay(history)
        for kind in ("verify_box", "grid_verify", "adjudicate"):
            for row in record.verdict_rows(kind, "cars", 1):
                assert math.isclose(sum(row), 1)
                assert min(row) >= 0
        assert 0 < record.recall("cars", 30.0) < 1
        assert 0 < record.compare_accuracy() < 1

    def test_a_ruler_is_known_by_their_verifying(self) -> None:
        poor = replay([looked("verify_box", "cars", "ok", "phantom")] * 40, TrackRecord.new("specialist"))

        assert (
            poor.verdict_rows("adjudicate", "cars")[2][0]
            > TrackRecord.new("specialist").verdict_rows("adjudicate", "cars")[2][0] + 0.3
        )

    def test_says_nothing_about_an_object_one_is_unsure_of(self) -> None:
        assert TrackRecord.new().verdict_likelihoods("verify_box", "", None, "unsure") == (1.0, 1.0, 1.0)

    def test_learns_the_noise_of_a_hand(self) -> None:
        def drawn(iou: float) -> TrackRecord:
            return replay([Outcome("draw_missed", "cars", None, DRAWN, "good", iou=iou)] * 100)

        assert (
            drawn(0.97).box_sigma("cars")
            < TrackRecord.new().box_sigma("cars")
            < drawn(0.78).box_sigma("cars")
        )

    def test_learns_a_pace(self) -> None:
        record = replay([Outcome("verify_box", "", None, "ok", "good", seconds=8.0)] * 100)

        assert record.seconds("verify_box") == pytest.approx(8.0, rel=0.25)
        assert record.answers("verify_box") == 100
        assert record.answers() == 100

    def test_sums_up_gold(self) -> None:
        hit = Outcome("verify_box", "", None, "ok", "good", gold=True)
        slip = Outcome("verify_box", "", None, "ok", "phantom", gold=True)

        drawn = Outcome("fix_box", "", None, "drawn", "good", gold=True)
        record = replay([hit] * 3 + [slip, drawn])

        assert record.gold_summary()["verify_box"] == {
            "answers": 4, "right": 3, "share": pytest.approx(6.6 / 8),
        }  # fmt: skip
        assert record.gold_total() == (4, 5)


class TestPool:
    def crowd(self) -> list[TrackRecord]:
        """Five people who all find trees hard and cars easy."""
        easy = [looked("verify_box", "cars", "geometry", "geometry")] * 40
        hard = [looked("verify_box", "trees", "ok", "geometry")] * 25
        hard += [looked("verify_box", "trees", "geometry", "geometry")] * 15
        return [replay(easy + hard) for _ in range(5)]

    def test_of_nobody_changes_nothing(self) -> None:
        record = replay([looked("verify_box", "cars", "ok", "geometry")] * 10)

        for domain in DOMAINS:
            np.testing.assert_allclose(
                record.among(Pool.of([])).verdict_rows("verify_box", domain, 1),
                record.verdict_rows("verify_box", domain, 1),
            )

    def test_tells_a_newcomer_which_domain_is_hard(self) -> None:
        pool = Pool.of(record.counts for record in self.crowd())
        newcomer = TrackRecord.new().among(pool)

        passes = {d: newcomer.verdict_rows("verify_box", d)[1][0] for d in ("cars", "trees", "birds")}

        assert passes["cars"] < passes["birds"] < passes["trees"]
        assert passes["trees"] > 0.4

    def test_leaves_the_better_person_better(self) -> None:
        pool = Pool.of(record.counts for record in self.crowd())
        sharp = replay([looked("verify_box", "cars", "geometry", "geometry")] * 60).among(pool)
        blind = replay([looked("verify_box", "cars", "ok", "geometry")] * 60).among(pool)

        rows = [record.verdict_rows("verify_box", "trees")[1][1] for record in (sharp, blind)]

        assert rows[0] > rows[1]

    def test_is_no_part_of_what_is_stored_or_compared(self) -> None:
        record = replay([looked("verify_box", "cars", "ok", "good")] * 3)
        seen_here = record.among(Pool.of([record.counts]))

        assert seen_here == record
        assert seen_here.to_json() == record.to_json()
        assert seen_here.updated(looked("verify_box", "cars", "ok", "good")).pool is seen_here.pool


class TestRecordTable:
    @settings(max_examples=40)
    @given(
        st.lists(histories, min_size=1, max_size=4),
        st.sampled_from(DOMAINS),
        st.sampled_from(["none", "one", "two"]),
    )
    def test_equals_each_record_by_itself(self, many: list[list[Outcome]], domain: str, pools: str) -> None:
        tiers = ("crowd", "senior", "specialist", "adjudicator")
        records = [
            replay(history, TrackRecord.new(tiers[n % 4], [DOMAINS[n % 4]])) for n, history in enumerate(many)
        ]
        if pools != "none":
            shared = Pool.of(record.counts for record in records)
            other = Pool.of([records[0].counts])
            records = [r.among(other if pools == "two" and n % 2 else shared) for n, r in enumerate(records)]
        table = RecordTable(records)

        for n, record in enumerate(records):
            for kind in ("verify_box", "grid_verify", "adjudicate", "coverage_tile"):
                for cls in (None, 1):
                    np.testing.assert_allclose(
                        table.verdict_rows(kind, domain, cls)[n], record.verdict_rows(kind, domain, cls)
                    )
            for kind in ("draw_missed", "fix_box"):
                assert table.draw_good(domain, kind)[n] == pytest.approx(
                    record.draw_quality(domain, kind).good
                )
            for kind in skill.SECONDS:
                assert table.seconds(kind)[n] == pytest.approx(record.seconds(kind))
            assert table.recall(domain, 40.0)[n] == pytest.approx(record.recall(domain, 40.0))
            assert table.compare_accuracy()[n] == pytest.approx(record.compare_accuracy())
            assert table.answers[n] == record.answers()


class TestOutcome:
    @pytest.mark.parametrize(
        ("change", "named"),
        [
            ({"kind": "guess"}, "outcome.kind"),
            ({"given": "maybe"}, "outcome.given"),
            ({"truth": "fine"}, "outcome.truth"),
            ({"weight": 1.5}, "outcome.weight"),
            ({"weight": math.nan}, "outcome.weight"),
            ({"seconds": math.inf}, "outcome.seconds"),
            ({"iou": -0.1}, "outcome.iou"),
            ({"size_px": math.nan}, "outcome.size_px"),
        ],
    )
    def test_names_the_field_it_refuses(self, change: dict[str, object], named: str) -> None:
        fields: dict[str, object] = {
            "kind": "verify_box",
            "domain": "",
            "cls": None,
            "given": "ok",
            "truth": "good",
        }
        with pytest.raises(OutcomeError, match=named):
            Outcome(**{**fields, **change})  # type: ignore[arg-type]

    @given(outcomes)
    def test_reads_back_what_it_wrote(self, outcome: Outcome) -> None:
        assert Outcome.from_json(outcome.to_json()) == outcome

    def test_a_refusal_for_another_reason_is_still_right(self) -> None:
        assert looked("verify_box", "", "not_object", "geometry").right
        assert not looked("verify_box", "", "ok", "phantom").right
