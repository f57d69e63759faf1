"""The stages of the demo, each safe to run again: what is done is found done, what was cut off goes on."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from django.db.models import Count, Q

from webapp.demo import seed
from webapp.demo.processes import Children
from webapp.labeling.models import Answer, Microtask, SceneObject, Tile
from webapp.pipeline.models import ModelVersion, Run
from webapp.pipeline.operations import request_prelabel, request_retrain
from webapp.pipeline.promotion import current_model
from webapp.projects.models import Project
from webapp.scenes.models import Dataset

POLL_S = 0.4


class StageFailed(Exception):
    """A stage of the demo could not be done; the message says why."""


@dataclass
class Clock:
    """Wall seconds by stage, summed over interrupted attempts."""

    path: Path
    seconds: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.path.exists():
            self.seconds = json.loads(self.path.read_text())

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        begun = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.monotonic() - begun
            self.path.write_text(json.dumps(self.seconds))


@dataclass(frozen=True)
class Standing:
    """How far a dataset is: tiles complete of all, objects settled of all, answers given."""

    tiles: int
    tiles_done: int
    objects: int
    settled: int
    answers: int
    open_tasks: int


def standing(dataset: Dataset) -> Standing:
    tiles = Tile.objects.filter(scene__dataset=dataset).aggregate(
        n=Count("pk"), done=Count("pk", filter=Q(state=Tile.State.COMPLETE))
    )
    objects = SceneObject.objects.filter(scene__dataset=dataset).aggregate(
        n=Count("pk"), done=Count("pk", filter=Q(state__in=SceneObject.SETTLED))
    )
    return Standing(
        tiles=tiles["n"],
        tiles_done=tiles["done"],
        objects=objects["n"],
        settled=objects["done"],
        answers=Answer.objects.filter(microtask__dataset=dataset).count(),
        open_tasks=Microtask.objects.filter(dataset=dataset, state=Microtask.State.OPEN).count(),
    )


def dataset_of(project: str, name: str) -> Dataset:
    return Dataset.objects.select_related("project").get(project__name=project, name=name)


def open_photographs(model: ModelVersion | None = None) -> Run:
    """Pre-label the small project of photographs with the pretrained detector, for people who open the feed."""
    return request_prelabel(
        dataset=dataset_of(seed.PHOTOS, seed.PHOTOS), model=model, options={"pretrained": True}
    )


def open_batch(name: str, model: ModelVersion | None) -> Run:
    return request_prelabel(dataset=dataset_of(seed.TREES, seed.BATCHES[name]), model=model)


def learn(random_seed: int, budget_s: float) -> Run:
    dataset = dataset_of(seed.TREES, seed.COLD)
    options = {"seed": random_seed, "budget_s": budget_s}
    return request_retrain(project=dataset.project, dataset=dataset, options=options)


def wait_for_run(run: Run, children: Children) -> Iterator[Run]:
    """Yield the run as it moves on until it is done; raises StageFailed with its error."""
    while True:
        children.check()
        run.refresh_from_db()
        if run.state == Run.State.FAILED:
            raise StageFailed(f"{run} failed: {run.error}")
        yield run
        if run.state == Run.State.DONE:
            return
        time.sleep(POLL_S)


def wait_for_dataset(dataset: Dataset, children: Children) -> Iterator[Standing]:
    """Yield how far the dataset is until it is done."""
    while True:
        children.check()
        yield standing(dataset)
        dataset.refresh_from_db()
        if dataset.state == Dataset.State.DONE:
            return
        time.sleep(POLL_S)


def promoted_model() -> ModelVersion:
    """The model of the trees that was promoted last."""
    project = Project.objects.get(name=seed.TREES)
    model = current_model(project)
    if model is None:
        raise StageFailed(
            "the trained model was not surely better than the pretrained one, so nothing was promoted"
        )
    return model
