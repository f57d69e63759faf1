"""Setting a project up in the browser: every step, its errors, and the start."""

import json
import re
import zipfile
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from routing.policy import RoutingPolicy
from webapp.labeling.models import Assignment, Event, Microtask, Refinement, SceneObject, Tile
from webapp.people.invitations import invitation_path
from webapp.people.models import Qualification, Role, User
from webapp.pipeline.models import ModelVersion, Run
from webapp.projects.examples import square_around
from webapp.projects.models import GuidelineVersion, Project
from webapp.projects.queries import current_schema
from webapp.scenes.models import Dataset, Scene
from webapp.setup.opening import BY_HAND, Start, open_some, opened, start
from webapp.setup.targets import FITS, Targets, policy_for, targets_of


@pytest.fixture
def manager(client: Client, otto: User) -> Client:
    client.force_login(otto)
    return client


def page(project: Project, step: str) -> str:
    return f"/projects/{project.pk}/setup/{step}/"


def uploaded(path: Path) -> SimpleUploadedFile:
    return SimpleUploadedFile(path.name, path.read_bytes())


def zipped(*paths: Path) -> SimpleUploadedFile:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path in paths:
            archive.write(path, path.name)
    return SimpleUploadedFile("set.zip", out.getvalue())


def send(
    client: Client, project: Project, *files: SimpleUploadedFile, dataset: str = "north", **extra: Any
) -> Any:
    return client.post(page(project, "pictures/upload"), {"dataset": dataset, "files": list(files)}, **extra)


class TestNewProject:
    def test_needs_a_name_a_domain_and_classes(self, manager: Client) -> None:
        answer = manager.post("/projects/new/", {"name": "", "domain": "aer/ial", "classes": " \n,"})

        assert answer.status_code == 422
        assert b"Use letters, digits" in answer.content
        assert not Project.objects.exists()

    def test_leads_to_the_pictures(self, manager: Client, otto: User) -> None:
        answer = manager.post(
            "/projects/new/", {"name": "Trees", "domain": "aerial", "classes": "tree\ncar, house"}
        )

        project = Project.objects.get()
        assert answer.headers["Location"] == page(project, "pictures")
        assert project.organisation == otto.organisation
        assert [c.name for c in current_schema(project).classes] == ["tree", "car", "house"]

    def test_refuses_a_name_that_is_taken_and_a_class_that_is_there_twice(
        self, manager: Client, project: Project
    ) -> None:
        taken = manager.post("/projects/new/", {"name": "Trees", "domain": "aerial", "classes": "tree"})
        twice = manager.post("/projects/new/", {"name": "Cars", "domain": "aerial", "classes": "car\nCAR"})

        assert b"There is a project of this name already" in taken.content
        assert b"is used twice" in twice.content
        assert Project.objects.count() == 1


class TestPictures:
    def test_are_imported_with_their_size(self, manager: Client, project: Project, pictures: Path) -> None:
        answer = send(manager, project, *(uploaded(p) for p in sorted(pictures.iterdir())))

        assert answer.json() == {"ok": True, "scenes": 3, "known": 0, "boxes": 0, "total": 3}
        assert set(Scene.objects.values_list("name", "width", "height")) == {
            ("a.png", 64, 48),
            ("b.png", 64, 48),
            ("c.jpg", 64, 48),
        }

    def test_sent_twice_are_stored_once(self, manager: Client, project: Project, pictures: Path) -> None:
        send(manager, project, uploaded(pictures / "a.png"))

        again = send(manager, project, uploaded(pictures / "a.png"), uploaded(pictures / "b.png"))

        assert (again.json()["scenes"], again.json()["known"]) == (1, 1)

    def test_of_a_zip_are_unpacked(self, manager: Client, project: Project, pictures: Path) -> None:
        assert send(manager, project, zipped(*pictures.iterdir())).json()["scenes"] == 3

    @pytest.mark.parametrize(
        ("name", "body", "said"),
        [
            ("a.png", b"", "is empty"),
            ("a.png", b"not a picture", "a.png"),
            ("notes.txt", b"hello", "no picture and no .zip"),
            ("set.zip", b"PK cut off", "not a zip file"),
        ],
    )
    def test_that_are_none_are_refused_by_name(
        self, manager: Client, project: Project, pictures: Path, name: str, body: bytes, said: str
    ) -> None:
        good = uploaded(pictures / "b.png")

        answer = send(manager, project, SimpleUploadedFile(name, body), *([good] if name == "a.png" else []))

        assert answer.status_code == 422
        assert said in " ".join(answer.json()["problems"])
        assert not Scene.objects.exists()

    def test_of_a_zip_that_points_outside_are_refused(self, manager: Client, project: Project) -> None:
        out = BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("../../evil.png", b"x")

        answer = send(manager, project, SimpleUploadedFile("set.zip", out.getvalue()))

        assert answer.status_code == 422
        assert "points outside" in answer.json()["problems"][0]

    def test_can_be_sent_without_a_script(self, manager: Client, project: Project, pictures: Path) -> None:
        answer = send(
            manager, project, uploaded(pictures / "a.png"), headers={"accept": "text/html"}, follow=True
        )

        assert b"1 picture added." in answer.content
        assert b"a.png" in answer.content

    def test_do_not_go_into_a_finished_data_set(
        self, manager: Client, project: Project, dataset: Dataset, pictures: Path
    ) -> None:
        Dataset.objects.update(state=Dataset.State.DONE)

        answer = send(manager, project, uploaded(pictures / "a.png"))

        assert "another data set" in answer.json()["problems"][0]


