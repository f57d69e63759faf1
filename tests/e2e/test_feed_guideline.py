"""A guideline that changed: one question beside the task, with the mouse and with the keyboard alone, asked once."""

from collections.abc import Callable
from typing import Any

import pytest

from webapp.devtools import rehearsal
from webapp.devtools.axe import violations
from webapp.devtools.rehearsal import World
from webapp.projects.examples import Example, square_around
from webapp.projects.models import GuidelineRead
from webapp.projects.operations import new_guideline_version

pytestmark = pytest.mark.browser

Tabs = Callable[..., Any]
TREE = 0


@pytest.fixture
def changed(tab: Tabs, world: World) -> Any:
    """Ada's tab after she has met version 1, and version 2 has come with a new example of the class she works on."""
    rehearsal.open_kind(world, "verify_box")
    page = tab(world.ada).open()
    page.task("verify_box")
    page.page.wait_for_load_state("networkidle")
    assert not page.page.get_by_test_id("guideline").is_visible()
    x1, y1, x2, y2 = world.truth[1]
    square = square_around((x1 + x2) / 2, (y1 + y2) / 2, 80, world.scene.width, world.scene.height)
    example = Example("wrong", "The shadow is not part of the crown.", world.scene.pk, square, TREE)
    text = world.project.guidelines.get().text
    new_guideline_version(project=world.project, text=text, examples=[example])
    page.page.reload()
    page.task("verify_box")
    page.page.get_by_test_id("guideline-news").wait_for()
    return page


def read(world: World) -> tuple[int, bool | None]:
    row = GuidelineRead.objects.get(person=world.ada, label=TREE)
    return row.version, row.correct


class TestChangedGuideline:
    def test_asks_about_its_new_example_once(self, changed: Any, world: World) -> None:
        picture = changed.page.locator(".guideline-example")
        changed.page.wait_for_function("() => document.querySelector('.guideline-example').naturalWidth > 0")
        assert picture.is_visible()
        assert not changed.page.locator(".guideline-body .examples").is_visible()  # They would give it away.
        assert read(world) == (1, None)
        assert violations(changed.page) == []

        changed.click("guideline-right")
        changed.see("By the guideline this is wrong: The shadow is not part of the crown.")
        assert read(world) == (2, False)
        changed.click("guideline-done")

        changed.page.reload()
        changed.task("verify_box")
        changed.page.wait_for_load_state("networkidle")
        assert not changed.page.get_by_test_id("guideline").is_visible()
        changed.press("g")
        changed.page.locator(".guideline-body .examples .wrong").wait_for()

    def test_is_answered_with_the_keyboard_alone(self, changed: Any, world: World) -> None:
        for _ in range(40):
            if changed.page.evaluate("() => document.activeElement?.dataset.action") == "guideline-wrong":
                break
            changed.press("Tab")
        changed.press("Enter")
        changed.see("By the guideline this is wrong")
        changed.press("Enter")

        changed.page.get_by_test_id("guideline").wait_for(state="hidden")
        assert read(world) == (2, True)
        changed.press("Space")
        changed.acknowledged()
