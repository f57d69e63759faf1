"""What accepted objects still lack is asked, fused, settled and exported: through the operations of the feed."""

import json
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.db import transaction
from django.utils import timezone

from routing.annotation.shapes import shape_from_json
from routing.assignment import Waiting
from routing.refinement_fusing import similarity
from routing.simulation import SimulatedAnnotator, Truth, make_crowd, make_truth
from webapp.labeling import grids, intake, operations
from webapp.labeling.assembly import close_finished_datasets
from webapp.labeling.models import (
    Assignment,
    Microtask,
    Refinement,
    SceneObject,
)
from webapp.labeling.operations import Ack, Desk, Refusal, Submission
from webapp.people.models import Organisation, Tier, User
from webapp.people.operations import create_person
from webapp.pipeline.models import Run
from webapp.projects.models import Project
from webapp.projects.operations import create_project
from webapp.scenes.models import Dataset, Scene

SIZE = (800, 600)
BOXES = [[100.0, 100, 180, 190], [300, 120, 380, 200], [500, 400, 590, 480]]


def ellipse(box: Sequence[float]) -> dict[str, Any]:
    x1, y1, x2, y2 = box
    t = np.linspace(0, 2 * np.pi, 36, endpoint=False)
    x, y = (x1 + x2) / 2 + (x2 - x1) / 2 * np.cos(t), (y1 + y2) / 2 + (y2 - y1) / 2 * np.sin(t)
    return {"type": "polygon", "rings": [np.stack([x, y], axis=1).tolist()]}


def make_scene(project: Project, **imported: Any) -> Scene:
    dataset = Dataset.objects.create(project=project, name="north")
    return Scene.objects.create(
        dataset=dataset,
        name="a.png",
        sha256="0" * 64,
        file="none",
        width=SIZE[0],
        height=SIZE[1],
        imported=imported,
    )


def wanting(acme: Organisation, *classes: Mapping[str, Any], **more: Any) -> Project:
    return create_project(
        organisation=acme, name="Refined", domain="aerial", classes=list(classes), more=more,
        policy={"tolerance_iou": 0.6},
    )  # fmt: skip


@pytest.fixture
def crowd(acme: Organisation) -> list[User]:
    people = [create_person(organisation=acme, username=f"p{n}", domains=["aerial"]) for n in range(12)]
    judges = [
        create_person(organisation=acme, username=f"judge{n}", tier=Tier.SPECIALIST, domains=["aerial"])
        for n in range(2)
    ]
    return [*people, *judges]


def open_scene(scene: Scene, boxes: Sequence[Sequence[float]] = BOXES) -> None:
    """Prelabel the scene with its true boxes."""
    project = scene.dataset.project
    run = Run.objects.create(project=project, dataset=scene.dataset, kind="prelabel")
    tiles = [intake.PlannedTile("all", (0, 0, *SIZE), (0, 0, *SIZE))]
    objects = [intake.PlannedObject(box, 0, 0.9, 0.97, "all") for box in boxes]
    with transaction.atomic():
        assert intake.open_scene(run, scene, tiles, objects, now=timezone.now(), rng=np.random.default_rng(0))


class Crew:
    """Simulated people who work through the operations until nothing is left."""

    def __init__(self, people: Sequence[User], truth: Truth, seed: int = 3) -> None:
        self.people = list(people)
        profiles = make_crowd(len(self.people), seed, mix={"diligent": 1.0})
        self.minds = {
            p.pk: SimulatedAnnotator(profile) for p, profile in zip(self.people, profiles, strict=True)
        }
        self.truth = truth
        self.changed: dict[str, Any] = {}  # values that are given instead, by kind
        self.kinds: Counter[str] = Counter()

    def work(self, rounds: int = 300) -> None:
        start = timezone.now()
        for number in range(rounds):
            now = start + timedelta(seconds=5 * number)
            desks = [
                Desk(p, f"s{p.pk}", Waiting(p.pk, p.tier, frozenset(["aerial"]), want=1)) for p in self.people
            ]
            with transaction.atomic():
                leased = operations.lease(desks, now=now, rng=np.random.default_rng(number))
            rows = [row for rows in leased.offers.values() for row in rows]
            replies = submit([self._answer(row) for row in rows])
            assert all(isinstance(r, Ack) and r.status in ("accepted", "late") for r in replies), replies
            with transaction.atomic():
                pages = grids.form_pages(now=now, rng=np.random.default_rng(number), flush=True)
            with transaction.atomic():
                closed = close_finished_datasets(now=now)
            if closed or not (rows or pages or Assignment.objects.filter(state="open").exists()):
                return
        raise AssertionError(f"the work never ends: {list(Microtask.objects.filter(state='open').values())}")

    def _answer(self, row: Assignment) -> Submission:
        task = row.microtask.payload
        self.kinds[task["kind"]] += 1
        reply = self.minds[row.annotator_id].answer(task, self.truth, tasks_done=50, now_s=0.0)
        outcome, value = reply.outcome, reply.value
        if task["kind"] in self.changed:
            outcome, value = "answered", self.changed[task["kind"]]
        return Submission(
            row.annotator, str(uuid.uuid4()), row.pk, row.lease, outcome, value, reply.report,
            {"active_ms": reply.active_ms},
        )  # fmt: skip


def submit(given: Sequence[Submission]) -> list[Ack | Refusal]:
    with transaction.atomic():
        return operations.submit_answers(given, now=timezone.now())


