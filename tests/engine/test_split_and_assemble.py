"""Planning what to ask about a scene, and putting the answers back together."""

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.assemble import assemble, to_coco
from engine.split import PROBE, SplitOptions, plan_scene
from engine.types import PredictedObject, ResolvedObject, ScenePrediction, SceneRef
from routing.policy import RoutingPolicy

SCENE = SceneRef("s", "s.png", 1200, 900)
POLICY = RoutingPolicy()


def predicted(i: int, xyxy: tuple[float, ...], p: float, there: float, **signals: float) -> PredictedObject:
    return PredictedObject(i, 1, {"type": "box", "xyxy": list(xyxy)}, p, p, there, signals)


def prediction(*objects: PredictedObject, recall: float = 0.8) -> ScenePrediction:
    return ScenePrediction("s", "v", objects, (), recall, {})


@st.composite
def predictions(draw: st.DrawFn) -> ScenePrediction:
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    objects = []
    for i in range(draw(st.integers(0, 60))):
        x, y = rng.uniform(-5, 1190), rng.uniform(-5, 890)
        there = float(rng.uniform(0, 1))
        box = (x, y, x + rng.uniform(2, 90), y + rng.uniform(2, 90))
        objects.append(predicted(i, box, there * float(rng.uniform(0, 1)), there))
    return prediction(*objects, recall=draw(st.floats(0.0, 1.0)))


