"""Pictures in a real Chromium: the window of scans of 12 bits by keys, mouse and touch; what a slow connection costs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from webapp.devtools import rehearsal
from webapp.devtools.axe import violations
from webapp.devtools.rehearsal import Picture, World
from webapp.labeling.models import Answer

pytestmark = pytest.mark.browser

Tabs = Callable[..., Any]
PHONE = {"width": 390, "height": 844}
LEFT, RIGHT = 3600, 3610  # stored values of the two halves of what is asked about
SHADE = """([x, y]) => {
  const canvas = document.querySelector(".stage-canvas");
  const ratio = canvas.width / canvas.clientWidth;
  return canvas.getContext("2d").getImageData(x * ratio, y * ratio, 1, 1).data[0];
}"""


@pytest.fixture
def scan(tmp_path: Path) -> Picture:
    """A TIFF of 12 bits whose object has two halves that 8 bits cannot tell apart."""
    y, x = np.indices((520, 720))
    values = (x * 4 + y * 2).astype(np.uint16)
    values[200:280, 300:350], values[200:280, 350:400] = LEFT, RIGHT
    values[0, :2] = 0, 4095
    Image.fromarray(values).save(tmp_path / "scan.tif")
    return Picture(tmp_path / "scan.tif", [(300.0, 200.0, 400.0, 280.0)])


@pytest.fixture
def page(tab: Tabs, server: Any, scan: Picture) -> Callable[..., Any]:
    def opened(**options: Any) -> Any:
        world = rehearsal.build(scan)
        rehearsal.open_kind(world, "verify_box")
        page = tab(world.ada, **options).open()
        page.task("verify_box")
        return page

    return opened


def shade(page: Any, x: float, y: float) -> int:
    """What the canvas shows of a point of the scene, 0 to 255."""
    view = page.state["views"][0]
    place = [x * view["scale"] + view["x"], y * view["scale"] + view["y"]]
    return int(page.page.evaluate(SHADE, place))


def shades(page: Any) -> tuple[int, int]:
    return shade(page, 325, 240), shade(page, 375, 240)


def expected(page: Any, value: int) -> float:
    window = page.state["window"]
    return float(np.clip(255 * (value - window["level"] + window["width"] / 2) / window["width"], 0, 255))


def shown_through_window(page: Any) -> None:
    """Wait until both halves are shown as the chosen window says."""
    for _ in range(600):
        wanted = [expected(page, LEFT), expected(page, RIGHT)]
        if np.abs(np.subtract(shades(page), wanted)).max() <= 2:
            return
        page.page.wait_for_timeout(50)
    raise AssertionError(f"shown are {shades(page)}, not {wanted} of {page.state['window']}")


class TestWindow:
    def test_is_set_by_keys_and_shows_what_8_bits_cannot(self, page: Any) -> None:
        tab = page()
        before = shades(tab)
        assert abs(before[0] - before[1]) <= 1
        assert tab.state.get("window") is None

        tab.press("Alt+PageDown")
        shown_through_window(tab)
        for _ in range(36):
            tab.press("Alt+Shift+PageDown")
            while tab.state["window"]["level"] + 0.05 * tab.state["window"]["width"] < RIGHT:
                tab.press("Alt+PageDown")

        shown_through_window(tab)
        left, right = shades(tab)
        assert right - left > 50

    def test_has_presets_in_turn_and_back_to_automatic(self, page: Any) -> None:
        tab = page()
        seen: list[Any] = []
        for _ in range(4):
            tab.press("Shift+i")
            seen.append(tab.state["window"])

        assert seen[0] == {"level": 4095 / 2, "width": 4095}  # Full range; no CT, so none of its presets.
        assert seen[1]["level"] < seen[2]["level"] and seen[3] is None
        tab.press("Shift+i")
        shown_through_window(tab)

    def test_is_dragged_with_the_mouse_only_when_that_is_switched_on(self, page: Any) -> None:
        tab = page()
        tab.click("window-drag")
        tab.drag((320, 230), (360, 260))

        shown_through_window(tab)
        assert tab.state["views"][0] == tab.page.evaluate("() => window.__tessera.state.views[0]")
        chosen = tab.state["window"]
        tab.press("Alt+i")
        view = tab.state["views"][0]
        tab.drag((320, 230), (330, 235))
        assert tab.state["window"] == chosen and tab.state["views"][0] != view

    def test_is_set_by_touch_and_kept_for_the_next_task(self, page: Any) -> None:
        tab = page(viewport=PHONE, has_touch=True)
        tab.action("display").tap()
        tab.action("window-full").tap()
        assert tab.action("window-full").get_attribute("aria-pressed") == "true"
        tab.action("window-level").fill("800")
        shown_through_window(tab)
        level = tab.state["window"]["level"]
        assert level == pytest.approx(0.8 * 4095, abs=5)

        tab.page.reload()
        tab.task("verify_box")
        assert tab.state["window"]["level"] == level
        shown_through_window(tab)

    def test_has_controls_without_accessibility_findings(self, page: Any) -> None:
        tab = page()
        tab.press("i", "Alt+i")
        tab.page.get_by_test_id("window").wait_for()

        assert violations(tab.page) == []

    def test_is_not_offered_where_pictures_have_8_bits(self, tab: Tabs, world: World) -> None:
        rehearsal.open_kind(world, "verify_box")
        page = tab(world.ada).open()
        page.task("verify_box")
        page.press("i")

        page.action("display-gamma").wait_for()
        assert not page.page.get_by_test_id("window").is_visible()
        assert page.page.locator('[data-action="window-drag"]').count() == 0


class TestSlowConnection:
    def test_costs_few_bytes_a_task_and_sharpens_on_zoom(
        self, tab: Tabs, world: World, capsys: pytest.CaptureFixture[str]
    ) -> None:
        rehearsal.open_tiles(world, tile_px=200)
        spent, spent_lean = self.bytes_of(tab(world.ada), "off"), self.bytes_of(tab(world.crew[0]), "on")
        with capsys.disabled():
            print(f"\nbytes of pictures a task: {spent[0]:.0f}, saving data {spent_lean[0]:.0f}")

        assert spent_lean[0] < 30_000 and spent_lean[0] < spent[0] / 3
        assert (spent[1], spent_lean[1]) == (3, 2)  # Held at once: the one on screen and those ahead.
        assert Answer.objects.filter(annotator__in=[world.ada, world.crew[0]]).count() == 4

    @staticmethod
    def bytes_of(page: Any, choice: str) -> tuple[float, int]:
        """Bytes of pictures a task, over all that were fetched for two answers, and how many tasks were held."""
        sizes: dict[str, int] = {}

        def arrived(response: Any) -> None:
            if "/crops/" in response.url:
                sizes[response.url] = int(response.headers["content-length"])

        page.page.on("response", arrived)
        page.page.context.add_init_script(f"localStorage.setItem('tessera-saver', '{choice}')")
        page.open()
        for count in (1, 2):
            page.task("coverage_tile")
            page.press("Space")
            page.acknowledged(count)
        page.task("coverage_tile")
        page.until(f"s.offers === {2 if choice == 'on' else 3}")
        page.page.wait_for_load_state("networkidle")
        per_task, held = sum(sizes.values()) / len(sizes), page.state["offers"]
        before = len(sizes)
        page.press("=")
        page.page.wait_for_load_state("networkidle")
        if choice == "on":  # In full, once looked at closely.
            page.eventually(lambda: len(sizes) > before)
        assert len(sizes) - before == (1 if choice == "on" else 0)
        return per_task, held

    def test_is_noticed_by_what_the_browser_says(self, tab: Tabs, world: World) -> None:
        rehearsal.open_tiles(world, tile_px=200)
        page = tab(world.ada)
        page.page.context.add_init_script(
            "Object.defineProperty(navigator, 'connection', { value: { saveData: true, effectiveType: '4g' } })"
        )
        page.open()
        page.task("coverage_tile")
        assert page.state["saves"] is True

        page.page.locator('[data-action="menu"]').click()
        page.action("saver").select_option("off")
        page.until("s.saves === false && s.offers === 3")
