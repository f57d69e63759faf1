"""What accepted objects still lack is asked, fused, settled and exported: through the operations of the feed."""

import json
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from PIL import Image

from routing.annotation.frames import corners, project
from routing.annotation.segments import cells_of
from routing.annotation.shapes import Cuboid, shape_from_json, shape_to_json
from routing.assignment import Waiting
from routing.policy import RoutingPolicy
from routing.refinement_fusing import similarity
from routing.simulation import SimulatedAnnotator, Truth, make_crowd, make_truth
from webapp.exports.operations import export_dataset
from webapp.labeling import grids, intake, operations
from webapp.labeling.assembly import close_finished_datasets
from webapp.labeling.models import (
    Assignment,
    Event,
    Microtask,
    Refinement,
    SceneObject,
    Tile,
)
from webapp.labeling.operations import Ack, Desk, Refusal, Submission
from webapp.labeling.planned import PlannedObject, PlannedTile
from webapp.labeling.refining_payloads import shown
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


def make_scene(of: Project, **imported: Any) -> Scene:
    dataset = Dataset.objects.create(project=of, name="north")
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
    run = Run.objects.create(project=scene.dataset.project, dataset=scene.dataset, kind="prelabel")
    tiles = [PlannedTile("all", (0, 0, *SIZE), (0, 0, *SIZE))]
    objects = [PlannedObject(box, 0, 0.9, 0.97, "all") for box in boxes]
    with transaction.atomic():
        assert intake.open_scene(run, scene, tiles, objects, now=timezone.now(), rng=np.random.default_rng(0))


