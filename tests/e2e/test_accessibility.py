"""axe-core, the usual engine for accessibility rules, finds nothing on any screen, dark and light."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from webapp.devtools import rehearsal
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
    """Rule, and where it is broken, for each finding."""
    page.page.evaluate(axe)
    found = page.page.evaluate(
        "(tags) => axe.run(document, {runOnly: tags, resultTypes: ['violations']})", RULES
    )
    return [
        f"{v['id']}: {node['html'][:120]} {node['any'][0]['message'] if node['any'] else ''}"
        for v in found["violations"]
        for node in v["nodes"][:4]
    ]


@pytest.mark.parametrize("scheme", ["dark", "light"])
class TestAccessibility:
    @pytest.mark.parametrize("kind", KINDS)
    def test_of_every_kind(
        self, tab: Callable[..., Any], world: World, axe: str, kind: str, scheme: str
    ) -> None:
        rehearsal.open_kind(world, kind)
        page = tab(world.olga if kind == "adjudicate" else world.ada, color_scheme=scheme).open()
        page.task(kind)
        if kind == "adjudicate":
            page.press("Space")
            page.until("s.task.phase === 'case'")
        if kind == "grid_verify":
            page.press("x")

        assert violations(page, axe) == []

    def test_of_pages_panels_and_dialogs(
        self, tab: Callable[..., Any], world: World, axe: str, scheme: str
    ) -> None:
        assert violations(tab(None, color_scheme=scheme).open("/login/"), axe) == []
        idle = tab(world.ada, color_scheme=scheme).open()
        idle.until("s.idle !== null")
        assert violations(idle, axe) == []
        rehearsal.open_tiles(world)
        idle.task("coverage_tile")
        for key in ("Shift+?", "y", "r", "g", "i"):
            idle.press(key)
            idle.page.wait_for_timeout(150)
            assert violations(idle, axe) == [], key
            idle.press("Escape" if key != "g" else "g")
        for person, path in ((world.olga, "/desk/"), (world.otto, "/ops/")):
            assert violations(tab(person, color_scheme=scheme).open(path), axe) == [], path
        room = tab(world.otto, color_scheme=scheme)
        for path in (
            f"/ops/datasets/{world.scene.dataset_id}/",
            f"/ops/scenes/{world.scene.pk}/",
            f"/ops/projects/{world.project.pk}/pause/",
        ):
            assert violations(room.open(path), axe) == [], path
