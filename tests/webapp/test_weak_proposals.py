"""A few weak proposals are asked about, and what people say of them decides about the rest."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.db import transaction
from django.utils import timezone

from routing.assignment import Waiting
from routing.witness import Hint
from webapp.labeling import grids, intake, operations
from webapp.labeling.book import Book
from webapp.labeling.lifecycle import fulfil_wishes, settle
from webapp.labeling.models import AnnotatorRecord, Microtask, SceneObject, Tile
from webapp.labeling.operations import Ack, Desk, Submission
from webapp.labeling.planned import PlannedObject, PlannedTile
from webapp.labeling.searching import review_tiles
from webapp.labeling.weak_proposals import shift_of
from webapp.people.models import Organisation, User
from webapp.people.operations import create_person
from webapp.pipeline.models import Run
from webapp.projects.models import Project
from webapp.scenes.models import Dataset, Scene

WEAK = 0.12  # what the model says of all that it proposes here
PROBES = 12


def place(n: int) -> tuple[float, float, float, float]:
    x, y = 20.0 + 60 * (n % 12), 20.0 + 60 * (n // 12)
    return (x, y, x + 40, y + 40)


@pytest.fixture
def scene(dataset: Dataset) -> Scene:
    return Scene.objects.create(
        dataset=dataset, name="a.png", sha256="0" * 64, file="none", width=800, height=600
    )


@pytest.fixture
def run(project: Project, scene: Scene) -> Run:
    """A scene with PROBES probes and 36 proposals that are too weak by what the model says of them."""
    run = Run.objects.create(project=project, dataset=scene.dataset, kind="prelabel")
    hints = [Hint(place(n), 0, WEAK, WEAK + 0.08) for n in range(PROBES, PROBES + 36)]
    tiles = [PlannedTile("all", (0, 0, 800, 600), (0, 0, 800, 600), 4.0, hints)]
    probes = [PlannedObject(place(n), 0, WEAK, WEAK + 0.08, "all", probe=True) for n in range(PROBES)]
    with transaction.atomic():
        assert intake.open_scene(run, scene, tiles, probes, now=timezone.now(), rng=np.random.default_rng(0))
    return run


@pytest.fixture
def crowd(acme: Organisation) -> list[User]:
    return [create_person(organisation=acme, username=f"p{n}", domains=["aerial"]) for n in range(10)]


ABOUT_PROBES = frozenset(["grid_verify", "verify_box", "fix_box"])


def said(task: dict[str, Any], good: Callable[[int], bool]) -> dict[str, Any]:
    """The answer of somebody who knows which places hold an object."""
    if task["kind"] == "grid_verify":
        bad = [cell["id"] for cell in task["cells"] if not good(number_of(cell["xyxy"]))]
        return {"bad": bad, "unsure": [], "viewed": [cell["id"] for cell in task["cells"]]}
    right = good(number_of(task["object"]["xyxy"]))
    if task["kind"] == "verify_box":
        return {"verdict": "ok" if right else "not_object", "edges": []}
    return {"xyxy": task["object"]["xyxy"] if right else None, "class": 0, "deleted": not right}


def number_of(box: list[float]) -> int:
    return round((box[0] - 20) / 60) + 12 * round((box[1] - 20) / 60)


def judge_probes(people: list[User], good: Callable[[int], bool], seconds: float = 12.0) -> None:
    """Everybody answers what is asked about proposals until nothing is left."""
    for number in range(40):
        now = timezone.now() + timedelta(seconds=5 * number)
        with transaction.atomic():
            grids.form_pages(now=now, rng=np.random.default_rng(number), flush=True)
            desks = [
                Desk(p, f"s{p.pk}", Waiting(p.pk, p.tier, frozenset(["aerial"]), kinds=ABOUT_PROBES))
                for p in people
            ]
            leased = operations.lease(desks, now=now, rng=np.random.default_rng(number))
        rows = [row for given in leased.offers.values() for row in given]
        if not rows:
            return
        given = [
            Submission(
                row.annotator, str(uuid.uuid4()), row.pk, row.lease, "answered", said(row.microtask.payload, good),
                telemetry={"active_ms": 1000 * seconds},
            )
            for row in rows
        ]  # fmt: skip
        with transaction.atomic():
            assert all(isinstance(r, Ack) for r in operations.submit_answers(given, now=now))
    raise AssertionError("the questions never end")


def raised(run: Run) -> int:
    return SceneObject.objects.filter(run=run).count() - PROBES


@pytest.mark.django_db
class TestProbes:
    def test_keep_people_from_searching_until_they_are_judged(self, run: Run) -> None:
        assert not Microtask.objects.filter(kind="coverage_tile").exists()
        assert SceneObject.objects.filter(run=run, signals__probe=True).count() == PROBES

    def test_that_are_mostly_right_bring_up_the_rest(self, run: Run, crowd: list[User]) -> None:
        judge_probes(crowd, lambda n: n != 5)

        assert shift_of(run.pk) > 1.0
        assert raised(run) >= 30
        assert len(Tile.objects.get(run=run).hints) == 36 - raised(run)

    def test_that_are_wrong_leave_the_rest_to_the_search(self, run: Run, crowd: list[User]) -> None:
        judge_probes(crowd, lambda n: False)

        assert shift_of(run.pk) < 0
        assert raised(run) == 0
        assert Microtask.objects.filter(kind="coverage_tile").count() == 1

    def test_that_nobody_may_look_at_do_not_keep_people_from_searching(self, run: Run) -> None:
        with transaction.atomic():
            book = Book(timezone.now())
            probes = SceneObject.objects.filter(run=run, signals__probe=True)
            book.load_objects(probes.values_list("pk", flat=True))
            tile = Tile.objects.get(run=run)
            for row in list(book.objects.values()):
                settle(book, row, tile, SceneObject.State.UNDECIDABLE, risk=1.0, by="consensus")
            book.save_objects()
            review_tiles(book)
            fulfil_wishes(book)
            book.save_rest()

        assert Microtask.objects.filter(kind="coverage_tile", tile__run=run).count() == 1

    def test_teach_how_long_one_cell_takes_not_the_page(self, run: Run, crowd: list[User]) -> None:
        judge_probes(crowd, lambda n: False, seconds=12.0)

        timed = [
            record["counts"]["t|grid_verify"]
            for record in AnnotatorRecord.objects.values_list("record", flat=True)
            if "t|grid_verify" in record["counts"]
        ]
        assert timed
        for n, logs, *_ in timed:
            assert np.exp(logs / n / 1e6) < 3.0
