"""Every kind of micro-task is done by a person in a browser, with the mouse and again with the keyboard alone."""

from collections.abc import Callable
from typing import Any

import pytest

from webapp.devtools import rehearsal
from webapp.devtools.rehearsal import World
from webapp.labeling.models import Answer, Microtask

pytestmark = pytest.mark.browser

Hand = Callable[[Any, World, Microtask], None]


def cover_with_mouse(tab: Any, world: World, task: Microtask) -> None:
    for x1, y1, x2, y2 in world.truth[:3]:
        tab.click_at((x1 + x2) / 2, (y1 + y2) / 2)
    tab.click("undo")
    tab.click("submit")


def cover_with_keys(tab: Any, world: World, task: Microtask) -> None:
    tab.press("p", "ArrowRight", "p", "Shift+ArrowLeft", "p", "Shift+ArrowUp", "p", "Control+z", "Enter")


def draw_with_mouse(tab: Any, world: World, task: Microtask) -> None:
    x1, y1, x2, y2 = world.truth[0]
    tab.drag((x1, y1), (x2, y2))
    tab.click("submit")


def draw_with_keys(tab: Any, world: World, task: Microtask) -> None:
    tab.press("Space", *["Shift+ArrowLeft"] * 2, *["Shift+ArrowUp"] * 2, "Space")
    tab.press(*["Shift+ArrowRight"] * 4, *["Shift+ArrowDown"] * 4, "Space", "Enter")


def verify_with_mouse(tab: Any, world: World, task: Microtask) -> None:
    x1, y1, x2, y2 = task.payload["object"]["xyxy"]
    tab.click_at(x1, (y1 + y2) / 2)
    tab.click_at((x1 + x2) / 2, y2)
    tab.click("submit")


def verify_with_keys(tab: Any, world: World, task: Microtask) -> None:
    tab.press("Space")


def grid_with_mouse(tab: Any, world: World, task: Microtask) -> None:
    first, second = (cell["id"] for cell in task.payload["cells"][:2])
    tab.page.locator(f'[data-cell="{first}"]').click()
    tab.page.locator(f'[data-cell="{second}"]').click(button="right")
    tab.until("s.task.ripe && s.task.viewed.length > 0")
    tab.click("submit")


def grid_with_keys(tab: Any, world: World, task: Microtask) -> None:
    tab.press("x", "ArrowRight", "u")
    tab.until("s.task.ripe && s.task.viewed.length > 0")
    tab.press("Space")


def fix_with_mouse(tab: Any, world: World, task: Microtask) -> None:
    x1, y1, x2, y2 = task.payload["object"]["xyxy"]
    tab.drag((x1, (y1 + y2) / 2), (x1 + 9, (y1 + y2) / 2))
    tab.drag((x2, y2), (x2 - 12, y2 + 6))
    tab.click("submit")


def fix_with_keys(tab: Any, world: World, task: Microtask) -> None:
    tab.press("ArrowRight", "ArrowRight", "Shift+ArrowRight", "ArrowUp", "ArrowUp", "Enter")


def compare_with_mouse(tab: Any, world: World, task: Microtask) -> None:
    tab.click("choose-a")


def compare_with_keys(tab: Any, world: World, task: Microtask) -> None:
    tab.press("ArrowRight")


def rule_with_mouse(tab: Any, world: World, task: Microtask) -> None:
    tab.click("reject")
    tab.until("s.task.phase === 'case'")
    tab.click("use-v1")
    tab.click("rubric-blurred")
    tab.click("submit")


def rule_with_keys(tab: Any, world: World, task: Microtask) -> None:
    tab.press("ArrowRight", "ArrowRight", "Space")
    tab.until("s.task.phase === 'case'")
    tab.press("q", "Control+Enter")


