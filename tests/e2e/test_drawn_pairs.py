"""Two drawings of one object side by side, as the product came to ask about them: by mouse, by keyboard, and for all."""

from collections.abc import Callable
from typing import Any

import pytest

from webapp.devtools import every_kind
from webapp.devtools.axe import violations
from webapp.devtools.every_kind import Opened
from webapp.devtools.rehearsal import Picture
from webapp.labeling.models import Answer, Refinement

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


@pytest.fixture
def asked(tab: Callable[..., Any], picture: Picture) -> Callable[..., tuple[Any, Opened]]:
    def open_page(geometry: str) -> tuple[Any, Opened]:
        opened = every_kind.open_drawn_pair(picture, geometry)
        page = tab(opened.person).open()
        page.task("compare_two")
        return page, opened

    return open_page


@pytest.mark.parametrize("geometry", every_kind.PAIRS)
class TestDrawnPairs:
    @pytest.mark.parametrize("hand", ["mouse", "key"])
    def test_are_chosen_between_and_the_refinement_learns_of_it(
        self, asked: Callable[..., tuple[Any, Opened]], geometry: str, hand: str
    ) -> None:
        page, opened = asked(geometry)

        if hand == "mouse":
            page.click("choose-a")
        else:
            page.press("ArrowRight")

        page.acknowledged()
        answer = Answer.objects.get(microtask=opened.task, annotator=opened.person)
        assert answer.value == {"choice": "A" if hand == "mouse" else "B"}
        assert answer.telemetry["input"] == hand
        last = Refinement.objects.get(pk=opened.task.secret["refinement"]).case["said"][-1]
        assert (last["kind"], last["annotator"]) == ("compare_two", opened.person.pk)
        assert {side: last["value"][side] for side in "ab"} == {s: opened.task.secret[s] for s in "ab"}

    def test_show_what_was_drawn_and_flicker_into_each_other(
        self, asked: Callable[..., tuple[Any, Opened]], geometry: str
    ) -> None:
        page, _ = asked(geometry)
        pane = page.page.locator(".panes canvas").first

        before = pane.screenshot()
        page.page.keyboard.down("h")
        page.eventually(lambda: bool(pane.screenshot() != before))
        page.page.keyboard.up("h")
        page.eventually(lambda: bool(pane.screenshot() == before))

    def test_have_no_accessibility_findings(
        self, asked: Callable[..., tuple[Any, Opened]], geometry: str
    ) -> None:
        page, _ = asked(geometry)

        assert violations(page.page) == []
