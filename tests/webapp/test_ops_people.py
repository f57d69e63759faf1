"""Whom managers give work: paused kinds and people, moves, notes, and what hours say of utilisation and pay."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone, translation
from hypothesis import given
from hypothesis import strategies as st

from routing.assignment import Waiting
from routing.policy import RoutingPolicy
from webapp.feed.seats import paused
from webapp.feed.skills import Skills
from webapp.labeling import operations, windows
from webapp.labeling.holding import take
from webapp.labeling.intake import open_scene
from webapp.labeling.models import AnnotatorRecord, Assignment
from webapp.labeling.operations import Desk, Submission
from webapp.labeling.planned import PlannedTile
from webapp.labeling.rollups import Workhour
from webapp.labeling.shelf import Shelf
from webapp.labeling.windows import Windows
from webapp.ops.appeals import decide_appeal
from webapp.ops.audits import clean_audits, outlook
from webapp.ops.hours import Hour, pool_time, times_of, together
from webapp.ops.operations import pause_kind
from webapp.ops.workforce import move_people, pause_person, send_note
from webapp.people.models import Appeal, NoteRead, Qualification, User
from webapp.people.notes import notes_for, put_away, text_in
from webapp.pipeline.models import Run
from webapp.projects.models import Project
from webapp.scenes.models import Dataset, Scene

NOW = datetime(2026, 3, 1, 12, 30, 20, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _lists_are_read_every_time(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(windows, "LANES_S", -1.0)
    return


@pytest.fixture(autouse=True)
def _in_english() -> Iterator[None]:
    with translation.override("en"):
        yield


@pytest.fixture
def page(otto: User) -> Client:
    client = Client()
    client.force_login(otto)
    return client


@pytest.fixture
def searched(dataset: Dataset) -> Dataset:
    """A data set with four tiles to be searched."""
    scene = Scene.objects.create(dataset=dataset, name="a", sha256="0" * 64, file="x", width=400, height=100)
    run = Run.objects.create(project=dataset.project, dataset=dataset, kind="prelabel", state="done")
    cut = [PlannedTile(f"{n}", (100 * n, 0, 100, 100), (100 * n, 0, 100, 100)) for n in range(4)]
    with transaction.atomic():
        open_scene(run, scene, cut, [], now=timezone.now(), rng=np.random.default_rng(0))
    return dataset


def offered(person: User, known: Windows) -> tuple[int, str]:
    """How many tasks somebody is offered, and what they are told when it is none."""
    desk = Desk(person, f"s{person.pk}", Waiting(person.pk, person.tier, frozenset(["aerial"]), want=1))
    with transaction.atomic():
        taken = take([desk], known, now=timezone.now(), rng=np.random.default_rng(0))
    return len(taken.offers.get(person.pk, [])), taken.paused.get(person.pk, "")


def believed_paused(person: User) -> str:
    shelf = Shelf()
    shelf.load_records([person.pk])
    return paused(shelf.believed(person.pk))


def answer(person: User, connected_s: float, active_ms: int, now: datetime) -> None:
    held = Assignment.objects.get(state="leased", annotator=person)
    value = {"complete": True, "points": [], "bad_objects": []}
    given = Submission(
        annotator=person, id=str(uuid.uuid4()), assignment=held.pk, lease=held.lease, outcome="answered", value=value,
        telemetry={"active_ms": active_ms}, connected_s=connected_s,
    )  # fmt: skip
    with transaction.atomic():
        (reply,) = operations.submit_answers([given], now=now)
    assert reply.status == "accepted"  # type: ignore[union-attr]


class TestPausedKind:
    def test_is_not_offered_and_named_to_who_could_do_it(
        self, searched: Dataset, ada: User, bob: User, otto: User
    ) -> None:
        known = Windows()
        assert offered(ada, known) == (1, "")

        pause_kind(project=searched.project, kind="coverage_tile", paused=True, by=otto)
        assert offered(bob, known) == (0, "Trees · find missed objects: work is paused")

        pause_kind(project=searched.project, kind="coverage_tile", paused=False, by=otto)
        assert offered(bob, known) == (1, "")

    def test_of_another_kind_changes_nothing(self, searched: Dataset, ada: User, otto: User) -> None:
        pause_kind(project=searched.project, kind="verify_box", paused=True, by=otto)

        assert offered(ada, Windows()) == (1, "")

    def test_that_does_not_exist_is_refused(self, project: Project, otto: User) -> None:
        with pytest.raises(ValueError, match="no kind 'verify'"):
            pause_kind(project=project, kind="verify", paused=True, by=otto)

    def test_can_be_switched_on_the_page_of_the_pause(self, searched: Dataset, page: Client) -> None:
        address = f"/ops/projects/{searched.project_id}"
        assert "Pause find missed objects" in page.get(f"{address}/pause/").content.decode()

        page.post(f"{address}/kinds/", {"kind": "coverage_tile", "paused": "1"})

        assert Project.objects.get().paused_kinds == ["coverage_tile"]
        assert "Resume find missed objects" in page.get(f"{address}/pause/").content.decode()
        assert "1 kind on hold" in page.get("/ops/").content.decode()
        assert page.post(f"{address}/kinds/", {"kind": "nonsense", "paused": "1"}).status_code == 404


class TestPausedPerson:
    def test_hears_the_managers_reason_until_they_may_work_again(self, ada: User, otto: User) -> None:
        assert pause_person(person=ada, reason="We meet at two.", by=otto)
        assert not pause_person(person=ada, reason="Another reason", by=otto)
        assert believed_paused(ada) == "We meet at two."

        assert pause_person(person=ada, reason="", by=otto)
        assert believed_paused(ada) == ""

    def test_stays_paused_although_an_answer_says_anew_how_they_stand(
        self, searched: Dataset, ada: User, otto: User
    ) -> None:
        offered(ada, Windows())
        pause_person(person=ada, reason="We meet at two.", by=otto)

        answer(ada, 0.0, 2000, timezone.now())

        assert believed_paused(ada) == "We meet at two."

    def test_is_not_counted_among_those_who_may_answer(self, project: Project, ada: User, otto: User) -> None:
        pause_person(person=ada, reason="ill", by=otto)

        assert ada.pk not in Shelf().eligible(project.organisation_id, "aerial", "crowd")

    def test_keeps_their_record_when_an_appeal_is_granted(self, ada: User, otto: User) -> None:
        pause_person(person=ada, reason="ill", by=otto)
        before = AnnotatorRecord.objects.get(annotator=ada)
        appeal = Appeal.objects.create(person=ada, message="I am well.")

        decide_appeal(appeal=appeal, granted=True, reply="", by=otto)

        after = AnnotatorRecord.objects.get(annotator=ada)
        assert (after.held, after.record, after.version) == ("", before.record, before.version)

    def test_is_paused_and_resumed_on_their_page(self, ada: User, page: Client) -> None:
        address = f"/ops/people/{ada.pk}/"

        page.post(address, {"act": "pause", "reason": "   "})
        assert believed_paused(ada) == ""
        shown = page.post(address, {"act": "pause", "reason": "We meet at two."}, follow=True)
        assert "Paused by a manager: We meet at two." in shown.content.decode()
        page.post(address, {"act": "resume"})
        assert believed_paused(ada) == ""

    def test_of_another_organisation_cannot_be_reached(self, ada: User, mallory: User) -> None:
        evil = Client()
        evil.force_login(mallory)

        assert evil.post(f"/ops/people/{ada.pk}/", {"act": "pause", "reason": "x"}).status_code == 404
        assert evil.get(f"/ops/people/{ada.pk}/").status_code == 404


class TestMoves:
    def test_move_only_who_works_there_and_not_yet_here(
        self, ada: User, bob: User, otto: User, mallory: User
    ) -> None:
        Qualification.objects.create(person=bob, domain="ships")

        moved = move_people(people=[ada, bob, mallory], origin="aerial", to="ships", by=otto)

        assert moved == [ada.pk]
        assert domains(ada) == ["ships"]
        assert domains(bob) == ["aerial", "ships"]
        assert domains(mallory) == ["aerial"]

    def test_reach_an_open_workbench(self, ada: User, otto: User) -> None:
        skills, before = Skills(), frozenset(["aerial"])
        assert skills.of(ada.pk, before) == before
        move_people(people=[ada], origin="aerial", to="ships", by=otto)
        skills = Skills()
        skills.refresh(timezone.now())

        assert skills.of(ada.pk, before) == {"ships"}
        assert skills.of(otto.pk, before) == before

    def test_are_made_on_the_page_of_people(self, project: Project, ada: User, page: Client) -> None:
        Project.objects.create(organisation=project.organisation, name="Port", domain="ships")

        page.post("/ops/people/move/", {"person": [ada.pk, "x"], "from": "aerial", "to": "ships"})
        assert domains(ada) == ["ships"]
        shown = page.post(
            "/ops/people/move/", {"person": [ada.pk], "from": "ships", "to": "elsewhere"}, follow=True
        )

        assert domains(ada) == ["ships"]
        assert "Nobody was moved" in shown.content.decode()


class TestNotes:
    def test_reach_the_people_of_a_domain_until_they_put_them_away(
        self, ada: User, sam: User, otto: User, mallory: User
    ) -> None:
        note = send_note(texts={"en": "Tea at four"}, domain="aerial", until=NOW + DAY, by=otto, now=NOW)
        send_note(texts={"en": "Ships sail"}, domain="ships", until=NOW + DAY, by=otto, now=NOW)
        assert note is not None
        assert [n.texts["en"] for n in notes_for(ada, NOW)] == ["Tea at four"]
        assert notes_for(mallory, NOW) == notes_for(ada, NOW + DAY) == []

        assert put_away(note=note.pk, person=ada)
        assert not put_away(note=note.pk, person=ada)
        assert not put_away(note=note.pk, person=mallory)

        assert notes_for(ada, NOW) == []
        assert len(notes_for(sam, NOW)) == 1

    def test_are_shown_in_the_readers_language_or_in_english(self) -> None:
        texts = {"en": "Hello", "ar": "مرحبا"}

        assert text_in(texts, "ar") == ("مرحبا", "ar")
        assert text_in(texts, "de") == ("Hello", "en")
        assert text_in({"de": "Hallo"}, "ar") == ("Hallo", "de")

    def test_say_something(self, otto: User) -> None:
        assert send_note(texts={"en": "  "}, domain="", until=NOW, by=otto, now=NOW) is None

    def test_are_written_withdrawn_and_put_away_on_pages(
        self, project: Project, ada: User, page: Client
    ) -> None:
        page.post("/ops/notes/", {"text-en": "Tea <at> four", "text-de": "", "domain": "aerial", "days": "3"})
        assert "Tea &lt;at&gt; four" in page.get("/ops/notes/").content.decode()
        reader = Client()
        reader.force_login(ada)
        (note,) = notes_for(ada, timezone.now())

        assert "Tea &lt;at&gt; four" in reader.get("/feed/").content.decode()
        reader.post(f"/notes/{note.pk}/read/")
        assert "Tea" not in reader.get("/notes/").content.decode()
        assert NoteRead.objects.count() == 1
        page.post(f"/ops/notes/{note.pk}/withdraw/")
        assert "No note is shown." in page.get("/ops/notes/").content.decode()


class TestHours:
    def test_are_kept_in_the_answers_transaction(self, searched: Dataset, ada: User) -> None:
        known = Windows()
        now = timezone.now()
        for connected, active in ((30.0, 20_000), (5.0, 10_000)):
            offered(ada, known)
            answer(ada, connected, active, now)

        row = Workhour.objects.get()
        assert (row.annotator, row.project, row.answers) == (ada, searched.project, 2)
        assert row.hour == now.replace(minute=0, second=0, microsecond=0)
        assert row.active_s == pytest.approx(30.0)
        assert row.connected_s == pytest.approx(40.0)  # nobody is at a task for longer than they are there

    def test_say_utilisation_and_pay_by_the_wage_of_the_project(
        self, project: Project, ada: User, otto: User, mallory: User
    ) -> None:
        Project.objects.update(policy={"wage_per_hour": {"crowd": 20.0}})
        for n in range(4):
            hour = NOW.replace(minute=0, second=0) - timedelta(hours=n)
            Workhour.objects.create(
                annotator=ada, project=project, hour=hour, answers=10, active_s=1800, connected_s=3600
            )
        old = NOW - timedelta(days=8)
        Workhour.objects.create(annotator=ada, project=project, hour=old, active_s=3600, connected_s=3600)

        time = times_of([ada], now=NOW)[ada.pk]

        assert (time.hours, time.answers, time.utilisation, time.earned) == (4, 40, 0.5, 40.0)
        assert (time.low, time.high) == (0.5, 0.5)  # every hour alike
        assert time.per_hour == pytest.approx(10.0)
        assert pool_time(otto, now=NOW) == time
        assert pool_time(mallory, now=NOW).utilisation is None

    @given(
        st.lists(
            st.tuples(st.floats(0.1, 3600), st.floats(0.0, 1.0)).map(
                lambda t: Hour(1, t[0] * t[1], t[0], 12.0)
            ),
            min_size=3,
            max_size=40,
        )
    )
    def test_interval_holds_the_share_and_stays_between_nothing_and_all(self, hours: list[Hour]) -> None:
        time = together(hours)

        assert time.utilisation is not None and time.low is not None and time.high is not None
        assert 0 <= time.low <= time.utilisation + 1e-9
        assert time.utilisation - 1e-9 <= time.high <= 1

    def test_interval_covers_the_truth_about_as_often_as_it_says(self) -> None:
        dice = np.random.default_rng(5)
        covered = 0
        for _ in range(400):
            shares = dice.beta(6, 2, 60)
            there = dice.uniform(600, 3600, 60)
            time = together(
                [Hour(1, float(s * c), float(c), 12.0) for s, c in zip(shares, there, strict=True)]
            )
            assert time.low is not None and time.high is not None
            covered += time.low <= 0.75 <= time.high
        assert 0.90 <= covered / 400 <= 0.985

    def test_say_no_interval_of_two_hours(self) -> None:
        time = together([Hour(1, 10, 20, 12.0)] * 2)

        assert (time.utilisation, time.low, time.high) == (0.5, None, None)

    def test_are_shown_on_the_page_of_people(self, project: Project, ada: User, page: Client) -> None:
        hour = timezone.now().replace(minute=0, second=0, microsecond=0)
        Workhour.objects.create(
            annotator=ada, project=project, hour=hour, answers=9, active_s=900, connected_s=1200
        )

        shown = page.get("/ops/people/?domain=aerial&search=ad").content.decode()

        assert "75\u202f%" in shown
        assert f"/ops/people/{ada.pk}/" in shown
        assert page.get("/ops/people/?search=zzz").status_code == 200


class TestAudits:
    def test_forecast_prices_and_bounds_the_next_thousand(self) -> None:
        policy = RoutingPolicy()

        few, many = outlook(policy, 0.05, 100, 1), outlook(policy, 0.5, 100, 1)

        assert (few.audits, many.audits) == (50, 500)
        assert many.cost == pytest.approx(10 * few.cost)
        assert many.upper < few.upper
        assert few.seconds == 50 * policy.expected_s["verify_box"]

    def test_forecast_without_any_audit_says_that_nothing_is_known(self) -> None:
        assert outlook(RoutingPolicy(), 0.0, 0, 0).upper == 1.0

    def test_need_as_many_clean_ones_as_the_bound_says(self) -> None:
        assert [clean_audits(t) for t in (0.05, 0.02, 0.01)] == [59, 149, 299]

    def test_change_the_share_from_the_targets_page(self, project: Project, page: Client) -> None:
        address = f"/ops/projects/{project.pk}"
        shown = page.get(f"{address}/target/?audit=20").content.decode()
        assert "New share" in shown

        page.post(f"{address}/audits/", {"audit": "20"})
        project.refresh_from_db()
        assert project.policy == {"audit_share": 0.2}
        page.post(f"{address}/audits/", {"audit": "nan"})
        page.post(f"{address}/audits/", {"audit": "x"})
        project.refresh_from_db()
        assert project.policy == {"audit_share": 0.2}


def domains(person: User) -> list[str]:
    rows = Qualification.objects.filter(person=person)
    return sorted(rows.values_list("domain", flat=True))
