"""Consensus of classes: what must hold for every crowd, whoever answers in whatever order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.consensus.audit import apply_audit, fit_audit_map, fit_levels, unaudited_bound
from routing.consensus.confusion import prior_power
from routing.consensus.labels import agreement, fuse_labels, known
from routing.consensus.machine_prior import fit_bend, unbent
from routing.consensus.online import OnlineLabels
from routing.consensus.votes import Votes
from routing.scores import calibration_error, fair_hits, log_loss


def crowd(
    seed: int,
    *,
    tasks: int = 60,
    people: int = 12,
    classes: int = 3,
    each: int = 4,
    skills: tuple[float, ...] = (0.5, 0.65, 0.8, 0.95),
) -> tuple[Votes, np.ndarray]:
    """Return votes of people who know, each with one of the `skills`, or guess, and the truth."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, tasks)
    skill = rng.choice(skills, people)
    task = np.repeat(np.arange(tasks), each)
    who = np.concatenate([rng.choice(people, each, replace=False) for _ in range(tasks)])
    right = rng.random(len(task)) < skill[who]
    label = np.where(right, truth[task], rng.integers(0, classes, len(task)))
    return Votes.of(task, who, label, tasks=tasks, annotators=people, classes=classes), truth


@st.composite
def answers(draw: st.DrawFn) -> tuple[np.ndarray, int, int, int]:
    """Return (A, 3) rows of task, annotator and label, each pair of task and annotator once, and the sizes."""
    tasks, people, classes = draw(st.integers(1, 6)), draw(st.integers(1, 5)), draw(st.integers(2, 4))
    cells = draw(st.sets(st.tuples(st.integers(0, tasks - 1), st.integers(0, people - 1)), max_size=20))
    rows = [(t, w, draw(st.integers(0, classes - 1))) for t, w in sorted(cells)]
    return np.array(rows, dtype=np.intp).reshape(-1, 3), tasks, people, classes


def votes_of(rows: np.ndarray, tasks: int, people: int, classes: int) -> Votes:
    return Votes.of(rows[:, 0], rows[:, 1], rows[:, 2], tasks=tasks, annotators=people, classes=classes)


