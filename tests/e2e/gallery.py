"""Screenshots of every screen into out/gallery/: `make gallery`. Not a test file by its name, so it runs only when asked.

Real aerial pictures where the registry package that holds them is at hand, a painted orchard otherwise.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from defusedxml import ElementTree
from django.db import transaction
from django.utils import timezone
from PIL import Image

from models import datasets
from models.assets import AssetError
from webapp.devtools import busy_day, rehearsal
from webapp.devtools.rehearsal import Picture, World
from webapp.labeling import operations
from webapp.people.models import User

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1200)]

ROOT = Path(__file__).resolve().parent.parent.parent
OUT = ROOT / "out" / "gallery"
SCREENSHOTS = ROOT / "docs" / "screenshots"
SCENE = "2019_YELL_2_541000_4977000_image_crop"
CUT = (180, 260, 900, 780)  # of the scene, for tasks about a single tile
SIZES = {"desktop": (1440, 900), "phone": (390, 844)}
SCHEMES = ("dark", "light")
KINDS = ("coverage_tile", "draw_missed", "verify_box", "grid_verify", "fix_box", "compare_two", "adjudicate")


README = [("feed-grid", "feed-grid_verify"), ("feed-coverage", "feed-coverage_tile"), ("operations", "ops")]
COLOURS = 64
NAMES = (
    "login",
    *(f"feed-{kind}" for kind in KINDS),
    *(
        f"feed-{name}"
        for name in ("adjudicate-blind", "idle", "help", "guideline", "why", "report", "display")
    ),
    *("desk", "desk-empty", "ops", "ops-empty", "ops-pause", "ops-dataset", "ops-scene"),
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Picture:
    """A real scene with its reference boxes."""
    try:
        folder = datasets.trees()
    except AssetError:
        return rehearsal.orchard(
            tmp_path_factory.mktemp("whole") / "orchard.png", size=(1200, 900), trees=120
        )
    root = ElementTree.parse(folder / f"{SCENE}.xml").getroot()
    corners = ("xmin", "ymin", "xmax", "ymax")
    boxes = [[float(box.findtext(corner, "0")) for corner in corners] for box in root.iter("bndbox")]
    return Picture(folder / f"{SCENE}.png", [(b[0], b[1], b[2], b[3]) for b in boxes])


@pytest.fixture(scope="module")
def part(whole: Picture, tmp_path_factory: pytest.TempPathFactory) -> Picture:
    """A part of it, its largest objects first."""
    left, top, right, bottom = CUT
    path = tmp_path_factory.mktemp("part") / "north-slope.png"
    with Image.open(whole.path) as image:
        image.convert("RGB").crop(CUT).save(path)
    inside = [
        b
        for b in whole.boxes
        if b[0] > left + 4 and b[1] > top + 4 and b[2] < right - 4 and b[3] < bottom - 4
    ]
    inside.sort(key=lambda b: (b[0] - b[2]) * (b[3] - b[1]))
    return Picture(path, [(b[0] - left, b[1] - top, b[2] - left, b[3] - top) for b in inside])


@dataclass
class Stand:
    """What a picture is taken of: whose page, and what to do on it first."""

    person: User | None
    path: str
    prepare: Callable[[Any], None]


def nothing(tab: Any) -> None:
    tab.page.wait_for_load_state("networkidle")


def working(kind: str, world: World, *keys: str) -> Callable[[Any], None]:
    def prepare(tab: Any) -> None:
        tab.task(kind)
        if kind == "coverage_tile":
            for x1, y1, x2, y2 in world.truth[1:5]:
                tab.click_at((x1 + x2) / 2, (y1 + y2) / 2)
        if kind == "draw_missed":
            tab.drag(world.truth[0][:2], world.truth[0][2:])
            tab.page.mouse.move(5, 5)
        if kind == "verify_box":
            tab.press("x", "ArrowRight")
        if kind == "grid_verify":
            tab.press("x", "ArrowRight", "ArrowRight", "ArrowDown", "x", "ArrowRight", "u", "ArrowRight")
        if kind == "adjudicate":
            tab.press("Space")
            tab.until("s.task.phase === 'case'")
        tab.press(*keys)
        tab.page.wait_for_timeout(150)

    return prepare


def idle(tab: Any) -> None:
    tab.until("s.idle !== null")


@pytest.fixture(scope="module")
def stands(server: Any, whole: Picture, part: Picture) -> dict[str, Stand]:
    found: dict[str, Stand] = {"login": Stand(None, "/login/", nothing)}
    for kind in KINDS:
        world = rehearsal.build(part, title="Trees of Yellowstone", classes=["tree"])
        rehearsal.open_kind(world, kind, cells=23)
        person = world.olga if kind == "adjudicate" else world.ada
        found[f"feed-{kind}"] = Stand(person, "/feed/", working(kind, world))
    coverage = found["feed-coverage_tile"].person
    for name, key in (
        ("help", "Shift+?"),
        ("guideline", "g"),
        ("why", "y"),
        ("report", "r"),
        ("display", "i"),
    ):
        found[f"feed-{name}"] = Stand(coverage, "/feed/", pressed(key))
    blind = rehearsal.build(part, title="Trees of Yellowstone", classes=["tree"])
    rehearsal.open_kind(blind, "adjudicate")
    found["feed-adjudicate-blind"] = Stand(blind.olga, "/feed/", lambda tab: tab.task("adjudicate"))
    empty = rehearsal.build(part, title="Trees of Yellowstone")
    found["feed-idle"] = Stand(empty.ada, "/feed/", idle)
    found["desk-empty"] = Stand(empty.olga, "/desk/", nothing)
    found["ops-empty"] = Stand(empty.otto, "/ops/", nothing)
    busy = rehearsal.build(
        whole, name="Survey office", title="Trees of Yellowstone", classes=["tree"], crew=16
    )
    planned = [rehearsal.predicted(busy, n, 0.35 + 0.6 * (n * 37 % 100) / 100, 0.95) for n in range(0, 60, 2)]
    rehearsal.open_tiles(busy, planned)
    busy_day.work(busy)
    found["desk"] = Stand(busy.olga, "/desk/", nothing)
    found["ops"] = Stand(busy.otto, "/ops/", nothing)
    found["ops-pause"] = Stand(busy.otto, f"/ops/projects/{busy.project.pk}/pause/", nothing)
    found["ops-dataset"] = Stand(busy.otto, f"/ops/datasets/{busy.scene.dataset_id}/", nothing)
    found["ops-scene"] = Stand(busy.otto, f"/ops/scenes/{busy.scene.pk}/", nothing)
    return found


def pressed(key: str) -> Callable[[Any], None]:
    def act(tab: Any) -> None:
        tab.task("coverage_tile")
        tab.press(key)
        tab.page.wait_for_timeout(400)

    return act


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("size", list(SIZES))
@pytest.mark.parametrize("name", NAMES)
def test_screen(tab: Callable[..., Any], stands: dict[str, Stand], name: str, size: str, scheme: str) -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    width, height = SIZES[size]
    stand = stands[name]
    with transaction.atomic():  # The task of the last tab has to come back; no janitor runs here.
        operations.reap_expired(now=timezone.now() + timedelta(minutes=2))
    page = tab(
        stand.person,
        viewport={"width": width, "height": height},
        color_scheme=scheme,
        has_touch=size == "phone",
    )
    stand.prepare(page.open(stand.path))
    page.page.screenshot(
        path=OUT / f"{name}-{size}-{scheme}.png",
        full_page=not stand.path.startswith("/feed/"),
        animations="disabled",
    )


@pytest.mark.parametrize(("name", "shown"), README)
def test_picture_of_the_readme(
    tab: Callable[..., Any], stands: dict[str, Stand], name: str, shown: str
) -> None:
    """Small pictures for the README: few colours, so that the repository stays light."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    stand = stands[shown]
    with transaction.atomic():
        operations.reap_expired(now=timezone.now() + timedelta(minutes=2))
    page = tab(stand.person, viewport={"width": 1200, "height": 750}, color_scheme="dark")
    stand.prepare(page.open(stand.path))
    path = SCREENSHOTS / f"{name}.png"
    page.page.screenshot(path=path, animations="disabled")
    with Image.open(path) as image:
        few = image.convert("RGB").quantize(
            COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE
        )
    few.save(path, optimize=True)
    assert path.stat().st_size < 300_000