class TestSchema:
    def save(self, client: Client, project: Project, schema: object) -> Any:
        return client.post(page(project, "classes"), {"schema": json.dumps(schema), "then": "stay"})

    def test_gets_a_new_version_only_when_something_changed(self, manager: Client, project: Project) -> None:
        stored = {"classes": project.schemas.get().classes}

        self.save(manager, project, stored)
        assert project.schemas.count() == 1
        stored["classes"][0]["name"] = "oak"
        self.save(manager, project, stored)

        assert [c.name for c in current_schema(project).classes] == ["oak", "car"]
        assert project.schemas.count() == 2

    def test_never_gives_an_id_twice(self, manager: Client, project: Project) -> None:
        tree, car = project.schemas.get().classes

        self.save(manager, project, {"classes": [tree]})
        self.save(manager, project, {"classes": [tree, {"name": "ship", "color": "#56b4e9", "key": None}]})

        ship = current_schema(project).by_name("ship")
        assert ship.id == car["id"] + 1
        assert ship.key is None

    def test_keeps_classes_of_which_there_are_objects(
        self, manager: Client, project: Project, dataset: Dataset
    ) -> None:
        scene = Scene.objects.create(dataset=dataset, name="a", sha256="0" * 64, file="x", width=9, height=9)
        tile = Tile.objects.create(scene=scene, x=0, y=0, w=9, h=9, halo=0)
        SceneObject.objects.create(scene=scene, tile=tile, label=1, box=[0, 0, 5, 5], source="person")

        answer = self.save(manager, project, {"classes": project.schemas.get().classes[:1]})

        assert answer.status_code == 422
        assert b"they must stay (they may be renamed): car" in answer.content

    def test_keeps_classes_that_cover_parts_of_pictures(
        self, manager: Client, project: Project, dataset: Dataset
    ) -> None:
        """Regions in the export would name a class that is not there."""
        tree, car = project.schemas.get().classes
        self.save(manager, project, {"classes": [tree, car], "scene": {"regions": [car["id"]]}})
        scene = Scene.objects.create(dataset=dataset, name="a", sha256="0" * 64, file="x", width=9, height=9)
        about = Refinement.objects.create(scene=scene, aspect="region:0-0", kind="label_region")

        refused = self.save(manager, project, {"classes": [tree]})
        about.delete()
        taken = self.save(manager, project, {"classes": [tree]})

        assert b"they must stay (they may be renamed): car" in refused.content
        assert taken.status_code == 302

    @pytest.mark.parametrize(
        "schema", [[], {"classes": []}, {"classes": [{"name": "a"}, {"name": "A"}]}, {"classes": [3]}, "x"]
    )
    def test_that_makes_no_sense_is_refused_with_the_reason(
        self, manager: Client, project: Project, schema: object
    ) -> None:
        answer = self.save(manager, project, schema)

        assert answer.status_code == 422
        assert b'role="alert"' in answer.content
        assert project.schemas.count() == 1

    def test_may_have_attributes_and_skeletons(self, manager: Client, project: Project) -> None:
        tree, car = project.schemas.get().classes
        wanted = {
            "classes": [
                {**tree, "attributes": ["state"]},
                {**car, "geometry": "keypoints", "skeleton": "axle"},
            ],
            "attributes": [
                {
                    "id": "state",
                    "name": "State",
                    "options": [{"id": "dead", "name": "dead"}, {"id": "b", "name": "b"}],
                }
            ],
            "skeletons": {
                "axle": {"joints": [{"name": "front"}, {"name": "back"}], "edges": [["front", "back"]]}
            },
        }

        assert self.save(manager, project, wanted).status_code == 302

        stored = current_schema(project)
        assert stored.by_id(car["id"]).skeleton == "axle"
        assert stored.by_id(tree["id"]).attributes == ("state",)

    def test_may_ask_of_whole_pictures_and_name_more_finely_by_classes_that_are_new(
        self, manager: Client, project: Project
    ) -> None:
        """New classes are referred to by ids below zero, which become ids that nothing else has ever had."""
        tree, car = project.schemas.get().classes
        wanted = {
            "classes": [
                {"id": -2, "name": "road"},
                {**tree, "subclasses": [-3, -1]},
                {**car, "geometry": "cuboid", "dims": [4.2, 1.8, 1.5]},
                {"id": -1, "name": "oak"},
                {"id": -3, "name": "elm"},
            ],
            "scene": {
                "triage": True,
                "classes": [-2, car["id"]],
                "regions": [tree["id"], -2],
                "region_share": 0.25,
            },
        }

        assert self.save(manager, project, wanted).status_code == 302

        stored = current_schema(project)
        road, oak, elm = (stored.by_name(name).id for name in ("road", "oak", "elm"))
        assert sorted([road, oak, elm]) == [car["id"] + 1, car["id"] + 2, car["id"] + 3]
        assert stored.by_id(tree["id"]).subclasses == (elm, oak)
        assert stored.by_id(car["id"]).dims == (4.2, 1.8, 1.5)
        assert stored.scene.to_json() == {
            "triage": True,
            "classes": [road, car["id"]],
            "regions": [tree["id"], road],
            "region_share": 0.25,
        }

    def test_refuses_to_refer_to_a_class_that_is_not_there(self, manager: Client, project: Project) -> None:
        stored = {"classes": project.schemas.get().classes}

        answer = self.save(manager, project, {**stored, "scene": {"regions": [0, -7]}})

        assert answer.status_code == 422
        assert b"schema.scene.regions[1]" in answer.content
        assert project.schemas.count() == 1


