"""The page on quality: its figures, the galleries behind them, and that both are about the same objects."""

import re
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from webapp.labeling.models import Event, ObjectVersion, SceneObject, Tally, Tile
from webapp.ops import quality_page as page_module
from webapp.ops.quality import KINDS, Item, Share, confusion, cost_per_correct, grouped, share_of
from webapp.ops.quality_page import meant, newest_settled, quality_page, read_items
from webapp.people.models import User
from webapp.pipeline.models import ModelVersion
from webapp.projects.models import Project
from webapp.scenes.models import Dataset, Scene


def look(who: int, verdict: str, kind: str = "verify_box", version: int = 1, seconds: float = 2.0) -> Any:
    return (who, kind, verdict, version, seconds)


def item(number: int = 1, **changes: Any) -> Item:
    fields: dict[str, Any] = {
        "id": number, "state": "accepted", "label": 0, "first_label": 0, "settled_by": "consensus", "source": "model",
        "version": 1, "model": 7, "risk": 0.02, "looks": (look(1, "ok"), look(2, "ok")),
    }  # fmt: skip
    return Item(**{**fields, **changes})


KEPT = item(1)
FIXED = item(
    2, version=2, looks=(look(1, "geometry"), look(2, "drawn", "fix_box", 2), look(3, "ok", version=2))
)
SPLIT = item(3, looks=(look(1, "ok"), look(2, "not_object"), look(3, "ok")))
GONE = item(4, state="rejected", settled_by="specialist", looks=(look(1, "unsure"), look(2, "not_object")))
AUTO = item(5, settled_by="machine", looks=())
OTHER = item(6, label=1, first_label=0, version=2, settled_by="specialist", looks=(look(1, "wrong_class"),))
ALL = (KEPT, FIXED, SPLIT, GONE, AUTO, OTHER)


class TestShares:
    @pytest.mark.parametrize(
        ("name", "ids", "of"),
        [
            ("first_pass", {1, 3, 5}, 6),
            ("reworked", {2}, 6),
            ("phantom", {4}, 6),
            ("machine", {5}, 5),
            ("escalated", {4, 6}, 6),
            ("overturned", {4, 6}, 2),
            ("disagreed", {3}, 2),
            ("unsure", {4}, 5),
            ("undecidable", set(), 6),
        ],
    )
    def test_count_what_they_name(self, name: str, ids: set[int], of: int) -> None:
        chosen = meant(name)

        assert chosen is not None
        assert {i.id for i in ALL if chosen(i)} == ids
        assert share_of(ALL, name) == Share(len(ids), of)

    def test_do_not_call_a_ruling_for_a_drawn_outline_overturned(self) -> None:
        ruled = item(7, version=2, settled_by="specialist", looks=(look(1, "drawn", "fix_box", 2),))

        assert share_of([ruled], "overturned") == Share(0, 1)

    @given(st.integers(0, 400), st.integers(1, 400))
    def test_lie_in_their_interval(self, n: int, of: int) -> None:
        found = Share(min(n, of), of)

        assert found.value is not None
        assert 0 <= found.low <= found.value <= found.high <= 1

    def test_of_nothing_say_nothing(self) -> None:
        assert (Share(0, 0).value, Share(0, 0).low, Share(0, 0).high) == (None, 0.0, 1.0)


class TestGroups:
    def test_sum_up_classes_and_models(self) -> None:
        (group,) = grouped([KEPT, FIXED, SPLIT], lambda i: i.model)

        assert (group.key, group.objects, group.kept) == (7, 3, Share(2, 3))
        assert group.agreement == Share(2, 4)  # of version 1 and 2 apart: 1/1, 0/0, 1/3
        assert group.seconds == pytest.approx((4 + 6 + 6) / 3)
        assert group.edits == pytest.approx(1 / 3)

    def test_leave_out_what_has_no_key(self) -> None:
        assert grouped([item(model=None)], lambda i: i.model) == []


class TestConfusion:
    def test_sets_proposals_beside_what_they_turned_out_to_be(self) -> None:
        found = confusion(ALL)

        assert found.classes == (0, 1)
        assert found.cells == {(0, 0): 4, (0, -1): 1, (0, 1): 1}
        assert sum(found.cells.values()) == len(ALL)

    def test_cells_lead_to_their_objects(self) -> None:
        chosen = meant("pair.0.-1")

        assert chosen is not None
        assert [i.id for i in ALL if chosen(i)] == [4]

    @pytest.mark.parametrize("odd", ["", "x", "pair.0", "pair.a.b", "class", "reworked.1", "class.²"])
    def test_names_that_make_no_sense_lead_nowhere(self, odd: str) -> None:
        assert meant(odd) is None


class TestCost:
    def test_counts_only_what_is_right(self) -> None:
        assert cost_per_correct(90.0, 100, 0.1) == pytest.approx(1.0)
        assert cost_per_correct(1.0, 0, 0.0) is None


