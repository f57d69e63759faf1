"""The specialists' queue: what a case is about, and what it weighs while the rest of its scene settles."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from django.db import transaction
from django.utils import timezone

from routing.assignment import Waiting
from webapp.labeling import janitors, operations
from webapp.labeling.book import Book
from webapp.labeling.escalations import REST, Scales, of_object, of_refinement, unsettled_in
from webapp.labeling.intake import open_scene
from webapp.labeling.lifecycle import escalate, fulfil_wishes
from webapp.labeling.models import Assignment, Event, Microtask, Refinement, SceneObject
from webapp.labeling.operations import Ack, Desk, Submission
from webapp.labeling.planned import PlannedObject, PlannedTile
from webapp.people.models import Organisation, Role, Tier, User
from webapp.people.operations import create_person
from webapp.pipeline.models import Run
from webapp.projects.models import Project
from webapp.scenes.models import Dataset, Scene

BOX = [10.0, 10.0, 40.0, 40.0]


def opened(dataset: Dataset, name: str, objects: int) -> list[SceneObject]:
    """A scene with so many undecided objects."""
    scene = Scene.objects.create(
        dataset=dataset, name=name, sha256=name * 64, file="x", width=200, height=200
    )
    run = Run.objects.create(project=dataset.project, dataset=dataset, kind="prelabel")
    whole = (0, 0, 200, 200)
    with transaction.atomic():
        open_scene(
            run, scene, [PlannedTile("t", whole, whole)], [PlannedObject(BOX, 0, 0.6, 0.9, "t") for _ in range(objects)],
            now=timezone.now(), rng=np.random.default_rng(0),
        )  # fmt: skip
    Microtask.objects.update(state=Microtask.State.RESOLVED)
    Assignment.objects.update(state=Assignment.State.WITHDRAWN)
    return list(SceneObject.objects.filter(scene=scene).order_by("pk"))


def escalated(*rows: SceneObject) -> list[Microtask]:
    with transaction.atomic():
        book = Book(timezone.now())
        book.load_objects([row.pk for row in rows])
        book.load_tiles([row.tile_id for row in rows])
        for row in book.objects.values():
            escalate(book, row, book.tiles[row.tile_id], tier="specialist", reason="disputed")
        book.save_objects()
        fulfil_wishes(book)
        book.save_rest()
    return list(Microtask.objects.filter(object__in=rows, kind="adjudicate", state="open").order_by("object"))


def look(verdict: str, version: int = 1) -> dict[str, Any]:
    return {"annotator": 1, "kind": "verify_box", "verdict": verdict, "version": version, "box": BOX}


class TestWeight:
    def test_is_shared_among_all_that_a_scene_still_waits_for(self, dataset: Dataset, olga: User) -> None:
        alone, crowded = opened(dataset, "a", 1), opened(dataset, "b", 4)

        (first,) = escalated(*alone)
        (second,) = escalated(crowded[0])

        assert first.value == first.secret["stake"] > 0
        assert second.value == pytest.approx(second.secret["stake"] / 4)

    def test_counts_refinements_of_the_scene_too(self, dataset: Dataset) -> None:
        (row,) = opened(dataset, "a", 1)
        Refinement.objects.create(scene=row.scene, object=row, aspect="outline", kind="fix_polygon")
        Refinement.objects.create(
            scene=row.scene, object=row, aspect="attributes", kind="attributes", state="settled"
        )

        assert unsettled_in([row.scene_id]) == {row.scene_id: 2}

    def test_grows_as_the_rest_of_the_scene_settles(self, dataset: Dataset, olga: User) -> None:
        rows = opened(dataset, "a", 4)
        (task,) = escalated(rows[0])
        SceneObject.objects.filter(pk__in=[r.pk for r in rows[1:]]).update(state="accepted")

        assert janitors.weigh_cases_again(timezone.now()) == 1

        task.refresh_from_db()
        assert task.value == pytest.approx(task.secret["stake"])
        assert janitors.weigh_cases_again(timezone.now()) == 0

    def test_is_looked_at_again_only_after_a_rest(self, dataset: Dataset, olga: User) -> None:
        rows = opened(dataset, "a", 4)
        escalated(rows[0])
        now, scales = timezone.now(), Scales()
        assert janitors.weigh_cases_again(now, scales) == 0
        SceneObject.objects.filter(pk__in=[r.pk for r in rows[1:]]).update(state="accepted")

        assert janitors.weigh_cases_again(now + REST / 2, scales) == 0
        assert janitors.weigh_cases_again(now + REST, scales) == 1

    def test_says_which_case_the_feed_offers_first(self, dataset: Dataset, olga: User) -> None:
        User.objects.filter(pk=olga.pk).update(tier=Tier.SPECIALIST)
        olga.refresh_from_db()
        busy, alone = opened(dataset, "a", 6), opened(dataset, "b", 1)
        (later,), (first,) = escalated(busy[0]), escalated(*alone)

        with transaction.atomic():
            desk = Desk(olga, "s", Waiting(olga.pk, olga.tier, frozenset(["aerial"]), want=2))
            leased = operations.lease(
                [desk], now=timezone.now() + timedelta(seconds=1), rng=_never_explores()
            )

        assert [row.microtask_id for row in leased.offers[olga.pk]] == [first.pk, later.pk]


def _never_explores() -> Any:
    class Rng(np.random.Generator):
        def random(self, *args: Any, **kwargs: Any) -> Any:
            return 0.999

    return Rng(np.random.PCG64(0))


class TestDispute:
    def test_is_between_the_verdicts_about_the_present_outline(self, dataset: Dataset) -> None:
        (row,) = opened(dataset, "a", 1)
        row.version = 2
        row.evidence = [
            *(look("not_object") for _ in range(5)), look("drawn", 2), look("ok", 2), look("geometry", 2), look("ok", 2),
        ]  # fmt: skip

        assert of_object(row) == "geometry / ok"

    def test_is_what_is_most_in_doubt_where_people_gave_no_two_verdicts(self, dataset: Dataset) -> None:
        (row,) = opened(dataset, "a", 1)

        assert of_object(row) == "right or not"

    def test_of_a_refinement_names_its_aspect_or_the_two_classes(self, project: Project) -> None:
        said = [{"value": {"class": n}} for n in (3, 12, 12, 3, 7, None)]

        assert of_refinement(Refinement(aspect="class", case={"said": said})) == "class:3/12"
        assert of_refinement(Refinement(aspect="class", case={"said": said[:1]})) == "class"
        assert of_refinement(Refinement(aspect="outline", case={"said": said})) == "outline"
        assert of_refinement(Refinement(aspect="same:17", case={"said": []})) == "same"

    def test_is_kept_with_the_case(self, dataset: Dataset, olga: User) -> None:
        (row,) = opened(dataset, "a", 1)
        row.evidence = [look("ok"), look("not_object")]
        row.save()

        (task,) = escalated(row)

        assert (task.secret["dispute"], task.secret["label"]) == ("not_object / ok", 0)


class TestSecondReading:
    """A ruling is read by a second specialist before it stands, and by a third where two differ."""

    NEAR, FAR = [10.0, 10.0, 40.0, 39.0], [10.0, 10.0, 40.0, 20.0]

    @pytest.fixture
    def readers(self, acme: Organisation, olga: User) -> list[User]:
        more = [
            create_person(organisation=acme, username=name, role=Role.SPECIALIST, domains=["aerial"])
            for name in ("petra", "quentin")
        ]
        return [olga, *more]

    @pytest.fixture
    def row(self, dataset: Dataset, readers: list[User]) -> SceneObject:
        Project.objects.update(policy={"second_read_share": 1.0})
        dataset.refresh_from_db()
        (row,) = opened(dataset, "a", 1)
        escalated(row)
        return row

    def rule(self, row: SceneObject, people: list[User], box: list[float] | None) -> User:
        """Let whoever of these is offered the case rule; return who did."""
        now = timezone.now() + timedelta(seconds=1)
        with transaction.atomic():
            desks = [Desk(p, str(p.pk), Waiting(p.pk, p.tier, frozenset(["aerial"]), want=1)) for p in people]
            leased = operations.lease(desks, now=now, rng=_never_explores())
            held = next(held for rows in leased.offers.values() for held in rows)
            ruling = {"ruling": "accept" if box else "reject", "xyxy": box, "class": 0 if box else None}
            value = {**ruling, "make_gold": False, "rubric": {}, "note": ""}
            given = Submission(held.annotator, str(uuid4()), held.pk, held.lease, "answered", value, None, {})
            (reply,) = operations.submit_answers([given], now=now)
        assert isinstance(reply, Ack) and reply.status == "accepted"
        assert "rulings" not in held.microtask.payload
        row.refresh_from_db()
        return held.annotator

    def test_two_who_agree_settle_by_the_first_ruling(self, row: SceneObject, readers: list[User]) -> None:
        first = self.rule(row, readers, self.NEAR)
        assert row.state == SceneObject.State.ASKED and row.version == 1

        second = self.rule(row, readers, BOX)

        assert second != first
        assert (row.state, row.settled_by, row.box) == ("accepted", "specialist", self.NEAR)
        assert row.versions.get(number=2).author == first
        told = Event.objects.get(kind="second_reading").data
        assert told == {"readers": [first.pk, second.pk], "agreed": True}

    def test_a_third_decides_where_two_differ(self, row: SceneObject, readers: list[User]) -> None:
        heard = [self.rule(row, readers, box) for box in (BOX, None)]
        assert row.state == SceneObject.State.ASKED

        heard.append(self.rule(row, readers, None))

        assert len(set(heard)) == 3
        assert (row.state, row.settled_by) == ("rejected", "specialist")

    def test_without_anybody_left_the_ruling_stands(self, row: SceneObject, readers: list[User]) -> None:
        User.objects.exclude(pk=readers[0].pk).update(is_active=False)

        self.rule(row, readers[:1], self.FAR)

        assert (row.state, row.box) == ("accepted", self.FAR)
        assert not Microtask.objects.filter(state="open", kind="adjudicate").exists()

    def test_is_not_asked_for_where_the_project_does_not_want_it(
        self, dataset: Dataset, readers: list[User]
    ) -> None:
        (row,) = opened(dataset, "a", 1)
        escalated(row)

        self.rule(row, readers, BOX)

        assert row.state == "accepted"
        assert not Event.objects.filter(kind="second_reading").exists()
