"""A day at the feed: logging in, being counted, losing the connection, reloading, two tabs, a dispute and its ruling."""

from collections.abc import Callable
from typing import Any

import pytest

from webapp.devtools import rehearsal
from webapp.devtools.rehearsal import Picture, World
from webapp.labeling.models import AnnotatorRecord, Answer, Assignment, Microtask, SceneObject
from webapp.projects.operations import set_paused

pytestmark = pytest.mark.browser

PASSWORD = "a long enough password"
Tabs = Callable[..., Any]


def pin_two(tab: Any, world: World) -> None:
    for x1, y1, x2, y2 in world.truth[:2]:
        tab.click_at((x1 + x2) / 2, (y1 + y2) / 2)
    tab.until("s.task.pins.length === 2")


def forgive_lost_connections(tab: Any) -> None:
    """What a browser says about a server that is not there is no fault of the page."""
    tab.problems[:] = [p for p in tab.problems if "WebSocket" not in p and "ERR_CONNECTION" not in p]


class TestLogin:
    def test_leads_from_the_login_page_to_the_first_task(
        self, server: Any, tab: Tabs, picture: Picture
    ) -> None:
        world = rehearsal.build(picture, password=PASSWORD)
        rehearsal.open_kind(world, "verify_box")
        page = tab(None).open()
        assert page.page.url.startswith(f"{server.base}/login/")

        page.page.get_by_label("Name").fill(world.ada.username)
        page.page.get_by_label("Password").fill(PASSWORD)
        page.page.get_by_role("button", name="Log in").click()

        page.task("verify_box")
        assert page.page.locator("[data-testid=prompt]").inner_text() == "Is this tree outlined correctly?"


class TestOperationsRoom:
    def test_counts_answers_while_one_watches(self, tab: Tabs, world: World) -> None:
        rehearsal.open_tiles(world)
        room = tab(world.otto).open("/ops/")
        figure = room.page.locator(
            "#tiles .tile", has=room.page.get_by_role("heading", name="Answers", exact=True)
        )
        assert figure.locator(".figure").inner_text() == "0"
        page = tab(world.ada).open()

        for count in (1, 2):
            page.task("coverage_tile")
            page.press("Space")
            page.acknowledged(count)
            figure.locator(".figure", has_text=str(count)).wait_for()

        assert Answer.objects.filter(annotator=world.ada).count() == 2

    def test_pauses_a_project_and_lets_it_go_on(self, tab: Tabs, world: World) -> None:
        rehearsal.open_tiles(world)
        room = tab(world.otto).open("/ops/")
        room.page.get_by_role("link", name="Pause", exact=True).click()
        room.page.get_by_role("button", name="Pause", exact=True).click()
        room.see("paused")
        page = tab(world.ada).open()
        page.until("s.paused !== null && s.kind === null")
        held = Assignment.objects.filter(state="leased", annotator=world.ada)
        assert not held.exists()

        room.page.get_by_role("link", name="Resume", exact=True).click()
        room.page.get_by_role("button", name="Resume", exact=True).click()

        page.task("coverage_tile")
        assert page.state["paused"] is None
        assert held.exists()


class TestReasons:
    """Reasons come as codes and are said in the person's language."""

    def speaking(self, tab: Tabs, person: Any, language: str) -> Any:
        page = tab(person)
        page.page.add_init_script(f"localStorage.setItem('tessera-language', '{language}')")
        return page.open()

    def test_of_having_nothing_to_do_are_said_in_german(self, tab: Tabs, world: World) -> None:
        rehearsal.open_kind(world, "adjudicate")

        page = self.speaking(tab, world.ada, "de")

        page.until("s.idle !== null")
        page.see("Es braucht die Stufe Fachleute; deine ist Crowd.")

    def test_of_a_pause_are_said_in_arabic_and_say_how_to_appeal(self, tab: Tabs, world: World) -> None:
        reason = "Over 24 checked answers this account refuses nearly everything."
        AnnotatorRecord.objects.create(annotator=world.ada, standing="paused", standing_reason=reason)
        rehearsal.open_tiles(world)

        page = self.speaking(tab, world.ada, "ar")

        page.until("s.paused !== null")
        page.see("يرفض هذا الحساب كل شيء تقريبًا")
        page.see("صفحتك تبيّن كيف")

    def test_why_a_task_came_are_said_in_german(self, tab: Tabs, world: World) -> None:
        rehearsal.open_kind(world, "verify_box")
        page = self.speaking(tab, world.ada, "de")
        page.task("verify_box")

        page.press("y")

        page.see("Deine Antwort klärt etwa")
        assert "gold" not in page.page.locator("dialog").inner_text().lower()