MOUSE: dict[str, Hand] = {
    "coverage_tile": cover_with_mouse,
    "draw_missed": draw_with_mouse,
    "verify_box": verify_with_mouse,
    "grid_verify": grid_with_mouse,
    "fix_box": fix_with_mouse,
    "compare_two": compare_with_mouse,
    "adjudicate": rule_with_mouse,
}
KEYS: dict[str, Hand] = {
    "coverage_tile": cover_with_keys,
    "draw_missed": draw_with_keys,
    "verify_box": verify_with_keys,
    "grid_verify": grid_with_keys,
    "fix_box": fix_with_keys,
    "compare_two": compare_with_keys,
    "adjudicate": rule_with_keys,
}


def check_cover(value: dict[str, Any], world: World, task: Microtask, hand: str) -> None:
    assert not value["complete"] and len(value["points"]) == 2
    if hand == "mouse":
        x1, y1, x2, y2 = world.truth[0]
        assert value["points"][0]["xy"] == pytest.approx([(x1 + x2) / 2, (y1 + y2) / 2], abs=1.5)


def check_draw(value: dict[str, Any], world: World, task: Microtask, hand: str) -> None:
    (drawn,) = value["objects"]
    if hand == "mouse":
        assert drawn["xyxy"] == pytest.approx(world.truth[0], abs=1.5)
    x, y = task.payload["seed"]
    assert drawn["xyxy"][0] < x < drawn["xyxy"][2] and drawn["xyxy"][1] < y < drawn["xyxy"][3]


def check_verify(value: dict[str, Any], world: World, task: Microtask, hand: str) -> None:
    assert value["verdict"] == ("geometry" if hand == "mouse" else "ok")
    assert value.get("edges", []) == (["left", "bottom"] if hand == "mouse" else [])


def check_grid(value: dict[str, Any], world: World, task: Microtask, hand: str) -> None:
    ids = [cell["id"] for cell in task.payload["cells"]]
    assert (value["bad"], value["unsure"], sorted(value["viewed"])) == ([ids[0]], [ids[1]], sorted(ids))


def check_fix(value: dict[str, Any], world: World, task: Microtask, hand: str) -> None:
    x1, y1, x2, y2 = task.payload["object"]["xyxy"]
    assert not value["deleted"]
    if hand == "mouse":
        assert value["xyxy"] == pytest.approx([x1 + 9, y1, x2 - 12, y2 + 6], abs=1.5)
    else:
        assert value["xyxy"] == pytest.approx([x1 + 12, y1 - 1, x2, y2], abs=0.01)


def check_compare(value: dict[str, Any], world: World, task: Microtask, hand: str) -> None:
    assert value["choice"] == ("A" if hand == "mouse" else "B")


def check_ruling(value: dict[str, Any], world: World, task: Microtask, hand: str) -> None:
    proposed = task.payload["object"]["xyxy"]
    assert value["ruling"] == "accept"
    assert value["xyxy"] == pytest.approx(
        proposed, abs=0.01
    )  # mouse takes version 1; keys walk to it from their own
    assert value["rubric"] == ({"blurred": True} if hand == "mouse" else {})


CHECKS = {
    "coverage_tile": check_cover,
    "draw_missed": check_draw,
    "verify_box": check_verify,
    "grid_verify": check_grid,
    "fix_box": check_fix,
    "compare_two": check_compare,
    "adjudicate": check_ruling,
}


@pytest.mark.parametrize("kind", list(MOUSE))
@pytest.mark.parametrize("hand", ["mouse", "keyboard"])
class TestEveryKind:
    def test_is_answered_in_the_browser(
        self, tab: Callable[..., Any], world: World, kind: str, hand: str
    ) -> None:
        task = rehearsal.open_kind(world, kind)
        person = world.olga if kind == "adjudicate" else world.ada
        page = tab(person).open()
        page.task(kind)

        (MOUSE if hand == "mouse" else KEYS)[kind](page, world, task)

        page.acknowledged()
        answer = Answer.objects.get(microtask=task, annotator=person)
        assert (answer.outcome, answer.late) == ("answered", False)
        CHECKS[kind](answer.value, world, task, hand)
        assert answer.telemetry["input"] == ("mouse" if hand == "mouse" else "key")
        assert answer.active_s > 0
