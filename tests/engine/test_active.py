"""What to annotate next: where the model doubts, but not the same kind of scene twice."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.active import choose_next, doubt, kinds
from engine.types import PredictedObject, ScenePrediction


def scene(
    ps: list[float], *, side: float = 20, cls: int = 1, recall: float = 1.0, blur: float = 3.0
) -> ScenePrediction:
    objects = tuple(
        PredictedObject(
            i, cls, {"type": "box", "xyxy": [i * 30, 0, i * 30 + side, side]}, p, p, min(1.0, p + 0.2), {}
        )
        for i, p in enumerate(ps)
    )
    return ScenePrediction("s", "v", objects, (), recall, {"blur": blur})


class TestDoubt:
    def test_is_least_where_all_is_sure_and_grows_with_what_is_not(self) -> None:
        assert doubt(scene([0.99] * 5)) < doubt(scene([0.8] * 5)) < doubt(scene([0.5] * 5))

    def test_counts_what_the_model_misses(self) -> None:
        assert doubt(scene([0.9] * 5, recall=0.5)) > doubt(scene([0.9] * 5, recall=0.95)) + 3

    def test_of_an_empty_scene_is_none(self) -> None:
        assert doubt(scene([])) == 0


class TestChoice:
    def test_takes_the_scene_with_the_most_doubt_first(self) -> None:
        assert choose_next([scene([0.95] * 4), scene([0.5] * 4), scene([0.7] * 4)], 1) == [1]

    def test_prefers_another_kind_to_the_same_again(self) -> None:
        twins = [scene([0.50] * 8), scene([0.51] * 8)]
        other = scene([0.6] * 3, side=90, cls=2, blur=1.0)
        sure = [scene([0.99] * 5) for _ in range(4)]

        assert choose_next([*twins, other, *sure], 2) == [0, 2]

    def test_discounts_what_is_like_scenes_that_are_known(self) -> None:
        usual, odd = scene([0.5] * 6), scene([0.6] * 4, side=80, cls=2)

        assert choose_next([usual, odd], 1) == [0]
        assert choose_next([usual, odd], 1, known=[scene([0.5] * 6)] * 3) == [1]

    def test_prefers_what_the_model_does_not_recognise(self) -> None:
        usual = scene([0.5] * 6)
        strange = replace(scene([0.55] * 6), signals={"blur": 3.0, "novelty": 0.6})

        assert choose_next([usual, scene([0.55] * 6)], 1) == [0]
        assert choose_next([usual, strange], 1) == [1]

    @given(st.lists(st.lists(st.floats(0, 1), max_size=6), max_size=8), st.integers(0, 10))
    def test_gives_different_scenes_and_always_the_same_ones(
        self, rows: list[list[float]], count: int
    ) -> None:
        scenes = [scene(ps) for ps in rows]

        chosen = choose_next(scenes, count)

        assert len(chosen) == len(set(chosen)) == min(count, len(scenes))
        assert chosen == choose_next(scenes, count)

    def test_of_fewer_than_none_is_refused(self) -> None:
        with pytest.raises(ValueError, match="count"):
            choose_next([], -1)


def test_scenes_are_described_on_one_scale() -> None:
    rows = kinds([scene([0.9] * n, side=10 + n, blur=n) for n in range(1, 6)])

    assert rows.mean(axis=0) == pytest.approx(0)
    assert set(rows.std(axis=0).round(6)) <= {0.0, 1.0}
