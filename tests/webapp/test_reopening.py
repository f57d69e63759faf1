"""Opening settled work again: one object, or those of a data set that a query finds; and an object's history."""

from typing import Any

import numpy as np
import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from routing.belief import Belief
from routing.policy import RoutingPolicy
from routing.redundancy import ObjectCase
from webapp.labeling.intake import open_scene
from webapp.labeling.models import Assignment, Event, Microtask, ObjectVersion, Refinement, SceneObject, Tile
from webapp.labeling.planned import PlannedObject, PlannedTile
from webapp.ops.history import object_page, path_of, said
from webapp.ops.reopening import at_stake, reopen_objects
from webapp.ops.selection import Query, matching
from webapp.people.models import Role, User
from webapp.pipeline.models import Run
from webapp.projects.models import Project
from webapp.projects.operations import new_guideline_version
from webapp.scenes.models import Dataset, Scene

BOX = [10.0, 10.0, 40.0, 40.0]


@pytest.fixture
def items(project: Project, dataset: Dataset, ada: User) -> list[SceneObject]:
    """Six accepted objects of a finished dataset, which ada has looked at; risks of 1 to 6 %."""
    scene = Scene.objects.create(dataset=dataset, name="a", sha256="0" * 64, file="x", width=200, height=200)
    run = Run.objects.create(project=project, dataset=dataset, kind="prelabel", state=Run.State.DONE)
    whole = (0, 0, 200, 200)
    planned = [PlannedObject(BOX, n % 2, 0.6, 0.9, "t") for n in range(6)]
    with transaction.atomic():
        open_scene(
            run,
            scene,
            [PlannedTile("t", whole, whole)],
            planned,
            now=timezone.now(),
            rng=np.random.default_rng(0),
        )
    Microtask.objects.update(state=Microtask.State.RESOLVED)
    Assignment.objects.update(state=Assignment.State.WITHDRAWN)
    Tile.objects.update(state=Tile.State.COMPLETE)
    rows = list(SceneObject.objects.order_by("pk"))
    for n, row in enumerate(rows, start=1):
        row.state, row.settled_by, row.settled_at = (
            "accepted",
            "machine" if n % 2 else "consensus",
            timezone.now(),
        )
        row.queued_at, row.risk, row.touched = None, n / 100, [ada.pk]
        row.evidence = [
            {"annotator": ada.pk, "kind": "grid_verify", "verdict": "ok", "version": 1, "box": BOX}
        ]
        row.save()
    Dataset.objects.update(state=Dataset.State.DONE, done_at=timezone.now())
    return rows


class TestGuidelineChange:
    def test_says_how_many_objects_are_in_doubt_and_what_asking_again_takes(
        self, client: Client, items: list[SceneObject], project: Project, olga: User
    ) -> None:
        SceneObject.objects.filter(pk=items[0].pk).update(state="rejected")
        new_guideline_version(project=project, text="Crowns only.", examples=[], created_by=olga)
        policy = RoutingPolicy.from_json(project.policy)

        (stake,) = at_stake(project)

        assert (stake.objects, stake.more) == (5, False)
        assert stake.seconds == pytest.approx(5 * policy.expected_s["verify_box"])
        assert stake.cost == pytest.approx(stake.seconds / 3600 * policy.wage_per_hour["crowd"])
        olga.role = Role.MANAGER
        olga.save()
        client.force_login(olga)
        page = client.get(reverse("setup:guideline", args=[project.pk])).content.decode()
        assert "5 objects." in page
        assert f"/datasets/{stake.dataset.pk}/reopen/" in page

    def test_names_no_data_set_without_accepted_objects(
        self, items: list[SceneObject], project: Project
    ) -> None:
        SceneObject.objects.update(state="rejected")

        assert at_stake(project) == []


def again(rows: list[SceneObject], by: User, way: str = "again") -> Any:
    return reopen_objects([row.pk for row in rows], way=way, note="look closer", by=by, now=timezone.now())


