"""Two web processes behind one address: what must hold when a connection dies, a page is reloaded, tabs are doubled,
work is paused or opened again, wherever each of the requests happens to end up."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import transaction

from webapp.devtools import busy_day, rehearsal
from webapp.devtools.balancer import Balancer
from webapp.devtools.rehearsal import Picture, World
from webapp.labeling.models import Answer, Assignment, Microtask, SceneObject

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

Tabs = Callable[..., Any]
POLYGONS: dict[str, Any] = {"classes": [{"name": "tree", "geometry": "polygon"}]}


@pytest.fixture(scope="module")
def pair(server: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Any]]:
    """The module's web process and a second one on the same database and Redis."""
    other = type(server)(tmp_path_factory.mktemp("second") / "server.log")
    other.start()
    yield server, other
    other.stop()


@pytest.fixture
def front(pair: tuple[Any, Any]) -> Iterator[Balancer]:
    with Balancer([process.port for process in pair]) as balancer:
        yield balancer


@pytest.fixture
def at(front: Balancer, tab: Tabs) -> Tabs:
    """Make tabs that reach the processes through the balancer: `at(person, process)`, or in turn without a process."""

    def make(person: Any, process: Any = None, **options: Any) -> Any:
        front.only = process and process.port
        page = tab(person, **options)
        page.base = front.base
        return page

    return make


def forgive_the_line(page: Any) -> None:
    """What a browser says about a line that died is no fault of the page."""
    page.problems[:] = [p for p in page.problems if "WebSocket" not in p and "net::ERR_" not in p]


def kept(page: Any) -> None:
    page.page.wait_for_function(
        "() => Object.keys(sessionStorage).some((key) => key.startsWith('tessera-draft'))"
    )


class TestConnection:
    def test_that_dies_in_the_middle_of_an_answer_loses_nothing_and_counts_it_once(
        self, at: Tabs, front: Balancer, pair: tuple[Any, Any], world: World
    ) -> None:
        rehearsal.open_tiles(world)
        page = at(world.ada, pair[0]).open()
        page.task("coverage_tile")
        first = page.state["assignment"]

        front.swallow()
        page.press("Space")  # It leaves the browser and never arrives.
        page.until("s.waiting === 1")
        assert not Answer.objects.filter(assignment=first).exists()
        front.only = pair[1].port
        front.cut()

        page.acknowledged()
        assert front.taken[-1] == pair[1].port
        assert Answer.objects.filter(assignment=first, late=False).count() == 1
        page.task("coverage_tile")
        page.press("Space")
        page.acknowledged(2)
        assert Answer.objects.filter(annotator=world.ada).values("microtask").distinct().count() == 2
        forgive_the_line(page)

    def test_that_dies_keeps_what_is_being_drawn_on_the_screen(
        self, at: Tabs, front: Balancer, pair: tuple[Any, Any], picture: Picture
    ) -> None:
        world = rehearsal.build(picture, **POLYGONS)
        task = rehearsal.open_wanted(world, "fix_polygon")
        page = at(world.ada, pair[0]).open()
        page.task("fix_polygon")
        begin_outline(page, task, corners=2)

        front.only = pair[1].port
        front.cut()
        page.until("s.link !== 'open'")
        page.until("s.link === 'open'")

        assert len(page.state["task"]["open"]) == 2
        finish_outline(page, task, first=2)
        assert [len(ring) for ring in outline_of(task, world)] == [3]
        forgive_the_line(page)


def corners_of(task: Microtask) -> list[tuple[float, float]]:
    x1, y1, x2, y2 = task.payload["object"]["xyxy"]
    return [(x1, y1), (x2, y1), (x2, y2)]


def begin_outline(page: Any, task: Microtask, corners: int) -> None:
    if page.state["task"]["open"] is None:
        page.press("e")
    for x, y in corners_of(task)[:corners]:
        page.click_at(x, y)
    page.until(f"s.task.open.length === {corners}")


def finish_outline(page: Any, task: Microtask, first: int) -> None:
    for x, y in corners_of(task)[first:]:
        page.click_at(x, y)
    page.press("Enter", "Enter")
    page.acknowledged()


