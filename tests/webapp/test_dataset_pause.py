"""One data set on hold while the rest of its project goes on: what is offered, what is said, and that all of it returns."""

import uuid
from collections.abc import Iterator

import numpy as np
import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from routing.assignment import Waiting
from routing.belief import Belief
from routing.redundancy import ObjectCase
from webapp.labeling import grids, operations, windows
from webapp.labeling.holding import take
from webapp.labeling.intake import open_scene
from webapp.labeling.models import Assignment, Event, SceneObject, Tile
from webapp.labeling.operations import Desk, Submission
from webapp.labeling.parking import PARKED
from webapp.labeling.planned import PlannedTile
from webapp.labeling.windows import Windows
from webapp.ops.operations import pause_dataset
from webapp.people.models import User
from webapp.pipeline.models import Run
from webapp.projects.models import Project
from webapp.scenes.models import Dataset, Scene


@pytest.fixture(autouse=True)
def _lists_are_read_every_time(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(windows, "LANES_S", -1.0)
    return


@pytest.fixture
def north(project: Project, dataset: Dataset) -> Dataset:
    return fill(dataset, tiles=40)


@pytest.fixture
def south(project: Project, north: Dataset) -> Dataset:
    """Asked later than north, so behind it in every lane."""
    return fill(Dataset.objects.create(project=project, name="south"), tiles=3)


def fill(dataset: Dataset, tiles: int) -> Dataset:
    number = Scene.objects.count()
    scene = Scene.objects.create(
        dataset=dataset, name=f"a{number}", sha256=f"{number:064}", file="x", width=100 * tiles, height=100
    )
    run = Run.objects.create(project=dataset.project, dataset=dataset, kind="prelabel", state="done")
    cut = [
        PlannedTile(f"{n}", (100 * n, 0, 100, 100), (100 * n, 0, 100, 100))
        for n in range(tiles)
    ]  # fmt: skip
    with transaction.atomic():
        open_scene(run, scene, cut, [], now=timezone.now(), rng=np.random.default_rng(0))
    return dataset


def offered(person: User, known: Windows, want: int = 2) -> tuple[set[str], str]:
    """The names of the data sets of what somebody is offered, and what they are told when it is nothing."""
    desk = Desk(person, f"s{person.pk}", Waiting(person.pk, person.tier, frozenset(["aerial"]), want=want))
    with transaction.atomic():
        taken = take([desk], known, now=timezone.now(), rng=np.random.default_rng(0))
    ids = [hold.assignment for holds in taken.offers.values() for hold in holds]
    names = Assignment.objects.filter(pk__in=ids).values_list("microtask__dataset__name", flat=True)
    return set(names), taken.paused.get(person.pk, "")


class TestPausedDataset:
    def test_offers_the_other_data_sets_although_its_own_work_comes_first(
        self, north: Dataset, south: Dataset, ada: User, otto: User
    ) -> None:
        known = Windows()
        assert offered(ada, known)[0] == {"north"}

        pause_dataset(dataset=north, paused=True, by=otto)

        assert offered(ada, known)[0] == {"south"}
        assert offered(ada, Windows())[0] <= {"south"}

    def test_tells_who_could_do_it_that_it_is_paused(self, north: Dataset, ada: User, otto: User) -> None:
        pause_dataset(dataset=north, paused=True, by=otto)

        names, told = offered(ada, Windows())

        assert names == set()
        assert told == "Trees · north: work is paused"

    def test_takes_what_is_held_and_keeps_what_follows(self, north: Dataset, ada: User, otto: User) -> None:
        known = Windows()
        offered(ada, known, want=1)
        held = Assignment.objects.get(state="leased")
        pause_dataset(dataset=north, paused=True, by=otto)
        value = {"complete": True, "points": [], "bad_objects": []}
        given = Submission(
            annotator=ada, id=str(uuid.uuid4()), assignment=held.pk, lease=held.lease, outcome="answered", value=value,
            telemetry={"active_ms": 2000},
        )  # fmt: skip

        with transaction.atomic():
            (reply,) = operations.submit_answers([given], now=timezone.now())

        assert reply.status == "accepted"  # type: ignore[union-attr]
        assert offered(ada, known)[0] == set()

    def test_parks_what_comes_into_it_later(
        self, north: Dataset, south: Dataset, ada: User, otto: User
    ) -> None:
        pause_dataset(dataset=south, paused=True, by=otto)
        Assignment.objects.filter(microtask__dataset=north).delete()
        fill(south, tiles=2)
        assert Assignment.objects.filter(microtask__dataset=south, rank__gt=PARKED).exists()

        assert offered(ada, Windows())[0] == set()

        assert not Assignment.objects.filter(microtask__dataset=south, rank__gt=PARKED).exists()

    def test_resumed_has_everything_back_in_its_old_place(
        self, north: Dataset, south: Dataset, ada: User, otto: User
    ) -> None:
        before = dict(Assignment.objects.values_list("pk", "rank"))
        known = Windows()
        pause_dataset(dataset=north, paused=True, by=otto)
        offered(ada, known)
        pause_dataset(dataset=north, paused=False, by=otto)

        after = dict(Assignment.objects.values_list("pk", "rank"))

        assert after == pytest.approx(before, abs=1e-6)
        assert offered(ada, known, want=4)[0] >= {"north"}

    def test_of_a_stale_window_is_not_parked_any_more(self, north: Dataset, ada: User, otto: User) -> None:
        known = Windows()
        pause_dataset(dataset=north, paused=True, by=otto)
        offered(ada, known)
        Dataset.objects.filter(pk=north.pk).update(paused=False)
        Assignment.objects.update(rank=-1.0)
        known._lanes[ada.organisation_id] = (float("inf"), known._lanes[ada.organisation_id][1])

        offered(ada, known)

        assert not Assignment.objects.filter(rank__lt=PARKED).exists()


class TestPages:
    def test_asks_first_then_holds_it_and_is_logged(
        self, client: Client, north: Dataset, south: Dataset, otto: User
    ) -> None:
        client.force_login(otto)
        url = f"/ops/datasets/{north.pk}/pause/"

        assert b"Pause north?" in client.get(url).content
        assert not Dataset.objects.filter(paused=True).exists()
        answer = client.post(url, {"paused": "1"}, follow=True)

        assert b"north is paused." in answer.content
        assert b"on hold" in client.get("/ops/").content
        assert b"Resume north?" in client.get(url).content
        client.post(url, {"paused": "1"})
        client.post(url, {"paused": "0"})
        told = Event.objects.filter(kind__startswith="dataset_").order_by("pk")
        assert list(told.values_list("kind", "dataset", "annotator")) == [
            ("dataset_paused", north.pk, otto.pk),
            ("dataset_resumed", north.pk, otto.pk),
        ]

    def test_are_of_ones_own_organisation(self, client: Client, north: Dataset, mallory: User) -> None:
        client.force_login(mallory)

        assert client.post(f"/ops/datasets/{north.pk}/pause/", {"paused": "1"}).status_code == 404
        assert not Dataset.objects.filter(paused=True).exists()

    def test_forms_no_grid_pages_until_it_is_resumed(self, north: Dataset, otto: User) -> None:
        tile = Tile.objects.order_by("pk")[0]
        shared = {"scene": tile.scene, "tile": tile, "label": 0, "source": "model", "state": "grid"}
        case = ObjectCase(Belief.of_model(0.8, 0.9)).to_json()
        rows = [
            SceneObject(**shared, case=case, box=[8.0 * n, 1.0, 8.0 * n + 7, 9.0], queued_at=timezone.now())
            for n in range(12)
        ]
        SceneObject.objects.bulk_create(rows)

        def formed() -> int:
            with transaction.atomic():
                return grids.form_pages(now=timezone.now(), rng=np.random.default_rng(0), flush=True)

        pause_dataset(dataset=north, paused=True, by=otto)
        assert formed() == 0

        pause_dataset(dataset=north, paused=False, by=otto)
        assert formed() > 0
