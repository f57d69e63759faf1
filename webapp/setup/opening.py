"""Opening a data set: its scenes become micro-tasks. Without a model the web process does it itself, a little at a time;
with one, an engine claims the run."""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from engine.split import SplitOptions, plan_scene
from engine.types import SceneRef
from routing.policy import RoutingPolicy
from webapp.labeling.intake import open_scene
from webapp.labeling.models import Event
from webapp.labeling.planned import PlannedTile
from webapp.people.models import User
from webapp.pipeline.models import ModelVersion, Run
from webapp.pipeline.operations import request_prelabel
from webapp.scenes.models import Dataset, Scene

SLICE_S = 1.5  # how long one request opens scenes before it answers with how far it is
BY_HAND = "web"  # `claimed_by` of a run that web processes carry out; an engine takes it over when they stop
PAGE = 50


@dataclass(frozen=True, slots=True)
class Start:
    """How a data set is to be started. `smallest_px`: objects smaller than this do not matter, scene pixels.

    `pretrained`: let the published detector propose; `model`: let this one propose; neither: people search everywhere.
    """

    smallest_px: float
    pretrained: bool = False
    model: ModelVersion | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """How many of a data set's scenes have become micro-tasks."""

    done: int
    total: int

    @property
    def finished(self) -> bool:
        return self.done >= self.total


@transaction.atomic
def start(*, dataset: Dataset, how: Start, by: User) -> Run:
    """Ask for a data set to be opened; starting one again opens the scenes that were added since."""
    options: dict[str, Any] = {
        "split": {"object_px": how.smallest_px, "large_px": max(64.0, 4 * how.smallest_px)}
    }
    if how.pretrained:
        options["pretrained"] = True
    run = request_prelabel(dataset=dataset, model=how.model, options=options)
    state = Run.State.WAITING if needs_engine(run) else Run.State.RUNNING
    claim = "" if needs_engine(run) else BY_HAND
    again = Run.objects.filter(pk=run.pk, state__in=[Run.State.DONE, Run.State.WAITING])
    if again.update(state=state, claimed_by=claim, heartbeat_at=timezone.now(), finished_at=None):
        Event.objects.create(kind="dataset_started", project=dataset.project, dataset=dataset, annotator=by)
    run.refresh_from_db()
    return run


def needs_engine(run: Run) -> bool:
    """Whether a model looks at the scenes first, which web processes cannot do."""
    return run.model_id is not None or bool(run.options.get("pretrained"))


def open_some(run: Run, *, seconds: float = SLICE_S) -> Opened:
    """Open scenes of a run without a model for about so long; any number of processes may do it at once."""
    assert run.dataset is not None
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        waiting = list(unopened(run.dataset).order_by("pk")[:PAGE])
        if not waiting:
            Run.objects.filter(pk=run.pk, claimed_by=BY_HAND).update(
                state=Run.State.DONE, finished_at=timezone.now()
            )
            break
        for scene in waiting:
            _open(run, scene)
            if time.monotonic() > until:
                break
    return _note(run)


def opened(dataset: Dataset) -> Opened:
    """How far a data set is."""
    total = dataset.scenes.count()
    return Opened(total - unopened(dataset).count(), total)


def unopened(dataset: Dataset) -> Any:
    """The scenes that have no tiles yet."""
    return dataset.scenes.filter(tiles__isnull=True)


def _note(run: Run) -> Opened:
    assert run.dataset is not None
    found = opened(run.dataset)
    progress = {"stage": "open", "done": found.done, "total": found.total}
    Run.objects.filter(pk=run.pk).update(progress=progress, heartbeat_at=timezone.now())
    return found


def _open(run: Run, scene: Scene) -> None:
    """Cut one scene into tiles in which people search. A scene that another process has just opened stays as it is."""
    project = run.project
    ref = SceneRef(str(scene.pk), str(settings.MEDIA_DIR / scene.file), scene.width, scene.height)
    options = SplitOptions(domain=project.domain, **run.options.get("split", {}))
    plan = plan_scene(ref, None, RoutingPolicy.from_json(project.policy), options)
    tiles = [PlannedTile(c.tile.tile_id, c.tile.core, c.tile.crop, c.expected_missing) for c in plan.tiles]
    rng = np.random.default_rng([run.pk, scene.pk])
    with transaction.atomic():
        open_scene(run, scene, tiles, [], now=timezone.now(), rng=rng)


def tiles_per_scene(width: int, height: int, smallest_px: float) -> int:
    """Return into how many tiles a picture is cut when objects down to this size matter."""
    options = SplitOptions(object_px=smallest_px, large_px=max(64.0, 4 * smallest_px))
    return len(plan_scene(SceneRef("", "", width, height), None, RoutingPolicy(), options).tiles)
