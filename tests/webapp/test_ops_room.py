"""The operations room: its numbers, its chart, pausing, and the scene pages."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from routing.annotation.kinds import KINDS
from routing.outcomes import Outcome
from routing.track_record import TrackRecord
from webapp.labeling.models import (
    Annotation,
    AnnotatorRecord,
    Assignment,
    Event,
    Microtask,
    ObjectVersion,
    SceneObject,
    Tally,
    Tile,
)
from webapp.ops import queries, status
from webapp.ops.charts import nice_top, throughput, widths
from webapp.ops.estimates import Work, eta_s, ratio, seconds_per_object
from webapp.ops.room import Room, room
from webapp.ops.status import statuses
from webapp.people.models import User
from webapp.pipeline.models import Run
from webapp.projects.models import Project
from webapp.scenes.models import Dataset, Scene
from webapp.scenes.operations import import_path

NOW = datetime(2026, 3, 1, 12, 30, 20, tzinfo=UTC)


@pytest.fixture
def scene(project: Project, pictures: Path) -> Scene:
    path = pictures / "a.png"
    import_path(path=path, organisation=project.organisation, project_name="Trees", dataset_name="north")
    return Scene.objects.get()


@pytest.fixture
def dataset(scene: Scene) -> Dataset:
    return scene.dataset


@pytest.fixture
def tile(scene: Scene) -> Tile:
    return Tile.objects.create(scene=scene, x=0, y=0, w=64, h=48, halo=4, state="complete")


def add_objects(tile: Tile, number: int, state: str, by: str = "", **fields: Any) -> list[SceneObject]:
    shared = {
        "scene": tile.scene,
        "tile": tile,
        "label": 0,
        "source": "model",
        "state": state,
        "settled_by": by,
    }
    rows = [SceneObject(**shared, box=[n, 1, n + 9, 9], **fields) for n in range(number)]
    return SceneObject.objects.bulk_create(rows)


def add_task(dataset: Dataset, kind: str, state: str = "open", **fields: Any) -> Microtask:
    return Microtask.objects.create(
        project=dataset.project,
        dataset=dataset,
        scene=dataset.scenes.get(),
        kind=kind,
        state=state,
        domain="aerial",
        payload={},
        **fields,
    )


def want(task: Microtask, annotator: User | None = None) -> Assignment:
    return Assignment.objects.create(
        microtask=task,
        project=task.project,
        lane=f"{task.kind}/aerial/crowd",
        state="leased" if annotator else "open",
        annotator=annotator,
        lease_expires_at=NOW + timedelta(minutes=8) if annotator else None,
    )


def tally(dataset: Dataset, person: User, kind: str, minutes_ago: int, answers: int, active_s: float) -> None:
    minute = NOW.replace(second=0) - timedelta(minutes=minutes_ago)
    Tally.objects.create(
        dataset=dataset, kind=kind, annotator=person, minute=minute, answers=answers, active_s=active_s
    )


def see(viewer: User, project: Project | None = None) -> Room:
    scope = queries.scope_of(viewer, project.pk if project else None)
    assert scope is not None
    return room(viewer, scope, now=NOW)


class TestHeader:
    def test_counts_objects_people_money_and_time(
        self, tile: Tile, dataset: Dataset, otto: User, ada: User, olga: User
    ) -> None:
        add_objects(tile, 6, "accepted", "consensus")
        add_objects(tile, 2, "accepted", "machine")
        add_objects(tile, 1, "rejected", "specialist")
        add_objects(tile, 3, "asked")
        case = add_objects(tile, 1, "grid")[0]
        add_task(dataset, "adjudicate", object=case)
        tally(dataset, ada, "verify_box", 0, 10, 30.0)
        tally(dataset, ada, "verify_box", 40, 20, 60.0)
        tally(dataset, olga, "adjudicate", 3, 5, 100.0)

        head = see(otto).header

        assert (head.accepted, head.open, head.settled, head.answers) == (8, 4, 9, 35)
        assert head.working == 1  # olga's last answer is three minutes old
        assert head.answers_per_minute == pytest.approx(15 / (320 / 60))
        assert head.active_s == 190.0
        assert head.cost == pytest.approx(90 / 3600 * 12 + 100 / 3600 * 36)
        assert head.seconds_per_object == pytest.approx(190 / 8)
        assert head.auto_share == pytest.approx(2 / 8)
        assert (head.escalated, head.escalated_share) == (1, pytest.approx(1 / 13))
        per_object = seconds_per_object(9, 190.0)
        assert head.eta_s == pytest.approx(4 * per_object / (130 / 320))

    def test_cost_follows_the_wage_of_the_projects_policy(
        self, tile: Tile, dataset: Dataset, otto: User, ada: User
    ) -> None:
        Project.objects.update(policy={"wage_per_hour": {"crowd": 36.0}})
        tally(dataset, ada, "verify_box", 0, 1, 100.0)

        assert see(otto).header.cost == pytest.approx(1.0)

    def test_says_nothing_where_there_is_nothing_to_say(self, dataset: Dataset, otto: User) -> None:
        head = see(otto).header

        assert (head.accepted, head.open, head.answers, head.cost) == (0, 0, 0, 0)
        assert head.auto_share is head.escalated_share is head.seconds_per_object is None
        assert head.eta_s == 0.0

    def test_project_filter_leaves_the_others_out(
        self, tile: Tile, dataset: Dataset, otto: User, ada: User
    ) -> None:
        other = Project.objects.create(organisation=otto.organisation, name="Ships", domain="sea")  # type: ignore[misc]
        add_objects(tile, 3, "accepted", "consensus")

        assert see(otto, other).header.accepted == 0
        assert see(otto, dataset.project).header.accepted == 3
        assert queries.scope_of(otto, 10**9) is None

    def test_finished_datasets_are_counted_once(
        self, tile: Tile, dataset: Dataset, otto: User, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        add_objects(tile, 3, "accepted", "consensus")
        Dataset.objects.update(state="done", done_at=NOW)
        scope = queries.scope_of(otto, None)
        assert scope is not None
        first = statuses(scope.datasets)

        with django_assert_num_queries(0):
            again = statuses(scope.datasets)

        assert first == again
        assert again[dataset.pk].objects.accepted == 3

    def test_number_of_queries_does_not_depend_on_the_number_of_rows(
        self,
        tile: Tile,
        dataset: Dataset,
        otto: User,
        ada: User,
        bob: User,
        django_assert_max_num_queries: Any,
    ) -> None:
        add_objects(tile, 200, "asked")
        for person in (ada, bob):
            for minute in range(20):
                tally(dataset, person, "verify_box", minute, 1, 1.0)

        with django_assert_max_num_queries(23):  # the last stores a count that took long, on a slow machine
            see(otto)


class TestQueue:
    def test_lists_kinds_in_the_order_of_the_catalogue(
        self, tile: Tile, dataset: Dataset, otto: User, ada: User, bob: User
    ) -> None:
        first = add_task(dataset, "verify_box")
        want(first)
        want(first, ada)
        add_task(dataset, "verify_box", "resolved")
        want(add_task(dataset, "coverage_tile"), bob)
        add_task(dataset, "fix_box", "cancelled")
        tally(dataset, ada, "verify_box", 2, 4, 10.0)

        rows = {line.row.kind: line for line in see(otto).queue}

        assert list(rows) == ["coverage_tile", "verify_box", "fix_box"]
        verify = rows["verify_box"].row
        assert (verify.wanted, verify.held, verify.open, verify.resolved) == (1, 1, 1, 1)
        assert (verify.answers, verify.seconds_per_answer) == (4, 2.5)
        assert verify.oldest == first.created_at
        assert rows["fix_box"].row.cancelled == 1
        assert rows["fix_box"].row.oldest is None
        assert rows["verify_box"].open_width + rows["verify_box"].resolved_width == pytest.approx(100)


class TestPeople:
    def test_shows_tier_standing_speed_gold_and_presence(
        self, tile: Tile, dataset: Dataset, otto: User, ada: User, bob: User
    ) -> None:
        record = TrackRecord.new("crowd", ["aerial"])
        for given_verdict in ("ok", "bad", "bad", "bad"):
            outcome = Outcome(
                kind="verify_box",
                domain="aerial",
                cls=0,
                given="ok" if given_verdict == "ok" else "geometry",
                truth="geometry",
                weight=1.0,
                gold=True,
                seconds=2.0,
                iou=None,
            )
            record = record.updated(outcome)
        AnnotatorRecord.objects.create(
            annotator=ada, record=record.to_json(), standing="coach", standing_reason="slow down"
        )
        tally(dataset, ada, "verify_box", 1, 4, 10.0)
        tally(dataset, bob, "verify_box", 10, 2, 8.0)
        want(add_task(dataset, "verify_box"), bob)

        first, second = see(otto).people

        assert (first.person, first.answers, first.seconds_per_answer) == (ada, 4, 2.5)
        assert (first.standing, first.standing_reason, first.active) == ("coach", "slow down", True)
        assert (first.gold, first.gold_answers) == (pytest.approx(0.75), 4)
        assert (second.person, second.gold, second.standing) == (bob, None, "ok")
        assert (second.holds, second.active) == (1, True)  # holds a task, so is at work
        assert see(otto).header.working == 2
        Assignment.objects.update(lease_expires_at=NOW - timedelta(seconds=1))
        assert see(otto).header.working == 1


class TestRunsAndDatasets:
    def test_runs_show_how_far_they_are(self, dataset: Dataset, otto: User) -> None:
        shared = {"project": dataset.project, "dataset": dataset, "kind": "retrain"}
        Run.objects.create(**shared, state="running", progress={"done": 1, "total": 4, "note": "step 1"})
        Run.objects.create(**shared, state="waiting")
        Run.objects.create(**shared, state="done")

        lines = see(otto).runs

        assert [(line.run.state, line.percent, line.note) for line in lines] == [
            ("done", 100.0, ""),
            ("waiting", None, ""),
            ("running", 25.0, "step 1"),
        ]

    def test_datasets_show_settled_objects_by_project(self, tile: Tile, dataset: Dataset, otto: User) -> None:
        add_objects(tile, 3, "accepted", "consensus")
        add_objects(tile, 1, "asked")

        (group,) = see(otto).projects

        (line,) = group.datasets
        assert (group.project, line.dataset) == (dataset.project, dataset)
        assert (line.percent, line.tiles_percent, line.counts.scenes) == (75.0, 100.0, 1)


class TestEstimates:
    @given(
        st.integers(0, 10**6),
        st.integers(0, 10**6),
        st.floats(0, 1e7),
        st.integers(0, 1000),
        st.floats(0.01, 1e4),
    )
    def test_eta_falls_with_the_pace_and_rises_with_the_work(
        self, open_objects: int, settled: int, active_s: float, tiles: int, recent: float
    ) -> None:
        now = eta_s(Work(open_objects, settled, active_s, tiles, recent))
        faster = eta_s(Work(open_objects, settled, active_s, tiles, recent * 2))
        more = eta_s(Work(open_objects + 1, settled, active_s, tiles, recent))

        assert now is not None
        assert faster is not None
        assert more is not None
        assert 0 <= faster <= now <= more

    def test_nobody_at_work_means_no_estimate(self) -> None:
        assert eta_s(Work(5, 0, 0.0, 0, 0.0)) is None
        assert eta_s(Work(0, 5, 10.0, 0, 0.0)) == 0.0
        assert ratio(1, 0) is None


def minutes_before(minutes: int) -> datetime:
    return NOW.replace(second=0) - timedelta(minutes=minutes)


class TestChart:
    @given(
        st.dictionaries(
            st.tuples(
                st.integers(0, 40).map(minutes_before),
                st.sampled_from(KINDS),
            ),
            st.integers(0, 5000),
        )
    )
    def test_columns_stay_in_the_frame_and_add_up(self, counts: dict[tuple[datetime, str], int]) -> None:
        chart = throughput(counts, now=NOW)

        shown = {
            key: n for key, n in counts.items() if (NOW.replace(second=0) - key[0]) < timedelta(minutes=30)
        }
        assert chart.total == sum(shown.values())
        assert sum(bar.height for bar in chart.bars) * chart.top / 100 == pytest.approx(chart.total)
        for bar in chart.bars:
            assert 0 <= bar.x < bar.x + bar.width <= chart.minutes
            assert -1e-9 <= bar.y <= bar.y + bar.height <= 100 + 1e-9

    @given(st.integers(0, 10**7))
    def test_scale_is_even_and_not_much_too_high(self, highest: int) -> None:
        top = nice_top(highest)

        assert top >= highest
        assert top % 2 == 0
        assert top <= max(2, 2 * highest)

    def test_widths_are_relative_to_the_largest(self) -> None:
        assert widths([5, 10, 0]) == [50.0, 100.0, 0.0]
        assert widths([0, 0]) == [0.0, 0.0]


class TestPages:
    def test_room_shows_the_numbers_and_polls_itself(
        self, client: Client, tile: Tile, dataset: Dataset, otto: User, ada: User
    ) -> None:
        add_objects(tile, 1234, "accepted", "consensus")
        minute = timezone.now().replace(second=0, microsecond=0)
        Tally.objects.create(
            dataset=dataset, kind="verify_box", annotator=ada, minute=minute, answers=7, active_s=14.0
        )
        client.force_login(otto)

        page = client.get("/ops/").content.decode()
        part = client.get("/ops/live/").content.decode()

        for text in (page, part):
            assert "1\u202f234" in text
            assert "Answers per minute over the last 30 minutes: 7 in all" in text
        assert 'hx-get="/ops/live/"' in page
        assert 'hx-trigger="every 1s"' in page
        assert "<html" not in part

    def test_names_are_escaped(self, client: Client, dataset: Dataset, otto: User, ada: User) -> None:
        User.objects.filter(pk=ada.pk).update(first_name="<img src=x>")
        Dataset.objects.update(name="<b>north</b>")
        tally(dataset, ada, "verify_box", 0, 1, 1.0)
        client.force_login(otto)

        page = client.get("/ops/").content.decode()

        assert "<img src=x" not in page
        assert "<b>north" not in page
        assert "&lt;b&gt;north" in page

    def test_empty_room_says_what_to_do(self, client: Client, otto: User) -> None:
        client.force_login(otto)

        assert b"import_dataset" in client.get("/ops/").content

    @pytest.mark.parametrize("bad", ["x", "-1", "1e3", "%00"])
    def test_odd_filters_are_not_found(self, client: Client, otto: User, bad: str) -> None:
        client.force_login(otto)

        assert client.get(f"/ops/?project={bad}").status_code == 404

    def test_pausing_asks_first_then_stops_and_is_logged(
        self, client: Client, dataset: Dataset, otto: User
    ) -> None:
        client.force_login(otto)
        url = f"/ops/projects/{dataset.project_id}/pause/"

        assert b"Pause Trees?" in client.get(url).content
        assert not Project.objects.get().paused
        answer = client.post(url, {"paused": "1"}, follow=True)

        assert Project.objects.get().paused
        assert b"Trees is paused." in answer.content
        assert b"Resume Trees?" in client.get(url).content
        client.post(url, {"paused": "1"})
        client.post(url, {"paused": "0"})
        assert list(Event.objects.order_by("pk").values_list("kind", "annotator")) == [
            ("project_paused", otto.pk),
            ("project_resumed", otto.pk),
        ]

    def test_pausing_needs_a_csrf_token(self, dataset: Dataset, otto: User) -> None:
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(otto)

        assert strict.post(f"/ops/projects/{dataset.project_id}/pause/", {"paused": "1"}).status_code == 403
        assert not Project.objects.get().paused

    def test_scene_page_shows_outlines_states_risk_and_provenance(
        self, client: Client, tile: Tile, scene: Scene, otto: User, ada: User, bob: User
    ) -> None:
        looks = [
            {"annotator": ada.pk, "kind": "fix_box", "verdict": "drawn", "version": 2},
            {"annotator": bob.pk, "kind": "verify_box", "verdict": "ok", "version": 2},
        ]
        (kept,) = add_objects(tile, 1, "accepted", "consensus", risk=0.0123, evidence=looks, version=2)
        ObjectVersion.objects.create(object=kept, number=2, box=kept.box, label=0, author=ada)
        (gone,) = add_objects(tile, 1, "rejected", "specialist", risk=0.01)
        Annotation.objects.create(scene=scene, number=3, content=[])
        client.force_login(otto)

        accepted = client.get(f"/ops/scenes/{scene.pk}/").content.decode()
        everything = client.get(f"/ops/scenes/{scene.pk}/?state=all").content.decode()

        assert f'id="outline-{kept.pk}"' in accepted
        assert f'id="outline-{gone.pk}"' not in accepted
        assert f'id="outline-{gone.pk}"' in everything
        assert "1.2\u202f%" in accepted
        assert "by consensus" in accepted
        assert "outline 2 by ada" in accepted
        assert "2 people: drawn" in accepted
        assert "annotation 3" in accepted

    def test_long_tables_come_in_pages(self, client: Client, tile: Tile, scene: Scene, otto: User) -> None:
        add_objects(tile, 250, "accepted", "consensus")
        client.force_login(otto)

        page = client.get(f"/ops/scenes/{scene.pk}/?page=3").content.decode()

        assert page.count("<tr id=") == 50
        assert page.count('class="outline accepted"') == 250

    def test_previews_are_small_jpegs_that_only_the_browser_may_keep(
        self, client: Client, scene: Scene, otto: User
    ) -> None:
        client.force_login(otto)

        for size in ("preview", "thumb"):
            answer = client.get(f"/ops/scenes/{scene.pk}/{size}.jpg")
            assert answer.headers["Content-Type"] == "image/jpeg"
            assert answer.content.startswith(b"\xff\xd8")
            assert answer.headers["Cache-Control"].startswith("private")

    def test_preview_of_a_lost_file_is_not_found(
        self, client: Client, scene: Scene, otto: User, media: Path
    ) -> None:
        (media / scene.file).unlink()
        client.force_login(otto)

        assert client.get(f"/ops/scenes/{scene.pk}/thumb.jpg").status_code == 404

    def test_dataset_page_lists_its_scenes(
        self, client: Client, tile: Tile, dataset: Dataset, otto: User
    ) -> None:
        add_objects(tile, 2, "accepted", "consensus")
        add_objects(tile, 1, "asked")
        client.force_login(otto)

        page = client.get(f"/ops/datasets/{dataset.pk}/").content.decode()

        assert "a.png" in page
        assert "2 accepted · 1 open" in page


class TestNow:
    def test_room_uses_the_real_clock(self, client: Client, dataset: Dataset, otto: User, ada: User) -> None:
        minute = timezone.now().replace(second=0, microsecond=0)
        Tally.objects.create(
            dataset=dataset, kind="verify_box", annotator=ada, minute=minute, answers=3, active_s=6.0
        )
        client.force_login(otto)

        assert "1 person working" in client.get("/ops/live/").content.decode()


class TestRecount:
    def test_leaves_a_data_set_that_was_deleted_meanwhile_to_the_next_look(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def gone(ids: list[int]) -> None:
            raise IntegrityError("the data set is gone")

        monkeypatch.setattr(status, "refresh", gone)
        monkeypatch.setattr(status.connection, "close", lambda: None)  # the thread's own, elsewhere
        assert status._counting.acquire(timeout=60)  # another test's recount may still be under way

        status._recount([1])

        assert status._counting.acquire(timeout=60)  # the next recount may begin
        status._counting.release()
