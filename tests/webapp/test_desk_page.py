"""The specialist's desk: what waits, the own record, and pictures of own cases only."""

import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from webapp.desk.queries import focused_s, outcome_of, own_rulings, record_of, waiting_cases
from webapp.labeling.models import Answer, Assignment, Microtask
from webapp.people.models import Role, User
from webapp.people.operations import create_person
from webapp.projects.models import Project
from webapp.scenes.models import Scene
from webapp.scenes.operations import import_path

BOX = [10.0, 10.0, 30.0, 30.0]


@pytest.fixture
def scene(project: Project, pictures: Path) -> Scene:
    path = pictures / "a.png"
    import_path(path=path, organisation=project.organisation, project_name="Trees", dataset_name="north")
    return Scene.objects.get()


def add_case(scene: Scene, reason: str, state: str = "open", minutes_ago: int = 0) -> Microtask:
    task = Microtask.objects.create(
        project=scene.dataset.project,
        dataset=scene.dataset,
        scene=scene,
        kind="adjudicate",
        domain="aerial",
        state=state,
        reason=reason,
        payload={"view": [0, 0, 48, 48], "object": {"id": 1, "xyxy": BOX, "class": 0}},
    )
    Microtask.objects.filter(pk=task.pk).update(created_at=timezone.now() - timedelta(minutes=minutes_ago))
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
    task = add_case(scene, "disputed", "resolved")
    held = Assignment.objects.create(
        microtask=task, project=task.project, lane="x", state="answered", annotator=person
    )
    return Answer.objects.create(
        assignment=held, microtask=task, annotator=person, outcome=outcome, value=value, active_s=12.0
    )


class TestWaiting:
    def test_groups_open_cases_by_reason_oldest_first(self, scene: Scene, olga: User) -> None:
        add_case(scene, "2 people were unsure", minutes_ago=5)
        add_case(scene, "2 people were unsure")
        add_case(scene, "still unsettled after 5 looks", minutes_ago=60)
        add_case(scene, "settled", "resolved")

        rows = waiting_cases(olga)

        assert [(r.reason, r.project, r.cases) for r in rows] == [
            ("still unsettled after 5 looks", "Trees", 1),
            ("2 people were unsure", "Trees", 2),
        ]

    def test_leaves_out_paused_projects_and_other_organisations(
        self, scene: Scene, olga: User, mallory: User
    ) -> None:
        add_case(scene, "disputed")

        assert waiting_cases(mallory) == []
        Project.objects.update(paused=True)
        assert waiting_cases(olga) == []


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
        add_case(scene, "2 people were <unsure>")
        answer = rule(scene, olga, ruling(note="<b>shadow</b>"))
        client.force_login(olga)

        page = client.get("/desk/").content.decode()

        assert "2 people were &lt;unsure&gt;" in page
        assert "&lt;b&gt;shadow" in page
        assert f"/desk/rulings/{answer.pk}/crop.jpg" in page
        assert 'href="/feed/"' in page

    def test_empty_desk_says_what_will_come(self, client: Client, olga: User) -> None:
        client.force_login(olga)

        page = client.get("/desk/").content.decode()

        assert "Nothing is disputed" in page
        assert "You have not ruled on anything yet" in page

    def test_pictures_are_of_own_cases_only(
        self, client: Client, scene: Scene, olga: User, acme: Any
    ) -> None:
        peer = create_person(organisation=acme, username="petra", role=Role.SPECIALIST)
        own, other = rule(scene, olga, ruling()), rule(scene, peer, ruling())
        client.force_login(olga)

        answer = client.get(f"/desk/rulings/{own.pk}/crop.jpg")

        assert answer.content.startswith(b"\xff\xd8")
        assert client.get(f"/desk/rulings/{other.pk}/crop.jpg").status_code == 404
        assert client.get(f"/desk/rulings/{uuid.uuid4()}/crop.jpg").status_code == 404
