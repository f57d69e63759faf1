"""What the room expects: the band of the next minutes, the burn-down, and the risk of missing a deadline."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from webapp.labeling.models import SceneObject, Tally, Tile
from webapp.ops.burndown import burn_down
from webapp.ops.charts import AHEAD, throughput
from webapp.ops.estimates import Work, band, late_risk, left_s
from webapp.ops.models import Alert
from webapp.ops.pace import late_risks
from webapp.ops.queries import scope_of
from webapp.ops.status import statuses
from webapp.ops.watch import look
from webapp.people.models import User
from webapp.projects.models import Project
from webapp.scenes.models import Dataset, Scene

WORK = Work(open_objects=100, settled_objects=100, active_s=600.0, open_tiles=0, recent_active_s=0.0)
NUMBER = re.compile(r"-?\d+\.\d+")


def corners(path: str) -> list[tuple[float, float]]:
    numbers = [float(text) for text in NUMBER.findall(path)]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


class TestBand:
    def test_holds_the_mean_and_is_wider_where_minutes_differ(self) -> None:
        calm, wild = band([9, 10, 11, 10]), band([0, 20, 2, 18])

        assert calm is not None
        assert wild is not None
        assert wild[0] < calm[0] < 10 < calm[1] < wild[1]
        assert band([5, 5]) is None

    @given(st.lists(st.floats(0, 1e4), min_size=3, max_size=30))
    def test_is_never_below_nothing(self, values: list[float]) -> None:
        found = band(values)

        assert found is not None
        assert 0 <= found[0] <= found[1]

    def test_is_drawn_ahead_of_the_last_minute_and_stays_in_the_frame(self) -> None:
        now = timezone.now().replace(second=20)
        start = now.replace(second=0, microsecond=0)
        counts = {(start - timedelta(minutes=n), "verify_box"): 10 + n % 3 for n in range(20)}

        chart = throughput(counts, now=now)

        assert chart.band is not None
        assert chart.width == chart.minutes + AHEAD
        assert chart.minutes <= chart.band.x < chart.band.x + chart.band.width <= chart.width
        assert 0 <= chart.band.y <= chart.band.y + chart.band.height <= 100
        assert throughput({}, now=now).band is None


class TestBurnDown:
    def test_comes_down_to_what_is_left_and_ends_at_the_estimates(self) -> None:
        found = burn_down(3600.0, [60.0] * 30, eta_s=1800.0, late_s=3600.0)

        assert found is not None
        past, median, fan = corners(found.past), corners(found.median), corners(found.fan)
        assert found.now == 30.0
        assert found.top == 2.0  # hours: 1.5 at first
        assert past[0] == (0.0, 25.0)
        assert past[-1] == median[0] == fan[0] == (30.0, 50.0)
        assert median[-1] == (60.0, 100.0)
        assert fan[1] == (90.0, 100.0)
        assert found.width == pytest.approx(96.0)

    def test_says_nothing_of_the_future_when_nobody_works(self) -> None:
        found = burn_down(3600.0, [0.0] * 30, eta_s=None, late_s=None)

        assert found is not None
        assert (found.median, found.fan) == ("", "")
        assert burn_down(0.0, [0.0] * 30, eta_s=0.0, late_s=None) is None

    @given(
        st.floats(1, 1e7),
        st.lists(st.floats(0, 5000), min_size=30, max_size=30),
        st.floats(1, 1e7),
        st.floats(1, 20),
    )
    def test_stays_in_the_frame(self, left: float, spent: list[float], eta: float, factor: float) -> None:
        found = burn_down(left, spent, eta_s=eta, late_s=eta * factor)

        assert found is not None
        for x, y in (*corners(found.past), *corners(found.median), *corners(found.fan)):
            assert 0 <= x <= found.width + 0.01
            assert -0.01 <= y <= 100.01


class TestLateRisk:
    def test_is_even_where_the_pace_just_suffices(self) -> None:
        paces = [0.8, 1.2] * 15

        assert late_risk(WORK, paces, left_s(WORK)) == pytest.approx(0.5)

    def test_falls_with_time_and_is_sure_when_it_is_over(self) -> None:
        paces = [0.5, 1.5] * 15
        risks = [late_risk(WORK, paces, share * left_s(WORK)) for share in (0.8, 1.0, 1.3)]

        assert risks[0] is not None
        assert risks[1] is not None
        assert risks[2] is not None
        assert 1 > risks[0] > risks[1] > risks[2] > 0
        assert late_risk(WORK, paces, -1.0) == 1.0

    def test_cannot_be_told_when_nobody_works(self) -> None:
        assert late_risk(WORK, [0.0] * 30, 1e6) is None
        assert late_risk(Work(0, 5, 10.0, 0, 0.0), [], 1.0) == 0.0


@pytest.fixture
def due(project: Project, dataset: Dataset, ada: User) -> Project:
    """A project with a hundred open objects that is due in a minute, and one person at work on it."""
    scene = Scene.objects.create(dataset=dataset, name="a", sha256="0" * 64, file="x", width=90, height=90)
    tile = Tile.objects.create(scene=scene, x=0, y=0, w=90, h=90, halo=0, state="complete")
    rows = [
        SceneObject(scene=scene, tile=tile, label=0, box=[0, 0, 9, 9], source="model", state="asked")
        for _ in range(100)
    ]
    SceneObject.objects.bulk_create(rows)
    minute = timezone.now().replace(second=0, microsecond=0)
    for n in range(1, 31):
        Tally.objects.create(
            dataset=dataset, kind="verify_box", annotator=ada, minute=minute - timedelta(minutes=n), answers=9,
            active_s=20.0 + n % 4,
        )  # fmt: skip
    project.deadline = timezone.now() + timedelta(minutes=1)
    project.save()
    return project


class TestDeadline:
    def test_is_held_against_the_pace_of_the_last_half_hour(self, due: Project, otto: User) -> None:
        scope = scope_of(otto, due.pk)
        assert scope is not None
        now = timezone.now()

        soon = late_risks(scope, statuses(scope.datasets), now)
        later = late_risks(scope, statuses(scope.datasets), now - timedelta(days=1))

        assert soon[due.pk] == pytest.approx(1.0, abs=1e-6)
        assert later[due.pk] is None  # nobody worked then

    def test_is_told_in_the_room_and_by_an_alert(self, client: Client, due: Project, otto: User) -> None:
        look(otto, now=timezone.now())
        client.force_login(otto)

        page = client.get("/ops/").content.decode()

        assert Alert.objects.get(kind="late").subject == f"project:{due.pk}"
        assert "will miss its deadline" in page
        assert "100\u202f% risk of being late" in page
        assert "expected, 8 in 10 minutes" in page
        assert "Human work left" in page
