"""In which order a prelabelling run opens scenes: as they come, or those first from which a model learns most."""

from collections.abc import Iterator, Mapping

import pytest

from engine import jobs
from engine.types import ModelRef, PredictedObject, ScenePrediction, SceneRef
from webapp.pipeline import engine_runner
from webapp.pipeline.models import PrelabelledScene, Run
from webapp.scenes.models import Dataset, Scene

SIZE = (800, 600)
MODEL = ModelRef("trees", "t" * 64, "/nowhere", ("tree",))


def proposals(p: float) -> tuple[PredictedObject, ...]:
    """Five objects that are surely there, and right with probability p."""
    boxes = [[100.0 * n, 100, 100.0 * n + 60, 160] for n in range(1, 6)]
    return tuple(
        PredictedObject(n, 0, {"type": "box", "xyxy": box}, 0.9, p, 0.98, {}) for n, box in enumerate(boxes)
    )


def opened(dataset: Dataset, monkeypatch: pytest.MonkeyPatch, options: Mapping[str, str]) -> Run:
    """Run on scenes a, b and c, of which b leaves most doubt and a the least; they are seen last first."""
    rights = {"a": 0.95, "b": 0.4, "c": 0.7}
    names: dict[str, str] = {}
    for number, name in enumerate(rights):
        scene = Scene.objects.create(
            dataset=dataset, name=name, sha256=str(number) * 64, file="none", width=SIZE[0], height=SIZE[1]
        )
        names[str(scene.pk)] = name

    def last_first(run: Run, refs: list[SceneRef], *_: object) -> Iterator[tuple[SceneRef, list[object]]]:
        yield from ((ref, []) for ref in reversed(refs))

    monkeypatch.setattr(jobs, "pretrained", lambda: MODEL)
    monkeypatch.setattr(engine_runner, "_complete_scenes", last_first)
    monkeypatch.setattr(
        jobs,
        "predict_scene",
        lambda ref, chunks, *, model: ScenePrediction(
            ref.scene_id, model.version, proposals(rights[names[ref.scene_id]]), (), 0.9, {}
        ),
    )
    run = Run.objects.create(
        project=dataset.project, dataset=dataset, kind="prelabel", options={"pretrained": True, **options}
    )
    engine_runner.execute(run)
    run.refresh_from_db()
    return run


def order(run: Run) -> list[str]:
    return list(PrelabelledScene.objects.filter(run=run).order_by("pk").values_list("scene__name", flat=True))


class TestPrelabel:
    def test_opens_scenes_as_they_are_seen(self, dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
        assert order(opened(dataset, monkeypatch, {})) == ["c", "b", "a"]

    def test_opens_the_most_useful_scenes_first_when_asked_to(
        self, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert order(opened(dataset, monkeypatch, {"order": "useful"})) == ["b", "c", "a"]

    def test_refuses_an_order_that_there_is_not(
        self, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = opened(dataset, monkeypatch, {"order": "fast"})

        assert run.state == Run.State.FAILED
        assert "options.order: 'fast'; give one of seen, useful" in run.error
        assert order(run) == []
