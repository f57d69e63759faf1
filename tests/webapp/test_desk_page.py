"""The specialist's desk: what waits, the own record, and pictures of own cases only."""

import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from webapp.desk import queue as desk_queue
from webapp.desk.queries import focused_s, own_rulings, record_of
from webapp.desk.queue import waiting_cases
from webapp.labeling.models import Answer, Assignment, Lane, Microtask
from webapp.labeling.rulings import outcome_of
from webapp.people.models import Role, User
from webapp.people.operations import create_person
from webapp.projects.models import Project
from webapp.scenes.models import Dataset, Scene
from webapp.scenes.operations import import_path

BOX = [10.0, 10.0, 30.0, 30.0]


@pytest.fixture
def scene(project: Project, pictures: Path) -> Scene:
    path = pictures / "a.png"
    import_path(path=path, organisation=project.organisation, project_name="Trees", dataset_name="north")
    return Scene.objects.get()


def add_case(
    scene: Scene,
    *,
    reason: str = "disputed",
    state: str = "open",
    minutes_ago: int = 0,
    dispute: str = "geometry / ok",
    value: float = 0.2,
    label: int = 0,
    kind: str = "adjudicate",
) -> Microtask:
    """A case for specialists, with its open assignment while it is open."""
    project, lane = scene.dataset.project, f"{kind}/aerial/specialist"
    task = Microtask.objects.create(
        project=project, dataset=scene.dataset, scene=scene, kind=kind, domain="aerial", tier="specialist", state=state,
        reason=reason, value=value, secret={"dispute": dispute, "label": label, "stake": value},
        payload={"view": [0, 0, 48, 48], "object": {"id": 1, "xyxy": BOX, "class": label}},
    )  # fmt: skip
    Microtask.objects.filter(pk=task.pk).update(created_at=timezone.now() - timedelta(minutes=minutes_ago))
    if state == "open":
        Lane.objects.get_or_create(project=project, key=lane)
        Assignment.objects.create(microtask=task, project=project, lane=lane)
    return task


