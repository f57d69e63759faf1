"""Retraining from settled annotations: what is held out is never learned, and a version says how good it is."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine import jobs
from engine.holdout import choose_holdout, inside, read_sources
from engine.training import default_steps, input_for, object_px
from engine.types import ModelRef, PrelabelOptions, Progress, RetrainOptions, TrainingExample

OPTIONS = RetrainOptions(
    classes=((4, "block"), (9, "disc")), budget_s=600, max_steps=2, threads=1, tolerance=0.5
)


@pytest.fixture(scope="module")
def painted(tmp_path_factory: pytest.TempPathFactory) -> TrainingExample:
    """A picture with 80 bright blocks, all annotated."""
    rng = np.random.default_rng(8)
    image = rng.integers(60, 90, (400, 500, 3), dtype=np.uint8)
    boxes = []
    for x in range(5, 500, 50):
        for y in range(5, 400, 50):
            w, h = (int(v) for v in rng.integers(22, 36, 2))
            image[y : y + h, x : x + w] = rng.integers(180, 255, 3)
            boxes.append((float(x), float(y), float(x + w), float(y + h)))
    path = tmp_path_factory.mktemp("painted") / "scene.png"
    Image.fromarray(image).save(path)
    labels = tuple(4 if i % 3 else 9 for i in range(len(boxes)))
    return TrainingExample(str(path), tuple(boxes), labels)


class TestExamples:
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"labels": (4,)}, "80 boxes, 1 labels"),
            ({"weights": (1.0,)}, "80 boxes, 80 labels, 1 weights"),
            ({"labels": (5,) * 80}, r"labels \[5\] are not in classes \[4, 9\]"),
            ({"weights": (2.0,) * 80}, "weights must lie in 0 to 1"),
            ({"boxes": ((0.0, 0.0, float("nan"), 1.0),) * 80}, "NaN or infinity"),
        ],
    )
    def test_that_are_unsound_are_named(
        self, painted: TrainingExample, change: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(ValueError, match=rf"example .*scene\.png: .*{message}"):
            read_sources([replace(painted, **change)], {4, 9})

    def test_without_a_box_teach_nothing(self, painted: TrainingExample) -> None:
        with pytest.raises(ValueError, match="nothing to learn from"):
            read_sources([], {4})
        with pytest.raises(ValueError, match="no box to learn from"):
            read_sources([replace(painted, boxes=(), labels=())], {4})
        with pytest.raises(ValueError, match="no box to learn from"):
            read_sources([replace(painted, holdout=True)], {4, 9})


class TestHoldout:
    @pytest.mark.parametrize("seed", range(6))
    def test_is_a_share_of_the_boxes_by_whole_parts(self, painted: TrainingExample, seed: int) -> None:
        (source,) = choose_holdout(read_sources([painted], {4, 9}), share=0.25, seed=seed)

        held, taught = inside(source.boxes, source.held), inside(source.boxes, source.train)
        assert not (held & taught).any()
        assert (held | taught).all()
        assert 0.1 <= held.mean() <= 0.4
        area = [float((r[:, 2:] - r[:, :2]).prod(axis=1).sum()) for r in (source.held, source.train)]
        assert sum(area) == pytest.approx(500 * 400)

    def test_is_nothing_when_there_are_too_few_boxes_to_spare(self, painted: TrainingExample) -> None:
        few = replace(painted, boxes=painted.boxes[:20], labels=painted.labels[:20])

        (source,) = choose_holdout(read_sources([few], {4, 9}), share=0.2, seed=0)

        assert not source.held.size

    def test_given_by_the_caller_stays_as_it_is(self, painted: TrainingExample) -> None:
        sources = read_sources([painted, replace(painted, holdout=True)], {4, 9})

        assert choose_holdout(sources, share=0.2, seed=0) == sources

    @pytest.mark.parametrize("share", [-0.1, 1.0])
    def test_share_must_leave_something_to_learn(self, painted: TrainingExample, share: float) -> None:
        with pytest.raises(ValueError, match="holdout_share"):
            choose_holdout(read_sources([painted], {4, 9}), share=share, seed=0)


class TestInput:
    def test_shows_typical_objects_at_the_size_that_the_network_sees_best(
        self, painted: TrainingExample
    ) -> None:
        spec = input_for(read_sources([painted], {4, 9}), upright=True)

        assert spec.scale is not None
        assert object_px(read_sources([painted], {4, 9}), 50) * spec.scale == pytest.approx(44)
        assert (spec.size, spec.views) == (416, 2)

    def test_of_small_pictures_is_no_larger_than_they_are(self, tmp_path: Path) -> None:
        Image.new("RGB", (640, 480)).save(tmp_path / "cells.png")
        cells = TrainingExample(str(tmp_path / "cells.png"), ((0.0, 0.0, 110.0, 110.0),) * 2, (4, 4))

        spec = input_for(read_sources([cells], {4}), upright=False)

        assert spec.scale is not None
        assert spec.size % 32 == 0 and 640 * spec.scale <= spec.size < 640 * spec.scale + 32
        assert spec.views == 8
        assert default_steps(spec.size) > default_steps(416) == 400


class TestRetrain:
    def test_saves_a_version_that_says_how_good_it_is(
        self, painted: TrainingExample, tiny_model: ModelRef, tmp_path: Path
    ) -> None:
        steps: list[Progress] = []

        ref = jobs.retrain(
            [painted], base=tiny_model, out_dir=tmp_path, options=OPTIONS, progress=steps.append
        )

        assert ref.labels == ("block", "disc")
        assert Path(ref.directory).parent == tmp_path and ref.version.startswith(Path(ref.directory).name)
        assert ref.metrics["holdout_boxes"] >= 12
        assert 0 <= ref.metrics["ap50_after"] <= 1
        assert ref.metrics["comparison"]["better"] in (True, False)
        assert {s.stage for s in steps} == {"train", "measure"}
        assert [p.name for p in tmp_path.iterdir()] == [Path(ref.directory).name], "nothing half-made is left"

    def test_tells_which_class_each_held_out_object_was_taken_for(
        self, painted: TrainingExample, tiny_model: ModelRef, tmp_path: Path
    ) -> None:
        ref = jobs.retrain([painted], base=tiny_model, out_dir=tmp_path, options=OPTIONS)

        for row in ref.metrics.get("sample", []):
            p, there, right, present, label = row
            assert 0 <= p <= there <= 1 and right in (0, 1) and present >= right and label in (4, 9)

    def test_without_a_holdout_says_that_it_was_not_measured(
        self, painted: TrainingExample, tiny_model: ModelRef, tmp_path: Path
    ) -> None:
        ref = jobs.retrain(
            [painted], base=tiny_model, out_dir=tmp_path, options=replace(OPTIONS, holdout_share=0.0)
        )

        assert ref.metrics == {"holdout_boxes": 0, "ap50_before": None, "ap50_after": None}

    @pytest.mark.slow
    def test_learns_blocks_well_enough_to_be_promoted(
        self, painted: TrainingExample, tiny_model: ModelRef, tmp_path: Path
    ) -> None:
        """From random weights in a minute: the whole way from examples to a calibrated, better version."""
        options = replace(OPTIONS, max_steps=90, classes=((4, "block"),))
        whole = replace(painted, labels=(4,) * len(painted.boxes))

        ref = jobs.retrain([whole], base=tiny_model, out_dir=tmp_path, options=options)
        judged = jobs.evaluate([whole], candidate=ref, incumbent=tiny_model, classes={4: "block"})

        assert ref.metrics["ap50_after"] > 0.5
        assert judged["better"] and judged["overall"]["low"] > 0.3


class TestEvaluate:
    def test_finds_no_gain_of_a_model_over_itself(
        self, painted: TrainingExample, tiny_model: ModelRef
    ) -> None:
        result = jobs.evaluate(
            [painted], candidate=tiny_model, incumbent=tiny_model, classes={4: "block", 9: "disc"}
        )

        assert result["overall"]["gain"] == 0 and not result["better"]
        assert result["holdout_boxes"] == 80
        assert result["overall"]["objects"] == 80

    def test_a_class_that_a_model_does_not_know_is_never_found(
        self, painted: TrainingExample, tiny_model: ModelRef
    ) -> None:
        whole = replace(painted, labels=(9,) * len(painted.boxes))

        result = jobs.evaluate([whole], candidate=tiny_model, incumbent=tiny_model, classes={9: "disc"})

        assert result["candidate"]["ap50"] == result["candidate"]["recall"] == 0

    def test_needs_something_to_compare_with(self, tiny_model: ModelRef, painted: TrainingExample) -> None:
        with pytest.raises(ValueError, match="annotate some objects first"):
            jobs.evaluate(
                [replace(painted, boxes=(), labels=())],
                candidate=tiny_model,
                incumbent=tiny_model,
                classes={4: "block"},
            )


def test_prelabelling_with_the_new_version_works(
    painted: TrainingExample, tiny_model: ModelRef, tmp_path: Path
) -> None:
    from engine.types import SceneRef

    ref = jobs.retrain([painted], base=tiny_model, out_dir=tmp_path, options=OPTIONS)
    scene = SceneRef("s", painted.image_path, 500, 400)
    options = PrelabelOptions(classes={"block": 4, "disc": 9}, score_floor=0.02, views=1, zooms=(1.0,))

    chunks = list(jobs.prelabel([scene], model=ref, options=options))
    seen = jobs.predict_scene(scene, chunks, model=ref)

    assert all(0 <= o.p <= o.p_there <= 1 for o in seen.objects)
