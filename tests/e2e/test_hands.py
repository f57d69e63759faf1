"""What hands can do in every task: zoom, move, magnify, hide, brighten, undo, choose keys; and who can use it."""

from collections.abc import Callable
from typing import Any

import pytest

from webapp.devtools import rehearsal
from webapp.devtools.rehearsal import World
from webapp.labeling.models import Answer

pytestmark = pytest.mark.browser

Tabs = Callable[..., Any]
PHONE = {"width": 390, "height": 844}


def pixel(tab: Any, x: float, y: float) -> list[int]:
    """Red, green and blue of the stage's canvas at a point of the scene."""
    view = tab.state["views"][0]
    at = [x * view["scale"] + view["x"], y * view["scale"] + view["y"]]
    read = """([x, y]) => {
      const canvas = document.querySelector('.stage-canvas');
      const ratio = canvas.width / canvas.clientWidth;
      return [...canvas.getContext('2d').getImageData(x * ratio, y * ratio, 1, 1).data].slice(0, 3);
    }"""
    return list(tab.page.evaluate(read, at))


@pytest.fixture
def tile(tab: Tabs, world: World) -> Any:
    """A coverage tile on screen."""
    rehearsal.open_kind(world, "coverage_tile")
    page = tab(world.ada).open()
    page.task("coverage_tile")
    return page


class TestView:
    def test_zooms_at_the_cursor_pans_and_fits(self, tile: Any) -> None:
        at = tile.place(400, 200)
        fitted = tile.state["views"][0]
        tile.page.mouse.move(*at)
        tile.page.mouse.wheel(0, -400)
        tile.until(f"s.views[0].scale > {fitted['scale']} * 1.3")
        assert tile.place(400, 200) == pytest.approx(at, abs=1.0)

        tile.page.mouse.down(button="right")
        tile.page.mouse.move(at[0] - 60, at[1] - 40, steps=4)
        tile.page.mouse.up(button="right")
        assert tile.place(400, 200) == pytest.approx((at[0] - 60, at[1] - 40), abs=1.0)
        assert tile.state["task"]["pins"] == []

        tile.press("f")
        tile.until(f"Math.abs(s.views[0].scale - {fitted['scale']}) < 1e-6")

    def test_magnifies_and_hides_only_while_the_key_is_held(self, tile: Any, world: World) -> None:
        for key, action in (("z", "loupe"), ("h", "hide")):
            tile.page.keyboard.down(key)
            assert tile.action(action).get_attribute("aria-pressed") == "true"
            tile.page.keyboard.up(key)
            assert tile.action(action).get_attribute("aria-pressed") == "false"

    def test_brightens_the_picture_and_not_the_answer(self, tile: Any, world: World) -> None:
        x1, y1, x2, y2 = world.truth[0]
        middle = ((x1 + x2) / 2, (y1 + y2) / 2)
        before = pixel(tile, *middle)
        tile.press("i")
        tile.page.locator("[data-testid=display]").wait_for()
        tile.press(*["ArrowRight"] * 8)
        tile.eventually(lambda: sum(pixel(tile, *middle)) > sum(before) + 30)
        tile.press("Escape")
        tile.page.locator("[data-testid=display]").wait_for(state="hidden")

        tile.click_at(*middle)
        tile.press("Enter")

        tile.acknowledged()
        answer = Answer.objects.get(annotator=world.ada)
        assert answer.value["points"][0]["xy"] == pytest.approx(list(middle), abs=1.5)


class TestDrawing:
    """Nothing needs a drag, and nothing needs a mouse."""

    @pytest.mark.parametrize("way", ["two clicks", "four clicks"])
    def test_a_box_by_clicks(self, tab: Tabs, world: World, way: str) -> None:
        rehearsal.open_kind(world, "draw_missed")
        page = tab(world.ada).open()
        page.task("draw_missed")
        x1, y1, x2, y2 = world.truth[0]
        points = [(x1, y1), (x2, y2)]
        if way == "four clicks":
            page.press("e")
            points = [((x1 + x2) / 2, y1), (x2, (y1 + y2) / 2), ((x1 + x2) / 2, y2), (x1, (y1 + y2) / 2)]
        for point in points:
            page.click_at(*point)
        page.until("s.task.boxes.length === 1")
        page.press("Enter")

        page.acknowledged()
        (drawn,) = Answer.objects.get(annotator=world.ada).value["objects"]
        assert drawn["xyxy"] == pytest.approx(world.truth[0], abs=1.5)

    def test_pins_and_verdicts_by_touch(self, tab: Tabs, world: World) -> None:
        rehearsal.open_kind(world, "coverage_tile")
        page = tab(world.ada, viewport=PHONE, has_touch=True, is_mobile=True).open()
        page.task("coverage_tile")
        x1, y1, x2, y2 = world.truth[7]
        page.page.touchscreen.tap(*page.place((x1 + x2) / 2, (y1 + y2) / 2))
        page.until("s.task.pins.length === 1")
        page.action("submit").tap()

        page.acknowledged()
        answer = Answer.objects.get(annotator=world.ada)
        assert answer.value["points"][0]["xy"] == pytest.approx([(x1 + x2) / 2, (y1 + y2) / 2], abs=4)
        assert answer.telemetry["input"] == "touch"

    def test_a_page_from_right_to_left_does_not_mirror_the_picture(self, tab: Tabs, world: World) -> None:
        rehearsal.open_kind(world, "draw_missed")
        page = tab(world.ada)
        page.page.add_init_script("localStorage.setItem('tessera-language', 'ar')")
        page.open()
        page.task("draw_missed")
        page.drag(world.truth[0][:2], world.truth[0][2:])
        page.drag(world.truth[0][2:], (world.truth[0][2] + 10, world.truth[0][3] + 6))
        page.press("Enter")

        page.acknowledged()
        (drawn,) = Answer.objects.get(annotator=world.ada).value["objects"]
        x1, y1, x2, y2 = world.truth[0]
        assert drawn["xyxy"] == pytest.approx([x1, y1, x2 + 10, y2 + 6], abs=1.5)