class TestGuideline:
    @pytest.fixture
    def scene(self, manager: Client, project: Project, pictures: Path) -> Scene:
        send(manager, project, uploaded(pictures / "a.png"))
        return Scene.objects.get()

    def save(self, client: Client, project: Project, text: str, examples: object) -> Any:
        body = {"text": text, "examples": json.dumps(examples), "then": "stay"}
        return client.post(page(project, "guideline"), body)

    def test_is_versioned_and_shown_with_its_examples(
        self, manager: Client, project: Project, scene: Scene, ada: User, mallory: User
    ) -> None:
        example = {
            "verdict": "wrong",
            "caption": "too <loose>",
            "class": 0,
            "scene": scene.pk,
            "rect": [4, 4, 20, 20],
        }

        self.save(manager, project, "Trees only.", [example])
        self.save(manager, project, "Trees only.", [example])

        assert project.guidelines.count() == 2
        manager.force_login(ada)
        shown = manager.get(f"/projects/{project.pk}/guideline/").content.decode()
        picture = manager.get(f"/projects/{project.pk}/examples/2/0.jpg")
        assert "too &lt;loose&gt;" in shown
        assert f"/projects/{project.pk}/examples/2/0.jpg" in shown
        assert picture.headers["Content-Type"] == "image/jpeg"
        assert manager.get(f"/projects/{project.pk}/examples/2/1.jpg").status_code == 404
        manager.force_login(mallory)
        assert manager.get(f"/projects/{project.pk}/examples/2/0.jpg").status_code == 404

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"verdict": "maybe"}, "right or wrong"),
            ({"caption": " "}, "what it shows"),
            ({"scene": 10**9}, "its picture is gone"),
            ({"rect": [50, 40, 30, 30]}, "mark the place"),
            ({"rect": [0, 0, 2, 2]}, "mark the place"),
            ({"rect": ["a", 0, 2, 2]}, "mark the place"),
        ],
    )
    def test_refuses_examples_that_show_nothing(
        self, manager: Client, project: Project, scene: Scene, change: dict[str, Any], said: str
    ) -> None:
        example = {
            "verdict": "right",
            "caption": "fits",
            "class": None,
            "scene": scene.pk,
            "rect": [4, 4, 20, 20],
        }

        answer = self.save(manager, project, "Trees only.", [{**example, **change}])

        assert answer.status_code == 422
        assert said in answer.content.decode()
        assert project.guidelines.count() == 1

    @pytest.mark.parametrize("examples", [{"a": 1}, [1], [{"verdict": "right"}], None])
    def test_refuses_what_is_no_list_of_examples(
        self, manager: Client, project: Project, examples: object
    ) -> None:
        assert self.save(manager, project, "Trees only.", examples).status_code == 422

    @given(
        st.floats(-50, 150), st.floats(-50, 150), st.floats(4, 300), st.integers(8, 200), st.integers(8, 200)
    )
    def test_squares_lie_in_the_picture(
        self, x: float, y: float, side: float, width: int, height: int
    ) -> None:
        left, top, w, h = square_around(x, y, side, width, height)

        assert 0 <= left <= left + w <= width + 1e-6
        assert 0 <= top <= top + h <= height + 1e-6


