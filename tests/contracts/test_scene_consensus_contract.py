"""The same contract for whole scenes: several objects, matched across people, judged, fused."""

import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.annotation import boxes as bx
from routing.annotation.shapes import Points
from routing.consensus.contract import FuseError
from routing.consensus.points import fuse_points
from routing.consensus.scenes import SceneConsensus, fit_crowd, fuse_scene, match_scene

SEEDS = st.integers(0, 2**32 - 1)
TRUTH = np.array([[10.0, 10, 60, 110], [100, 20, 140, 90], [200, 50, 290, 100], [400, 300, 430, 340]])
Scene = dict[str, np.ndarray]


def scene(rng: np.random.Generator, people: int, *, recall: float = 1.0, noise: float = 0.03) -> Scene:
    answers: Scene = {}
    for i in range(people):
        seen = TRUTH[rng.random(len(TRUTH)) < recall]
        answers[f"p{i}"] = seen + noise * bx.size(seen)[:, None] * rng.normal(size=seen.shape)
    return answers


def found(consensus: SceneConsensus) -> np.ndarray:
    return np.array([o.xyxy for o in consensus.accepted()]).reshape(-1, 4)


class TestFuseScene:
    @settings(max_examples=15, deadline=None)
    @given(seed=SEEDS, people=st.integers(1, 6))
    def test_depends_neither_on_the_order_of_people_nor_of_their_boxes(self, seed: int, people: int) -> None:
        rng = np.random.default_rng(seed)
        answers = scene(rng, people, recall=0.7)
        names = list(answers)
        rng.shuffle(names)

        shuffled = fuse_scene({name: rng.permutation(answers[name]) for name in names})

        assert shuffled == fuse_scene(answers)

    @settings(max_examples=15, deadline=None)
    @given(seed=SEEDS, people=st.integers(1, 6))
    def test_does_not_depend_on_the_names_of_people(self, seed: int, people: int) -> None:
        answers = scene(np.random.default_rng(seed), people, recall=0.7)
        renamed = {f"z{len(answers) - i}": boxes for i, boxes in enumerate(answers.values())}

        first, second = fuse_scene(answers), fuse_scene(renamed)

        assert [o.xyxy for o in second.objects] == [pytest.approx(o.xyxy) for o in first.objects]
        assert [o.p_exists for o in second.objects] == pytest.approx([o.p_exists for o in first.objects])
        assert second.missed == pytest.approx(first.missed)

    @settings(max_examples=15, deadline=None)
    @given(
        seed=SEEDS, people=st.integers(1, 5), k=st.sampled_from([0.5, 1.0, 4.0]), dx=st.integers(-900, 900)
    )
    def test_moves_and_grows_with_its_answers(self, seed: int, people: int, k: float, dx: int) -> None:
        answers = scene(np.random.default_rng(seed), people, recall=0.7)

        here = fuse_scene(answers)
        there = fuse_scene({name: k * boxes + dx for name, boxes in answers.items()})

        assert len(there.objects) == len(here.objects)
        expected = {tuple(np.round(k * np.array(o.xyxy) + dx, 4)): round(o.p_exists, 6) for o in here.objects}
        assert {tuple(np.round(o.xyxy, 4)): round(o.p_exists, 6) for o in there.objects} == pytest.approx(
            expected
        )

    @pytest.mark.parametrize("people", [2, 3, 6])
    def test_stays_unanimous(self, people: int) -> None:
        consensus = fuse_scene({f"p{i}": TRUTH for i in range(people)})

        assert sorted(o.xyxy for o in consensus.accepted()) == sorted(tuple(box) for box in TRUTH.tolist())
        assert all(o.p_exists > 0.9 for o in consensus.objects)

    @settings(max_examples=15, deadline=None)
    @given(seed=SEEDS)
    def test_is_not_moved_by_one_adversary_among_five(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        honest = scene(rng, 4)
        corners = rng.uniform(0, 400, (6, 2))
        lies = np.concatenate([np.hstack([corners, corners + rng.uniform(5, 300, (6, 2))]), TRUTH + 15])

        fused = found(fuse_scene({**honest, "liar": lies}))

        assert len(fused) == len(TRUTH)
        assert bx.iou_matrix(TRUTH, fused).max(1).min() > 0.8

    def test_says_that_an_empty_scene_is_empty_and_that_one_look_may_have_missed_something(self) -> None:
        one, three = (fuse_scene({f"p{i}": np.zeros((0, 4)) for i in range(n)}) for n in (1, 3))

        assert one.objects == three.objects == ()
        assert one.missed > three.missed > 0

    def test_expects_the_usual_number_of_objects_where_nobody_looked(self) -> None:
        consensus = fuse_scene({})

        assert consensus.objects == ()
        assert consensus.missed > 0.5

    @pytest.mark.parametrize("bad", [[[0.0, 0, float("nan"), 1]], [[5.0, 0, 1, 1]], [[0.0, 1, 2]]])
    def test_refuses_bad_boxes_by_the_name_of_who_drew_them(self, bad: list[list[float]]) -> None:
        with pytest.raises(FuseError, match=r"answers\[ada\]\.boxes: "):
            fuse_scene({"ada": np.array(bad), "bea": TRUTH})

    def test_changes_nothing_that_it_was_given(self) -> None:
        answers = scene(np.random.default_rng(0), 4)
        before = copy.deepcopy(answers)

        fuse_scene(answers, fit_crowd({"a": answers, "b": answers}))

        assert all((answers[name] == before[name]).all() for name in before)

    def test_believes_an_object_more_the_more_people_mark_it(self) -> None:
        def p_exists(marks: int) -> float:
            empty = np.zeros((0, 4))
            consensus = fuse_scene({f"p{i}": TRUTH[:1] if i < marks else empty for i in range(5)})
            return consensus.objects[0].p_exists

        beliefs = [p_exists(marks) for marks in range(1, 6)]

        assert beliefs == sorted(beliefs)
        assert beliefs[0] < 0.5 < beliefs[3]


class TestMatchScene:
    def test_takes_at_most_one_box_of_each_person(self) -> None:
        twice = np.array([[0.0, 0, 10, 10], [1.0, 0, 11, 10]])

        candidates = match_scene({"ada": twice, "bea": twice[:1]})

        assert [len(candidate) for candidate in candidates] == [2, 1]

    @settings(max_examples=20, deadline=None)
    @given(seed=SEEDS, people=st.integers(1, 6))
    def test_puts_every_box_in_exactly_one_candidate(self, seed: int, people: int) -> None:
        answers = scene(np.random.default_rng(seed), people, recall=0.6, noise=0.2)
        answers = {
            name: np.sort(boxes.reshape(-1, 2, 2), axis=1).reshape(-1, 4) for name, boxes in answers.items()
        }

        candidates = match_scene(answers)

        assert sum(len(candidate) for candidate in candidates) == sum(
            len(boxes) for boxes in answers.values()
        )


class TestFitCrowd:
    def test_learns_who_overlooks_who_invents_and_who_draws_wide(self) -> None:
        rng = np.random.default_rng(1)
        scenes: dict[str, Scene] = {}
        for number in range(60):
            shift = np.tile(rng.uniform(0, 500, 2), 2)
            true = TRUTH + shift
            answers = {}
            for name in ("careful", "other", "third", "blind", "wide", "inventor"):
                seen = true[rng.random(len(true)) < (0.6 if name == "blind" else 0.97)]
                drawn = seen + 0.03 * bx.size(seen)[:, None] * rng.normal(size=seen.shape)
                if name == "wide":
                    drawn += bx.size(drawn)[:, None] * np.array([-0.1, -0.1, 0.1, 0.1])
                if name == "inventor":
                    corner = rng.uniform(1000, 3000, 2)
                    drawn = np.vstack([drawn, [*corner, *(corner + 30)]])
                answers[name] = drawn
            scenes[f"s{number}"] = answers

        crowd = fit_crowd(scenes)

        recall = {name: crowd.recall_of(name) for name in crowd.annotators}
        assert min(recall, key=lambda name: recall[name][0]) == "blind"
        assert max(recall, key=lambda name: recall[name][2]) == "inventor"
        assert crowd.hands["wide"].bias == pytest.approx((-0.1, -0.1, 0.1, 0.1), abs=0.04)
        assert max(abs(b) for b in crowd.hands["careful"].bias) < 0.04


class TestFusePoints:
    @staticmethod
    def marks(rng: np.random.Generator, recall: float = 0.9) -> Points:
        true = np.array([[10.0, 10], [100, 40], [300, 200], [310, 400]])
        seen = true[rng.random(4) < recall]
        return Points(tuple(sorted((float(x + rng.normal()), float(y + rng.normal())) for x, y in seen)))

    @settings(max_examples=10, deadline=None)
    @given(seed=SEEDS, k=st.sampled_from([0.25, 3.0]), dx=st.integers(-500, 500))
    def test_moves_and_grows_with_its_answers(self, seed: int, k: float, dx: int) -> None:
        rng = np.random.default_rng(seed)
        scenes = {t: {p: self.marks(rng) for p in "abcde"} for t in ("s", "t")}
        moved = {
            t: {p: Points(tuple((k * x + dx, k * y) for x, y in m.points)) for p, m in a.items()}
            for t, a in scenes.items()
        }

        here, there = fuse_points(scenes), fuse_points(moved)

        for task in scenes:
            expected = [(k * m.xy[0] + dx, k * m.xy[1], m.p_exists) for m in here[task][0]]
            assert [(*m.xy, m.p_exists) for m in there[task][0]] == [
                pytest.approx(e, rel=1e-4) for e in expected
            ]

    def test_counts_what_most_people_mark_and_not_what_one_invents(self) -> None:
        rng = np.random.default_rng(4)
        scenes = {f"s{i}": {p: self.marks(rng) for p in "abcd"} for i in range(20)}
        for answers in scenes.values():
            lies = tuple(sorted((float(x), float(y)) for x, y in rng.uniform(500, 900, (5, 2))))
            answers["liar"] = Points(lies)

        fused = fuse_points(scenes, radius=8.0)

        counts = [sum(m.p_exists >= 0.5 for m in marks) for marks, _ in fused.values()]
        assert np.mean(counts) == pytest.approx(4, abs=0.3)

    def test_says_nothing_of_no_scenes_and_of_empty_ones(self) -> None:
        assert fuse_points({}) == {}
        assert fuse_points({"s": {"ada": Points(())}})["s"][0] == ()
