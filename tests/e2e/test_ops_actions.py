"""What managers do from the operations room, as the people whom it is about see it in their browsers."""

from collections.abc import Callable
from typing import Any

import pytest

from webapp.devtools import rehearsal
from webapp.devtools.rehearsal import World
from webapp.people.models import NoteRead

pytestmark = pytest.mark.browser

Tabs = Callable[..., Any]
REASON = "We meet at two about the guideline."


class TestPauses:
    def test_a_paused_kind_is_told_at_the_workbench_and_undone_on_the_page_of_acts(
        self, tab: Tabs, world: World
    ) -> None:
        rehearsal.open_kind(world, "verify_box")
        manager = tab(world.otto).open(f"/ops/projects/{world.project.pk}/pause/")
        manager.page.get_by_role("button", name="Pause check a box").click()
        manager.see("“check a box” is paused.")

        worker = tab(world.ada).open("/feed/")
        worker.until("s.paused !== null")
        worker.see("Orchard survey")

        manager.open("/ops/acts/")
        row = manager.page.get_by_role("row").filter(has_text="Paused “check a box”")
        row.get_by_role("button", name="Undo").click()
        manager.see("That is taken back.")
        worker.task("verify_box")

    def test_a_paused_person_reads_why_until_they_may_work_again(self, tab: Tabs, world: World) -> None:
        rehearsal.open_kind(world, "verify_box")
        manager = tab(world.otto).open(f"/ops/people/{world.ada.pk}/")
        manager.page.get_by_label("Why there is no work for now").fill(REASON)
        manager.page.get_by_role("button", name="Pause", exact=True).click()
        manager.see(f"Paused by a manager: {REASON}")

        worker = tab(world.ada).open("/feed/")
        worker.see(REASON)

        manager.page.get_by_role("button", name="Let work again").click()
        manager.see("may work again.")
        worker.task("verify_box")


class TestNotes:
    def test_are_read_above_the_workbench_and_put_away_without_leaving_it(
        self, tab: Tabs, world: World
    ) -> None:
        rehearsal.open_kind(world, "verify_box")
        manager = tab(world.otto).open("/ops/notes/")
        manager.page.get_by_label("English").fill("Tea at four")
        manager.page.get_by_label("Deutsch").fill("Tee um vier")
        manager.page.get_by_role("button", name="Send").click()
        manager.see("Tea at four")

        worker = tab(world.ada, locale="de-DE").open("/feed/")
        worker.task("verify_box")
        note = worker.page.locator(".pool-note")
        assert note.locator("p").inner_text() == "Tee um vier"
        worker.page.wait_for_function("() => document.documentElement.dataset.ready === ''")
        with worker.page.expect_response("**/notes/*/read/"):
            note.get_by_role("button").click()

        note.wait_for(state="detached")
        assert worker.state["kind"] == "verify_box"  # the page was not left
        assert NoteRead.objects.filter(note__organisation=world.organisation).count() == 1
        worker.page.reload(wait_until="domcontentloaded")
        worker.task("verify_box")
        assert worker.page.locator(".pool-note").count() == 0


class TestMoves:
    def test_reach_a_workbench_that_is_open(self, tab: Tabs, world: World) -> None:
        rehearsal.open_kind(world, "verify_box")
        manager = tab(world.otto).open(f"/ops/people/{world.ada.pk}/")
        manager.page.get_by_role("button", name=f"Take away {world.project.domain}").click()
        manager.see("no more.")
        worker = tab(world.ada).open("/feed/")
        worker.until("s.idle !== null")

        manager.page.get_by_label("Domain").select_option(world.project.domain)
        manager.page.get_by_role("button", name="Qualify").click()
        manager.see(f"may work in {world.project.domain} now.")
        worker.task("verify_box")
