"""The specialist's desk: what waits, the own record, and pictures of own cases only."""

import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from routing.assignment import Waiting
from routing.outcomes import Outcome
from routing.track_record import replay
from webapp.desk import queue as desk_queue
from webapp.desk.calibration import Calibration, Share, calibration_of
from webapp.desk.queries import own_rulings, record_of
from webapp.desk.queue import waiting_cases
from webapp.labeling import operations
from webapp.labeling.desk_hours import Resting, desk_hours
from webapp.labeling.models import (
    AnnotatorRecord,
    Answer,
    Assignment,
    Lane,
    Microtask,
    SceneObject,
    Tally,
    Tile,
)
from webapp.labeling.operations import Desk
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
        assert record.made_gold == 1


def spent(scene: Scene, person: User, hours: float, ago_h: float = 0.0, kind: str = "adjudicate") -> None:
    minute = timezone.now() - timedelta(hours=ago_h, minutes=1)
    Tally.objects.create(
        dataset=scene.dataset, annotator=person, kind=kind, minute=minute, answers=1, active_s=3600 * hours
    )


class TestHours:
    def test_counts_own_time_on_cases_of_the_last_day_only(self, scene: Scene, olga: User, acme: Any) -> None:
        peer = create_person(organisation=acme, username="petra", role=Role.SPECIALIST)
        spent(scene, peer, 2.0)
        spent(scene, olga, 1.0)
        spent(scene, olga, 0.5, ago_h=23)
        spent(scene, olga, 3.0, ago_h=25)
        spent(scene, olga, 3.0, kind="verify_box")

        hours = desk_hours([olga.pk, peer.pk], acme.pk, timezone.now())

        assert (hours[olga.pk].spent, hours[olga.pk].limit, hours[olga.pk].rest) == (1.5, 4.0, False)
        assert hours[peer.pk].spent == 2.0

    @pytest.mark.parametrize(
        ("sent", "limit"),
        [("2.5", 2.5), ("2,5", 2.5), ("0", 0.5), ("99", 3.0), ("nan", 3.0), ("x", 3.0), ("", 3.0)],
    )
    def test_may_be_fewer_but_not_more_than_operations_allow(
        self, client: Client, scene: Scene, olga: User, acme: Any, sent: str, limit: float
    ) -> None:
        Project.objects.update(policy={"desk_hours": 3.0})
        client.force_login(olga)

        client.post("/desk/hours/", {"hours": sent})

        assert desk_hours([olga.pk], acme.pk, timezone.now())[olga.pk].limit == limit

    def test_are_cut_when_operations_allow_less_later(
        self, client: Client, scene: Scene, olga: User, acme: Any
    ) -> None:
        client.force_login(olga)
        client.post("/desk/hours/", {"hours": "3.5"})
        Project.objects.update(policy={"desk_hours": 2.0})

        assert desk_hours([olga.pk], acme.pk, timezone.now())[olga.pk].limit == 2.0

    def test_ask_for_rest_when_they_are_over(self, client: Client, scene: Scene, olga: User) -> None:
        client.force_login(olga)

        assert "please rest" not in client.get("/desk/").content.decode()
        spent(scene, olga, 4.0)
        assert "please rest" in client.get("/desk/").content.decode()


class TestResting:
    def test_offers_everything_but_cases_to_whoever_has_ruled_long_enough(
        self, scene: Scene, olga: User, acme: Any
    ) -> None:
        peer = create_person(organisation=acme, username="petra", role=Role.SPECIALIST)
        spent(scene, olga, 4.0)
        people = [Waiting(p.pk, "specialist") for p in (olga, peer)]

        tired, fresh = Resting().without_cases(people, acme.pk, timezone.now())

        assert tired.kinds is not None
        assert "adjudicate" not in tired.kinds and "verify_box" in tired.kinds
        assert fresh.kinds is None

    def test_keeps_people_at_the_kind_they_stay_with(self, scene: Scene, olga: User, acme: Any) -> None:
        spent(scene, olga, 4.0)
        person = Waiting(olga.pk, "specialist", kinds=frozenset(["adjudicate"]))

        (tired,) = Resting().without_cases([person], acme.pk, timezone.now())

        assert tired.kinds == frozenset()

    def test_lets_simulated_people_go_on(self, scene: Scene, olga: User, acme: Any) -> None:
        spent(scene, olga, 9.0)
        person = Waiting(olga.pk, "specialist", simulated=True)

        assert Resting().without_cases([person], acme.pk, timezone.now()) == [person]

    def test_reads_once_and_nothing_for_the_crowd(
        self, scene: Scene, olga: User, ada: User, acme: Any, django_assert_num_queries: Any
    ) -> None:
        resting, now = Resting(), timezone.now()
        with django_assert_num_queries(0):
            resting.without_cases([Waiting(ada.pk)], acme.pk, now)
        resting.without_cases([Waiting(olga.pk, "specialist")], acme.pk, now)
        with django_assert_num_queries(0):
            resting.without_cases([Waiting(olga.pk, "specialist")], acme.pk, now)

    def test_holds_in_the_feed(self, scene: Scene, olga: User) -> None:
        User.objects.filter(pk=olga.pk).update(tier="specialist")
        olga.refresh_from_db()
        add_case(scene)
        desk = Desk(olga, "s", Waiting(olga.pk, olga.tier, frozenset(["aerial"])))
        spent(scene, olga, 5.0)

        with transaction.atomic():
            tired = operations.lease([desk], now=timezone.now(), rng=np.random.default_rng(0))
        Tally.objects.all().delete()
        with transaction.atomic():
            fresh = operations.lease([desk], now=timezone.now(), rng=np.random.default_rng(0))

        assert tired.offers == {} and olga.pk in tired.idle
        assert len(fresh.offers[olga.pk]) == 1