class TestFuseLabels:
    @settings(max_examples=25)
    @given(answers(), st.randoms(use_true_random=False))
    def test_does_not_depend_on_the_order_of_answers(self, case, random):
        rows, tasks, people, classes = case
        order = list(range(len(rows)))
        random.shuffle(order)
        first = fuse_labels(votes_of(rows, tasks, people, classes))
        second = fuse_labels(votes_of(rows[order], tasks, people, classes))
        assert np.array_equal(first.probability, second.probability)

    @settings(max_examples=25)
    @given(answers(), st.randoms(use_true_random=False))
    def test_does_not_depend_on_the_names_of_annotators_and_classes(self, case, random):
        rows, tasks, people, classes = case
        who, label = list(range(people)), list(range(classes))
        random.shuffle(who)
        random.shuffle(label)
        renamed = np.stack([rows[:, 0], np.array(who)[rows[:, 1]], np.array(label)[rows[:, 2]]], axis=1)
        first = fuse_labels(votes_of(rows, tasks, people, classes)).probability
        second = fuse_labels(votes_of(renamed, tasks, people, classes)).probability
        assert second[:, label] == pytest.approx(first, abs=1e-6)

    @settings(max_examples=25)
    @given(answers())
    def test_states_probabilities_and_leaves_its_input_alone(self, case):
        rows, tasks, people, classes = case
        votes = votes_of(rows, tasks, people, classes)
        before = votes.counts.copy(), votes.task.copy(), votes.label.copy()
        found = fuse_labels(votes)
        assert np.isfinite(found.probability).all() and (found.probability >= 0).all()
        assert found.probability.sum(1) == pytest.approx(np.ones(tasks))
        assert all(
            np.array_equal(a, b) for a, b in zip(before, (votes.counts, votes.task, votes.label), strict=True)
        )

    @pytest.mark.parametrize("classes", [2, 3, 6])
    def test_keeps_what_is_unanimous(self, classes):
        truth = np.arange(30) % classes
        task, who = np.repeat(np.arange(30), 3), np.tile(np.arange(3), 30)
        found = fuse_labels(Votes.of(task, who, truth[task], tasks=30, annotators=3, classes=classes))
        assert np.array_equal(found.labels(), truth)
        assert found.confidence.min() > 0.8

    @pytest.mark.parametrize("lie", [0, 1, 2])
    def test_is_not_moved_by_one_adversary_among_five(self, lie):
        truth = np.arange(60) % 3
        task, who = np.repeat(np.arange(60), 5), np.tile(np.arange(5), 60)
        label = np.where(who == 4, lie if lie == 0 else (truth[task] + lie) % 3, truth[task])
        found = fuse_labels(Votes.of(task, who, label, tasks=60, annotators=5, classes=3))
        assert np.array_equal(found.labels(), truth)

    def test_is_even_without_answers(self):
        found = fuse_labels(Votes.of([], [], [], tasks=3, annotators=2, classes=4))
        assert found.probability == pytest.approx(np.full((3, 4), 0.25))

    def test_follows_a_single_answer_without_being_sure(self):
        found = fuse_labels(Votes.of([0], [0], [1], tasks=1, annotators=1, classes=2))
        assert found.labels().tolist() == [1]
        assert 0.5 < found.confidence[0] < 0.95

    def test_beats_majority_where_people_differ(self):
        gain = []
        for seed in range(4):
            votes, truth = crowd(seed, tasks=300, people=15, each=5, skills=(0.2, 0.9))
            ours = fair_hits(fuse_labels(votes).probability, truth).mean()
            gain.append(ours - fair_hits(votes.shares(), truth).mean())
        assert np.mean(gain) > 0.03

    def test_learns_that_one_person_swaps_two_classes(self):
        truth = np.arange(80) % 2
        task, who = np.repeat(np.arange(80), 3), np.tile(np.arange(3), 80)
        label = np.where(who == 2, 1 - truth[task], truth[task])
        found = fuse_labels(Votes.of(task, who, label, tasks=80, annotators=3, classes=2))
        assert found.matrices()[2, 0, 1] > 0.8 > 0.2 > found.matrices()[0, 0, 1]

    def test_bends_an_overconfident_model_and_still_uses_it(self):
        votes, truth = crowd(5, tasks=400, people=10, each=2)
        rng = np.random.default_rng(5)
        guess = np.where(rng.random(400) < 0.75, truth, rng.integers(0, 3, 400))
        prior = np.full((400, 3), 0.001)
        prior[np.arange(400), guess] = 0.998
        beside, alone = fuse_labels(votes, prior=prior), fuse_labels(votes)
        assert fair_hits(beside.probability, truth).mean() > fair_hits(alone.probability, truth).mean() + 0.03
        assert beside.opinions["model"].max(1).mean() < 0.95

    @pytest.mark.parametrize("prior", [np.ones((2, 2)), np.full((1, 2), np.nan), np.zeros((1, 2))])
    def test_refuses_a_prior_that_is_none(self, prior):
        with pytest.raises(ValueError, match="prior: "):
            fuse_labels(Votes.of([0], [0], [1], tasks=1, annotators=1, classes=2), prior=prior)


class TestFitBend:
    @pytest.mark.parametrize("agreeing", [0.0, 0.3, 0.9])
    def test_never_leaves_a_model_that_is_sure_of_everything_further_from_the_answers(self, agreeing):
        rng = np.random.default_rng(2)
        truth = rng.choice(6, 2000, p=[0.4, 0.3, 0.1, 0.1, 0.05, 0.05])
        guess = np.where(rng.random(2000) < agreeing, truth, (truth + 1) % 6)
        prior = np.where(np.eye(6)[guess] > 0, 1 - 5e-7, 1e-7)
        bent = fit_bend(prior, np.eye(6)[truth], unbent(6))
        assert log_loss(bent(prior), truth) <= log_loss(np.full((2000, 6), 1 / 6), truth) + 0.01

    def test_leaves_the_model_alone_without_answers(self):
        bend = fit_bend(np.zeros((0, 3)), np.zeros((0, 3)), unbent(3))
        assert bend.power == 1.0
        assert bend.level.tolist() == [0.0, 0.0, 0.0]


class TestVotes:
    def test_refuses_an_index_out_of_range_by_name(self):
        with pytest.raises(ValueError, match="label: index out of range; give 0 to 1"):
            Votes.of([0], [0], [2], tasks=1, annotators=1, classes=2)

    def test_sums_alike_by_pair_and_by_answer(self):
        votes, _ = crowd(1)
        rows = np.random.default_rng(1).random((len(votes.pair_label), 3))
        assert votes.sum_answers(rows[votes.pair]) == pytest.approx(votes.sum_by_task(rows))

    def test_says_how_frequent_classes_are_among_tasks_however_often_the_disputed_are_asked(self):
        # Eight tasks of class 0 with one answer, two of class 1 with four.
        task, who = [*range(8), *[8] * 4, *[9] * 4], [0] * 8 + [0, 1, 2, 3] * 2
        votes = Votes.of(task, who, [0] * 8 + [1] * 8, tasks=11, annotators=4, classes=2)
        assert votes.task_frequency() == pytest.approx([9 / 12, 3 / 12])
        assert votes.class_frequency() == pytest.approx([0.5, 0.5])


