"""A retraining run: what it is compared with, and when its version comes to serve."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from engine import jobs
from engine.types import ModelRef, to_json
from webapp.demo import seed
from webapp.demo.stages import StageFailed, promoted_model
from webapp.pipeline import engine_runner
from webapp.pipeline.models import ModelVersion, Run
from webapp.pipeline.promotion import current_model, promote_if_better, rollback
from webapp.projects.models import Project
from webapp.scenes.models import Dataset


def measured(*, better: bool) -> dict[str, Any]:
    """Metrics of a version whose AP50 is higher by the numbers, whether or not that is sure."""
    verdict = "better" if better else "not surely better"
    return {"ap50_before": 0.40, "ap50_after": 0.41, "comparison": {"better": better, "verdict": verdict}}


class Engine:
    """Stands in for `engine.jobs`: gives the refs it is told to, and notes what they were compared with."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.base = ModelRef("pretrained", "b" * 64, "/nowhere", ("tree",))
        self.next = self.base
        self.incumbents: list[ModelRef | None] = []
        monkeypatch.setattr(jobs, "pretrained", lambda: self.base)
        monkeypatch.setattr(jobs, "retrain", self.retrain)

    def retrain(self, examples: Any, *, incumbent: ModelRef | None, **rest: Any) -> ModelRef:
        self.incumbents.append(incumbent)
        return self.next


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    return Engine(monkeypatch)


def learn(dataset: Dataset, engine: Engine, name: str, metrics: dict[str, Any]) -> dict[str, Any]:
    engine.next = replace(engine.base, name=name, version=name * 32, metrics=metrics)
    run = Run.objects.create(project=dataset.project, dataset=dataset, kind=Run.Kind.RETRAIN)
    engine_runner.execute(run)
    run.refresh_from_db()
    assert run.state == Run.State.DONE, run.error
    return dict(run.result)


class TestRetrain:
    def test_promotes_what_its_comparison_proves_better(self, dataset: Dataset, engine: Engine) -> None:
        result = learn(dataset, engine, "v1", measured(better=True))

        assert result["promoted"] is True
        serving = current_model(dataset.project)
        assert serving is not None
        assert serving.pk == result["model"]
        assert serving.metrics["promotions"][0]["verdict"] == "better"

    def test_keeps_back_what_measures_higher_but_not_surely(self, dataset: Dataset, engine: Engine) -> None:
        result = learn(dataset, engine, "v1", measured(better=False))

        assert (result["promoted"], result["verdict"]) == (False, "not surely better")
        assert current_model(dataset.project) is None
        assert ModelVersion.objects.filter(pk=result["model"]).exists()

    def test_keeps_back_what_could_not_be_measured(self, dataset: Dataset, engine: Engine) -> None:
        result = learn(dataset, engine, "v1", {"ap50_before": None, "ap50_after": None})

        assert result["promoted"] is False
        assert "too few annotations" in result["verdict"]

    def test_compares_with_the_version_that_serves_and_after_a_rollback_with_the_one_before(
        self, dataset: Dataset, engine: Engine
    ) -> None:
        for name in ("v1", "v2"):
            learn(dataset, engine, name, measured(better=True))
        rollback(dataset.project)
        learn(dataset, engine, "v3", measured(better=False))

        names = [ref.name if ref else None for ref in engine.incumbents]
        assert names == [None, "v1", "v1"]
        serving = current_model(dataset.project)
        assert serving is not None
        assert serving.name == "v1"

    def test_carried_out_again_promotes_once(self, dataset: Dataset, engine: Engine) -> None:
        first = learn(dataset, engine, "v1", measured(better=True))
        again = learn(dataset, engine, "v1", measured(better=True))

        assert again == first
        version = ModelVersion.objects.get(pk=first["model"])
        assert len(version.metrics["promotions"]) == 1


@pytest.fixture
def old_and_new(project: Project, tmp_path: Path) -> tuple[ModelVersion, ModelVersion]:
    rows = []
    for name in ("old", "new"):
        ref = ModelRef(name, name, str(tmp_path), ("tree",))
        rows.append(
            ModelVersion.objects.create(
                project=project, name=name, sha256=name, ref=to_json(ref), metrics=measured(better=True)
            )
        )
    return rows[0], rows[1]


class TestDemoModel:
    def test_is_the_version_promoted_last_though_another_was_made_later(
        self, project: Project, old_and_new: tuple[ModelVersion, ModelVersion]
    ) -> None:
        Project.objects.filter(pk=project.pk).update(name=seed.TREES)
        old, new = old_and_new
        ModelVersion.objects.filter(pk=new.pk).update(promoted_at=timezone.now())
        promote_if_better(old)

        assert promoted_model() == old

    def test_is_refused_when_nothing_was_promoted(self, project: Project) -> None:
        Project.objects.filter(pk=project.pk).update(name=seed.TREES)

        with pytest.raises(StageFailed, match="not surely better"):
            promoted_model()