class TestReopening:
    def test_asks_somebody_who_has_not_seen_the_object(
        self, items: list[SceneObject], otto: User, ada: User, bob: User
    ) -> None:
        done = again(items[:1], otto)

        task = Microtask.objects.get(object=items[0], state="open")
        items[0].refresh_from_db()
        assert (done.opened, done.skipped) == (1, 0)
        assert (task.kind, task.tier, task.reason) == ("verify_box", "crowd", "re-opened: look closer")
        assert ada.pk in task.excluded
        assert bob.pk not in task.excluded
        assert (items[0].state, items[0].settled_by, items[0].settled_at) == ("asked", "", None)
        assert Assignment.objects.filter(microtask=task, state="open").count() == 1

    def test_opens_the_tile_and_the_finished_dataset(
        self, items: list[SceneObject], otto: User, bob: User
    ) -> None:
        again(items[:1], otto)

        dataset = Dataset.objects.get()
        assert (dataset.state, dataset.done_at) == (Dataset.State.OPEN, None)
        assert Tile.objects.get().state == Tile.State.WAITING

    def test_is_logged_with_who_and_why(self, items: list[SceneObject], otto: User, bob: User) -> None:
        again(items[:1], otto)

        event = Event.objects.get(kind="reopened")
        assert (event.annotator_id, event.object_id) == (otto.pk, items[0].pk)
        assert event.data == {"way": "again", "note": "look closer", "was": "accepted", "by": "machine"}

    def test_twice_changes_nothing(self, items: list[SceneObject], otto: User, bob: User) -> None:
        again(items, otto)

        done = again(items, otto)

        assert (done.opened, done.skipped) == (0, 6)
        assert Microtask.objects.filter(state="open").count() == 6

    def test_leaves_alone_what_nobody_is_left_to_judge(self, items: list[SceneObject], otto: User) -> None:
        done = again(items, otto)

        assert (done.opened, done.skipped) == (0, 6)
        assert Dataset.objects.get().state == Dataset.State.DONE

    def test_may_ask_a_specialist(self, items: list[SceneObject], otto: User, olga: User) -> None:
        again(items[:2], otto, "specialist")

        kinds = Microtask.objects.filter(state="open").values_list("kind", "tier")
        assert set(kinds) == {("adjudicate", "specialist")}

    def test_never_touches_another_organisation(
        self, items: list[SceneObject], mallory: User, bob: User
    ) -> None:
        done = again(items, mallory)

        assert done.opened == 0
        assert not SceneObject.objects.exclude(state="accepted").exists()


class TestQuery:
    def test_narrows_by_class_risk_and_who_settled(self, items: list[SceneObject]) -> None:
        dataset = Dataset.objects.get()

        assert matching(dataset, Query()).count() == 6
        assert matching(dataset, Query(label=1)).count() == 3
        assert matching(dataset, Query(by="machine", least_risk=0.03)).count() == 2
        assert matching(dataset, Query(states=("rejected",))).count() == 0
        assert matching(dataset, Query(states=("asked",))).count() == 0

    def test_page_says_how_many_and_what_it_costs_before_it_does_anything(
        self, client: Client, items: list[SceneObject], otto: User, bob: User
    ) -> None:
        client.force_login(otto)
        url = f"/ops/datasets/{Dataset.objects.get().pk}/reopen/"

        shown = client.get(f"{url}?risk=3").content.decode()
        unsure = client.post(url, {"state": "accepted", "risk": "3", "way": "again"})
        assert "4 objects." in shown
        assert "Asking again takes at least" in shown
        assert unsure.status_code == 200
        assert not Microtask.objects.filter(state="open").exists()

        answer = client.post(
            url, {"state": "accepted", "risk": "3", "way": "again", "sure": "1"}, follow=True
        )

        assert b"4 objects are asked about again." in answer.content
        assert Microtask.objects.filter(state="open").count() == 4

    @pytest.mark.parametrize(
        "odd", ["risk=nan", "risk=x", "class=-1", "class=99999999999999999999", "state=asked", "way=all"]
    )
    def test_page_survives_odd_addresses(
        self, client: Client, items: list[SceneObject], otto: User, odd: str
    ) -> None:
        client.force_login(otto)

        assert client.get(f"/ops/datasets/{Dataset.objects.get().pk}/reopen/?{odd}").status_code == 200