class TestPlan:
    @given(predictions())
    def test_decides_about_every_object_once_and_gives_it_to_the_tile_that_holds_its_centre(
        self, seen: ScenePrediction
    ) -> None:
        plan = plan_scene(SCENE, seen, POLICY, SplitOptions())

        cores = {c.tile.tile_id: c.tile.core for c in plan.tiles}
        assert [p.object_id for p in plan.objects] == [o.object_id for o in seen.objects]
        for item, decided in zip(seen.objects, plan.objects, strict=True):
            x1, y1, x2, y2 = item.xyxy
            x, y = min(max((x1 + x2) / 2, 0), 1199.999), min(max((y1 + y2) / 2, 0), 899.999)
            cx, cy, w, h = cores[decided.tile_id]
            assert cx <= x < cx + w and cy <= y < cy + h

    def test_shows_people_what_is_unlike_all_that_a_certificate_speaks_of(self) -> None:
        box = (100.0, 100.0, 140.0, 140.0)
        seen = prediction(
            predicted(0, box, 0.99, 0.995, novelty=0.5), predicted(1, box, 0.99, 0.995, novelty=1.0)
        )

        usual, strange = plan_scene(SCENE, seen, POLICY, SplitOptions(certified={1: 0.98})).objects

        assert usual.action == "auto_accept"
        assert strange.action != "auto_accept" and not strange.auto

    @given(predictions())
    def test_never_accepts_unseen_without_a_certificate(self, seen: ScenePrediction) -> None:
        plan = plan_scene(SCENE, seen, POLICY, SplitOptions(certified=None))

        assert not any(p.auto or p.action == "auto_accept" for p in plan.objects)

    @given(predictions())
    def test_expects_in_some_tile_whatever_it_drops(self, seen: ScenePrediction) -> None:
        plan = plan_scene(SCENE, seen, POLICY, SplitOptions())

        dropped = sum(
            o.p_there for o, p in zip(seen.objects, plan.objects, strict=True) if p.action == "drop"
        )
        assert sum(c.expected_missing for c in plan.tiles) >= dropped - 1e-9
        assert sum(c.shown for c in plan.tiles) == sum(p.action != "drop" for p in plan.objects)

    def test_takes_the_action_with_the_lower_expected_loss(self) -> None:
        seen = prediction(*(predicted(i, (0, 0, 40, 40), p, p) for i, p in enumerate((0.05, 0.3, 0.7, 0.95))))

        plan = plan_scene(SCENE, seen, POLICY, SplitOptions())

        assert all(o.expected_s <= o.instead_s + 1e-9 for o in plan.objects)

    def test_drops_what_is_surely_nothing_and_asks_about_what_is_likely(self) -> None:
        seen = prediction(
            predicted(0, (0, 0, 40, 40), 0.001, 0.002), predicted(1, (50, 0, 90, 40), 0.9, 0.95)
        )

        nothing, likely = plan_scene(SCENE, seen, POLICY, SplitOptions()).objects

        assert nothing.action == "drop"
        assert likely.action in {"grid", "verify"}

    def test_accepts_above_the_certified_threshold_of_its_class_only(self) -> None:
        sure = predicted(0, (0, 0, 40, 40), 0.99, 0.995)
        other = replace(sure, object_id=1, class_id=2)
        below = replace(sure, object_id=2, p=0.90)

        plan = plan_scene(SCENE, prediction(sure, other, below), POLICY, SplitOptions(certified={1: 0.98}))

        assert [o.auto for o in plan.objects] == [True, False, False]

    def test_asks_about_a_few_weak_proposals_of_every_tile_where_they_speak_for_many(self) -> None:
        weak = [
            predicted(i, (x, y, x + 30, y + 30), 0.02, 0.04)
            for i, (x, y) in enumerate(np.random.default_rng(3).uniform(0, 800, (100, 2)))
        ]
        options = SplitOptions(probes=20)

        probes = [
            o for o in plan_scene(SCENE, prediction(*weak), POLICY, options).objects if o.reason == PROBE
        ]
        few = plan_scene(SCENE, prediction(*weak[:40]), POLICY, options)

        assert len(probes) == 20
        assert {o.action for o in probes} == {"grid"}
        tiles = Counter(o.tile_id for o in probes)
        assert max(tiles.values()) - min(tiles.values()) <= max(1, 20 // len(tiles))
        assert {o.action for o in few.objects} == {"drop"}

    def test_without_a_prediction_is_tiles_to_search(self) -> None:
        plan = plan_scene(SCENE, None, POLICY, SplitOptions(object_px=16))

        assert plan.objects == ()
        assert sum(c.tile.core[2] * c.tile.core[3] for c in plan.tiles) == 1200 * 900

    def test_expects_more_missing_when_the_model_finds_less(self) -> None:
        seen = predicted(0, (0, 0, 40, 40), 0.9, 0.95)
        options = SplitOptions()

        good, bad = (
            plan_scene(SCENE, prediction(seen, recall=r), POLICY, options).tiles for r in (0.95, 0.5)
        )

        assert sum(c.expected_missing for c in bad) > sum(c.expected_missing for c in good)


def resolved(number: int, xyxy: tuple[float, ...] = (10, 10, 50, 60), **change: Any) -> ResolvedObject:
    values: dict[str, Any] = {
        "class_id": 1,
        "geometry": {"type": "box", "xyxy": list(xyxy)},
        "status": "accepted",
        "source": "human",
        "verified_by": ("a",),
        "risk": 0.05,
        **change,
    }
    return ResolvedObject(number, **values)


class TestAssemble:
    def test_keeps_accepted_objects_ignores_undecidable_ones_and_forgets_rejected_ones(self) -> None:
        rows = [
            resolved(3),
            resolved(
                1, (100, 100, 150, 150), status="undecidable", provenance={"reason": "too dark", "by": "k"}
            ),
            resolved(2, (200, 200, 250, 250), status="rejected"),
        ]

        scene = assemble("s", rows, (640, 480))

        assert [o.annotation_id for o in scene.objects] == [3]
        assert [(r["object_id"], r["reason"]) for r in scene.ignored] == [(1, "too dark")]

    def test_cuts_at_the_border_of_the_scene(self) -> None:
        scene = assemble("s", [resolved(1, (-5, 400, 50, 500))], (640, 480))

        assert scene.objects[0].geometry["xyxy"] == [0, 400, 50, 480]

    @pytest.mark.parametrize(
        ("change", "trains"),
        [
            ({}, True),
            ({"risk": 0.5}, False),
            ({"source": "model", "verified_by": ()}, False),
            ({"source": "model", "verified_by": (), "provenance": {"certified": True}}, True),
            ({"source": "model", "verified_by": ("b",)}, True),
        ],
    )
    def test_lets_train_only_what_a_person_or_a_certificate_stands_for(
        self, change: dict[str, Any], trains: bool
    ) -> None:
        assert assemble("s", [resolved(1, **change)], (640, 480)).objects[0].trainable is trains

    def test_reports_two_objects_that_are_surely_one(self) -> None:
        rows = [resolved(1), resolved(2, (11, 10, 50, 60)), resolved(3, (11, 10, 50, 60), class_id=2)]

        assert assemble("s", rows, (640, 480)).conflicts == ((1, 2),)

    @pytest.mark.parametrize(
        ("row", "message"),
        [
            (resolved(1, risk=1.5), "object 1: risk 1.5 is not a probability"),
            (resolved(1, (700, 10, 720, 20)), "object 1: box .* less than 1 pixel inside"),
            (resolved(1, (float("nan"), 10, 720, 20)), "object 1: boxes: NaN"),
            (resolved(1, geometry={"type": "box"}), "object 1: 'xyxy'"),
        ],
    )
    def test_names_the_object_that_is_wrong(self, row: ResolvedObject, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            assemble("s", [row], (640, 480))

    def test_refuses_two_outcomes_for_one_object(self) -> None:
        with pytest.raises(ValueError, match="occurs twice"):
            assemble("s", [resolved(1), resolved(1)], (640, 480))


class TestCoco:
    def test_carries_risk_and_provenance_and_marks_ignored_regions_as_crowd(self) -> None:
        rows = [resolved(1, model_version="v7"), resolved(2, (100, 100, 150, 150), status="undecidable")]

        document = to_coco([(assemble("s", rows, (640, 480)), "s.png", 640, 480)], {1: "tree"})

        first, second = document["annotations"]
        assert first["bbox"] == [10, 10, 40, 50] and first["area"] == 2000 and first["iscrowd"] == 0
        assert first["tessera"]["risk"] == 0.05 and first["tessera"]["model_version"] == "v7"
        assert second["iscrowd"] == 1 and second["tessera"]["reason"] == "undecidable"

    def test_refuses_a_class_that_the_schema_does_not_have(self) -> None:
        scene = assemble("s", [resolved(1, class_id=9)], (640, 480))

        with pytest.raises(ValueError, match=r"\[9\] are not in the label schema"):
            to_coco([(scene, "s.png", 640, 480)], {1: "tree"})