TARGETS = st.builds(
    Targets,
    wrong=st.floats(0.0005, 0.5),
    missed=st.floats(0.001, 0.5),
    fit=st.sampled_from(sorted(FITS)),
    audit=st.floats(0, 1),
    second_read=st.floats(0, 1),
    error_cost=st.floats(0.01, 100),
    wage_crowd=st.floats(1, 100),
    wage_senior=st.floats(1, 100),
    wage_specialist=st.floats(1, 100),
)


class TestTargets:
    @given(TARGETS)
    def test_come_back_from_the_policy_that_meets_them(self, targets: Targets) -> None:
        again = targets_of(policy_for(targets, {}))

        assert again.fit == targets.fit
        for name in ("wrong", "missed", "audit", "error_cost", "wage_crowd", "wage_specialist"):
            assert getattr(again, name) == pytest.approx(getattr(targets, name), rel=1e-6, abs=1e-9)

    def test_of_a_usual_project_change_nothing(self) -> None:
        assert policy_for(targets_of({}), {}) == {}

    def test_leave_other_thresholds_alone(self) -> None:
        assert policy_for(targets_of({"grid_size": 12}), {"grid_size": 12}) == {"grid_size": 12}

    def test_decide_thresholds_budget_and_weight(self, manager: Client, project: Project) -> None:
        body = {
            "wrong": "1", "missed": "2", "fit": "exact", "audit": "10", "second_read": "25", "error_cost": "0.5",
            "wage_crowd": "15", "wage_senior": "20", "wage_specialist": "40", "budget": "900", "priority": "2", "finish_by": "2026-12-24",
        }  # fmt: skip

        assert manager.post(page(project, "targets"), body).status_code == 302

        project.refresh_from_db()
        policy = RoutingPolicy.from_json(project.policy)
        assert (policy.target_risk, policy.missed_target, policy.tolerance_iou) == (0.01, 0.02, 0.85)
        assert policy.error_cost_s["phantom"] == pytest.approx(0.5 * 3600 / 15)
        assert policy.second_read_share == 0.25
        assert (project.budget, project.priority) == (900.0, 2.0)
        assert project.deadline is not None
        assert f"{project.deadline:%Y-%m-%d %H}" == "2026-12-24 23"
        assert b'value="2026-12-24"' in manager.get(page(project, "targets")).content
        assert b"target_risk" in manager.get(page(project, "targets")).content

    @pytest.mark.parametrize(
        "bad", [{"wrong": "0"}, {"missed": "99"}, {"fit": "tight"}, {"wage_crowd": "nan"}, {"budget": "-1"}]
    )
    def test_out_of_range_are_refused(self, manager: Client, project: Project, bad: dict[str, str]) -> None:
        body = {
            "wrong": "5", "missed": "3", "fit": "usual", "audit": "5", "second_read": "0", "error_cost": "0.1", "wage_crowd": "12",
            "wage_senior": "18", "wage_specialist": "36", "budget": "", "priority": "1",
        }  # fmt: skip

        answer = manager.post(page(project, "targets"), {**body, **bad})

        assert answer.status_code == 422
        project.refresh_from_db()
        assert project.policy == {}

    def test_are_plain_numbers_in_every_language(self, manager: Client, project: Project) -> None:
        Project.objects.update(policy={"target_risk": 0.015})

        shown = manager.get(page(project, "targets"), headers={"accept-language": "de"}).content.decode()

        assert 'name="wrong" min="0.05" max="50" step="any" value="1.5"' in shown