def truth_of(boxes: Sequence[Sequence[float]], details: Sequence[Mapping[str, Any]], **about: Any) -> Truth:
    return make_truth(
        np.array(boxes), np.zeros(len(boxes)), np.random.default_rng(1), SIZE, details=details, about=about
    )


def refined(scene: Scene, aspect: str) -> list[dict[str, Any]]:
    content = sorted(scene.annotations.get().content, key=lambda entry: entry["box"])
    return [entry["refined"][aspect] for entry in content]


class TestOutlines:
    def test_every_accepted_object_gets_its_outline(self, acme: Organisation, crowd: list[User]) -> None:
        scene = make_scene(wanting(acme, {"name": "tree", "geometry": "polygon"}))
        details = [{"outline": ellipse(box)} for box in BOXES]
        open_scene(scene)
        crew = Crew(crowd, truth_of(BOXES, details))

        crew.work()

        scene.dataset.refresh_from_db()
        assert scene.dataset.state == "done"
        found = refined(scene, "outline")
        assert len(found) == len(BOXES)
        for shape, true in zip(found, details, strict=True):
            alike = similarity(
                "fix_polygon", {}, shape_from_json(shape["shape"]), shape_from_json(true["outline"])
            )
            assert alike >= 0.75
            assert 0 < shape["risk"] <= 0.06
            assert shape["annotators"] >= 2
        assert crew.kinds["fix_polygon"] >= 3
        assert crew.kinds["verify_mask"] >= 3

    def test_nobody_answers_twice_about_one_refinement(self, acme: Organisation, crowd: list[User]) -> None:
        scene = make_scene(wanting(acme, {"name": "tree", "geometry": "polygon"}))
        open_scene(scene)

        Crew(crowd, truth_of(BOXES, [{"outline": ellipse(box)} for box in BOXES])).work()

        for refinement in Refinement.objects.all():
            who = [said["annotator"] for said in refinement.case["said"]]
            assert len(who) == len(set(who)) >= 2

    def test_masks_are_fused_too(self, acme: Organisation, crowd: list[User]) -> None:
        scene = make_scene(wanting(acme, {"name": "tree", "geometry": "mask"}))
        open_scene(scene)

        Crew(crowd, truth_of(BOXES, [{"outline": ellipse(box)} for box in BOXES])).work()

        assert {shape["shape"]["type"] for shape in refined(scene, "outline")} == {"mask"}

    def test_a_proposal_that_came_with_the_import_is_shown(
        self, acme: Organisation, crowd: list[User]
    ) -> None:
        shapes = [{"outline": ellipse(box)} for box in BOXES]
        scene = make_scene(
            wanting(acme, {"name": "tree", "geometry": "polygon"}),
            boxes=BOXES,
            labels=[0, 0, 0],
            shapes=shapes,
        )
        open_scene(scene)

        Crew(crowd, truth_of(BOXES, shapes)).work()

        tasks = Microtask.objects.filter(kind="fix_polygon")
        assert {json.dumps(t.payload["proposal"]) for t in tasks} == {
            json.dumps(s["outline"]) for s in shapes
        }

    def test_deleted_by_two_the_object_is_decided_about_again(
        self, acme: Organisation, crowd: list[User]
    ) -> None:
        scene = make_scene(wanting(acme, {"name": "tree", "geometry": "polygon"}))
        open_scene(scene, BOXES[:1])
        crew = Crew(crowd, truth_of([[700, 500, 760, 560]], [{}]))
        crew.changed = {
            "verify_box": {"verdict": "ok"}, "fix_polygon": {"shape": None, "deleted": True},
            "coverage_tile": {"complete": True, "points": []},
            "adjudicate": {"ruling": "reject", "xyxy": None, "class": None},
        }  # fmt: skip

        with pytest.MonkeyPatch.context() as patch:
            # The first look lets the phantom pass; after that everybody sees that nothing is there.
            patch.setattr(crew, "_answer", once_ok(crew))
            crew.work()

        row = SceneObject.objects.get()
        assert row.state == "rejected"
        assert Refinement.objects.get().state == "cancelled"
        assert sum(look["verdict"] == "not_object" for look in row.evidence) >= 2
        assert scene.annotations.get().content == []

    def test_rejecting_an_object_withdraws_what_is_asked_about_it(
        self, acme: Organisation, crowd: list[User]
    ) -> None:
        scene = make_scene(wanting(acme, {"name": "tree", "geometry": "polygon"}))
        open_scene(scene, BOXES[:1])
        Crew(crowd, truth_of(BOXES[:1], [{"outline": ellipse(BOXES[0])}])).work()
        assert Refinement.objects.get().state == "settled"
        assert Refinement.objects.filter(state="open").count() == 0
        assert not Microtask.objects.filter(state="open").exists()


def once_ok(crew: Crew) -> Any:
    """Answers of people who let every box pass until a polygon was asked for, and then see that nothing is there."""
    plain = crew._answer

    def answer(row: Assignment) -> Submission:
        task = row.microtask.payload
        asked = Microtask.objects.filter(kind="fix_polygon").exists()
        if task["kind"] == "verify_box":
            crew.changed["verify_box"] = {"verdict": "not_object" if asked else "ok"}
        if task["kind"] == "grid_verify":
            crew.changed["grid_verify"] = {
                "bad": [],
                "unsure": [],
                "viewed": [c["id"] for c in task["cells"]],
            }
        return plain(row)

    return answer
