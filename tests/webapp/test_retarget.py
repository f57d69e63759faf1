"""Changing the risk target: the forecast from replayed history, the change, and its undoing."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from routing.belief import Belief
from routing.policy import RoutingPolicy
from routing.redundancy import ObjectCase
from routing.track_record import TrackRecord
from webapp.labeling.models import Event, ObjectVersion, SceneObject, Tile
from webapp.ops.forecast import Given, Past, first_case, outlook, with_target
from webapp.ops.retarget import change_target, forecast, last_change, undo_change
from webapp.people.models import User
from webapp.projects.models import Project
from webapp.scenes.models import Dataset, Scene

BOX = (10.0, 10.0, 40.0, 40.0)
POOL = TrackRecord.new("crowd", ["aerial"])
USUAL = RoutingPolicy()


def past(p_good: float, *said: str, kind: str = "verify_box") -> Past:
    case = ObjectCase(Belief.of_model(p_good, (1 + p_good) / 2), size_px=30.0)
    return Past(case, BOX, tuple(Given(kind, verdict, BOX, POOL) for verdict in said))


def look_at(pasts: list[Past], risk: float, seconds: dict[str, float] | None = None) -> Any:
    policy = with_target(USUAL, risk, USUAL.max_looks)
    return outlook(pasts, policy, domain="aerial", seconds=seconds or {})


class TestOutlook:
    def test_takes_recorded_answers_as_long_as_the_policy_asks_for_them(self) -> None:
        found = look_at([past(0.9, "ok", "ok", "ok", "ok")], 0.05)

        assert found.drawn == 0
        assert found.answers == 1  # an ok at 90 % is enough for 5 %

    def test_takes_more_of_them_for_a_lower_risk(self) -> None:
        pasts = [past(p / 100, "ok", "ok", "ok", "ok", "ok") for p in range(50, 95, 3)]

        strict, lax = look_at(pasts, 0.01), look_at(pasts, 0.15)

        assert strict.answers > lax.answers
        assert strict.risk < lax.risk <= 0.15
        assert strict.risk <= 0.01
        assert strict.seconds > lax.seconds

    def test_draws_answers_where_the_records_end_and_says_how_many(self) -> None:
        pasts = [past(0.6) for _ in range(40)]

        found = look_at(pasts, 0.05)

        assert found.drawn == 1.0
        assert found.answers > 1
        assert found.risk <= 0.05
        assert found == look_at(pasts, 0.05)

    def test_ends_with_a_rejection_where_people_saw_nothing(self) -> None:
        pasts = [past(0.3, "not_object", "not_object", "not_object", "not_object")]

        found = look_at(pasts, 0.05)

        assert (found.risk, found.drawn) == (0.0, 0.0)  # nothing was accepted

    def test_goes_on_from_the_outline_that_a_fix_made(self) -> None:
        fixed = Given("fix_box", "drawn", (14.0, 10.0, 48.0, 40.0), POOL)
        case = ObjectCase(Belief.of((0.02, 0.96, 0.02)), size_px=30.0)

        found = look_at([Past(case, BOX, (fixed, Given("verify_box", "ok", fixed.box, POOL)))], 0.05)

        assert found.drawn == 0
        assert found.answers == 2

    def test_prices_answers_as_measured(self) -> None:
        pasts = [past(0.9, "ok", "ok")]

        assert look_at(pasts, 0.05, {"verify_box": 9.0, "grid_verify": 9.0}).seconds == pytest.approx(9.0)

    def test_refuses_to_forecast_from_nothing(self) -> None:
        with pytest.raises(ValueError, match="no objects"):
            look_at([], 0.05)

    def test_begins_with_what_the_model_stated(self) -> None:
        case = first_case(ObjectCase(Belief.of((0.99, 0.005, 0.005)), looks=3, cls=1), 0.8, 0.25)

        assert case.belief.good == pytest.approx(0.8, abs=1e-3)
        assert case.belief.phantom == pytest.approx(0.05, abs=1e-3)
        assert (case.looks, case.cls) == (0, 1)


@pytest.fixture
def history(project: Project, dataset: Dataset, ada: User, bob: User) -> list[SceneObject]:
    """Forty objects that two people accepted with a risk of 4 %, and ten that are still open."""
    scene = Scene.objects.create(dataset=dataset, name="a", sha256="0" * 64, file="x", width=900, height=900)
    tile = Tile.objects.create(scene=scene, x=0, y=0, w=900, h=900, halo=0)
    shared: dict[str, Any] = {"scene": scene, "tile": tile, "label": 0, "source": "model", "box": list(BOX)}
    looks = [
        {
            "annotator": who.pk,
            "kind": "verify_box",
            "verdict": "ok",
            "version": 1,
            "box": list(BOX),
            "seconds": 3.0,
        }
        for who in (ada, bob)
    ]
    case = ObjectCase(Belief.of_model(0.6, 0.8), size_px=30.0).to_json()
    done = [
        SceneObject(
            **shared, state="accepted", settled_by="consensus", settled_at=timezone.now(), risk=0.04, evidence=looks,
            signals={"p": 0.6}, case=case, touched=[ada.pk, bob.pk],
        )
        for _ in range(40)
    ]  # fmt: skip
    rows = SceneObject.objects.bulk_create(done)
    SceneObject.objects.bulk_create([SceneObject(**shared, state="asked", case=case) for _ in range(10)])
    ObjectVersion.objects.bulk_create(
        [ObjectVersion(object=row, number=1, box=list(BOX), label=0) for row in rows]
    )
    Event.objects.bulk_create([Event(kind="settled", project=project, object=row) for row in rows])
    return rows


class TestForecast:
    def test_sets_both_targets_side_by_side(self, history: list[SceneObject], project: Project) -> None:
        found = forecast(project, risk=0.005, looks=5)

        assert found is not None
        assert (found.replayed, found.open_objects, found.in_fact) == (40, 10, 2.0)
        assert (found.now.risk, found.then.risk) == (0.05, 0.005)
        assert found.then.past.answers > found.now.past.answers
        assert found.then.past.risk < found.now.past.risk
        assert found.then.left_s > found.now.left_s
        hours = found.then.left_s / 3600
        assert 12.0 * hours <= found.then.cost <= 36.0 * hours
        assert (found.above, found.about) == (40, False)

    def test_of_a_laxer_target_is_cheaper(self, history: list[SceneObject], project: Project) -> None:
        found = forecast(project, risk=0.3, looks=5)

        assert found is not None
        assert found.then.left_s < found.now.left_s
        assert found.above == 0

    def test_needs_some_history(self, history: list[SceneObject], project: Project) -> None:
        SceneObject.objects.filter(pk__in=[row.pk for row in history[5:]]).delete()

        assert forecast(project, risk=0.01, looks=5) is None


class TestChange:
    def test_is_logged_and_undone(self, project: Project, otto: User) -> None:
        project.policy = {"missed_target": 0.1}
        project.save()

        assert change_target(project=project, risk=0.02, looks=7, by=otto)
        assert not change_target(project=project, risk=0.02, looks=7, by=otto)

        project.refresh_from_db()
        policy = RoutingPolicy.from_json(project.policy)
        assert (policy.target_risk, policy.reject_risk, policy.auto_target) == (0.02, 0.02, 0.02)
        assert (policy.max_looks, policy.missed_target) == (7, 0.1)
        change = last_change(project)
        assert change is not None
        assert change.annotator == otto
        assert undo_change(project=project, by=otto)
        project.refresh_from_db()
        assert project.policy == {"missed_target": 0.1}
        assert last_change(project) is None
        kinds = Event.objects.order_by("pk").values_list("kind", flat=True)
        assert list(kinds) == ["target_changed", "target_restored"]

    def test_is_not_undone_after_something_else_has_changed(self, project: Project, otto: User) -> None:
        change_target(project=project, risk=0.02, looks=5, by=otto)
        Project.objects.update(policy={"target_risk": 0.1})

        assert not undo_change(project=project, by=otto)
        assert Project.objects.get().policy == {"target_risk": 0.1}


class TestPage:
    def test_forecasts_before_it_applies(
        self, client: Client, history: list[SceneObject], project: Project, otto: User
    ) -> None:
        client.force_login(otto)
        url = f"/ops/projects/{project.pk}/target/"

        plain = client.get(url).content.decode()
        shown = client.get(f"{url}?risk=0.5&looks=5").content.decode()
        unsure = client.post(url, {"risk": "0.5", "looks": "5"})

        assert "This is the present target." in plain
        for text in ("from the 40 objects", "Human time for what is open", "40 accepted objects carry"):
            assert text in shown
        assert unsure.status_code == 200
        assert Project.objects.get().policy == {}

        answer = client.post(url, {"risk": "0.5", "looks": "5", "sure": "1"}, follow=True).content.decode()

        assert "The new target is in force" in answer
        assert "Changed by otto" in answer
        assert Project.objects.get().policy["target_risk"] == 0.005
        client.post(f"{url}undo/")
        assert Project.objects.get().policy == {}

    @pytest.mark.parametrize(
        "odd", ["risk=nan&looks=x", "risk=-1&looks=0", "risk=1e9&looks=999", "risk=&looks=²"]
    )
    def test_survives_odd_numbers(self, client: Client, project: Project, otto: User, odd: str) -> None:
        client.force_login(otto)
        url = f"/ops/projects/{project.pk}/target/"
        sent = dict(pair.split("=") for pair in odd.split("&"))

        assert client.get(f"{url}?{odd}").status_code == 200
        assert client.post(url, {**sent, "sure": "1"}).status_code == 302
        RoutingPolicy.from_json(Project.objects.get().policy)