class TestPeople:
    def test_are_qualified_and_disqualified(
        self, manager: Client, project: Project, ada: User, bob: User, otto: User, mallory: User
    ) -> None:
        shown = [ada.pk, bob.pk, otto.pk, mallory.pk]

        manager.post(page(project, "people"), {"shown": shown, "chosen": [bob.pk, otto.pk, mallory.pk]})

        allowed = Qualification.objects.filter(domain="aerial").values_list("person__username", flat=True)
        assert set(allowed) == {"bob", "otto", "mallory"}  # mallory's is her own organisation's
        assert Qualification.objects.get(person=otto).granted_by == otto
        assert not Qualification.objects.filter(person=mallory, granted_by=otto).exists()

    def test_who_were_not_shown_stay_as_they_are(
        self, manager: Client, project: Project, ada: User, bob: User
    ) -> None:
        manager.post(page(project, "people"), {"shown": [bob.pk], "chosen": []})

        assert Qualification.objects.filter(person=ada).exists()
        assert not Qualification.objects.filter(person=bob).exists()

    def test_are_invited_by_a_link_that_works_once(self, manager: Client, project: Project) -> None:
        invited = manager.post(
            page(project, "people/invite"), {"username": "vera", "name": "Vera", "role": "annotator"}
        )
        vera = User.objects.get(username="vera")
        (link,) = set(re.findall(r"/join/[^/\"<\s]+/", invited.content.decode()))
        guest = Client()

        assert (
            link.split(":")[0] == invitation_path(vera).split(":")[0]
        )  # the rest is the second it was made in
        assert Qualification.objects.filter(person=vera, domain="aerial").exists()
        assert guest.post(link, {"password": "short", "again": "short"}).status_code == 422
        assert guest.post(link, {"password": "long enough 1", "again": "other"}).status_code == 422
        answer = guest.post(link, {"password": "long enough 1", "again": "long enough 1"})
        assert answer.status_code == 302
        assert guest.get("/feed/").status_code == 200
        assert Client().get(link).status_code == 410
        assert Client().get("/join/nonsense/").status_code == 410

    def test_cannot_be_made_administrators_or_twice(
        self, manager: Client, project: Project, ada: User
    ) -> None:
        powerful = {"username": "eve", "name": "", "role": Role.ADMINISTRATOR.value}

        assert manager.post(page(project, "people/invite"), powerful).status_code == 422
        again = {"username": "ADA", "name": "", "role": "annotator"}
        assert manager.post(page(project, "people/invite"), again).status_code == 422
        assert User.objects.filter(username__iexact="ada").count() == 1

    def test_are_found_by_name(self, manager: Client, project: Project, ada: User, bob: User) -> None:
        shown = manager.get(page(project, "people") + "?q=bo").content.decode()

        assert 'value="ada"' not in shown
        assert f'id="person-{bob.pk}"' in shown
        assert f'id="person-{ada.pk}"' not in shown


