"""What an object teaches about those who judged it: once, by how it was settled last."""

from typing import Any

import numpy as np
import pytest
from django.db import transaction
from django.utils import timezone

from routing.outcomes import Outcome
from routing.track_record import TrackRecord, replay
from webapp.labeling.book import Book
from webapp.labeling.intake import open_scene
from webapp.labeling.lifecycle import settle
from webapp.labeling.models import AnnotatorRecord, Event, SceneObject
from webapp.labeling.planned import PlannedObject, PlannedTile
from webapp.ops.appeals import decide_appeal
from webapp.people.models import Appeal, User
from webapp.pipeline.models import Run
from webapp.projects.models import Project
from webapp.scenes.models import Dataset, Scene

BOX = [10.0, 10.0, 40.0, 40.0]


@pytest.fixture
def item(project: Project, dataset: Dataset, ada: User, bob: User) -> SceneObject:
    """An object that ada called right and that bob drew."""
    scene = Scene.objects.create(dataset=dataset, name="a", sha256="0" * 64, file="x", width=200, height=200)
    run = Run.objects.create(project=project, dataset=dataset, kind="prelabel", state=Run.State.DONE)
    whole = (0, 0, 200, 200)
    with transaction.atomic():
        open_scene(
            run, scene, [PlannedTile("t", whole, whole)], [PlannedObject(BOX, 0, 0.6, 0.9, "t")], now=timezone.now(),
            rng=np.random.default_rng(0),
        )  # fmt: skip
    row = SceneObject.objects.get()
    row.evidence = [
        {"annotator": ada.pk, "kind": "verify_box", "verdict": "ok", "version": 1, "box": BOX, "seconds": 2.0},
        {"annotator": bob.pk, "kind": "fix_box", "verdict": "drawn", "version": 1, "box": BOX, "seconds": 9.0},
        {"annotator": bob.pk, "kind": "verify_box", "verdict": "unsure", "version": 1, "box": BOX, "seconds": 1.0},
    ]  # fmt: skip
    row.save()
    return row


def settled(item: SceneObject, state: str, by: str = "consensus", risk: float = 0.02) -> None:
    with transaction.atomic():
        book = Book(timezone.now())
        book.load_objects([item.pk])
        row = book.objects[item.pk]
        book.load_tiles([row.tile_id])
        settle(book, row, book.tiles[row.tile_id], state, risk=risk, by=by)
        book.settled_tiles = set()
        book.save_objects()
        book.save_rest()


def counts(person: User) -> dict[str, Any]:
    return dict(AnnotatorRecord.objects.get(annotator=person).record["counts"])


class TestTeaching:
    def test_counts_an_answer_once_however_often_the_object_is_settled_the_same_way(
        self, item: SceneObject, ada: User, bob: User
    ) -> None:
        settled(item, "accepted")
        before = counts(ada), counts(bob)

        settled(item, "accepted")

        assert (counts(ada), counts(bob)) == before
        assert Event.objects.filter(kind="outcome").count() == 2

    @pytest.mark.parametrize("first", ["accepted", "rejected", "undecidable"])
    @pytest.mark.parametrize("by", ["consensus", "specialist"])
    def test_leaves_what_the_last_settlement_alone_would_have_taught(
        self, item: SceneObject, ada: User, bob: User, first: str, by: str
    ) -> None:
        settled(item, first)
        settled(item, "accepted", by, 0.01)
        twice = counts(ada), counts(bob)
        AnnotatorRecord.objects.all().delete()
        SceneObject.objects.update(evidence=item.evidence)

        settled(item, "accepted", by, 0.01)

        assert (counts(ada), counts(bob)) == twice

    def test_takes_everything_back_where_nobody_can_decide_in_the_end(
        self, item: SceneObject, ada: User, bob: User
    ) -> None:
        settled(item, "accepted")
        assert counts(ada)

        settled(item, "undecidable", "specialist", 1.0)

        assert (counts(ada), counts(bob)) == ({}, {})
        item.refresh_from_db()
        assert not any("taught" in look for look in item.evidence)

    def test_can_be_replayed_from_the_log(self, item: SceneObject, ada: User, bob: User) -> None:
        settled(item, "accepted")
        settled(item, "rejected", "specialist", 0.01)
        settled(item, "accepted", risk=0.04)

        for person in (ada, bob):
            events = Event.objects.filter(annotator=person).order_by("pk")
            said = [(e.kind, Outcome.from_json(e.data)) for e in events if e.kind.startswith("outcome")]
            record = replay(
                [o for kind, o in said if kind == "outcome"], TrackRecord.new("crowd", ["aerial"])
            )
            for kind, outcome in said:
                if kind == "outcome_reverted":
                    record = record.reverted(outcome)
            assert record.to_json() == AnnotatorRecord.objects.get(annotator=person).record
        assert {kind for kind, _ in said} == {"outcome", "outcome_reverted"}

    def test_takes_nothing_from_somebody_who_has_begun_anew_since(
        self, item: SceneObject, ada: User, bob: User, otto: User
    ) -> None:
        settled(item, "accepted")
        appeal = Appeal.objects.create(person=ada, message="please")
        assert decide_appeal(appeal=appeal, granted=True, reply="", by=otto)

        settled(item, "rejected", "specialist", 0.01)

        last = Event.objects.filter(kind="outcome", annotator=ada).latest("pk")
        alone = replay([Outcome.from_json(last.data)], TrackRecord.new("crowd", ["aerial"]))
        assert counts(ada) == alone.to_json()["counts"] != {}
        assert not Event.objects.filter(kind="outcome_reverted", annotator=ada).exists()
        assert Event.objects.filter(kind="outcome_reverted", annotator=bob).exists()
