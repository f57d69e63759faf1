"""Scenes opened several at a time: each once and whole, and what goes wrong with one is told."""

from dataclasses import replace

import pytest
from django.db import connection

from webapp.labeling.models import Assignment, Microtask, ObjectVersion, SceneObject, Tile
from webapp.labeling.opener import Opener
from webapp.labeling.planned import PlannedObject, PlannedTile
from webapp.pipeline.models import PrelabelledScene, Run
from webapp.projects.models import Project
from webapp.scenes.models import Dataset, Scene

OBJECTS = 60  # more than go by a plain statement
TILES = [
    PlannedTile(f"{n}", (400.0 * n, 0, 400, 800), (400.0 * n, 0, 400, 800), expected_missing=1.0)
    for n in range(2)
]


def places(scene: Scene) -> list[PlannedObject]:
    """Objects of some doubt, as sure as nothing else about the scene depends on."""
    return [
        PlannedObject([x, y, x + 40, y + 40], 0, 0.3 + n / 100, 0.4 + n / 100, f"{int(x // 400)}")
        for n in range(OBJECTS)
        for x, y in [(20.0 + 75 * (n % 10), 20.0 + 75 * (n // 10))]
    ]


def scenes_of(dataset: Dataset, count: int) -> list[Scene]:
    return [
        Scene.objects.create(
            dataset=dataset, name=f"{n}.png", sha256=f"{n:064x}", file="none", width=800, height=800
        )
        for n in range(count)
    ]


def run_of(project: Project, dataset: Dataset) -> Run:
    return Run.objects.create(project=project, dataset=dataset, kind=Run.Kind.PRELABEL)


def rows_of(scene: Scene) -> tuple[list[tuple[object, ...]], int, int]:
    """What was decided about each object of a scene, and how much is asked."""
    objects = SceneObject.objects.filter(scene=scene)
    decided = list(objects.order_by("pk").values_list("state", "label", "box", "case", "tile__x"))
    versions = ObjectVersion.objects.filter(object__scene=scene).count()
    tasks = Microtask.objects.filter(scene=scene)
    assert Assignment.objects.filter(microtask__in=tasks).count() == tasks.count()
    return decided, versions, tasks.count()


@pytest.mark.django_db(transaction=True)
class TestScenesOpenedTogether:
    def test_are_opened_once_each_and_as_they_would_be_one_by_one(
        self, project: Project, dataset: Dataset
    ) -> None:
        scenes = scenes_of(dataset, 7)
        with Opener(run_of(project, dataset), workers=3) as opener:
            for scene in scenes[:6]:
                opener.open(scene, TILES, places(scene))
            opener.wait()
            assert PrelabelledScene.objects.count() == 6
        with Opener(run_of(project, dataset), workers=0) as alone:
            alone.open(scenes[6], TILES, places(scenes[6]))

        expected = rows_of(scenes[6])
        assert (len(expected[0]), expected[1]) == (OBJECTS, OBJECTS)
        for scene in scenes[:6]:
            assert rows_of(scene) == expected
            assert Tile.objects.filter(scene=scene).count() == len(TILES)

    def test_tell_what_went_wrong_with_one_and_leave_nothing_of_it_behind(
        self, project: Project, dataset: Dataset
    ) -> None:
        good, bad, last = scenes_of(dataset, 3)
        run = run_of(project, dataset)
        astray = [*places(bad)[:-1], replace(places(bad)[-1], tile="nowhere")]

        def attempt() -> None:
            with Opener(run) as opener:
                opener.open(good, TILES, places(good))
                opener.wait()
                opener.open(bad, TILES, astray)

        with pytest.raises(KeyError, match="nowhere"):
            attempt()

        assert list(SceneObject.objects.values_list("scene", flat=True).distinct()) == [good.pk]
        with Opener(run) as opener:  # The run goes on where it stopped, once its fault is mended.
            for scene in (good, bad, last):
                opener.open(scene, TILES, places(scene))
        assert SceneObject.objects.count() == 3 * OBJECTS

    def test_may_be_asked_for_by_a_block_that_fails_itself(self, project: Project, dataset: Dataset) -> None:
        (scene,) = scenes_of(dataset, 1)

        def attempt() -> None:
            with Opener(run_of(project, dataset)) as opener:
                opener.open(scene, TILES, places(scene))
                raise RuntimeError("held back")

        with pytest.raises(RuntimeError, match="held back"):
            attempt()

        assert SceneObject.objects.count() == OBJECTS


@pytest.mark.django_db
class TestInsideATransaction:
    def test_scenes_are_opened_at_once_and_go_with_it(self, project: Project, dataset: Dataset) -> None:
        assert connection.in_atomic_block
        (scene,) = scenes_of(dataset, 1)

        with Opener(run_of(project, dataset)) as opener:
            opener.open(scene, TILES, places(scene))
            assert SceneObject.objects.filter(scene=scene).count() == OBJECTS