class TestKnown:
    def test_grows_with_what_others_answered_too(self):
        depths = [known(crowd(1, each=each)[0]) for each in (1, 2, 4, 8)]
        assert depths[0] == 0.0
        assert depths == sorted(depths)
        assert depths[-1] < 1.0

    def test_shrinks_with_the_pairs_of_classes_that_may_be_confused(self):
        assert known(crowd(1, classes=6)[0]) < known(crowd(1, classes=2)[0])

    def test_is_nothing_without_answers(self):
        assert known(Votes.of([], [], [], tasks=3, annotators=2, classes=4)) == 0.0


class TestPriorPower:
    def test_leaves_the_class_open_until_somebody_could_have_been_contradicted(self):
        votes = Votes.of([1, 2, 2], [0, 0, 1], [0, 0, 1], tasks=3, annotators=2, classes=2)
        assert prior_power(votes).tolist() == [0.0, 0.0, 0.75]

    def test_lets_the_prior_speak_the_louder_the_more_answered(self):
        powers = [prior_power(crowd(1, each=each)[0])[0] for each in (1, 2, 4, 10)]
        assert powers == sorted(powers)
        assert powers[-1] > 0.99


class TestAgreement:
    def test_is_the_kappa_of_Fleiss_but_for_one_vote_a_class(self):
        # Four tasks, two answers each, three pairs agree; classes named 5 and 3 times, 6 and 4 with one vote each.
        votes = Votes.of(
            [0, 0, 1, 1, 2, 2, 3, 3],
            [0, 1] * 4,
            [0, 0, 1, 1, 0, 0, 0, 1],
            tasks=4,
            annotators=2,
            classes=2,
        )
        chance = 0.6**2 + 0.4**2
        assert agreement(votes) == pytest.approx((3 / 4 - chance) / (1 - chance))

    def test_is_nothing_where_no_task_has_two_answers(self):
        assert agreement(Votes.of([0, 1], [0, 1], [0, 1], tasks=2, annotators=2, classes=2)) == 0.0


class TestOnlineLabels:
    def test_agrees_with_the_batch_once_every_answer_is_in(self):
        agree, change = [], []
        for seed in range(3):
            votes, _ = crowd(seed, tasks=150, people=12, each=5)
            found = fuse_labels(votes)
            online = OnlineLabels(found.skills, 12, 150)
            for i in np.random.default_rng(seed).permutation(len(votes.task)):
                online.update(int(votes.task[i]), int(votes.annotator[i]), int(votes.label[i]))
            for _ in range(3):
                online.sweep()
            posterior = np.array([online.posterior(t) for t in range(150)])
            batch = found.opinions["confusion"]
            agree.append(np.mean(posterior.argmax(1) == batch.argmax(1)))
            change.append(np.abs(posterior - batch).mean())
        assert np.mean(agree) > 0.97
        assert np.mean(change) < 0.03

    def test_comes_to_rest(self):
        votes, _ = crowd(2)
        online = OnlineLabels.of(votes, fuse_labels(votes))
        assert min(online.sweep() for _ in range(40)) < 1e-3

    def test_stops_asking_when_people_agree(self):
        votes, _ = crowd(3, each=5)
        online = OnlineLabels(fuse_labels(votes).skills, 12, 1)
        assert online.wants_more(0, risk=0.1)
        for person in range(5):
            online.update(0, person, 1)
        assert not online.wants_more(0, risk=0.1)

    def test_refuses_a_second_answer_of_one_person(self):
        votes, _ = crowd(3)
        online = OnlineLabels.of(votes, fuse_labels(votes))
        with pytest.raises(ValueError, match="has answered it"):
            online.update(0, int(votes.annotator[0]), 0)

    def test_refuses_a_task_it_has_no_room_for(self):
        votes, _ = crowd(3)
        with pytest.raises(ValueError, match="task 60, annotator 0: unknown"):
            OnlineLabels.of(votes, fuse_labels(votes)).update(60, 0, 0)


