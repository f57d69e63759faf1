"""The specialist's desk in the browser: what the reveal shows, two outlines in turn, and a ruling's own page."""

from collections.abc import Callable
from typing import Any

import pytest

from webapp.devtools import busy_day, rehearsal
from webapp.devtools.rehearsal import World
from webapp.labeling.models import Microtask
from webapp.labeling.rulings import precedents
from webapp.people.models import User

pytestmark = pytest.mark.browser

Tabs = Callable[..., Any]


def revealed(tab: Tabs, world: World, **context: Any) -> Any:
    """The desk with an open case, after a blind answer that differs from the proposal."""
    page = tab(world.olga, **context).open("/feed/")
    page.task("adjudicate")
    assert not page.page.locator(".precedent-list").is_visible()
    page.press("ArrowRight", "ArrowRight", "Shift+ArrowRight", "Space")
    page.until("s.task.phase === 'case'")
    page.page.locator(".case-file").wait_for()
    return page


def turn(page: Any, key: str) -> Any:
    return page.page.locator(f'[data-action="use-{key}"][data-turn]')


class TestPrecedents:
    def test_show_how_cases_like_it_were_ruled_and_lead_there(self, tab: Tabs, world: World) -> None:
        rehearsal.open_cases(world, 5)
        busy_day.rule(world, 4)
        wanted = precedents(Microtask.objects.get(project=world.project, state="open"), world.olga.pk)
        assert wanted

        page = revealed(tab, world)

        links = page.page.locator(".precedent-list a")
        assert links.count() == len(wanted)
        assert page.page.locator(".precedent-ruling").all_inner_texts() == ["Redrawn"] * len(wanted)
        picture = page.page.locator(".precedent-list image").first.get_attribute("href")
        assert page.page.request.get(f"{page.base}{picture}").headers["content-type"] == "image/jpeg"
        page.open(links.first.get_attribute("href"))
        page.see("Change the guideline")


class TestFlicker:
    def test_shows_two_outlines_in_turn_until_it_is_pressed_again(self, tab: Tabs, world: World) -> None:
        rehearsal.open_kind(world, "adjudicate")
        page = revealed(tab, world, reduced_motion="no-preference")
        handles = page.page.locator(".box-editor")
        assert handles.get_attribute("visibility") is None

        page.press("b")

        for key in ("mine", "v1", "mine"):
            turn(page, key).wait_for()
        assert handles.get_attribute("visibility") == "hidden"
        page.page.locator('[data-action="flicker"][aria-pressed="true"]').wait_for()
        page.press("b")
        page.page.wait_for_function("() => !document.querySelector('[data-turn]')")
        assert handles.get_attribute("visibility") is None
        page.click("submit")
        page.acknowledged()

    def test_moves_only_when_told_where_people_want_less_motion(self, tab: Tabs, world: World) -> None:
        rehearsal.open_kind(world, "adjudicate")
        page = revealed(tab, world)  # tabs ask for less motion unless told otherwise

        page.press("b")
        turn(page, "mine").wait_for()
        page.page.wait_for_timeout(900)  # longer than a turn takes
        assert turn(page, "mine").is_visible()
        page.press("b")
        turn(page, "v1").wait_for()
        page.press("b")
        page.page.wait_for_function("() => !document.querySelector('[data-turn]')")


class TestRuling:
    def test_changes_the_guideline_and_coaches(self, tab: Tabs, world: World) -> None:
        rehearsal.open_cases(world, 2)
        rulings = busy_day.rule(world, 2)
        page = tab(world.olga).open("/desk/")
        page.see("How your rulings hold")
        page.page.locator(".rulings a").first.click()
        page.see("Change the guideline")

        page.page.get_by_label("A rule that would have settled it").fill(
            "The shadow is not part of the crown."
        )
        page.page.get_by_label("wrong", exact=True).check()
        page.page.get_by_label("What the example shows").fill("too wide")
        page.page.get_by_role("button", name="Make it the next version").click()
        page.see("of the guideline is in force")
        newest = world.project.guidelines.latest("version")
        assert newest.text.endswith("The shadow is not part of the crown.")
        assert newest.examples[0]["caption"] == "too wide"

        doubted = next(r for r in rulings if r.microtask.object.evidence)
        page.open(f"/desk/rulings/{doubted.pk}/")
        page.page.get_by_label("What helps next time").fill("Look at the edges.")
        page.page.get_by_role("button", name="Send").click()
        page.see("They will read it on their own page.")
        person = User.objects.get(pk=doubted.microtask.object.evidence[0]["annotator"])
        tab(person).open("/me/").see("Look at the edges.")