class TestHistory:
    def test_tells_everything_in_order(
        self, items: list[SceneObject], otto: User, ada: User, bob: User
    ) -> None:
        row = items[0]
        ObjectVersion.objects.create(object=row, number=2, box=[11.0, 10.0, 40.0, 40.0], label=0, author=bob)
        again([row], otto)

        found = object_page(otto, row.pk)

        assert found is not None
        assert [o.number for o in found.outlines] == [1, 2]
        whats = [e.what for e in found.entries]
        assert whats.count("outline") == 2
        assert whats.count("asked") == 1
        looks = [e for e in found.entries if e.what == "answer"]
        assert [(e.who, e.kind, e.verdict) for e in looks] == [("ada", "grid_verify", "ok")]
        assert found.asked
        assert found.belief is not None
        assert sum(found.belief) == pytest.approx(1.0)
        assert [e.at for e in found.entries] == sorted(e.at for e in found.entries)

    def test_leads_to_the_neighbours(self, items: list[SceneObject], otto: User) -> None:
        first, last = object_page(otto, items[0].pk), object_page(otto, items[-1].pk)

        assert first is not None
        assert last is not None
        assert (first.before, first.after) == (None, items[1].pk)
        assert (last.before, last.after) == (items[-2].pk, None)

    def test_page_shows_a_form_only_for_what_is_settled(
        self, client: Client, items: list[SceneObject], otto: User, bob: User
    ) -> None:
        client.force_login(otto)
        url = f"/ops/objects/{items[0].pk}/"

        assert "Ask again" in client.get(url).content.decode()
        answer = client.post(f"{url}reopen/", {"way": "again", "note": "<b>why</b>"}, follow=True)

        assert "is asked about again" in answer.content.decode()
        assert "Ask again" not in answer.content.decode()
        assert "<b>why</b>" not in answer.content.decode()

    @pytest.mark.parametrize(
        ("outcome", "value", "word"),
        [
            ("unsure", None, "unsure"),
            ("answered", {"verdict": "ok"}, "ok"),
            ("answered", {"ruling": "reject"}, "reject"),
            ("answered", {"xyxy": None, "deleted": True}, "deleted"),
            ("answered", {"xyxy": BOX, "deleted": False}, "drawn"),
        ],
    )
    def test_says_what_an_answer_comes_down_to(
        self, outcome: str, value: dict[str, Any] | None, word: str
    ) -> None:
        assert said(outcome, value) == word

    def test_shows_what_the_object_was_refined_to(
        self, client: Client, items: list[SceneObject], otto: User
    ) -> None:
        ring = [[10.0, 10.0], [40.0, 10.0], [25.0, 40.0]]
        Refinement.objects.create(
            scene=items[0].scene, object=items[0], aspect="outline", kind="fix_polygon", state="settled", risk=0.04,
            settled_by="consensus", value={"shape": {"type": "polygon", "rings": [ring]}},
        )  # fmt: skip
        client.force_login(otto)

        shown = client.get(f"/ops/objects/{items[0].pk}/").content.decode()

        assert 'd="M10.0 10.0L40.0 10.0L25.0 40.0Z"' in shown
        assert "settled, by consensus · 4.0" in shown

    def test_draws_lines_and_visible_joints_only(self) -> None:
        assert path_of({"type": "polyline", "points": [[1, 2], [3, 4]]}) == "M1.0 2.0L3.0 4.0"
        assert path_of({"type": "keypoints", "points": {"a": [1, 2, 2], "b": [0, 0, 0]}}) == "M1.0 2.0h0"
        assert (
            path_of({"type": "cuboid", "center": [0, 0, 0], "dims": [1, 1, 1], "yaw": 0})
            == path_of(None)
            == ""
        )

    def test_believes_what_the_case_says(self) -> None:
        case = ObjectCase(Belief.of_model(0.6, 0.9), cls=0, size_px=30)

        assert ObjectCase.from_json(case.to_json()).belief == case.belief