class Crew:
    """Simulated people who work through the operations until nothing is left.

    slips: they make mistakes, so now and then two err alike and a wrong answer stands, as often as its risk says.
    """

    def __init__(self, people: Sequence[User], truth: Truth, *, slips: bool = True) -> None:
        self.people = list(people)
        profiles = make_crowd(len(self.people), 3, mix={"diligent": 1.0})
        if not slips:
            profiles = [replace(profile, theta=20.0, gross=0.0) for profile in profiles]
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
            refused = [r for r in replies if not (isinstance(r, Ack) and r.status in ("accepted", "late"))]
            assert not refused, refused
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
        outcome, value, report = reply.outcome, reply.value, reply.report
        if task["kind"] in self.changed:
            outcome, value, report = "answered", self.changed[task["kind"]], None
        return Submission(
            row.annotator, str(uuid.uuid4()), row.pk, row.lease, outcome, value, report,
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
        alike = [
            similarity("fix_polygon", {}, shape_from_json(shape["shape"]), shape_from_json(true["outline"]))
            for shape, true in zip(found, details, strict=True)
        ]
        assert np.median(alike) >= 0.75  # one of them may be among the 5 % that are wrong
        for shape in found:
            # What the crowd settles meets the target; a specialist's drawing has the risk of specialists.
            target = {"consensus": 0.05, "specialist": 0.12}[shape["settled_by"]]
            assert 0 < shape["risk"] <= target
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


SKELETON = {
    "joints": [{"name": n} for n in ("nose", "left_ear", "right_ear", "tail")],
    "edges": [["nose", "left_ear"], ["nose", "right_ear"], ["nose", "tail"]],
}
COLORS = {"id": "color", "options": [{"id": "red"}, {"id": "blue"}, {"id": "green"}]}
PARTS = {"id": "parts", "options": [{"id": "leaves"}, {"id": "fruit"}], "multi": True}


def joints(box: Sequence[float]) -> dict[str, Any]:
    x1, y1, x2, y2 = box
    places = {"nose": (0.5, 0.2), "left_ear": (0.3, 0.1), "right_ear": (0.7, 0.1), "tail": (0.5, 0.9)}
    points = {n: [x1 + u * (x2 - x1), y1 + v * (y2 - y1), 2] for n, (u, v) in places.items()}
    return {"type": "keypoints", "points": points}


def line(box: Sequence[float]) -> dict[str, Any]:
    x1, y1, x2, y2 = box
    return {"type": "polyline", "points": [[x1, y1], [(x1 + x2) / 2, y1 + 0.7 * (y2 - y1)], [x2, y2]]}


class TestOtherAspects:
    def test_skeletons_are_fused_joint_by_joint(self, acme: Organisation, crowd: list[User]) -> None:
        one = {"name": "dog", "geometry": "keypoints", "skeleton": "dog"}
        scene = make_scene(wanting(acme, one, skeletons={"dog": SKELETON}))
        open_scene(scene)
        details = [{"skeleton": joints(box)} for box in BOXES]

        Crew(crowd, truth_of(BOXES, details), slips=False).work()

        alike = [
            similarity("keypoints", {}, shape_from_json(found["shape"]), shape_from_json(true["skeleton"]))
            for found, true in zip(refined(scene, "skeleton"), details, strict=True)
        ]
        # Left and right are mistaken by the most careful, too.
        assert np.median(alike) >= 0.75
        assert all(found["drawings"] >= 2 for found in refined(scene, "skeleton"))

    def test_lines_are_fused(self, acme: Organisation, crowd: list[User]) -> None:
        scene = make_scene(wanting(acme, {"name": "lane", "geometry": "polyline"}))
        open_scene(scene)
        details = [{"line": line(box)} for box in BOXES]

        Crew(crowd, truth_of(BOXES, details), slips=False).work()

        for found, true in zip(refined(scene, "line"), details, strict=True):
            alike = similarity("polyline", {}, shape_from_json(found["shape"]), shape_from_json(true["line"]))
            assert alike >= 0.7

    def test_attributes_are_settled_by_their_posterior(self, acme: Organisation, crowd: list[User]) -> None:
        one = {"name": "tree", "attributes": ["color", "parts"]}
        scene = make_scene(wanting(acme, one, attributes=[COLORS, PARTS]))
        open_scene(scene)
        truth = [
            {"attributes": {"color": color, "parts": parts}}
            for color, parts in (("red", ["fruit"]), ("blue", []), ("green", ["leaves", "fruit"]))
        ]

        Crew(crowd, truth_of(BOXES, truth), slips=False).work()

        assert [found["attributes"] for found in refined(scene, "attributes")] == [
            t["attributes"] for t in truth
        ]

    def test_a_coarse_class_is_named_more_finely_and_then_asked_for_more(
        self, acme: Organisation, crowd: list[User]
    ) -> None:
        classes = (
            {"name": "plant", "subclasses": [1, 2]},
            {"name": "tree", "attributes": ["color"]},
            {"name": "bush"},
        )
        scene = make_scene(wanting(acme, *classes, attributes=[COLORS]))
        open_scene(scene)
        truth = [{"class": c, "attributes": {"color": "red"}} for c in (1, 2, 1)]

        Crew(crowd, truth_of(BOXES, truth), slips=False).work()

        content = sorted(scene.annotations.get().content, key=lambda entry: entry["box"])
        assert [entry["label"] for entry in content] == [1, 2, 1]
        assert ["attributes" in entry["refined"] for entry in content] == [True, False, True]

    def test_what_no_class_fits_is_named_by_a_specialist(self, acme: Organisation, crowd: list[User]) -> None:
        classes = ({"name": "plant", "subclasses": [1, 2]}, "tree", "bush")
        scene = make_scene(wanting(acme, *({"name": c} if isinstance(c, str) else c for c in classes)))
        open_scene(scene)
        crew = Crew(crowd, truth_of(BOXES, [{"class": 1}, {"class": None}, {"class": 2}]), slips=False)

        crew.work()

        content = sorted(scene.annotations.get().content, key=lambda entry: entry["box"])
        assert [entry["label"] for entry in content] == [1, 0, 2]
        assert content[1]["refined"]["class"]["propose"] == "something else"
        assert content[1]["refined"]["class"]["settled_by"] == "specialist"
        assert Event.objects.get(kind="class_proposed").data["name"] == "something else"
        assert Microtask.objects.get(kind="name_unknown").tier == "specialist"

    def test_cuboids_are_fused_along_the_ray_of_the_camera(
        self, acme: Organisation, crowd: list[User]
    ) -> None:
        true = [
            Cuboid((x, 0.75, z), (4.2, 1.8, 1.5), yaw)
            for x, z, yaw in ((-3, 12, 0.2), (0, 15, 1.5), (4, 18, 3.0))
        ]
        boxes = [seen_at(cuboid) for cuboid in true]
        car = {"name": "car", "geometry": "cuboid", "dims": [4.2, 1.8, 1.5]}
        scene = make_scene(wanting(acme, car), calibration=CAMERA)
        open_scene(scene, boxes)
        details = [{"cuboid": shape_to_json(cuboid)} for cuboid in true]
        crew = Crew(crowd, truth_of(boxes, details), slips=False)

        crew.work()

        alike = [
            similarity("cuboid_cam", {"calibration": CAMERA}, shape_from_json(found["shape"]), cuboid)
            for found, cuboid in zip(refined(scene, "cuboid"), true, strict=True)
        ]
        assert np.median(alike) >= 0.5
        task = Microtask.objects.filter(kind="cuboid_cam").first()
        assert task is not None
        assert task.payload["dims_prior"] == [4.2, 1.8, 1.5]
        (x, y, w, h), (x1, y1, x2, y2) = task.payload["view"], task.payload["object"]["xyxy"]
        assert x <= x1 and y <= y1 and x + w >= x2 and y + h >= y2  # its ground and what is beside it,
        assert w >= 2.9 * (x2 - x1) and w < SIZE[0]  # but not the whole picture
        assert crew.kinds["verify_cuboid"] > 0
        for look in Microtask.objects.filter(kind="verify_cuboid"):
            x1, y1, x2, y2 = seen_at(shape_from_json(look.payload["shape"]))
            x, y, w, h = look.payload["view"]
            assert x <= max(x1, 0) and y <= max(y1, 0)
            assert x + w >= min(x2, SIZE[0]) - 1 and y + h >= min(y2, SIZE[1]) - 1

    def test_where_there_is_a_point_cloud_the_cuboid_is_drawn_in_it(
        self, acme: Organisation, crowd: list[User]
    ) -> None:
        true = [Cuboid((12.0, y, -0.8), (4.2, 1.8, 1.5), yaw) for y, yaw in ((-4, 0.2), (0, 1.5), (5, 3.0))]
        car = {"name": "car", "geometry": "cuboid", "dims": [4.2, 1.8, 1.5]}
        scene = make_scene(wanting(acme, car), cloud={"file": "ab/ab.bin", "count": 900})
        open_scene(scene)
        crew = Crew(
            crowd, truth_of(BOXES, [{"cuboid": shape_to_json(cuboid)} for cuboid in true]), slips=False
        )

        crew.work()

        alike = []
        for found, cuboid in zip(refined(scene, "cuboid"), true, strict=True):
            assert found["kind"] == "cuboid_lidar"
            alike.append(similarity("cuboid_lidar", {}, shape_from_json(found["shape"]), cuboid))
        assert np.median(alike) >= 0.6
        tasks = Microtask.objects.filter(kind__in=["cuboid_lidar", "verify_cuboid"])
        assert {t.payload["cloud"]["count"] for t in tasks} == {900}
        assert not any("file" in t.payload["cloud"] for t in tasks)

    def test_a_picture_without_a_camera_is_not_asked_for_metres(
        self, acme: Organisation, crowd: list[User]
    ) -> None:
        car = {"name": "car", "geometry": "cuboid", "dims": [4.2, 1.8, 1.5]}
        scene = make_scene(wanting(acme, car))
        open_scene(scene)

        Crew(crowd, truth_of(BOXES, [{}] * 3), slips=False).work()

        assert Refinement.objects.count() == 0
        assert len(scene.annotations.get().content) == 3


CAMERA = {
    "K": [[500.0, 0.0, 400.0], [0.0, 500.0, 300.0], [0.0, 0.0, 1.0]],
    "ground": {"n": [0.0, 1.0, 0.0], "d": 1.5},
}


def seen_at(cuboid: Cuboid) -> list[float]:
    pixels = project(corners(cuboid), CAMERA["K"])  # type: ignore[arg-type]
    return [float(v) for v in (*pixels.min(axis=0), *pixels.max(axis=0))]


class TestViews:
    def test_a_cuboid_that_is_far_off_is_in_sight(self, acme: Organisation) -> None:
        car = {"name": "car", "geometry": "cuboid", "dims": [4.2, 1.8, 1.5]}
        scene = make_scene(wanting(acme, car), calibration=CAMERA)
        row = SceneObject(pk=1, scene=scene, box=[40.0, 300.0, 120.0, 360.0], label=1)
        astray = Cuboid((5.0, 0.7, 14.0), (4.2, 1.8, 1.5), 0.3)
        details = {"shape": shape_to_json(astray), "calibration": CAMERA}

        (x, y, w, h), _ = shown("verify_cuboid", row, details, [], scene, RoutingPolicy())

        for x1, y1, x2, y2 in (row.box, seen_at(astray)):
            assert x <= x1 and y <= y1 and x2 <= x + w and y2 <= y + h


class TestScenes:
    def test_a_scene_is_sorted_out_and_classified(self, acme: Organisation, crowd: list[User]) -> None:
        classes = [{"name": n} for n in ("tree", "forest", "town")]
        scene = make_scene(wanting(acme, *classes, scene={"triage": True, "classes": [1, 2]}))
        open_scene(scene)

        crew = Crew(crowd, truth_of(BOXES, [{}] * 3, state="usable", **{"class": 2}))
        # Now and then two of a simulated crowd slip alike: what they say is not what this is about.
        crew.changed = {"triage_scene": {"state": "usable"}, "classify_image": {"class": 2}}
        crew.work()

        about = scene.annotations.get().about
        assert about["state"]["state"] == "usable"
        assert about["class"]["class"] == 2
        assert about["class"]["risk"] <= 0.05
        assert len(scene.annotations.get().content) == 3

    def test_nothing_more_is_asked_of_a_scene_that_cannot_be_used(
        self, acme: Organisation, crowd: list[User]
    ) -> None:
        scene = make_scene(wanting(acme, {"name": "tree"}, scene={"triage": True}))
        open_scene(scene)
        crew = Crew(crowd[:3], truth_of(BOXES, [{}] * 3, state="blurred"))
        crew.changed = {"triage_scene": {"state": "blurred"}}

        crew.work()

        scene.dataset.refresh_from_db()
        left = list(
            Microtask.objects.filter(state="open").values_list("kind", "object__state", "assignments__state")
        )
        unsettled = (
            list(SceneObject.objects.values_list("state", flat=True)),
            list(Tile.objects.values_list("state")),
        )
        assert scene.dataset.state == "done", (
            left,
            unsettled,
            list(Refinement.objects.values_list("aspect", "state")),
        )
        assert scene.annotations.get().about["state"]["state"] == "blurred"
        assert not Assignment.objects.filter(state="open").exists()
        assert not Tile.objects.exclude(state="complete").exists()


def meadow_and_lake(acme: Organisation, of: Project) -> Scene:
    """A stored picture of the scene's size: a meadow on the left, a lake on the right, a road across the bottom."""
    pixels = np.random.default_rng(0).normal(0, 5, (SIZE[1], SIZE[0], 3))
    pixels[:, :400] += [70, 130, 60]
    pixels[:, 400:] += [40, 70, 150]
    pixels[450:] = pixels[450:] * 0.2 + [150, 145, 140]
    scene = make_scene(of)
    scene.file = "meadow_and_lake.png"
    scene.save()
    path = Path(settings.MEDIA_DIR) / scene.file
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(path)
    return scene


def rectangle(x1: float, y1: float, x2: float, y2: float) -> dict[str, Any]:
    return {"type": "polygon", "rings": [[[x1, y1], [x2, y1], [x2, y2], [x1, y2]]]}


class TestRegions:
    REGIONS = (
        {"class": 3, "shape": rectangle(0, 450, 800, 600)},
        {"class": 1, "shape": rectangle(0, 0, 400, 450)},
        {"class": 2, "shape": rectangle(400, 0, 800, 450)},
    )
    CLASSES = tuple({"name": n} for n in ("tree", "meadow", "lake", "road"))

    def test_every_segment_gets_its_class_and_is_exported_as_a_region(
        self, acme: Organisation, crowd: list[User], tmp_path: Path
    ) -> None:
        scene = meadow_and_lake(acme, wanting(acme, *self.CLASSES, scene={"regions": [1, 2, 3]}))
        open_scene(scene)
        crew = Crew(crowd, truth_of(BOXES, [{}] * 3, regions=self.REGIONS), slips=False)

        crew.work()

        settled = Refinement.objects.filter(aspect__startswith="region:")
        assert sorted(settled.values_list("aspect", "state")) == [
            (f"region:{x}-{y}", "settled") for x in (0, 267, 533) for y in (0, 300)
        ]
        assert crew.kinds["label_region"] >= 12  # two people for each block
        about = scene.annotations.get().about
        assert all(0 < about[f"region:{x}-0"]["risk"] <= 0.05 for x in (0, 267, 533))

        export_dataset(dataset=scene.dataset, format="coco", out=tmp_path / "out.json")
        body = json.loads((tmp_path / "out.json").read_text())
        painted = np.zeros((SIZE[1], SIZE[0]), dtype=int)
        for row in body["annotations"]:
            if row["iscrowd"]:
                counts = row["segmentation"]["counts"]
                held = np.repeat(np.arange(len(counts)) % 2 == 1, counts).reshape(SIZE[0], SIZE[1]).T
                assert held.sum() == row["area"]
                painted[held] = row["category_id"] - 1
        true = np.zeros_like(painted)
        for region in reversed(self.REGIONS):
            (x1, y1), _, (x2, y2), _ = np.array(region["shape"]["rings"][0], dtype=int)
            true[y1:y2, x1:x2] = region["class"]
        assert (painted == true).mean() > 0.93

    def test_what_people_disagree_on_is_asked_again_alone(
        self, acme: Organisation, crowd: list[User]
    ) -> None:
        scene = meadow_and_lake(acme, wanting(acme, *self.CLASSES, scene={"regions": [1, 2, 3]}))
        open_scene(scene, [])
        crew = Crew(crowd, truth_of(BOXES, [{}] * 3, regions=self.REGIONS))
        plain, seen = crew._answer, Counter[int]()

        def stubborn(row: Assignment) -> Submission:
            """The first to answer a block calls its largest segment another class than everybody else."""
            given = plain(row)
            task = row.microtask.payload
            if task["kind"] == "label_region" and given.value and not seen[row.microtask_id]:
                seen[row.microtask_id] += 1
                if not task["known"]:
                    sizes = cells_of(task["segments"])
                    largest = str(max(task["open"], key=lambda id: sizes[id]))
                    given.value["assign"][largest] = None
            return given

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(crew, "_answer", stubborn)
            crew.work()

        again = [t for t in Microtask.objects.filter(kind="label_region") if t.payload["known"]]
        assert again
        for task in again:
            assert len(task.payload["open"]) < len(cells_of(task.payload["segments"]))
            assert not {str(id) for id in task.payload["open"]} & set(task.payload["known"])
        assert not Refinement.objects.exclude(state="settled").exists()

    def test_only_a_share_of_the_blocks_is_asked_about_where_the_schema_says_so(
        self, acme: Organisation
    ) -> None:
        asked = {"regions": [1, 2, 3], "region_share": 0.5}
        open_scene(meadow_and_lake(acme, wanting(acme, *self.CLASSES, scene=asked)))

        assert 0 < Refinement.objects.filter(kind="label_region").count() < 6


class TestGold:
    """Half of what settles with certainty is asked once more of somebody else, who is told whether they were right."""

    PLACES = tuple(
        [60.0 + 180 * n, 60.0 + 170 * m, 140.0 + 180 * n, 150.0 + 170 * m] for n in range(4) for m in range(3)
    )

    def worked(self, acme: Organisation, crowd: list[User], **changed: Any) -> list[Any]:
        """What the crowd was told about planted questions of attributes."""
        project = create_project(
            organisation=acme, name="Known", domain="aerial", policy={"tolerance_iou": 0.6, "gold_share": 0.5, "target_risk": 0.02},
            classes=[{"name": "tree", "attributes": ["color"]}], more={"attributes": [COLORS]},
        )  # fmt: skip
        scene = make_scene(project)
        open_scene(scene, self.PLACES)
        crew = Crew(crowd, truth_of(self.PLACES, [{"attributes": {"color": "blue"}}] * 12))
        crew.changed = {"attributes": {"attributes": {"color": "blue"}}}
        plain, told = crew._answer, []

        def answer(row: Assignment) -> Submission:
            given = plain(row)
            return replace(given, **changed) if "gold" in row.microtask.secret else given

        real, close = operations.submit_answers, close_finished_datasets

        def patient(**more: Any) -> Any:
            """Closing a dataset withdraws what is planted in it; here it waits."""
            planted = Microtask.objects.filter(state="open", secret__has_key="gold")
            return [] if planted.exists() else close(**more)

        def listening(given: Sequence[Submission], **more: Any) -> Any:
            replies = real(given, **more)
            for one, reply in zip(given, replies, strict=True):
                task = Assignment.objects.get(pk=one.assignment).microtask
                if "gold" in task.secret and isinstance(reply, Ack):
                    told.append((task, one.annotator, reply.feedback))
            return replies

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(crew, "_answer", answer)
            patch.setattr(operations, "submit_answers", listening)
            patch.setitem(globals(), "close_finished_datasets", patient)
            crew.work()
        return told

    def test_is_asked_of_somebody_new_and_teaches_without_changing_anything(
        self, acme: Organisation, crowd: list[User]
    ) -> None:
        told = self.worked(acme, crowd)

        assert told
        for task, person, feedback in told:
            assert task.payload["kind"] == "attributes" and "gold" not in task.payload
            assert feedback["correct"] is True and feedback["message"] == "Right."
            refinement = Refinement.objects.get(pk=task.secret["refinement"])
            assert person.pk not in {s["annotator"] for s in refinement.case["said"]}
        assert Event.objects.filter(kind="gold", microtask__kind="attributes").count() == len(told)
        outcomes = Event.objects.filter(kind="outcome", data__kind="attributes", data__gold=True)
        learned = Counter(e.annotator_id for e in outcomes)
        # A specialist's ruling is known to be right too: whoever spoke before it learns from it as from gold.
        ruled = Refinement.objects.filter(settled_by="specialist")
        corrected = Counter(s["annotator"] for r in ruled for s in r.case["said"])
        asked = Counter(person.pk for _, person, _ in told)
        assert asked <= learned <= asked + corrected
        assert not Microtask.objects.filter(state="open").exists()

    def test_that_was_answered_wrongly_says_what_was_settled(
        self, acme: Organisation, crowd: list[User]
    ) -> None:
        told = self.worked(acme, crowd, value={"attributes": {"color": "green"}})

        assert told
        for _, _, feedback in told:
            assert feedback == {
                "correct": False, "code": "attributes", "about": {"names": "color"},
                "message": "Another answer was settled for: color.",
            }  # fmt: skip
        assert all(r.value == {"attributes": {"color": "blue"}} for r in Refinement.objects.all())

    def test_that_was_evaded_is_not_held_against_anybody(self, acme: Organisation, crowd: list[User]) -> None:
        told = self.worked(acme, crowd, outcome="unsure", value=None)

        assert told and all(feedback is None for _, _, feedback in told)
        assert not Event.objects.filter(kind="gold", microtask__kind="attributes").exists()


class TestDuplicates:
    def test_two_outlines_of_one_object_become_one_before_the_dataset_closes(
        self, acme: Organisation, crowd: list[User]
    ) -> None:
        scene = make_scene(wanting(acme, {"name": "tree"}))
        twin = [102.0, 101, 184, 188]
        open_scene(scene, [*BOXES, twin])
        crew = Crew(crowd, truth_of(BOXES, [{}] * 3), slips=False)
        crew.changed = {"verify_box": {"verdict": "ok"}}

        crew.work()

        assert crew.kinds["merge_duplicates"] >= 2
        assert len(scene.annotations.get().content) == 3
        assert SceneObject.objects.filter(state="rejected").count() == 1

    def test_two_objects_that_only_overlap_stay_two(self, acme: Organisation, crowd: list[User]) -> None:
        scene = make_scene(wanting(acme, {"name": "tree"}))
        near = [*BOXES, [110.0, 100, 190, 190]]
        open_scene(scene, near)
        crew = Crew(crowd, truth_of(near, [{}] * 4), slips=False)

        crew.work()

        assert crew.kinds["merge_duplicates"] >= 2
        assert len(scene.annotations.get().content) == 4


class TestLimits:
    def test_a_crowd_of_two_comes_to_an_end_with_its_stated_risk(self, acme: Organisation) -> None:
        pair = [create_person(organisation=acme, username=f"q{n}", domains=["aerial"]) for n in range(2)]
        scene = make_scene(wanting(acme, {"name": "tree", "geometry": "polygon"}))
        open_scene(scene)

        Crew(pair, truth_of(BOXES, [{"outline": ellipse(box)} for box in BOXES])).work()

        scene.dataset.refresh_from_db()
        assert scene.dataset.state == "done"
        found = refined(scene, "outline")
        assert {shape["annotators"] for shape in found} <= {1, 2}
        assert max(shape["risk"] for shape in found) > 0.05

    def test_a_crowd_that_is_used_up_leaves_the_rest_to_the_last_specialists(
        self, acme: Organisation, crowd: list[User]
    ) -> None:
        for person in crowd[4:12]:
            person.is_active = False
            person.save()
        scene = make_scene(wanting(acme, {"name": "tree", "geometry": "polygon"}))
        open_scene(scene, BOXES[:1])

        crew = Crew([*crowd[:4], *crowd[12:]], truth_of(BOXES[:1], [{"outline": ellipse(BOXES[0])}]))
        crew.changed = {"verify_mask": {"verdict": "geometry"}}  # Nobody is ever content.

        crew.work()

        (found,) = refined(scene, "outline")
        assert found["settled_by"] == "specialist"

    def test_a_specialist_draws_what_two_people_could_not(
        self, acme: Organisation, crowd: list[User]
    ) -> None:
        scene = make_scene(wanting(acme, {"name": "tree", "geometry": "polygon"}))
        open_scene(scene, BOXES[:1])
        crew = Crew(crowd, truth_of(BOXES[:1], [{"outline": ellipse(BOXES[0])}]))
        plain = crew._answer

        def unsure_crowd(row: Assignment) -> Submission:
            given = plain(row)
            if row.microtask.kind == "fix_polygon" and row.microtask.tier == "crowd":
                return replace(given, outcome="unsure", value=None)
            return given

        crew._answer = unsure_crowd  # type: ignore[method-assign]
        crew.work()

        (found,) = refined(scene, "outline")
        assert found["settled_by"] == "specialist"
        assert Microtask.objects.filter(kind="fix_polygon", tier="specialist").count() == 1

    def test_payloads_tell_nothing_of_other_answers(self, acme: Organisation, crowd: list[User]) -> None:
        scene = make_scene(wanting(acme, {"name": "tree", "geometry": "polygon"}))
        open_scene(scene)
        Crew(crowd, truth_of(BOXES, [{"outline": ellipse(box)} for box in BOXES])).work()

        for task in Microtask.objects.filter(kind__in=["fix_polygon", "verify_mask"]):
            assert not {"refinement", "risk", "said", "belief", "value"} & task.payload.keys()

    def test_everybody_learns_from_what_was_settled(self, acme: Organisation, crowd: list[User]) -> None:
        scene = make_scene(wanting(acme, {"name": "tree", "geometry": "polygon"}))
        open_scene(scene)
        Crew(crowd, truth_of(BOXES, [{"outline": ellipse(box)} for box in BOXES])).work()

        outcomes = [e.data for e in Event.objects.filter(kind="outcome")]
        drawn = [o for o in outcomes if o["kind"] == "fix_polygon"]
        assert len(drawn) >= 3
        assert all(o["iou"] is not None for o in drawn if o["truth"] != "phantom")
        assert any(o["kind"] == "verify_mask" for o in outcomes)