class TestCalibration:
    def ruled(self, scene: Scene, person: User, item: SceneObject, **value: Any) -> Answer:
        answer = rule(scene, person, ruling(**value))
        Microtask.objects.filter(pk=answer.microtask_id).update(object=item)
        return answer

    @pytest.fixture
    def item(self, scene: Scene) -> SceneObject:
        tile = Tile.objects.create(scene=scene, x=0, y=0, w=64, h=48, halo=0)
        return SceneObject.objects.create(
            scene=scene, tile=tile, label=0, box=BOX, source="model", state="accepted"
        )

    def measured(self, person: User) -> Calibration:
        return calibration_of(person, own_rulings(person))

    @pytest.mark.parametrize(
        ("second", "agreed"),
        [
            ({}, (1, 1)),
            ({"xyxy": [10.0, 10.0, 30.0, 31.0]}, (1, 1)),
            ({"xyxy": [10.0, 10.0, 30.0, 60.0]}, (0, 1)),
            ({"class": 1}, (0, 1)),
            ({"ruling": "reject", "xyxy": None, "class": None}, (0, 1)),
            ({"ruling": "undecidable", "xyxy": None, "class": None}, (0, 0)),
        ],
    )
    def test_compares_with_others_who_ruled_on_the_same_object(
        self, scene: Scene, olga: User, acme: Any, item: SceneObject, second: dict[str, Any], agreed: Any
    ) -> None:
        peer = create_person(organisation=acme, username="petra", role=Role.SPECIALIST)
        self.ruled(scene, olga, item)
        rule(scene, peer, ruling())  # about another case
        self.ruled(scene, peer, item, **second)

        found = self.measured(olga).agreed

        assert (found.n, found.of) == agreed

    @pytest.mark.parametrize(
        ("now", "overturned"),
        [
            ({}, 0), ({"state": "rejected"}, 1), ({"label": 1}, 1), ({"box": [0.0, 0.0, 9.0, 9.0]}, 1),
            ({"state": "undecidable"}, 1),
        ],
    )  # fmt: skip
    def test_follows_what_became_of_the_object(
        self, scene: Scene, olga: User, item: SceneObject, now: dict[str, Any], overturned: int
    ) -> None:
        answer = self.ruled(scene, olga, item)
        SceneObject.objects.update(settled_at=answer.created_at)
        assert self.measured(olga).overturned == Share(0, 0), "its own settlement"

        SceneObject.objects.update(settled_at=answer.created_at + timedelta(minutes=1), **now)

        assert self.measured(olga).overturned == Share(overturned, 1)
        assert self.measured(olga).stood == Share(1 - overturned, 1)

    def test_counts_control_tasks_of_every_kind(self, olga: User) -> None:
        right = Outcome("verify_box", "aerial", 0, "ok", "good", gold=True)
        wrong = Outcome("fix_box", "aerial", 0, "drawn", "geometry", gold=True)
        record = replay([right, right, wrong])
        AnnotatorRecord.objects.create(annotator=olga, record=record.to_json())

        assert self.measured(olga).gold == Share(2, 3)

    def test_names_the_usual_time(self, scene: Scene, olga: User) -> None:
        assert self.measured(olga).median_s is None
        for seconds in (5.0, 7.0, 90.0):
            answer = rule(scene, olga, ruling())
            Answer.objects.filter(pk=answer.pk).update(active_s=seconds)

        assert self.measured(olga).median_s == 7.0


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
