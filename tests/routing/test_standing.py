"""Whether an annotator may go on."""

import numpy as np
import pytest

from routing import skill
from routing.outcomes import Outcome
from routing.policy import RoutingPolicy
from routing.track_record import TrackRecord, replay

POLICY = RoutingPolicy()


def verdicts(
    rng: np.random.Generator, n: int, rows: skill.Rows | None, *, row: skill.Row | None = None
) -> list[Outcome]:
    """n checked verdicts with a third each of good, wrongly drawn and phantom boxes, by the rates given."""
    out = []
    for _ in range(n):
        state = int(rng.choice(3, p=(0.6, 0.25, 0.15)))
        p = row if row is not None else rows[state] if rows is not None else None
        said = ("ok", "geometry", "not_object")[int(rng.choice(3, p=p))]
        seconds = float(np.exp(rng.normal(np.log(2.0), 0.5)))
        out.append(
            Outcome("verify_box", "", None, said, ("good", "geometry", "phantom")[state], 1.0, True, seconds)
        )
    return out


def standing(history: list[Outcome]) -> str:
    return replay(history).standing(POLICY).state


class TestStanding:
    def test_of_a_newcomer_is_ok(self) -> None:
        got = TrackRecord.new().standing(POLICY)

        assert (got.state, got.reason) == ("ok", "")
        assert got.spam == pytest.approx(POLICY.spam_prior)

    @pytest.mark.parametrize("spam", skill.SPAM_TYPES, ids=lambda spam: spam.name)
    def test_pauses_those_who_do_not_look_within_40_answers(self, spam: skill.SpamType) -> None:
        rng = np.random.default_rng(5)

        caught = [standing(verdicts(rng, 40, None, row=spam.verify)) == "paused" for _ in range(100)]

        assert np.mean(caught) >= 0.9

    def test_pauses_hardly_any_honest_annotator(self) -> None:
        rng = np.random.default_rng(6)

        paused = [standing(verdicts(rng, 40, skill.VERIFY)) == "paused" for _ in range(600)]

        assert np.mean(paused) < 0.01

    def test_pauses_hardly_any_honest_annotator_at_any_time_on_the_way(self) -> None:
        rng = np.random.default_rng(7)
        alarms = 0
        for _ in range(150):
            record, history = TrackRecord.new(), verdicts(rng, 60, skill.VERIFY)
            for start in range(0, 60, 6):
                record = replay(history[start : start + 6], record)
                if record.standing(POLICY).state == "paused":
                    alarms += 1
                    break

        assert alarms / 150 < 0.02

    def test_coaches_the_careless_rather_than_pausing_them(self) -> None:
        rng = np.random.default_rng(8)
        sloppy = tuple(skill.scaled(row, n, 3.0) for n, row in enumerate(skill.VERIFY))

        states = [standing(verdicts(rng, 80, sloppy)) for _ in range(60)]  # type: ignore[arg-type]

        assert states.count("coach") > states.count("paused")
        assert states.count("coach") >= 20

    def test_coaches_whoever_looks_well_but_draws_to_a_rule_of_their_own(self) -> None:
        rng = np.random.default_rng(10)
        drawn = [Outcome("draw_missed", "", None, "drawn", "geometry", 1.0, True, 6.0, 0.9)] * 12

        got = replay(verdicts(rng, 28, skill.VERIFY) + drawn).standing(POLICY)

        assert got.state == "coach"
        assert "guideline" in got.reason

    def test_pauses_whoever_is_too_fast_to_look(self) -> None:
        fast = [Outcome("verify_box", "", None, "ok", "good", 1.0, True, 0.2)] * 20

        got = replay(fast).standing(POLICY)

        assert got.state == "paused"
        assert "too little to look" in got.reason

    def test_says_in_words_what_was_seen(self) -> None:
        rng = np.random.default_rng(9)
        got = replay(verdicts(rng, 60, None, row=(0.99, 0.005, 0.005))).standing(POLICY)

        assert got.state == "paused"
        assert "says yes to nearly everything" in got.reason
        assert got.to_json()["spam"] > POLICY.spam_confidence

    def test_judges_nobody_on_a_handful_of_answers(self) -> None:
        wrong = [Outcome("verify_box", "", None, "ok", "phantom", 1.0, True, 2.0)]

        assert standing(wrong * int(POLICY.spam_min_answers - 1)) == "ok"

    def test_does_not_blame_anybody_for_what_everybody_misses(self) -> None:
        missed = [Outcome("coverage_tile", "", None, "missed", "good", size_px=12.0)] * 40
        found = [Outcome("coverage_tile", "", None, "found", "good", size_px=12.0)] * 6

        assert standing(missed + found) == "ok"

    def test_follows_an_adjudication_that_overturns_what_was_believed(self) -> None:
        wrong = [Outcome("verify_box", "", None, "ok", "geometry", 1.0, False, 2.0)] * 30
        right = [Outcome("verify_box", "", None, "ok", "good", 1.0, False, 2.0)] * 30
        record = replay(wrong)
        assert record.standing(POLICY).state == "paused"

        for before, after in zip(wrong, right, strict=True):
            record = record.reverted(before).updated(after)

        assert record.standing(POLICY).state == "ok"
        assert record == replay(right)
