"""Alerts: what opens, goes on and closes; who sees to it; appeals of paused people."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from routing.track_record import TrackRecord
from webapp.labeling.models import AnnotatorRecord, Event, Microtask, SceneObject, Tally, Tile
from webapp.ops import watch
from webapp.ops.alerts import RULES, Measure, decide, forecast_cost, overstated
from webapp.ops.appeals import decide_appeal
from webapp.ops.estimates import Work, eta_late_s, eta_s
from webapp.ops.models import Alert
from webapp.people.models import Appeal, User
from webapp.projects.models import Project
from webapp.scenes.models import Dataset, Scene

NOW = datetime(2026, 3, 1, 12, 30, 20, tzinfo=UTC)


def measure(value: float, kind: str = "stuck", subject: str = "dataset:1/verify_box") -> Measure:
    return Measure(kind, subject, "north", value)


class TestDecide:
    def test_opens_at_the_upper_and_closes_below_the_lower_threshold(self) -> None:
        key = ("stuck", "dataset:1/verify_box")

        assert decide([measure(29.9)], []).opened == ()
        assert decide([measure(30.0)], []).opened == (measure(30.0),)
        assert decide([measure(25.0)], [key]).going_on == (measure(25.0),)
        assert decide([measure(25.0)], []).opened == ()
        assert decide([measure(19.9)], [key]).closed == (key,)

    def test_closes_what_is_not_measured_any_more(self) -> None:
        assert decide([], [("paused", "person:3")]).closed == (("paused", "person:3"),)

    @given(
        st.lists(
            st.tuples(st.sampled_from(sorted(RULES)), st.integers(0, 5), st.floats(0, 100)), max_size=20
        ),
        st.sets(st.tuples(st.sampled_from(sorted(RULES)), st.integers(0, 5).map(str))),
    )
    def test_sorts_every_subject_into_one_place(
        self, found: list[tuple[str, int, float]], known: set[tuple[str, str]]
    ) -> None:
        changes = decide([measure(v, kind, str(n)) for kind, n, v in found], known)

        opened = {(m.kind, m.subject) for m in changes.opened}
        going_on = {(m.kind, m.subject) for m in changes.going_on}
        assert not opened & known
        assert going_on | set(changes.closed) == known
        assert not going_on & set(changes.closed)

    def test_every_rule_has_room_between_its_thresholds(self) -> None:
        assert all(rule.closes < rule.opens for rule in RULES.values())


class TestMeasures:
    def test_forecast_adds_what_is_left_at_the_pace_so_far(self) -> None:
        work = Work(open_objects=100, settled_objects=980, active_s=9880.0, open_tiles=0, recent_active_s=0.0)

        assert forecast_cost(50.0, work, 36.0) == pytest.approx(50 + 100 * 10.0 / 3600 * 36)

    def test_a_proposer_is_not_blamed_for_luck(self) -> None:
        assert overstated([0.9] * 20, [False] * 20) == 0.0  # too few
        assert overstated([0.9] * 100, [True] * 90 + [False] * 10) == 0.0
        assert overstated([0.9] * 100, [True] * 50 + [False] * 50) > 0.25

    def test_the_pessimistic_estimate_is_never_earlier(self) -> None:
        work = Work(10, 100, 500.0, 2, recent_active_s=300.0, recent_s=300.0)
        usual = eta_s(work)

        late = eta_late_s(work, [0.5, 1.5, 1.0, 1.2, 0.8])

        assert usual is not None
        assert late is not None
        assert late > usual
        assert eta_late_s(work, [1.0]) is None
        assert eta_late_s(work, [0.0, 0.0, 3.0]) is None


@pytest.fixture
def scene(dataset: Dataset) -> Scene:
    return Scene.objects.create(dataset=dataset, name="a", sha256="0" * 64, file="x", width=90, height=90)


@pytest.fixture
def tile(scene: Scene) -> Tile:
    return Tile.objects.create(scene=scene, x=0, y=0, w=90, h=90, halo=0, state="complete")


class TestLook:
    def alerts(self, viewer: User, now: datetime = NOW) -> dict[str, Alert]:
        watch.look(viewer, now=now)
        return {a.kind: a for a in Alert.objects.filter(closed_at__isnull=True)}

    def test_tells_of_a_budget_before_it_is_exceeded(
        self, tile: Tile, dataset: Dataset, otto: User, ada: User
    ) -> None:
        Project.objects.update(budget=1.5)
        minute = NOW.replace(second=0)
        Tally.objects.create(
            dataset=dataset, kind="verify_box", annotator=ada, minute=minute, answers=9, active_s=360.0
        )
        SceneObject.objects.bulk_create(
            SceneObject(
                scene=tile.scene, tile=tile, label=0, box=[0, 0, 9, 9], source="person", state="asked"
            )
            for _ in range(40)
        )

        alert = self.alerts(otto)["budget"]

        assert alert.value > 1.0
        assert alert.project == dataset.project
        Project.objects.update(budget=1000.0)
        assert "budget" not in self.alerts(otto)
        assert Alert.objects.get(kind="budget").closed_at == NOW

    def test_tells_of_people_who_are_paused(
        self, project: Project, otto: User, ada: User, mallory: User
    ) -> None:
        for person in (ada, mallory):
            AnnotatorRecord.objects.create(annotator=person, standing="paused")

        assert self.alerts(otto)["paused"].title == "ada"
        assert Alert.objects.count() == 1

    def test_tells_of_questions_that_nobody_answers(self, dataset: Dataset, scene: Scene, otto: User) -> None:
        Microtask.objects.create(
            project=dataset.project, dataset=dataset, scene=scene, kind="fix_box", domain="aerial", payload={}
        )

        assert "stuck" not in self.alerts(otto, timezone.now())
        late = timezone.now() + timedelta(minutes=45)
        assert self.alerts(otto, late)["stuck"].title == "north · fix_box"
        Project.objects.update(paused=True)
        assert "stuck" not in self.alerts(otto, late)

    def test_tells_when_proposals_hold_less_often_than_stated(
        self, tile: Tile, dataset: Dataset, otto: User
    ) -> None:
        rows = SceneObject.objects.bulk_create(
            SceneObject(scene=tile.scene, tile=tile, label=0, box=[0, 0, 9, 9], source="model", signals={"p": 0.95},
                        state="accepted" if n % 2 else "rejected", settled_by="consensus")
            for n in range(60)
        )  # fmt: skip
        Event.objects.bulk_create(
            Event(kind="settled", project=dataset.project, dataset=dataset, object=row) for row in rows
        )

        assert self.alerts(otto)["drift"].value == pytest.approx(0.45 - 2 * (0.25 / 60) ** 0.5, abs=0.01)

    def test_keeps_one_row_and_its_worst_value(self, project: Project, otto: User) -> None:
        for value in (40.0, 90.0, 25.0):
            watch.store(otto, [measure(value)], now=NOW)

        alert = Alert.objects.get()
        assert (alert.value, alert.worst, alert.closed_at) == (25.0, 90.0, None)


class TestRoom:
    def test_shows_alerts_until_their_cause_is_gone(
        self, client: Client, dataset: Dataset, otto: User, ada: User
    ) -> None:
        AnnotatorRecord.objects.create(annotator=ada, standing="paused")
        client.force_login(otto)

        client.get("/ops/live/")
        assert "The work of ada is paused." in client.get("/ops/").content.decode()
        alert = Alert.objects.get()
        shown = client.post(f"/ops/alerts/{alert.pk}/acknowledge/", follow=True).content.decode()

        assert "otto sees to it" in shown
        alert.refresh_from_db()
        assert alert.acknowledged_by == otto

    def test_of_another_organisation_shows_none_of_them(
        self, client: Client, dataset: Dataset, otto: User, ada: User, mallory: User
    ) -> None:
        AnnotatorRecord.objects.create(annotator=ada, standing="paused")
        watch.look(otto, now=NOW)
        client.force_login(mallory)

        assert "is paused" not in client.get("/ops/").content.decode()
        assert client.post(f"/ops/alerts/{Alert.objects.get().pk}/acknowledge/").status_code == 404


class TestAppeals:
    @pytest.fixture
    def paused(self, ada: User) -> User:
        record = TrackRecord.new("crowd", ["aerial"]).to_json()
        AnnotatorRecord.objects.create(
            annotator=ada, record=record, standing="paused", standing_reason="too fast"
        )
        return ada

    def test_are_sent_once_by_who_is_paused(self, client: Client, paused: User, bob: User) -> None:
        client.force_login(paused)
        client.post("/me/appeal/", {"message": "It was my little brother."})
        again = client.post("/me/appeal/", {"message": "Again."}, follow=True)
        client.force_login(bob)
        other = client.post("/me/appeal/", {"message": "I too."}, follow=True)

        assert b"with the operations managers already" in again.content
        assert b"Your work is not paused" in other.content
        assert Appeal.objects.get().person == paused

    def test_granted_let_the_person_begin_anew(self, client: Client, paused: User, otto: User) -> None:
        appeal = Appeal.objects.create(person=paused, message="It was my little brother.")
        client.force_login(otto)

        assert b"little brother" in client.get(f"/ops/appeals/{appeal.pk}/").content
        client.post(f"/ops/appeals/{appeal.pk}/", {"decision": "grant", "reply": "Fine."})

        record = AnnotatorRecord.objects.get(annotator=paused)
        appeal.refresh_from_db()
        assert (record.standing, record.standing_reason, record.version) == ("ok", "", 1)
        assert TrackRecord.from_json(record.record).counts == {}
        assert (appeal.state, appeal.reply, appeal.decided_by) == ("granted", "Fine.", otto)
        assert Event.objects.get(kind="reinstated").annotator_id == paused.pk
        client.force_login(paused)
        assert b"Fine." in client.get("/me/").content

    def test_declined_leave_the_pause(self, paused: User, otto: User) -> None:
        appeal = Appeal.objects.create(person=paused, message="Please.")

        assert decide_appeal(appeal=appeal, granted=False, reply="No.", by=otto)
        assert not decide_appeal(appeal=appeal, granted=True, reply="Yes.", by=otto)

        assert AnnotatorRecord.objects.get(annotator=paused).standing == "paused"
        Appeal.objects.create(person=paused, message="Once more.")