@pytest.fixture
def settled(project: Project, dataset: Dataset, ada: User, bob: User) -> list[SceneObject]:
    """Six objects, of which one was redrawn with another class and one rejected; the auto-accepted one was audited."""
    scene = Scene.objects.create(dataset=dataset, name="a", sha256="0" * 64, file="x", width=90, height=90)
    tile = Tile.objects.create(
        scene=scene, x=0, y=0, w=90, h=90, halo=0, state="complete", expected_missed=0.5, looks=[{"found": 2}]
    )
    model = ModelVersion.objects.create(project=project, name="walnut", sha256="1" * 64, ref={})
    shared: dict[str, Any] = {"scene": scene, "tile": tile, "source": "model", "model": model, "risk": 0.02}
    looks = [
        {"annotator": p.pk, "kind": "verify_box", "verdict": "ok", "version": 1, "seconds": 2.0}
        for p in (ada, bob)
    ]
    rows = [
        SceneObject(**shared, label=0, box=[n, 1, n + 9, 9], state="accepted", settled_by="consensus", evidence=looks)
        for n in range(4)
    ]  # fmt: skip
    changed = SceneObject(
        **shared,
        label=1,
        box=[5, 1, 9, 9],
        state="accepted",
        settled_by="consensus",
        version=2,
        evidence=looks,
    )
    gone = SceneObject(**shared, label=0, box=[6, 1, 9, 9], state="rejected", settled_by="specialist")
    found = SceneObject.objects.bulk_create([*rows, changed, gone])
    ObjectVersion.objects.create(object=changed, number=1, box=[5, 1, 9, 9], label=0)
    ObjectVersion.objects.create(object=changed, number=2, box=[5, 1, 9, 9], label=1, author=ada)
    Event.objects.bulk_create([Event(kind="settled", project=project, object=row) for row in found])
    for verdict in ("ok", "geometry"):
        Event.objects.create(
            kind="audited", project=project, data={"verdict": verdict, "model": model.pk}, object=rows[0]
        )
    Tally.objects.create(
        dataset=dataset, kind="verify_box", annotator=ada, minute=timezone.now(), answers=10, active_s=1500.0
    )
    return found


class TestPage:
    def test_tells_of_the_newest_settled_objects(
        self, settled: list[SceneObject], project: Project, otto: User
    ) -> None:
        found = quality_page(otto, project)

        assert (found.sample, found.agreement) == (6, Share(5, 5))
        assert dict(found.shares)["first_pass"] == Share(4, 6)
        assert found.confusion.cells == {(0, 0): 4, (0, 1): 1, (0, -1): 1}
        (audit,) = found.audits
        assert (audit.model, audit.audited, audit.wrong) == ("walnut (11111111)", 2, 1)
        assert 0.5 < audit.upper < 1
        assert found.coverage is not None
        assert (found.coverage.looks, found.coverage.found, found.coverage.missing) == (1.0, 2.0, 0.5)
        assert found.cost == pytest.approx(1500 / 3600 * 12 / (5 * 0.98))

    def test_every_figure_leads_to_as_many_objects(
        self, client: Client, settled: list[SceneObject], project: Project, otto: User
    ) -> None:
        client.force_login(otto)
        url = f"/ops/projects/{project.pk}/quality/"
        shown = client.get(url).content.decode()

        for name in KINDS:
            count = share_of(read_items(project), name).n
            gallery = client.get(f"{url}{name}/").content.decode()
            assert gallery.count('<li class="card">') == count
        links = set(re.findall(rf'href="({url}[^"]+)"', shown))
        assert {f"{url}pair.0.1/", f"{url}class.1/", f"{url}pair.0.-1/"} <= links
        for link in links:
            assert client.get(link).status_code == 200

    def test_of_a_project_without_settled_objects_says_so(
        self, client: Client, project: Project, otto: User
    ) -> None:
        client.force_login(otto)

        assert b"Nothing is settled yet" in client.get(f"/ops/projects/{project.pk}/quality/").content

    def test_is_of_ones_own_organisation(
        self, client: Client, settled: list[SceneObject], project: Project, mallory: User
    ) -> None:
        client.force_login(mallory)

        assert client.get(f"/ops/projects/{project.pk}/quality/reworked/").status_code == 404

    def test_looks_at_a_bounded_part_of_the_log(
        self, settled: list[SceneObject], project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        busy = Project.objects.create(organisation=project.organisation, name="Ships", domain="sea")
        Event.objects.bulk_create([Event(kind="settled", project=busy) for _ in range(20)])
        monkeypatch.setattr(page_module, "EVENTS", 20)

        assert sorted(newest_settled(project)) == sorted(row.pk for row in settled)
        assert len(newest_settled(project, most=3)) == 3