def outline_of(task: Microtask, world: World) -> list[list[list[float]]]:
    """The rings of Ada's answer, which came in time."""
    value = Answer.objects.get(microtask=task, annotator=world.ada, late=False).value
    assert value is not None
    rings: list[list[list[float]]] = value["shape"]["rings"]
    return rings


class TestReload:
    def test_in_the_middle_of_a_polygon_goes_on_there_on_the_other_process(
        self, at: Tabs, front: Balancer, pair: tuple[Any, Any], picture: Picture
    ) -> None:
        world = rehearsal.build(picture, **POLYGONS)
        task = rehearsal.open_wanted(world, "fix_polygon")
        page = at(world.ada, pair[0]).open()
        page.task("fix_polygon")
        before = page.state["assignment"]
        begin_outline(page, task, corners=2)
        kept(page)

        front.only = pair[1].port
        page.page.reload()

        page.task("fix_polygon")
        assert page.state["assignment"] == before
        page.until("s.task.open.length === 2")
        finish_outline(page, task, first=2)
        (ring,) = outline_of(task, world)
        assert [[round(v) for v in point] for point in ring] == [
            [round(v) for v in corner] for corner in corners_of(task)
        ]


class TestTwoTabs:
    def test_of_one_person_on_two_processes_never_hold_the_same_task(
        self, at: Tabs, pair: tuple[Any, Any], world: World, answer_both: Callable[..., Any]
    ) -> None:
        rehearsal.open_tiles(world)
        first = at(world.ada, pair[0]).open()
        first.task("coverage_tile")
        second = at(world.ada, pair[1], beside=first).open()
        second.task("coverage_tile")
        assert first.state["assignment"] != second.state["assignment"]

        answered, held = answer_both(first, second, world)

        assert len(set(answered)) == len(answered) == 2
        assert len(set(held)) == len(held)


class TestOperationsRoom:
    def test_pauses_and_resumes_what_is_on_the_screen_of_the_other_process(
        self, at: Tabs, pair: tuple[Any, Any], world: World
    ) -> None:
        rehearsal.open_tiles(world)
        page = at(world.ada, pair[0]).open()
        page.task("coverage_tile")
        room = at(world.otto, pair[1]).open("/ops/")
        room.page.get_by_role("link", name="Pause", exact=True).click()
        room.page.get_by_role("button", name="Pause", exact=True).click()
        room.see("paused")

        page.page.bring_to_front()
        while page.state["kind"]:  # What is held may be finished; nothing new comes.
            sent = page.counters["sent"]
            page.task("coverage_tile")
            page.press("Space")
            page.until(f"c.sent > {sent} && s.waiting === 0 && (s.kind === null || s.armed)")
        page.until("s.paused !== null")
        page.page.get_by_text("paused").first.wait_for()
        assert not Assignment.objects.filter(state="leased", annotator=world.ada).exists()
        room.page.get_by_role("link", name="Resume", exact=True).click()
        room.page.get_by_role("button", name="Resume", exact=True).click()

        page.task("coverage_tile")
        assert page.state["paused"] is None

    def test_opens_an_object_again_and_it_comes_back_to_an_idle_specialist(
        self, at: Tabs, pair: tuple[Any, Any], world: World
    ) -> None:
        planned = [rehearsal.predicted(world, n, 0.6, 0.9) for n in range(6)]
        rehearsal.open_tiles(world, planned)
        busy_day.work(world, rounds=12)
        with transaction.atomic():
            rehearsal.withdraw(Microtask.objects.filter(project=world.project, state="open"))
        item = SceneObject.objects.filter(scene=world.scene, state="accepted").first()
        assert item is not None
        desk = at(world.olga, pair[0]).open()
        desk.until("s.idle !== null")
        room = at(world.otto, pair[1]).open(f"/ops/objects/{item.pk}/")
        room.page.get_by_label("A specialist").check()
        room.page.get_by_label("Why (they see this)").fill("The edge looks wrong")
        room.page.get_by_role("button", name="Ask again").click()
        room.see("is asked about again.")

        desk.task("adjudicate")
        desk.press("Space")
        desk.until("s.task.phase === 'case'")
        desk.page.locator(".case-file").wait_for()
        desk.click("submit")
        desk.acknowledged()

        item.refresh_from_db()
        assert (item.state, item.settled_by) == ("accepted", "specialist")
        assert Answer.objects.get(annotator=world.olga, microtask__object=item).outcome == "answered"