class TestStart:
    @pytest.fixture
    def ready(self, manager: Client, project: Project, pictures: Path, ada: User) -> Project:
        send(manager, project, *(uploaded(p) for p in pictures.iterdir()))
        return project

    def test_opens_every_scene_without_an_engine(self, manager: Client, ready: Project) -> None:
        begun = manager.post(page(ready, "start"), {"proposer": "people", "smallest_px": "16"})
        run = Run.objects.get()
        end = manager.post(begun.headers["Location"])

        assert (run.state, run.claimed_by) == (Run.State.RUNNING, BY_HAND)
        assert end.headers["Location"] == page(ready, "started")
        run.refresh_from_db()
        assert run.state == Run.State.DONE
        assert Dataset.objects.get().state == Dataset.State.OPEN
        assert Tile.objects.values("scene").distinct().count() == 3
        assert Assignment.objects.filter(state="open").count() == Tile.objects.count()
        assert set(Microtask.objects.values_list("kind", flat=True)) == {"coverage_tile"}
        assert Event.objects.filter(kind="dataset_started").count() == 1

    def test_goes_on_where_it_was_stopped(self, ready: Project, otto: User) -> None:
        run = start(dataset=Dataset.objects.get(), how=Start(16), by=otto)

        first = open_some(run, seconds=0.0)
        done = open_some(run, seconds=10.0)
        again = open_some(run, seconds=10.0)

        assert (first.done, done.done, again.done, done.finished) == (0, 3, 3, True)
        assert Assignment.objects.count() == Tile.objects.count()

    def test_again_opens_what_was_added(
        self, manager: Client, ready: Project, pictures: Path, otto: User, tmp_path: Path
    ) -> None:
        open_some(start(dataset=Dataset.objects.get(), how=Start(16), by=otto), seconds=10.0)
        late = tmp_path / "late.png"
        Image.new("RGB", (64, 48), "green").save(late)
        send(manager, ready, uploaded(late))
        assert opened(Dataset.objects.get()).finished is False

        open_some(start(dataset=Dataset.objects.get(), how=Start(16), by=otto), seconds=10.0)

        assert opened(Dataset.objects.get()).finished is True

    def test_with_a_model_waits_for_an_engine(self, manager: Client, ready: Project, mallory: User) -> None:
        model = ModelVersion.objects.create(project=ready, name="ours", sha256="1", ref={})
        foreign = Project.objects.create(organisation=mallory.organisation, name="x", domain="y")  # type: ignore[misc]
        theirs = ModelVersion.objects.create(project=foreign, name="theirs", sha256="2", ref={})

        manager.post(page(ready, "start"), {"proposer": str(model.pk), "smallest_px": "48"})
        run = Run.objects.get()
        shown = manager.get(f"/projects/{ready.pk}/setup/opening/{run.pk}/").content.decode()

        assert (run.state, run.model, run.options["split"]["object_px"]) == (Run.State.WAITING, model, 48.0)
        assert "run_engine" in shown
        assert "theirs" not in manager.get(page(ready, "start")).content.decode()
        assert theirs.runs.count() == 0

    def test_needs_pictures(self, manager: Client, project: Project) -> None:
        answer = manager.post(page(project, "start"), {"proposer": "people", "smallest_px": "16"})

        assert b"There are no pictures yet." in answer.content
        assert not Run.objects.exists()

    def test_warns_when_nobody_may_work(self, manager: Client, ready: Project) -> None:
        Qualification.objects.all().delete()

        assert b"Nobody may work on it yet" in manager.get(page(ready, "start")).content

    def test_makes_a_project_that_cannot_be_discarded(self, manager: Client, ready: Project) -> None:
        manager.post(page(ready, "start"), {"proposer": "people", "smallest_px": "16"})

        assert b"has been started" in manager.get(page(ready, "discard")).content
        manager.post(page(ready, "discard"))

        assert Project.objects.filter(pk=ready.pk).exists()


class TestDrafts:
    @pytest.mark.django_db(transaction=True)
    def test_are_discarded_with_their_pictures_after_asking(
        self, manager: Client, project: Project, pictures: Path, media: Path
    ) -> None:
        send(manager, project, uploaded(pictures / "a.png"))
        stored = media / Scene.objects.get().file

        assert b"Discard Trees?" in manager.get(page(project, "discard")).content
        assert stored.exists()
        manager.post(page(project, "discard"))

        assert not Project.objects.exists()
        assert not stored.exists()

    def test_are_listed_as_such(self, manager: Client, project: Project, dataset: Dataset) -> None:
        assert b'<span class="tag draft">draft</span>' in manager.get("/projects/").content
        Dataset.objects.update(state=Dataset.State.OPEN)
        assert b'<span class="tag running">running</span>' in manager.get("/projects/").content
        Project.objects.update(paused=True)
        assert b'<span class="tag paused">paused</span>' in manager.get("/projects/").content

    def test_are_renamed(self, manager: Client, project: Project) -> None:
        manager.post(page(project, "name"), {"name": "Oaks", "domain": "forest"})

        project.refresh_from_db()
        assert (project.name, project.domain) == ("Oaks", "forest")


class TestGuards:
    @pytest.mark.parametrize(
        "step", ["name", "pictures", "classes", "guideline", "targets", "people", "start", "discard"]
    )
    def test_only_managers_may_set_up(
        self, client: Client, project: Project, ada: User, olga: User, step: str
    ) -> None:
        for person in (ada, olga):
            client.force_login(person)
            assert client.get(page(project, step)).status_code == 403

    def test_versions_are_never_changed(self, manager: Client, project: Project) -> None:
        before = GuidelineVersion.objects.get()
        manager.post(page(project, "guideline"), {"text": "Other rules.", "examples": "[]"})

        assert GuidelineVersion.objects.get(pk=before.pk).text == before.text
        assert project.guidelines.latest("version").created_at - timezone.now() < timedelta(seconds=60)