class TestConnection:
    def test_keeps_an_answer_given_while_the_server_is_dead(
        self, server: Any, tab: Tabs, world: World
    ) -> None:
        task = rehearsal.open_kind(world, "verify_box")
        page = tab(world.ada).open()
        page.task("verify_box")

        server.stop()
        page.until("s.link !== 'open'")
        page.press("Space")
        page.until("s.waiting === 1")
        server.start()

        page.acknowledged()
        assert Answer.objects.get(microtask=task).value["verdict"] == "ok"
        forgive_lost_connections(page)

    def test_counts_an_answer_once_whose_acknowledgement_was_lost(self, tab: Tabs, world: World) -> None:
        task = rehearsal.open_kind(world, "verify_box")
        page = tab(world.ada)
        cut: list[str] = []

        def between(client: Any) -> None:
            server = client.connect_to_server()

            def from_server(frame: str) -> None:
                if '"ack"' in frame and not cut:
                    cut.append(frame)  # The answer is durable; the tab never hears of it.
                    client.close(code=1011)
                else:
                    client.send(frame)

            server.on_message(from_server)

        page.page.route_web_socket("**/ws/feed/", between)
        page.open()
        page.task("verify_box")

        page.press("Space")

        page.acknowledged()
        assert len(cut) == 1
        assert Answer.objects.filter(microtask=task, annotator=world.ada).count() == 1

    def test_sends_from_the_next_tab_what_a_closed_one_could_not(
        self, server: Any, tab: Tabs, world: World
    ) -> None:
        task = rehearsal.open_kind(world, "compare_two")
        page = tab(world.ada).open()
        page.task("compare_two")
        server.stop()
        page.until("s.link !== 'open'")
        page.press("ArrowLeft")
        page.until("s.waiting === 1")
        other = tab(world.ada, beside=page)
        page.page.close()
        forgive_lost_connections(page)
        server.start()

        other.open()

        other.acknowledged()
        assert Answer.objects.get(microtask=task, annotator=world.ada).value == {"choice": "A"}


class TestReload:
    def test_goes_on_with_the_same_task_where_it_stopped(self, tab: Tabs, world: World) -> None:
        rehearsal.open_kind(world, "coverage_tile")
        page = tab(world.ada).open()
        page.task("coverage_tile")
        before = page.state["assignment"]
        pin_two(page, world)
        page.page.wait_for_function(
            "() => Object.keys(sessionStorage).some((key) => key.startsWith('tessera-draft'))"
        )

        page.page.reload()

        page.task("coverage_tile")
        assert page.state["assignment"] == before
        assert len(page.state["task"]["pins"]) == 2
        page.press("Enter")
        page.acknowledged()
        assert len(Answer.objects.get(annotator=world.ada).value["points"]) == 2


class TestTwoTabs:
    def test_never_hold_the_same_task(self, tab: Tabs, world: World, answer_both: Callable[..., Any]) -> None:
        rehearsal.open_tiles(world)
        first = tab(world.ada).open()
        first.task("coverage_tile")
        second = tab(world.ada, beside=first).open()
        second.task("coverage_tile")
        assert first.state["assignment"] != second.state["assignment"]

        answered, held = answer_both(first, second, world)

        assert len(set(answered)) == len(answered) == 2
        assert len(set(held)) == len(held)

    def test_the_second_is_told_why_when_the_first_holds_everything(self, tab: Tabs, world: World) -> None:
        rehearsal.open_kind(world, "verify_box")
        first = tab(world.ada).open()
        first.task("verify_box")

        second = tab(world.ada, beside=first).open()

        second.until("s.idle !== null && s.idle.length > 0")
        second.see("Nothing for you right now")


class TestDispute:
    def test_goes_from_unsure_people_to_a_ruling(self, tab: Tabs, world: World) -> None:
        rehearsal.open_kind(world, "verify_box")
        for person in (world.ada, world.crew[0]):
            page = tab(person).open()
            page.task("verify_box")
            page.press("u")
            page.acknowledged()
        desk = tab(world.olga).open("/desk/")
        desk.see("Cases waiting")
        assert desk.page.locator(".tile .figure").first.inner_text() == "1"
        desk.page.get_by_role("link", name="Open the desk feed").click()
        desk.task("adjudicate")
        desk.see("2 people could not say.")
        assert not desk.page.locator(".answer-list").is_visible()

        desk.press("Space")
        desk.until("s.task.phase === 'case'")
        desk.page.locator(".case-file").wait_for()
        assert desk.page.locator(".answer-verdict").all_inner_texts() == ["Unsure"] * 2
        desk.page.get_by_label("Note for the record").fill("The crown ends at the shadow.")
        desk.page.get_by_label("Use it as a control task").check()
        desk.click("submit")
        desk.acknowledged()

        desk.open("/desk/")
        desk.see("The crown ends at the shadow.")
        found = SceneObject.objects.get(scene=world.scene)
        assert (found.state, found.settled_by) == ("accepted", "specialist")
        ruling = Answer.objects.get(annotator=world.olga)
        assert ruling.microtask.payload["because"][0]["code"] == "could_not_say"
        value = ruling.value
        assert value["make_gold"] is True and value["note"] == "The crown ends at the shadow."


class TestIdle:
    def test_a_task_appears_by_itself_when_there_is_one(self, tab: Tabs, world: World) -> None:
        set_paused(project=world.project, paused=True)
        rehearsal.open_tiles(world)
        page = tab(world.ada).open()
        page.until("s.paused !== null")
        assert Microtask.objects.filter(project=world.project).count() > 0

        set_paused(project=world.project, paused=False)

        page.task("coverage_tile")


class TestTakingBack:
    def test_reopens_the_last_task_as_it_was(self, tab: Tabs, world: World) -> None:
        rehearsal.open_tiles(world)
        page = tab(world.ada, grace_ms=15_000).open()
        page.task("coverage_tile")
        first = page.state["assignment"]
        page.press("p", "p", "Enter")
        page.until(f"s.assignment !== {first} && s.armed && s.waiting === 1")
        assert not Answer.objects.filter(annotator=world.ada).exists()

        page.press("Control+z")
        page.until(f"s.assignment === {first} && s.armed")
        assert len(page.state["task"]["pins"]) == 1
        page.press("a", "Space")
        page.until(f"s.assignment !== {first} && s.armed")
        page.press("Space")  # The next answer sends the one before it.

        page.until("c.acknowledged >= 1")
        assert Answer.objects.get(assignment=first).value["complete"] is True
        assert not Answer.objects.filter(assignment=first, late=True).exists()
