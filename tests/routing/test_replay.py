"""Policies replayed over recorded answers."""

import numpy as np
import pytest

from routing.consensus.labels import fuse_labels
from routing.consensus.votes import Votes
from routing.replay import ReplayPolicy, replay, score_replays


def log(seed: int = 0, tasks: int = 200, people: int = 20, each: int = 8) -> tuple[Votes, np.ndarray]:
    """Return recorded votes of people of three skills on two classes, and the truth."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, tasks)
    skill = rng.choice([0.55, 0.75, 0.95], people)
    task = np.repeat(np.arange(tasks), each)
    who = np.concatenate([rng.choice(people, each, replace=False) for _ in range(tasks)])
    label = np.where(rng.random(len(task)) < skill[who], truth[task], 1 - truth[task])
    return Votes.of(task, who, label, tasks=tasks, annotators=people, classes=2), truth


class TestReplay:
    def test_buys_the_overlap_and_no_more(self):
        votes, _ = log()
        for name in ("majority", "fixed"):
            bought = replay(votes, ReplayPolicy(name, overlap=3), np.random.default_rng(0)).bought
            assert np.bincount(votes.task[bought]).tolist() == [3] * 200

    def test_equals_fusing_everything_when_the_overlap_holds_all(self):
        votes, _ = log()
        found = replay(votes, ReplayPolicy("fixed", overlap=99), np.random.default_rng(0))
        assert np.array_equal(found.probability, fuse_labels(votes).probability)

    @pytest.mark.parametrize("assign", ["random", "best"])
    def test_ends_where_fusing_what_it_bought_leads(self, assign):
        votes, _ = log()
        found = replay(votes, ReplayPolicy(risk=0.2, assign=assign), np.random.default_rng(0))
        assert np.array_equal(found.probability, fuse_labels(votes.subset(found.bought)).probability)

    @pytest.mark.parametrize("name", ["majority", "fixed", "adaptive"])
    def test_depends_neither_on_the_order_of_answers_nor_on_the_names_of_classes(self, name):
        votes, _ = log()
        shuffle = np.random.default_rng(1).permutation(len(votes.task))
        columns = votes.task[shuffle], votes.annotator[shuffle], 1 - votes.label[shuffle]
        swapped = Votes.of(*columns, tasks=200, annotators=20, classes=2)
        first, second = (
            replay(log, ReplayPolicy(name, risk=0.2), np.random.default_rng(0)) for log in (votes, swapped)
        )
        assert np.array_equal(first.bought, second.bought)
        assert second.probability[:, ::-1] == pytest.approx(first.probability, abs=1e-9)

    def test_leaves_the_recorded_votes_alone(self):
        votes, _ = log()
        replay(votes, ReplayPolicy(risk=0.2, assign="best"), np.random.default_rng(0))
        again, _ = log()
        assert np.array_equal(votes.counts, again.counts) and np.array_equal(votes.label, again.label)

    def test_repeats_itself_with_the_same_seed(self):
        votes, _ = log()
        first, second = (
            replay(votes, ReplayPolicy(assign="best"), np.random.default_rng(4)) for _ in range(2)
        )
        assert np.array_equal(first.bought, second.bought)

    def test_asks_more_for_less_risk_and_gets_it_right_more_often(self):
        votes, truth = log()
        cost, right = [], []
        for risk in (0.4, 0.2, 0.02):
            runs = [replay(votes, ReplayPolicy(risk=risk), np.random.default_rng(s)) for s in range(3)]
            scores = score_replays(runs, np.arange(200), truth)
            cost.append(scores["answers_per_task"])
            right.append(scores["accuracy"])
        assert cost[0] < cost[1] < cost[2]
        assert right[0] < right[2]

    def test_lets_go_of_tasks_that_stay_in_doubt_the_sooner_the_more_it_widens_the_risk(self):
        votes, _ = log()
        most, total = [], []
        for widening in (0.0, 0.5, 1.0):
            policy = ReplayPolicy(risk=0.1, widening=widening)
            each = np.bincount(votes.task[replay(votes, policy, np.random.default_rng(0)).bought])
            most.append(int((each == 8).sum()))
            total.append(int(each.sum()))
        assert most[0] > most[1] > most[2]
        assert total[0] > total[1] > total[2]

    def test_needs_fewer_answers_than_majority_for_the_same_accuracy(self):
        votes, truth = log(tasks=400)
        majority = [replay(votes, ReplayPolicy("majority", 5), np.random.default_rng(s)) for s in range(3)]
        adaptive = [replay(votes, ReplayPolicy(risk=0.15), np.random.default_rng(s)) for s in range(3)]
        wanted, got = (score_replays(runs, np.arange(400), truth) for runs in (majority, adaptive))
        assert got["accuracy"] > wanted["accuracy"]
        assert got["answers_per_task"] < 0.8 * wanted["answers_per_task"]

    def test_lets_nobody_carry_more_than_the_cap(self):
        votes, _ = log(tasks=400)
        bought = replay(votes, ReplayPolicy(risk=0.3, assign="best"), np.random.default_rng(0)).bought
        load = np.bincount(votes.annotator[bought], minlength=20)
        assert load.max() <= 3 * load.mean() + 1

    def test_ends_soon_although_everybody_left_is_at_the_cap(self):
        # One person gave most of the answers: at three fair shares of twenty the cap binds at once.
        rng = np.random.default_rng(3)
        task = np.repeat(np.arange(300), 3)
        who = np.tile([0, 1, 2], 300)
        who[::3] = np.where(rng.random(300) < 0.9, 0, rng.integers(3, 20, 300))
        truth = rng.integers(0, 2, 300)
        label = np.where(rng.random(900) < 0.6, truth[task], 1 - truth[task])
        votes = Votes.of(task, who, label, tasks=300, annotators=20, classes=2)
        policy = ReplayPolicy(risk=0.01, assign="best", load_cap=0.2)
        found = replay(votes, policy, np.random.default_rng(0))
        assert found.bought.all()
        assert found.rounds < 60

    def test_asks_nobody_where_the_model_is_sure(self):
        votes, truth = log()
        prior = np.where(np.arange(2) == truth[:, None], 0.98, 0.02)
        found = replay(votes, ReplayPolicy(risk=0.1), np.random.default_rng(0), prior)
        asked = np.bincount(votes.task[found.bought], minlength=200) > 0
        assert asked.mean() < 0.5
        assert (found.probability.argmax(1) == truth).mean() > 0.95

    @pytest.mark.parametrize(
        ("fault", "options"),
        [
            ("policy: 'best'", {"name": "best"}),
            ("overlap: 0", {"overlap": 0}),
            ("risk: 1.5", {"risk": 1.5}),
            ("assign: 'all'", {"assign": "all"}),
            ("widening: -1", {"widening": -1}),
        ],
    )
    def test_refuses_a_policy_that_makes_no_sense(self, fault, options):
        with pytest.raises(ValueError, match=fault):
            ReplayPolicy(**options)
