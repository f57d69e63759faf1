"""Asking again by a query: what it finds, the second manager for many objects, and taking it back."""

from datetime import date, timedelta

import numpy as np
import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from webapp.labeling.intake import open_scene
from webapp.labeling.models import Assignment, Event, Microtask, SceneObject, Tile
from webapp.labeling.planned import PlannedObject, PlannedTile
from webapp.ops import reopen_requests, selection
from webapp.ops.models import Reopening
from webapp.ops.reopen_requests import ask_to_reopen, decide, expire, take_back, waiting_for
from webapp.ops.selection import Query, count, in_words, matching
from webapp.people.models import Organisation, Role, User
from webapp.people.operations import create_person
from webapp.pipeline.models import ModelVersion, Run
from webapp.projects.models import GuidelineVersion, Project
from webapp.projects.operations import new_guideline_version
from webapp.scenes.models import Dataset, Scene

NOW = timezone.now()


@pytest.fixture
def olaf(acme: Organisation) -> User:
    """A second manager."""
    return create_person(organisation=acme, username="olaf", role=Role.MANAGER)


@pytest.fixture
def items(project: Project, dataset: Dataset, ada: User) -> list[SceneObject]:
    """Eight accepted objects of a finished data set, one settled per day until today, which ada has seen."""
    scene = Scene.objects.create(dataset=dataset, name="a", sha256="0" * 64, file="x", width=200, height=200)
    run = Run.objects.create(project=project, dataset=dataset, kind="prelabel", state=Run.State.DONE)
    whole = (0, 0, 200, 200)
    planned = [PlannedObject([10.0, 10.0, 40.0, 40.0], n % 2, 0.6, 0.9, "t") for n in range(8)]
    with transaction.atomic():
        open_scene(
            run, scene, [PlannedTile("t", whole, whole)], planned, now=NOW, rng=np.random.default_rng(0)
        )
    Microtask.objects.update(state=Microtask.State.RESOLVED)
    Assignment.objects.update(state=Assignment.State.WITHDRAWN)
    Tile.objects.update(state=Tile.State.COMPLETE)
    rows = list(SceneObject.objects.order_by("pk"))
    for n, row in enumerate(rows):
        row.state, row.settled_by, row.settled_at = "accepted", "consensus", NOW - timedelta(days=n)
        row.queued_at, row.risk, row.touched = None, (n + 1) / 100, [ada.pk]
        row.save()
    Dataset.objects.update(state=Dataset.State.DONE, done_at=NOW)
    return rows


