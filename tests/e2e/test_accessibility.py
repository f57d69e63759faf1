"""axe-core, the usual engine for accessibility rules, finds nothing on any screen, dark and light."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from webapp.devtools import busy_day, rehearsal
from webapp.devtools.rehearsal import World

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parent.parent.parent
AXE = ROOT / "webapp" / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
KINDS = ("coverage_tile", "draw_missed", "verify_box", "grid_verify", "fix_box", "compare_two", "adjudicate")


@pytest.fixture(scope="module")
def axe() -> str:
    if not AXE.exists():
        pytest.fail("axe-core is missing: run `make setup` so that the front end's packages are there")
    return AXE.read_text()


def violations(page: Any, axe: str) -> list[str]:
    """Scheme, rule and place of each finding, dark and light."""
    page.page.evaluate(axe)
    found: list[str] = []
    for scheme in ("dark", "light"):
        page.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        rules = "(tags) => axe.run(document, {runOnly: tags, resultTypes: ['violations']})"
        for violation in page.page.evaluate(rules, RULES)["violations"]:
            for node in violation["nodes"][:4]:
                why = node["any"][0]["message"] if node["any"] else ""
                found.append(f"{scheme}: {violation['id']}: {node['html'][:120]} {why}")
    return found


class TestAccessibility:
    @pytest.mark.parametrize("kind", KINDS)
    def test_of_every_kind(self, tab: Callable[..., Any], world: World, axe: str, kind: str) -> None:
        rehearsal.open_kind(world, kind)
        page = tab(world.olga if kind == "adjudicate" else world.ada).open()
        page.task(kind)
        if kind == "adjudicate":
            page.press("Space")
            page.until("s.task.phase === 'case'")
        if kind == "grid_verify":
            page.press("x")

        assert violations(page, axe) == []

    def test_of_panels_and_dialogs(self, tab: Callable[..., Any], world: World, axe: str) -> None:
        page = tab(world.ada).open()
        page.until("s.idle !== null")
        assert violations(page, axe) == []
        rehearsal.open_tiles(world)
        page.task("coverage_tile")
        panels = {"g": "[data-testid=guideline]", "i": "[data-testid=display]"}
        for key in ("Shift+?", "y", "r", "g", "i"):
            page.press(key)
            page.at_rest(panels.get(key, "dialog[open]"))
            assert violations(page, axe) == [], key
            page.press("Escape" if key != "g" else "g")

    def test_of_pages(self, tab: Callable[..., Any], world: World, axe: str) -> None:
        rehearsal.open_tiles(world)
        assert violations(tab(None).open("/login/"), axe) == []
        assert violations(tab(world.olga).open("/desk/"), axe) == []
        room = tab(world.otto)
        for path in (
            "/ops/",
            f"/ops/datasets/{world.scene.dataset_id}/",
            f"/ops/scenes/{world.scene.pk}/",
            f"/ops/projects/{world.project.pk}/pause/",
        ):
            assert violations(room.open(path), axe) == [], path

    def test_of_the_desk(self, tab: Callable[..., Any], world: World, axe: str) -> None:
        rehearsal.open_cases(world, 4)
        rulings = busy_day.rule(world, 3)
        told = busy_day.coached(world)
        page = tab(world.olga)
        for path in ("/desk/", *(f"/desk/rulings/{ruling.pk}/" for ruling in rulings)):
            assert violations(page.open(path), axe) == [], path
        page.open("/feed/").task("adjudicate")
        page.press("ArrowRight", "Space")
        page.until("s.task.phase === 'case'")
        page.page.locator(".precedent-list a").first.wait_for()
        page.press("b")
        assert violations(page, axe) == []
        assert violations(tab(told).open("/me/"), axe) == []

    def test_of_the_set_up(self, tab: Callable[..., Any], world: World, axe: str) -> None:
        busy_day.prepare(world)
        page = tab(world.otto)
        steps = ("name", "pictures", "classes", "guideline", "targets", "people", "start", "discard")
        for path in (
            "/projects/",
            "/projects/new/",
            *(f"/projects/{world.project.pk}/setup/{s}/" for s in steps),
        ):
            page.open(path).page.wait_for_function("() => document.documentElement.dataset.ready === ''")
            assert violations(page, axe) == [], path
        page.open(f"/projects/{world.project.pk}/setup/guideline/").click("add-example")
        assert violations(page, axe) == []

    def test_of_objects_appeals_and_ones_own_page(
        self, tab: Callable[..., Any], world: World, axe: str
    ) -> None:
        rehearsal.open_tiles(world, [rehearsal.predicted(world, n, 0.6, 0.9) for n in range(6)])
        busy_day.work(world, rounds=12)
        appeal = busy_day.appealing(world)
        page = tab(world.otto)
        for path in (
            "/ops/",
            f"/ops/scenes/{world.scene.pk}/?state=all",
            f"/ops/objects/{busy_day.disputed(world)}/",
            f"/ops/datasets/{world.scene.dataset_id}/reopen/",
            f"/ops/appeals/{appeal}/",
        ):
            assert violations(page.open(path), axe) == [], path
        assert violations(tab(world.crew[-1]).open("/me/"), axe) == []
