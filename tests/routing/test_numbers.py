"""Consensus of ratings and multi-select attributes."""

import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.consensus.attributes import fuse_tags
from routing.consensus.ordinal import fuse_numbers

TAGS = ("old", "red", "wet")
CHOSEN = st.dictionaries(
    st.sampled_from([f"t{i}" for i in range(6)]),
    st.dictionaries(st.sampled_from("abcde"), st.sets(st.sampled_from(TAGS)), max_size=5),
    min_size=1,
)


def shuffled(names, dice):
    """Return other names for these, each of another place."""
    order = list(names)
    dice.shuffle(order)
    return dict(zip(names, order, strict=True))


def shuffled_items(table, dice):
    return dice.sample(list(table.items()), len(table))


def crowd(
    seed: int = 0, tasks: int = 80, people: int = 10
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return task, annotator and number (A,) of five noisy raters a task, and the true values."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(50, 20, tasks)
    task = np.repeat(np.arange(tasks), 5)
    who = np.concatenate([rng.choice(people, 5, replace=False) for _ in range(tasks)])
    return task, who, truth[task] + rng.normal(0, 5, len(task)), truth


class TestFuseNumbers:
    def test_does_not_depend_on_the_order_of_answers(self):
        task, who, x, _ = crowd()
        order = np.random.default_rng(1).permutation(len(x))
        first = fuse_numbers(task, who, x, tasks=80, annotators=10)
        second = fuse_numbers(task[order], who[order], x[order], tasks=80, annotators=10)
        assert np.array_equal(first.value, second.value)

    @settings(max_examples=25)
    @given(st.permutations(range(10)))
    def test_does_not_depend_on_the_names_of_annotators(self, names):
        task, who, x, _ = crowd(tasks=20)
        first = fuse_numbers(task, who, x, tasks=20, annotators=10)
        second = fuse_numbers(task, np.array(names)[who], x, tasks=20, annotators=10)
        assert second.value == pytest.approx(first.value, rel=1e-9)
        assert second.noise[names] == pytest.approx(first.noise, rel=1e-9)

    def test_leaves_its_input_alone(self):
        columns = crowd()[:3]
        copies = [column.copy() for column in columns]
        fuse_numbers(*columns, tasks=80, annotators=10)
        assert all(np.array_equal(a, b) for a, b in zip(columns, copies, strict=True))

    @settings(max_examples=25)
    @given(st.floats(-1e3, 1e3), st.floats(0.01, 100))
    def test_moves_and_scales_with_the_answers(self, shift, scale):
        task, who, x, _ = crowd(tasks=20)
        first = fuse_numbers(task, who, x, tasks=20, annotators=10).value
        second = fuse_numbers(task, who, x * scale + shift, tasks=20, annotators=10).value
        assert second == pytest.approx(first * scale + shift, rel=1e-4, abs=1e-4 * scale)

    def test_keeps_what_is_unanimous(self):
        task, who = np.repeat(np.arange(9), 3), np.tile(np.arange(3), 9)
        found = fuse_numbers(task, who, (task % 5).astype(float), tasks=9, annotators=3)
        assert found.value == pytest.approx(np.arange(9) % 5, abs=0.05)

    @pytest.mark.parametrize("lie", [1e3, 1e6, -1e9])
    def test_is_not_moved_by_one_adversary_among_five(self, lie):
        task, _, x, truth = crowd()
        who = np.tile(np.arange(5), 80)
        honest = fuse_numbers(task, who, x, tasks=80, annotators=5).value
        moved = fuse_numbers(task, who, np.where(who == 4, lie, x), tasks=80, annotators=5).value
        assert np.abs(moved - truth).mean() < 2 * np.abs(honest - truth).mean()

    def test_equals_the_mean_where_most_say_nothing_and_some_say_much(self):
        rng = np.random.default_rng(0)
        task, who = np.repeat(np.arange(100), 10), np.tile(np.arange(10), 100)
        x = np.where(rng.random(1000) < 0.6, 0.0, rng.uniform(20, 100, 1000))
        found = fuse_numbers(task, who, x, tasks=100, annotators=10).value
        assert np.abs(found - x.reshape(100, 10).mean(1)).mean() < 2

    def test_takes_off_a_bias(self):
        task, who, x, truth = crowd(tasks=300)
        found = fuse_numbers(task, who, x + np.where(who == 0, 15.0, 0.0), tasks=300, annotators=10)
        assert found.bias[0] > 5
        assert np.abs(found.value - truth).mean() < np.abs(x - truth[task]).mean()

    def test_is_no_surer_than_the_grid_of_its_ratings(self):
        task, who = np.repeat(np.arange(6), 2), np.tile(np.arange(2), 6)
        found = fuse_numbers(task, who, (task % 3 + 1).astype(float), tasks=6, annotators=2)
        assert found.sigma.min() > 0.1

    def test_refuses_what_is_not_finite(self):
        with pytest.raises(ValueError, match="NaN or infinity"):
            fuse_numbers(np.array([0]), np.array([0]), np.array([np.nan]), tasks=1, annotators=1)

    def test_says_nothing_where_nobody_answered(self):
        found = fuse_numbers(np.array([1]), np.array([0]), np.array([3.0]), tasks=2, annotators=1)
        assert np.isnan(found.value[0]) and found.value[1] == pytest.approx(3.0)

    def test_says_nothing_without_any_answer(self):
        none = np.array([], dtype=np.intp)
        found = fuse_numbers(none, none, np.array([]), tasks=2, annotators=3)
        assert np.isnan(found.value).all() and np.isnan(found.sigma).all()


class TestFuseTags:
    def test_follows_most_people_tag_by_tag(self):
        answers = {
            f"t{i}": {"a": {"wet", "old"}, "b": {"wet"}, "c": {"wet"} if i % 2 else {"wet", "red"}}
            for i in range(8)
        }
        found = fuse_tags(answers)
        assert all(one.tags == {"wet"} for one in found.values())
        assert all(0 < one.p_exact < 1 for one in found.values())

    def test_takes_an_empty_set_for_an_answer(self):
        found = fuse_tags({"t": {"a": set(), "b": set(), "c": {"wet"}}})
        assert found["t"].tags == frozenset()

    @settings(max_examples=25, deadline=None)
    @given(CHOSEN, st.randoms(use_true_random=False))
    def test_depends_neither_on_order_nor_on_names(self, answers, dice):
        tasks, people, tags = (shuffled(names, dice) for names in (answers, "abcde", TAGS))
        other = {
            tasks[task]: {
                people[who]: {tags[tag] for tag in some} for who, some in shuffled_items(chosen, dice)
            }
            for task, chosen in shuffled_items(answers, dice)
        }
        before = copy.deepcopy(answers)

        first, second = fuse_tags(answers), fuse_tags(other)

        assert answers == before
        for task, one in first.items():
            renamed = {tags[tag]: p for tag, p in one.probability.items()}
            assert second[tasks[task]].probability == pytest.approx(renamed, abs=1e-9)

    @settings(max_examples=25, deadline=None)
    @given(st.lists(st.sets(st.sampled_from(TAGS)), min_size=1, max_size=6), st.integers(1, 5))
    def test_keeps_what_is_unanimous(self, chosen, people):
        found = fuse_tags({f"t{i}": dict.fromkeys("abcde"[:people], some) for i, some in enumerate(chosen)})
        assert [found[f"t{i}"].tags for i in range(len(chosen))] == chosen

    @pytest.mark.parametrize("lie", [set(), {"red"}, set(TAGS)])
    def test_is_not_moved_by_one_adversary_among_five(self, lie):
        honest = {f"t{i}": {"wet"} if i % 2 else {"wet", "old"} for i in range(12)}
        found = fuse_tags({task: {**dict.fromkeys("abcd", some), "e": lie} for task, some in honest.items()})
        assert {task: one.tags for task, one in found.items()} == honest

    def test_says_nothing_where_nobody_answered(self):
        assert fuse_tags({}) == {}
        found = fuse_tags({"seen": {"a": {"wet"}}, "unseen": {}})
        assert found["unseen"].tags == frozenset() and found["unseen"].probability == {}
