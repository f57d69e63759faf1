"""The annotator's own page: quality by domain, advice, what was earned today."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from routing.outcomes import Outcome
from routing.track_record import TrackRecord, replay
from webapp.labeling.models import AnnotatorRecord, Tally
from webapp.me.quality import areas, earned, slips
from webapp.me.queries import mine
from webapp.people.models import User
from webapp.projects.models import Project
from webapp.scenes.models import Dataset

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


def looks(given: str, truth: str, times: int, domain: str = "aerial") -> list[Outcome]:
    return [
        Outcome(kind="verify_box", domain=domain, cls=0, given=given, truth=truth, weight=1.0, gold=False, seconds=2.0,
                iou=None)
    ] * times  # fmt: skip


class TestQuality:
    def test_is_told_by_domain_once_enough_was_checked(self) -> None:
        record = replay([*looks("ok", "good", 20), *looks("ok", "good", 3, "sea")])

        aerial, sea = areas(record)

        assert (aerial.domain, aerial.checked) == ("aerial", 20)
        assert aerial.share == pytest.approx((20 + 8 * 0.92) / 28)
        assert (sea.domain, sea.checked, sea.share) == ("sea", 3, None)

    def test_of_a_newcomer_is_empty(self) -> None:
        assert areas(TrackRecord.new()) == ()
        assert slips(TrackRecord.new()) == ()

    def test_names_slips_by_how_often_they_happen(self) -> None:
        record = replay(
            [*looks("ok", "geometry", 10), *looks("geometry", "geometry", 10), *looks("ok", "good", 30)]
        )

        (slip,) = slips(record)

        assert (slip.code, slip.times, slip.of) == ("loose_passed", 10, 20)

    def test_keeps_quiet_about_rare_slips(self) -> None:
        assert slips(replay([*looks("ok", "geometry", 1), *looks("geometry", "geometry", 30)])) == ()

    def test_doubting_right_boxes_is_one_of_them(self) -> None:
        codes = [
            slip.code for slip in slips(replay([*looks("geometry", "good", 9), *looks("ok", "good", 9)]))
        ]

        assert codes == ["right_doubted"]


class TestEarnings:
    def test_count_active_time_at_each_projects_wage(
        self, project: Project, dataset: Dataset, ada: User, bob: User
    ) -> None:
        dear = Project.objects.create(
            organisation=project.organisation,
            name="Dear",
            domain="aerial",
            policy={"wage_per_hour": {"crowd": 24.0}},
        )
        other = Dataset.objects.create(project=dear, name="south")
        for where, person, seconds, ago in (
            (dataset, ada, 600.0, 5), (other, ada, 600.0, 6), (dataset, bob, 900.0, 5), (dataset, ada, 900.0, 60 * 20)
        ):  # fmt: skip
            Tally.objects.create(
                dataset=where, kind="verify_box", annotator=person, minute=NOW - timedelta(minutes=ago), answers=10,
                active_s=seconds,
            )  # fmt: skip

        found = mine(ada, now=NOW)

        assert (found.today.answers, found.today.active_s) == (20, 1200.0)
        assert found.today.amount == pytest.approx(600 / 3600 * 12 + 600 / 3600 * 24)
        assert found.today.hourly == pytest.approx(18.0)
        assert [day.answers for day in found.days[-2:]] == [10, 20]
        assert found.days[-1].height == 100.0
        assert len(found.days) == 14

    def test_of_nothing_have_no_hourly_wage(self) -> None:
        assert earned({}).hourly is None


class TestPage:
    def test_shows_only_the_own_numbers(self, client: Client, dataset: Dataset, ada: User, bob: User) -> None:
        record = replay(looks("ok", "geometry", 20)).to_json()
        AnnotatorRecord.objects.create(
            annotator=ada, record=record, standing="coach", standing_reason="Slow down."
        )
        client.force_login(ada)
        own = client.get("/me/").content.decode()
        client.force_login(bob)
        other = client.get("/me/").content.decode()

        assert "Slow down." in own
        assert "Look at all four edges" in own
        assert "Slow down." not in other
        assert "Nothing was checked yet" in other

    def test_says_what_is_missing_to_somebody_without_a_qualification(
        self, client: Client, otto: User
    ) -> None:
        client.force_login(otto)

        assert b"You have no qualification yet" in client.get("/me/").content