def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let three objects be the most that one manager may open alone."""
    monkeypatch.setattr(reopen_requests, "ALONE", 3)


class TestSelection:
    def test_narrows_by_person_model_day_and_guideline(
        self, items: list[SceneObject], project: Project, dataset: Dataset, ada: User, bob: User
    ) -> None:
        model = ModelVersion.objects.create(name="m", sha256="1" * 64, ref={})
        SceneObject.objects.filter(pk=items[0].pk).update(model=model, touched=[ada.pk, bob.pk])
        first = GuidelineVersion.objects.get()
        GuidelineVersion.objects.filter(pk=first.pk).update(created_at=NOW - timedelta(days=30))
        second = new_guideline_version(project=project, text="Crowns only.")
        GuidelineVersion.objects.filter(pk=second.pk).update(created_at=NOW - timedelta(days=2, hours=1))
        today = NOW.date()

        def found(query: Query) -> set[int]:
            return {items.index(row) for row in matching(dataset, query)}

        assert found(Query(person=bob.pk)) == {0}
        assert found(Query(person=ada.pk)) == set(range(8))
        assert found(Query(model=model.pk)) == {0}
        assert found(Query(since=today - timedelta(days=1))) == {0, 1}
        assert found(Query(until=today - timedelta(days=6))) == {6, 7}
        assert found(Query(guideline=2)) == {0, 1, 2}
        assert found(Query(guideline=1)) == {3, 4, 5, 6, 7}
        assert found(Query(guideline=1, since=today - timedelta(days=4))) == {3, 4}

    def test_counts_a_part_and_infers_the_rest_of_a_large_data_set(
        self, items: list[SceneObject], dataset: Dataset, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert count(dataset, Query(label=1)) == selection.Count(4)

        monkeypatch.setattr(selection, "LOOKED_AT", 4)
        guess = count(dataset, Query())

        assert guess == selection.Count(8, about=True)

    def test_survives_being_stored(self) -> None:
        query = Query(("rejected",), 3, "machine", 0.1, 7, 8, date(2026, 1, 2), None, 5)

        assert Query.from_json(query.to_json()) == query

    def test_names_nobody_of_another_organisation(self, dataset: Dataset, mallory: User) -> None:
        words = dict(in_words(dataset, Query(person=mallory.pk)))

        assert words["Seen or drawn by"] == f"#{mallory.pk}"

    @pytest.mark.parametrize(
        "odd", ["since=2026-13-01", "since=0001-01-01", "person=²", "model=-4", "guideline=x"]
    )
    def test_leaves_out_what_makes_no_sense(
        self, client: Client, items: list[SceneObject], dataset: Dataset, otto: User, odd: str
    ) -> None:
        client.force_login(otto)

        answer = client.get(f"/ops/datasets/{dataset.pk}/reopen/?{odd}")

        assert "8 objects." in answer.content.decode()


class TestSecondManager:
    def test_is_not_needed_for_few(
        self, items: list[SceneObject], dataset: Dataset, otto: User, bob: User
    ) -> None:
        row, done = ask_to_reopen(
            dataset=dataset, query=Query(), way="again", note="", by=otto, now=timezone.now()
        )

        assert done is not None
        assert (done.opened, row.state, len(row.opened)) == (8, "done", 8)

    def test_has_to_agree_to_many(
        self, items: list[SceneObject], dataset: Dataset, otto: User, olaf: User, bob: User, ada: User,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        many(monkeypatch)
        now = timezone.now()

        row, done = ask_to_reopen(dataset=dataset, query=Query(), way="again", note="why", by=otto, now=now)

        assert done is None
        assert not Microtask.objects.filter(state="open").exists()
        assert waiting_for(olaf, now) == [row]
        assert decide(row=row, granted=True, by=otto, now=now) is None  # not by who asked
        agreed = decide(row=row, granted=True, by=olaf, now=now)
        assert agreed is not None
        assert agreed.opened == 8
        assert waiting_for(olaf, now) == []
        assert decide(row=row, granted=True, by=olaf, now=now) is None  # not twice
        told = Event.objects.filter(kind__startswith="reopening_").order_by("pk")
        assert list(told.values_list("kind", "annotator")) == [
            ("reopening_asked", otto.pk),
            ("reopening_done", olaf.pk),
        ]

    def test_may_decline_and_who_asked_may_withdraw(
        self, items: list[SceneObject], dataset: Dataset, otto: User, olaf: User, bob: User,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        many(monkeypatch)
        now = timezone.now()
        asked = [
            ask_to_reopen(dataset=dataset, query=Query(), way="again", note="", by=otto, now=now)[0]
            for _ in range(2)
        ]

        decide(row=asked[0], granted=False, by=olaf, now=now)
        decide(row=asked[1], granted=False, by=otto, now=now)

        states = Reopening.objects.order_by("pk").values_list("state", flat=True)
        assert list(states) == ["declined", "withdrawn"]
        assert not Microtask.objects.filter(state="open").exists()

    def test_is_asked_for_three_days(
        self, items: list[SceneObject], dataset: Dataset, otto: User, olaf: User, bob: User,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        many(monkeypatch)
        now = timezone.now()
        row, _ = ask_to_reopen(dataset=dataset, query=Query(), way="again", note="", by=otto, now=now)
        late = now + timedelta(days=3)

        assert decide(row=row, granted=True, by=olaf, now=late) is None
        assert waiting_for(olaf, late) == []
        assert (expire(now), expire(late)) == (0, 1)
        assert Reopening.objects.get().state == "expired"

    def test_decides_on_a_page_that_says_who_what_and_why(
        self, client: Client, items: list[SceneObject], dataset: Dataset, otto: User, olaf: User, bob: User,
        mallory: User, monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        many(monkeypatch)
        client.force_login(otto)
        sent = {"state": "accepted", "risk": "2", "way": "specialist", "note": "<b>blurry</b>", "sure": "1"}
        asked = client.post(f"/ops/datasets/{dataset.pk}/reopen/", sent, follow=True)
        row = Reopening.objects.get()
        url = f"/ops/reopenings/{row.pk}/"
        assert "Another manager has to agree" in asked.content.decode()
        assert "Agree: ask again" not in asked.content.decode()

        client.force_login(mallory)
        assert client.get(url).status_code == 404
        client.force_login(olaf)
        room = client.get("/ops/").content.decode()
        page = client.get(url).content.decode()

        assert f'href="{url}"' in room
        for text in (
            "otto wants 7 objects of north",
            "&lt;b&gt;blurry",
            "A specialist",
            "Asking again takes",
        ):
            assert text in page
        create_person(
            organisation=dataset.project.organisation, username="oz", tier="specialist", domains=["aerial"]
        )
        answer = client.post(url, {"decision": "grant"}, follow=True).content.decode()
        assert "7 objects are asked about again." in answer
        assert "Take it back" in answer


class TestTakingBack:
    def test_settles_as_before_what_nobody_has_touched(
        self, items: list[SceneObject], dataset: Dataset, otto: User, bob: User
    ) -> None:
        before = list(
            SceneObject.objects.order_by("pk").values_list("pk", "state", "settled_by", "settled_at", "risk")
        )
        row, _ = ask_to_reopen(
            dataset=dataset, query=Query(), way="again", note="", by=otto, now=timezone.now()
        )
        held = Assignment.objects.filter(state="open").order_by("pk")[0]
        Assignment.objects.filter(pk=held.pk).update(state="leased", annotator=bob)

        restored = take_back(row=row, by=otto, now=timezone.now())

        assert restored == 7
        after = SceneObject.objects.order_by("pk").values_list(
            "pk", "state", "settled_by", "settled_at", "risk"
        )
        changed = [a for a, b in zip(after, before, strict=True) if a != b]
        assert [row[:2] for row in changed] == [(held.microtask.object_id, "asked")]
        open_tasks = Microtask.objects.filter(state="open", kind="verify_box")
        assert [task.pk for task in open_tasks] == [held.microtask_id]
        assert Assignment.objects.filter(microtask__kind="verify_box", state="open").count() == 0
        assert take_back(row=row, by=otto, now=timezone.now()) == 0
        assert Event.objects.get(kind="reopening_taken_back").data["restored"] == 7
