"""Whether somebody who has worked well has stopped looking."""

import numpy as np
import pytest

from routing import skill
from routing.drift import Drift, replay
from routing.outcomes import Outcome
from routing.policy import RoutingPolicy
from routing.track_record import replay as replay_record

STATES = ("good", "geometry", "phantom")


def work(rng: np.random.Generator, n: int, rows: skill.Rows) -> list[Outcome]:
    """n checked verdicts on good, crooked and phantom boxes."""
    out = []
    for _ in range(n):
        state = int(rng.choice(3, p=(0.6, 0.25, 0.15)))
        said = ("ok", "geometry", "not_object")[int(rng.choice(3, p=rows[state]))]
        out.append(Outcome("verify_box", "", None, said, STATES[state], 1.0, True, 2.0))
    return out


class TestDrift:
    @pytest.mark.parametrize("spam", skill.SPAM_TYPES, ids=lambda spam: spam.name)
    def test_shows_within_tens_of_answers_after_a_thousand_good_ones(self, spam: skill.SpamType) -> None:
        delays = []
        for seed in range(10):
            rng = np.random.default_rng(seed)
            state = replay(work(rng, 1000, skill.VERIFY))
            assert state.standing() is None
            for n, outcome in enumerate(work(rng, 100, (spam.verify,) * 3), start=1):
                state = state.updated(outcome)
                if state.standing() is not None:
                    delays.append(n)
                    break

        assert len(delays) == 10
        assert np.median(delays) <= 40

    def test_is_hidden_from_a_record_that_forgets_nothing(self) -> None:
        rng = np.random.default_rng(1)
        history = work(rng, 1000, skill.VERIFY) + work(rng, 40, (skill.SPAM_TYPES[0].verify,) * 3)

        assert replay_record(history).standing(RoutingPolicy()).state == "ok"
        found = replay(history).standing()
        assert found is not None and found.state == "paused"
        assert "Over the last" in found.reason and "says yes" in found.reason

    def test_is_seen_in_hardly_anybody_who_goes_on_working(self) -> None:
        rng = np.random.default_rng(2)

        alarms = sum(replay(work(rng, 300, skill.VERIFY)).standing() is not None for _ in range(40))

        assert alarms == 0

    def test_reads_back_what_it_wrote(self) -> None:
        state = replay(work(np.random.default_rng(3), 20, (skill.SPAM_TYPES[0].verify,) * 3))

        assert Drift.from_json(state.to_json()) == state
        assert Drift.from_json({"sums": [1.0], "since": [1]}) == Drift()

    def test_says_nothing_about_nobody(self) -> None:
        assert Drift().standing() is None