class TestAudit:
    def test_takes_rulings_as_they_are_and_corrects_the_rest(self):
        votes, truth = crowd(7, tasks=500, people=10, each=3)
        found = fuse_labels(votes)
        wrong_truth = np.where(np.random.default_rng(0).random(500) < 0.3, (truth + 1) % 3, truth)
        audited = np.arange(200)
        corrected = apply_audit(found, audited, wrong_truth[:200])
        assert np.array_equal(corrected.labels()[:200], wrong_truth[:200])
        rest = slice(200, None)
        real = fair_hits(corrected.probability[rest], wrong_truth[rest]).mean()
        before = abs(found.confidence[rest].mean() - real)
        assert abs(corrected.confidence[rest].mean() - real) < min(0.06, before)

    def test_leaves_everything_alone_without_rulings(self):
        found = fuse_labels(crowd(1)[0])
        assert apply_audit(found, np.zeros(0, np.intp), np.zeros(0, np.intp)) is found

    def test_mends_a_bias_that_everybody_shares(self):
        rng = np.random.default_rng(3)
        truth = rng.integers(0, 3, 900)
        task = np.repeat(np.arange(900), 4)
        who = np.concatenate([rng.choice(12, 4, replace=False) for _ in range(900)])
        # Whatever is of class 2 is called 0 as often as not; what is of class 0 never is called 2.
        label = np.where((truth[task] == 2) & (rng.random(3600) < 0.5), 0, truth[task])
        found = fuse_labels(Votes.of(task, who, label, tasks=900, annotators=12, classes=3))
        corrected = apply_audit(found, np.arange(200), truth[:200])
        rest = slice(200, None)
        before = fair_hits(found.probability[rest], truth[rest]).mean()
        assert fair_hits(corrected.probability[rest], truth[rest]).mean() > before + 0.05

    @pytest.mark.parametrize("rulings", [1, 5, 40, 99, 100, 300])
    def test_states_probabilities_after_any_number_of_rulings(self, rulings):
        votes, truth = crowd(8, tasks=300, each=3)
        corrected = apply_audit(fuse_labels(votes), np.arange(rulings), truth[:rulings])
        assert (corrected.probability >= 0).all()
        assert corrected.probability.sum(1) == pytest.approx(np.ones(300))
        assert np.array_equal(corrected.labels()[:rulings], truth[:rulings])

    def test_states_one_level_where_confidence_says_nothing(self):
        rng = np.random.default_rng(1)
        levels = fit_levels(rng.uniform(0.5, 0.99, 900), np.arange(200), np.tile([1.0, 1.0, 0.0, 1.0], 50))
        assert levels.values == pytest.approx([0.75], abs=0.02)

    def test_states_levels_that_rise_where_confidence_says_much(self):
        rng = np.random.default_rng(1)
        stated = rng.uniform(0.5, 0.99, 900)
        right = (rng.random(200) < np.clip(4 * stated[:200] - 2.5, 0, 1)).astype(float)
        levels = fit_levels(stated, np.arange(200), right)
        assert len(levels.values) >= 2
        assert (np.diff(levels.values) > 0).all()

    def test_never_says_that_surer_is_worse(self):
        rng = np.random.default_rng(0)
        stated = rng.uniform(0.5, 0.99, 300)
        assert fit_audit_map(stated, (rng.random(300) < 1.4 - stated).astype(float)).slope >= 0


class TestUnauditedBound:
    @pytest.mark.parametrize(("size", "errors"), [(400, 40), (1000, 30), (300, 150)])
    def test_holds_in_nineteen_of_twenty_audits(self, size, errors):
        wrong = np.zeros(size)
        wrong[:errors] = 1
        held = []
        for seed in range(400):
            order = np.random.default_rng(seed).permutation(size)
            audit, rest = wrong[order[:100]], wrong[order[100:]]
            held.append(rest.mean() <= unaudited_bound(int(audit.sum()), 100, size))
        assert 0.94 <= np.mean(held) < 1.0

    def test_says_everything_or_nothing_at_the_ends(self):
        assert unaudited_bound(0, 0, 50) == 1.0
        assert unaudited_bound(3, 50, 50) == 0.0

    def test_refuses_counts_that_contradict_each_other(self):
        with pytest.raises(ValueError, match="errors: 3 of 2"):
            unaudited_bound(3, 2, 50)


class TestScores:
    def test_shares_a_tie(self):
        assert fair_hits(np.array([[0.5, 0.5], [0.9, 0.1]]), np.array([0, -1])).tolist() == [0.5, 0.0]

    def test_is_calibrated_when_stated_and_real_agree(self):
        assert calibration_error(np.full(10, 0.7), np.array([1.0] * 7 + [0.0] * 3)) == pytest.approx(0.0)
        assert calibration_error(np.full(10, 0.95), np.array([1.0] * 5 + [0.0] * 5)) == pytest.approx(0.45)

    def test_bounds_the_loss_of_a_class_that_nobody_named(self):
        assert log_loss(np.array([[1.0, 0.0]]), np.array([-1])) == pytest.approx(-np.log(1e-6))