def ruling(value: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    return {
        "ruling": "accept",
        "xyxy": BOX,
        "class": 0,
        "make_gold": False,
        "rubric": {},
        "note": "",
    } | changes


def rule(scene: Scene, person: User, value: dict[str, Any] | None, outcome: str = "answered") -> Answer:
    task = add_case(scene, state="resolved")
    held = Assignment.objects.create(
        microtask=task, project=task.project, lane="x", state="answered", annotator=person
    )
    return Answer.objects.create(
        assignment=held, microtask=task, annotator=person, outcome=outcome, value=value, active_s=12.0
    )


class TestWaiting:
    def test_groups_open_cases_by_dispute_the_weightiest_first(self, scene: Scene, olga: User) -> None:
        add_case(scene, dispute="geometry / ok", value=0.1, minutes_ago=5)
        add_case(scene, dispute="geometry / ok", value=0.1)
        add_case(scene, dispute="geometry / ok", value=0.1, label=1)
        add_case(scene, dispute="there or not", value=0.3)
        add_case(scene, dispute="settled", state="resolved")

        queue = waiting_cases(olga, timezone.now())

        assert [(g.dispute, g.about, g.project, g.cases, g.scenes) for g in queue.groups] == [
            ("there or not", "tree", "Trees", 1, 1),
            ("outline wrong / ok", "tree", "Trees", 2, 1),
            ("outline wrong / ok", "car", "Trees", 1, 1),
        ]
        assert queue.cases == 4
        assert queue.oldest == queue.groups[1].oldest

    def test_lets_what_has_waited_long_move_up(self, scene: Scene, olga: User) -> None:
        add_case(scene, dispute="new", value=0.3)
        add_case(scene, dispute="old", value=0.1, minutes_ago=300)

        assert [g.dispute for g in waiting_cases(olga, timezone.now()).groups] == ["old", "new"]

    def test_names_the_classes_that_people_cannot_agree_on(self, scene: Scene, olga: User) -> None:
        add_case(scene, dispute="class:0/1", kind="classify_image", label=0)

        (group,) = waiting_cases(olga, timezone.now()).groups

        assert (group.dispute, group.kind) == ("tree / car", "classify_image")

    def test_counts_all_cases_of_a_lane_and_groups_the_first(
        self, scene: Scene, olga: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(desk_queue, "CASES", 2)
        for _ in range(3):
            add_case(scene, dispute="there or not")

        queue = waiting_cases(olga, timezone.now())

        assert (queue.cases, queue.groups[0].cases) == (3, 2)

    def test_leaves_out_what_is_held_paused_work_and_other_organisations(
        self, scene: Scene, olga: User, mallory: User
    ) -> None:
        task = add_case(scene, dispute="there or not")

        assert waiting_cases(mallory, timezone.now()).cases == 0
        assert waiting_cases(olga, timezone.now()).cases == 1
        Dataset.objects.update(paused=True)
        assert waiting_cases(olga, timezone.now()).cases == 0
        Dataset.objects.update(paused=False)
        Project.objects.update(paused=True)
        assert waiting_cases(olga, timezone.now()).groups == []
        Project.objects.update(paused=False)
        task.assignments.update(state="leased", annotator=olga)
        assert waiting_cases(olga, timezone.now()).groups == []


class TestRecord:
    @pytest.mark.parametrize(
        ("value", "outcome"),
        [
            (ruling(), "kept"),
            (ruling(xyxy=[10.0, 10.0, 30.0, 30.1]), "kept"),
            (ruling(xyxy=[10.0, 10.0, 30.0, 40.0]), "redrawn"),
            (ruling(**{"class": 1}), "reclassified"),
            (ruling(ruling="reject", xyxy=None), "rejected"),
            (ruling(ruling="undecidable", xyxy=None), "undecidable"),
        ],
    )
    def test_says_what_a_ruling_did_to_the_proposal(self, value: dict[str, Any], outcome: str) -> None:
        assert outcome_of("answered", value, {"object": {"xyxy": BOX, "class": 0}}) == outcome
        assert outcome_of("skip", None, {"object": {"xyxy": BOX, "class": 0}}) == "passed"

    def test_sums_up_own_rulings_only(self, scene: Scene, olga: User, acme: Any) -> None:
        peer = create_person(organisation=acme, username="petra", role=Role.SPECIALIST)
        rule(scene, peer, ruling())
        rule(scene, olga, ruling(make_gold=True))
        rule(scene, olga, ruling(xyxy=[0.0, 0.0, 5.0, 5.0]))
        rule(scene, olga, ruling(ruling="reject", xyxy=None))
        rule(scene, olga, ruling(ruling="undecidable", xyxy=None))
        rule(scene, olga, None, "skip")

        record = record_of(own_rulings(olga))

        assert (record.rulings, record.kept, record.overturned, record.undecidable) == (4, 1, 2, 1)
        assert (record.made_gold, record.seconds_per_ruling) == (1, 12.0)

    def test_empty_record_has_no_pace(self, olga: User) -> None:
        assert record_of(own_rulings(olga)).seconds_per_ruling is None


class TestLoad:
    def test_counts_own_time_on_cases_of_the_last_day_only(self, scene: Scene, olga: User, acme: Any) -> None:
        now = timezone.now()
        peer = create_person(organisation=acme, username="petra", role=Role.SPECIALIST)
        rule(scene, peer, ruling())
        rule(scene, olga, ruling())
        rule(scene, olga, None, "skip")
        old = rule(scene, olga, ruling())
        Answer.objects.filter(pk=old.pk).update(created_at=now - timedelta(hours=25))

        assert focused_s(olga, now) == 24.0

    def test_asks_for_rest_after_four_hours(self, client: Client, scene: Scene, olga: User) -> None:
        answer = rule(scene, olga, ruling())
        client.force_login(olga)

        assert "please rest" not in client.get("/desk/").content.decode()
        Answer.objects.filter(pk=answer.pk).update(active_s=4 * 3600.0)
        assert "please rest" in client.get("/desk/").content.decode()


class TestPage:
    def test_shows_cases_rulings_and_the_way_to_the_feed(
        self, client: Client, scene: Scene, olga: User
    ) -> None:
        add_case(scene, dispute="<unsure>")
        answer = rule(scene, olga, ruling(note="<b>shadow</b>"))
        client.force_login(olga)

        page = client.get("/desk/").content.decode()

        assert "&lt;unsure&gt;" in page
        assert "&lt;b&gt;shadow" in page
        assert f"/desk/rulings/{answer.pk}/crop.jpg" in page
        assert 'href="/feed/"' in page

    def test_empty_desk_says_what_will_come(self, client: Client, olga: User) -> None:
        client.force_login(olga)

        page = client.get("/desk/").content.decode()

        assert "Nothing is disputed" in page
        assert "You have not ruled on anything yet" in page

    def test_pictures_are_of_own_cases_and_of_the_own_domains(
        self, client: Client, scene: Scene, olga: User, mallory: User, acme: Any
    ) -> None:
        peer = create_person(organisation=acme, username="petra", role=Role.SPECIALIST)
        own, other = rule(scene, olga, ruling()), rule(scene, peer, ruling())
        client.force_login(olga)

        answer = client.get(f"/desk/rulings/{own.pk}/crop.jpg")

        assert answer.content.startswith(b"\xff\xd8")
        assert client.get(f"/desk/rulings/{other.pk}/crop.jpg").status_code == 200
        assert client.get(f"/desk/rulings/{uuid.uuid4()}/crop.jpg").status_code == 404
        client.force_login(peer)
        assert client.get(f"/desk/rulings/{other.pk}/crop.jpg").status_code == 200
        assert client.get(f"/desk/rulings/{own.pk}/crop.jpg").status_code == 404, "no qualification in aerial"
        client.force_login(mallory)
        assert client.get(f"/desk/rulings/{own.pk}/crop.jpg").status_code == 404
