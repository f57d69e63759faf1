"""Pre-labelling: chunks with natural keys, resumable anywhere, put together exactly once."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine import jobs
from engine.images import ImageRefused
from engine.prelabel import (
    ChunkTask,
    LocalPool,
    Prelabeler,
    PrelabelError,
    cut_by_window,
    input_spec,
    plan_chunks,
)
from engine.scene import IncompleteScene, combine
from engine.types import (
    ModelRef,
    PrelabelOptions,
    Progress,
    ScenePredictionChunk,
    SceneRef,
    from_json,
    to_json,
)
from models.checkpoint import InputSpec, load, save
from models.familiar import familiar

OPTIONS = PrelabelOptions(classes={"block": 7}, score_floor=0.0001, windows_per_chunk=2, batch=2)


class StoppingPool:
    """Dies after some chunks, as a killed engine does."""

    def __init__(self, after: int) -> None:
        self.after = after

    def map(self, model: ModelRef | None, tasks: Iterable[ChunkTask]) -> Iterator[ScenePredictionChunk]:
        for number, chunk in enumerate(LocalPool().map(model, tasks)):
            if number == self.after:
                raise KeyboardInterrupt
            yield chunk


def essence(chunk: ScenePredictionChunk) -> ScenePredictionChunk:
    return replace(chunk, seconds=0.0)


class TestChunks:
    @given(
        st.integers(1, 3000), st.integers(1, 3000), st.integers(1, 9), st.sampled_from([None, 0.5, 1.0, 2.0])
    )
    def test_of_a_scene_hold_every_window_once_and_have_keys_of_their_own(
        self, width: int, height: int, step: int, scale: float | None
    ) -> None:
        spec = InputSpec(size=416, scale=scale, overlap_px=40, zooms=(0.7, 1.0))
        options = replace(OPTIONS, windows_per_chunk=step)

        tasks = plan_chunks(SceneRef("s", "s.png", width, height), "v", spec, options)

        windows = [w for t in tasks for w in t.windows]
        assert [w.index for w in windows] == list(range(len(windows)))
        assert len({t.chunk_id for t in tasks}) == len(tasks)
        assert [(t.index, t.of) for t in tasks] == [(i, len(tasks)) for i in range(len(tasks))]

    def test_keys_follow_everything_that_changes_what_is_seen(self) -> None:
        scene, spec = SceneRef("s", "s.png", 500, 500), InputSpec(scale=1.0)
        keys = {
            plan_chunks(*changed)[0].chunk_id
            for changed in (
                (scene, "v", spec, OPTIONS),
                (replace(scene, scene_id="t"), "v", spec, OPTIONS),
                (scene, "w", spec, OPTIONS),
                (scene, "v", replace(spec, views=8), OPTIONS),
                (scene, "v", spec, replace(OPTIONS, score_floor=0.2)),
            )
        }

        assert len(keys) == 5

    def test_options_override_how_the_model_looks(self, tiny_model: ModelRef) -> None:
        spec = input_spec(tiny_model, replace(OPTIONS, views=4, scale=2.0, zooms=(1.0,), overlap_px=9))

        assert (spec.views, spec.scale, spec.zooms, spec.overlap_px, spec.size) == (4, 2.0, (1.0,), 9, 64)


class TestRun:
    def test_yields_every_chunk_of_every_scene_exactly_once(
        self, tiny_model: ModelRef, scenes: list[SceneRef]
    ) -> None:
        seen: list[Progress] = []

        chunks = list(jobs.prelabel(scenes, model=tiny_model, options=OPTIONS, progress=seen.append))

        wanted = [k for s in scenes for k in jobs.chunk_ids(s, model=tiny_model, options=OPTIONS)]
        assert sorted(c.chunk_id for c in chunks) == sorted(wanted)
        assert seen[-1].done == seen[-1].total == len(wanted)
        assert {d.class_id for c in chunks for w in c.windows for d in w.detections} == {7}

    @pytest.mark.parametrize("killed_after", [0, 1, 4])
    def test_goes_on_where_it_was_killed_and_gives_the_same_result(
        self, tiny_model: ModelRef, scenes: list[SceneRef], killed_after: int
    ) -> None:
        whole = {c.chunk_id: c for c in jobs.prelabel(scenes, model=tiny_model, options=OPTIONS)}
        kept: dict[str, ScenePredictionChunk] = {}

        dying = jobs.prelabel(scenes, model=tiny_model, options=OPTIONS, pool=StoppingPool(killed_after))
        with pytest.raises(KeyboardInterrupt):
            kept.update((chunk.chunk_id, chunk) for chunk in dying)
        assert len(kept) == killed_after
        rest = list(jobs.prelabel(scenes, model=tiny_model, options=OPTIONS, done=kept))

        assert not kept.keys() & {c.chunk_id for c in rest}
        kept |= {c.chunk_id: c for c in rest}
        assert {k: essence(c) for k, c in kept.items()} == {k: essence(c) for k, c in whole.items()}

    def test_survives_being_written_as_json(self, tiny_model: ModelRef, scenes: list[SceneRef]) -> None:
        chunks = list(jobs.prelabel(scenes[:1], model=tiny_model, options=OPTIONS))

        back = [from_json(ScenePredictionChunk, json.loads(json.dumps(to_json(c)))) for c in chunks]

        assert back == chunks
        first, second = (jobs.predict_scene(scenes[0], c, model=tiny_model) for c in (chunks, back))
        assert first == second

    def test_without_a_model_only_measures(self, scenes: list[SceneRef]) -> None:
        chunks = list(jobs.prelabel(scenes, model=None, options=OPTIONS))

        assert len(chunks) == 3
        assert all(w.detections == () and w.signals["blur"] > 0 for c in chunks for w in c.windows)
        assert jobs.predict_scene(scenes[0], chunks[:1], model=None).objects == ()

    def test_takes_no_more_tasks_than_it_was_asked_for(
        self, tiny_model: ModelRef, scenes: list[SceneRef]
    ) -> None:
        stream = jobs.prelabel(scenes, model=tiny_model, options=OPTIONS)

        first = next(stream)
        Path(scenes[2].path).unlink()

        assert first.scene_id == "scene-0"
        with pytest.raises(ImageRefused, match=r"2\.png does not exist"):
            list(stream)

    def test_names_the_scene_whose_file_has_changed(
        self, tiny_model: ModelRef, scenes: list[SceneRef]
    ) -> None:
        wrong = replace(scenes[1], width=65)

        with pytest.raises(PrelabelError, match=r"scene scene-1: the file is 64 x 64, 65 x 64 was expected"):
            list(jobs.prelabel([wrong], model=tiny_model, options=OPTIONS))

    def test_refuses_a_checkpoint_that_was_changed_in_place(self, tiny_model: ModelRef) -> None:
        with pytest.raises(PrelabelError, match="must never be changed in place"):
            Prelabeler(replace(tiny_model, version="0" * 64))


class TestPuttingTogether:
    def test_does_not_depend_on_the_order_of_the_chunks(
        self, tiny_model: ModelRef, scenes: list[SceneRef]
    ) -> None:
        chunks = list(jobs.prelabel(scenes[:1], model=tiny_model, options=OPTIONS))

        assert len(chunks) > 2
        assert jobs.predict_scene(scenes[0], chunks[::-1], model=tiny_model) == jobs.predict_scene(
            scenes[0], chunks, model=tiny_model
        )

    @pytest.mark.parametrize("fault", ["missing", "doubled", "foreign", "other model", "none"])
    def test_refuses_anything_but_each_chunk_once(
        self, tiny_model: ModelRef, scenes: list[SceneRef], fault: str
    ) -> None:
        chunks = list(jobs.prelabel(scenes[:1], model=tiny_model, options=OPTIONS))
        match fault:
            case "missing":
                chunks = chunks[:-1]
            case "doubled":
                chunks = [*chunks, chunks[0]]
            case "foreign":
                chunks = [*chunks[:-1], replace(chunks[-1], scene_id="another")]
            case "other model":
                chunks = [*chunks[:-1], replace(chunks[-1], model_version="another")]
            case "none":
                chunks = []

        with pytest.raises(IncompleteScene, match="scene scene-0"):
            jobs.predict_scene(scenes[0], chunks, model=tiny_model)

    def test_without_calibration_p_is_the_score(self, tiny_model: ModelRef, scenes: list[SceneRef]) -> None:
        chunks = list(jobs.prelabel(scenes[:1], model=tiny_model, options=OPTIONS))

        seen = jobs.predict_scene(scenes[0], chunks, model=tiny_model)

        assert seen.objects
        assert all(o.p == pytest.approx(o.score) and o.p_there >= o.p for o in seen.objects)
        assert [o.score for o in seen.objects] == sorted((o.score for o in seen.objects), reverse=True)
        for item in seen.objects:
            x1, y1, x2, y2 = item.xyxy
            assert 0 <= x1 < x2 <= 150 and 0 <= y1 < y2 <= 100

    def test_refuses_a_calibration_of_other_signals(
        self, tiny_model: ModelRef, scenes: list[SceneRef]
    ) -> None:
        chunks = list(jobs.prelabel(scenes[:1], model=tiny_model, options=OPTIONS))

        with pytest.raises(ValueError, match="retrain"):
            combine(scenes[0], chunks, calibration=calibration("logit", "colour"))

    def test_reads_a_calibration_of_fewer_signals(self, tiny_model: ModelRef, scenes: list[SceneRef]) -> None:
        chunks = list(jobs.prelabel(scenes[:1], model=tiny_model, options=OPTIONS))

        seen = combine(scenes[0], chunks, calibration=calibration("logit"))

        assert seen.objects
        assert [o.p for o in seen.objects] == pytest.approx([max(o.score, 1e-3) for o in seen.objects])

    def test_says_how_far_objects_are_from_what_the_model_recognises(
        self, tiny_model: ModelRef, scenes: list[SceneRef], tmp_path: Path
    ) -> None:
        rows = torch.rand((200, 128), generator=torch.Generator().manual_seed(1))
        known = familiar(rows[:100], rows[100:], seed=0)
        save(replace(load(Path(tiny_model.directory)), familiar=known), tmp_path / "model")
        model = jobs.model_ref(tmp_path / "model")

        before, after = (
            combine(scenes[0], list(jobs.prelabel(scenes[:1], model=m, options=OPTIONS)), calibration=None)
            for m in (tiny_model, model)
        )

        assert [o.geometry for o in before.objects] == [o.geometry for o in after.objects]
        assert {o.signals["novelty"] for o in before.objects} == {0.0}
        assert {o.signals["novelty"] for o in after.objects} == {
            1.0
        }  # random weights see nothing like random rows
        assert min(o.signals["strange"] for o in after.objects) > 0
        assert (before.signals["novelty"], after.signals["novelty"]) == (0.0, pytest.approx(1.0))


def calibration(*features: str) -> dict[str, Any]:
    """A stored calibration of these signals that believes the score."""
    curve = {
        "method": "temperature",
        "columns": [0],
        "mean": [0.0],
        "scale": [1.0],
        "weights": [1.0],
        "bias": 0.0,
    }
    measured = {"tolerance": 0.5, "recall": 1.0, "size": 9, "ece": 0.0, "log_loss": 0.0}
    return {"features": list(features), "right": curve, "there": curve, **measured}


class TestCut:
    def test_is_by_a_side_of_the_window_that_is_not_a_side_of_the_scene(self) -> None:
        boxes = np.array([[0, 50, 20, 70], [50, 50, 99, 70], [50, 0, 70, 20], [50, 50, 70, 99.5]])

        cut = cut_by_window(boxes, (0, 0, 100, 100), (300, 100), 1.5)

        assert cut.tolist() == [False, True, False, False]