class TestUndo:
    def test_goes_back_and_forth_through_every_step(self, tile: Any, world: World) -> None:
        for x1, y1, x2, y2 in world.truth[:4]:
            tile.click_at((x1 + x2) / 2, (y1 + y2) / 2)
        tile.press(*["Control+z"] * 4)
        assert tile.state["task"]["pins"] == []
        tile.press("Control+Shift+z", "Control+y")
        assert len(tile.state["task"]["pins"]) == 2
        assert tile.action("redo").is_enabled()


class TestAlways:
    def test_skip_unsure_and_report_are_answers_too(self, tab: Tabs, world: World) -> None:
        rehearsal.open_tiles(world)
        page = tab(world.ada).open()
        for count, outcome in enumerate(("unsure", "skip", "report"), start=1):
            page.task("coverage_tile")
            page.press({"unsure": "u", "skip": "k", "report": "r"}[outcome])
            if outcome == "report":
                page.press("3")
                page.page.get_by_label("Anything that helps").fill("Are shrubs meant as well?")
                page.press("Control+Enter")
            page.acknowledged(count)

        outcomes = (
            Answer.objects.filter(annotator=world.ada)
            .order_by("created_at")
            .values_list("outcome", flat=True)
        )
        assert list(outcomes) == ["unsure", "skip", "report"]
        report = Answer.objects.get(annotator=world.ada, outcome="report").report
        assert report == {"code": "guideline_gap", "text": "Are shrubs meant as well?"}

    def test_the_guideline_and_the_reason_are_one_key_away(self, tile: Any) -> None:
        tile.press("g")
        tile.see("Every tree crown that is visible from above is one object")
        tile.press("g")
        tile.press("y")
        tile.see("Nobody has searched this tile.")


class TestKeys:
    def test_follow_a_profile_and_ones_own_choice_over_a_reload(self, tab: Tabs, world: World) -> None:
        rehearsal.open_kind(world, "draw_missed")
        page = tab(world.ada).open()
        page.task("draw_missed")
        page.press("Shift+?")
        page.action("key-profile").select_option("cvat")
        page.page.locator("[data-rekey=none]").click()
        page.press("f")
        page.see("already means")
        page.page.locator("[data-rekey=none]").click()
        page.press("0")
        page.press("Escape")
        page.page.reload()
        page.task("draw_missed")

        page.press("x", "0")

        page.acknowledged()
        assert Answer.objects.get(annotator=world.ada).value == {"objects": [], "none": True}

    def test_of_one_letter_can_be_turned_off(self, tile: Any) -> None:
        tile.press("Shift+?")
        tile.action("single-keys").uncheck()
        tile.press("Escape", "p", "p")
        assert tile.state["task"]["pins"] == [] and tile.state["task"]["cursor"] is None


class TestLanguages:
    @pytest.mark.parametrize(
        ("language", "direction", "prompt"),
        [
            ("de", "ltr", "Ist dieses Objekt (tree) richtig umrissen?"),
            ("ar", "rtl", "هل حدود هذا العنصر (tree) صحيحة؟"),
        ],
    )
    def test_turn_every_text_and_the_direction(
        self, tab: Tabs, world: World, language: str, direction: str, prompt: str
    ) -> None:
        rehearsal.open_kind(world, "verify_box")
        page = tab(world.ada).open()
        page.task("verify_box")
        page.click("menu")
        page.action("language").select_option(language)
        page.page.wait_for_function(f"() => document.documentElement.lang === '{language}'")
        page.task("verify_box")

        assert page.page.locator("[data-testid=prompt]").inner_text() == prompt
        assert page.page.evaluate("() => getComputedStyle(document.body).direction") == direction
        tools, side = (page.page.locator(s).bounding_box() for s in (".wb-tools", ".wb-side"))
        assert tools is not None and side is not None
        assert (tools["x"] < side["x"]) == (direction == "ltr")
        page.press("Space")
        page.acknowledged()


class TestLayout:
    @pytest.mark.parametrize(
        "viewport", [{"width": 1440, "height": 900}, {"width": 1024, "height": 700}, PHONE]
    )
    def test_nothing_sticks_out_of_the_page(self, tab: Tabs, world: World, viewport: dict[str, int]) -> None:
        rehearsal.open_kind(world, "grid_verify")
        page = tab(world.ada, viewport=viewport).open()
        page.task("grid_verify")
        out = """() => {
          const page = document.documentElement;
          const wide = [...document.querySelectorAll('.workbench button, .workbench h1, .wb-figure')].filter((e) => {
            const box = e.getBoundingClientRect();
            return box.width > 0 && !e.closest('.menu-panel, .wb-tools') && (box.left < -1 || box.right > innerWidth + 1);
          });
          return [page.scrollWidth > innerWidth, ...wide.map((e) => e.outerHTML.slice(0, 90))];
        }"""
        assert page.page.evaluate(out) == [False]
