"""Screenshots of every screen into out/gallery/: `make gallery`. Not a test file by its name, so it runs only when asked.

Real aerial pictures where the registry package that holds them is at hand, a painted orchard otherwise.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from defusedxml import ElementTree
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from PIL import Image
from scipy import ndimage

from models import datasets
from models.assets import AssetError
from webapp.devtools import busy_day, busy_managers, rehearsal, staged_shapes, staged_tasks
from webapp.devtools.rehearsal import Picture, World
from webapp.labeling import operations
from webapp.labeling.coaching import judged_otherwise
from webapp.people.models import User
from webapp.projects.examples import Example, square_around
from webapp.projects.operations import new_guideline_version

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1200)]

ROOT = Path(__file__).resolve().parent.parent.parent
OUT = ROOT / "out" / "gallery"
SHARED = Path(os.environ.get("TESSERA_SHARED", ROOT.parent / "shared"))
SCREENSHOTS = ROOT / "docs" / "screenshots"
SCENE = "2019_YELL_2_541000_4977000_image_crop"
CUT = (180, 260, 900, 780)  # of the scene, for tasks about a single tile
SIZES = {"desktop": (1440, 900), "phone": (390, 844)}
SCHEMES = ("dark", "light")
KINDS = ("coverage_tile", "draw_missed", "verify_box", "grid_verify", "fix_box", "compare_two", "adjudicate")


README = [("feed-grid", "feed-grid_verify"), ("feed-coverage", "feed-coverage_tile"), ("operations", "ops")]
COLOURS = 64
TITLE = "Trees of Yellowstone"
PANELS = {"help": "Shift+?", "guideline": "g", "why": "y", "report": "r", "display": "i"}
LANGUAGES = {"german": "de", "arabic": "ar"}
SETUP = ("images", "schema", "guideline", "targets", "people", "start")
CLASSES: list[dict[str, Any]] = [
    {"id": 0, "name": "tree", "key": "1", "attributes": ["health"], "subclasses": [3, 4]},
    {"id": 1, "name": "car", "key": "2", "geometry": "cuboid", "dims": [4.3, 1.8, 1.5]},
    {"id": 2, "name": "deer", "key": "3", "geometry": "keypoints", "skeleton": "animal"},
    {"id": 3, "name": "spruce", "key": "4"},
    {"id": 4, "name": "pine", "key": "5"},
    {"id": 5, "name": "grass"},
    {"id": 6, "name": "bare rock"},
]
ASKED: dict[str, Any] = {
    "attributes": [
        {
            "id": "health",
            "name": "Health",
            "options": [{"id": "h", "name": "healthy", "key": "h"}, {"id": "d", "name": "dying", "key": "d"}],
        }
    ],
    "skeletons": {
        "animal": {
            "joints": [{"name": "head"}, {"name": "left shoulder", "side": "left"}, {"name": "tail"}],
            "edges": [["head", "left shoulder"], ["left shoulder", "tail"]],
        }
    },
    "scene": {"triage": True, "regions": [0, 5, 6], "region_share": 0.5},
}
NAMES = (
    "login",
    *(f"feed-{kind}" for kind in KINDS),
    *(f"staged-{kind}" for kind in (*staged_tasks.CLASS_KINDS, *staged_tasks.CUBOID_KINDS)),
    *(f"staged-{kind}" for kind in staged_shapes.KINDS),
    *(f"feed-{name}" for name in ("adjudicate-blind", "idle", "window", "news", *PANELS, *LANGUAGES)),
    *(
        "desk",
        "desk-empty",
        "desk-ruling",
        "me-coached",
        "ops",
        "ops-empty",
        "ops-pause",
        "ops-dataset",
        "ops-scene",
    ),
    *("ops-quality", "ops-items", "ops-target", "ops-reopening"),
    *("ops-acts", "ops-people", "ops-person", "ops-notes"),
    *("ops-object", "ops-reopen", "ops-appeal", "me", "me-paused", "me-empty"),
    *(f"setup-{name}" for name in ("projects", "new", *SETUP)),
    *(
        f"{name}-arabic"
        for name in (
            "ops",
            "ops-object",
            "ops-acts",
            "ops-people",
            "ops-quality",
            "ops-target",
            "setup-schema",
            "setup-targets",
            "me",
            "desk",
            "desk-ruling",
        )
    ),
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
    before: Callable[[Any], object] = lambda tab: None  # what is done before the page is opened


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
            tab.page.wait_for_load_state("networkidle")
        tab.press(*keys)
        tab.page.wait_for_timeout(150)

    return prepare


def in_arabic(tab: Any) -> None:
    tab.page.locator("select[data-language]").select_option("ar")
    tab.page.wait_for_function("() => document.documentElement?.dir === 'rtl'")
    tab.page.wait_for_load_state("networkidle")


def idle(tab: Any) -> None:
    tab.until("s.idle !== null")


class Stands:
    """Makes what a picture needs when it is first asked for, and keeps it for the next size and scheme."""

    def __init__(self, whole: Picture, part: Picture) -> None:
        self.whole, self.part = whole, part
        self.worlds: dict[str, World] = {}

    def __getitem__(self, name: str) -> Stand:
        screen, _, what = name.partition("-")
        if name == "login":
            return Stand(None, "/login/", nothing)
        if screen == "feed":
            return self.feed(what)
        if screen == "staged":
            return self.staged(what)
        if name.endswith("-arabic"):
            stand = self[name.removesuffix("-arabic")]
            return Stand(stand.person, stand.path, in_arabic)
        if screen == "setup":
            return self.setting_up(what)
        if name == "desk":
            return Stand(self.desk().olga, "/desk/", nothing)
        if name == "desk-ruling":
            world = self.desk("ruled", 7)
            ruled = max(busy_day.rule(world, 0), key=lambda r: len(judged_otherwise(r.microtask.object)))
            return Stand(world.olga, reverse("desk:ruling", args=[ruled.pk]), nothing)
        if name == "me-coached":
            return Stand(busy_day.coached(self.desk("ruled", 7)), "/me/", nothing)
        if what in ("acts", "people", "person", "notes"):
            return self.managed(what)
        world = self.empty() if what == "empty" else self.busy()
        paths = {
            "desk": "/desk/",
            "ops": "/ops/",
            "ops-pause": f"/ops/projects/{world.project.pk}/pause/",
            "ops-dataset": f"/ops/datasets/{world.scene.dataset_id}/",
            "ops-scene": f"/ops/scenes/{world.scene.pk}/",
            "ops-object": f"/ops/objects/{busy_day.disputed(world)}/",
            "ops-reopen": f"/ops/datasets/{world.scene.dataset_id}/reopen/?risk=2",
            "ops-quality": f"/ops/projects/{world.project.pk}/quality/",
            "ops-items": f"/ops/projects/{world.project.pk}/quality/first_pass/",
            "ops-target": f"/ops/projects/{world.project.pk}/target/?risk=2&looks=5",
            "ops-reopening": f"/ops/reopenings/{busy_managers.wanting(world)}/",
            "ops-appeal": f"/ops/appeals/{busy_day.appealing(self.busy())}/"
            if what in ("appeal", "paused")
            else "",
            "me": "/me/",
            "me-paused": "/me/",
        }
        if screen == "me":
            person = {"": world.crew[0], "paused": world.crew[-1], "empty": world.ada}[what]
        else:
            person = world.olga if screen == "desk" else world.otto
        return Stand(person, paths[name.removesuffix("-empty")], nothing)

    def desk(self, name: str = "desk", ruled: int = 4) -> World:
        """An office in which so many of seven cases have been ruled on."""
        if name not in self.worlds:
            self.worlds[name] = rehearsal.build(self.whole, title=TITLE, classes=["tree"])
            rehearsal.open_cases(self.worlds[name], 7)
            busy_day.rule(self.worlds[name], ruled)
        return self.worlds[name]

    def feed(self, what: str) -> Stand:
        if what == "idle":
            return Stand(self.empty().ada, "/feed/", idle)
        if what == "window":
            return Stand(self.scan().ada, "/feed/", windowed)
        if what == "news":
            return Stand(
                self.asking("verify_box", what).ada, "/feed/", lambda tab: told(tab, self.worlds[what])
            )
        if what in PANELS:
            return Stand(self.asking("coverage_tile").ada, "/feed/", pressed(PANELS[what]))
        if what in LANGUAGES:
            world = self.asking("verify_box")
            return Stand(world.ada, "/feed/", spoken(LANGUAGES[what], working("verify_box", world)))
        kind = what.removesuffix("-blind")
        world = self.asking(kind, what)
        person = world.olga if kind == "adjudicate" else world.ada
        prepare = (lambda tab: tab.task(kind)) if what != kind else working(kind, world)
        return Stand(person, "/feed/", prepare)

    def staged(self, kind: str) -> Stand:
        """A kind that no rehearsal leads to, with a payload of its own."""
        try:
            if kind in staged_shapes.KINDS:
                task = staged_shapes.staged_task(kind, SHARED / "data")
            else:
                task = staged_tasks.staged_task(kind, self.part, SHARED / "data")
        except FileNotFoundError as missing:
            pytest.skip(
                f"no picture at {missing.filename}; set TESSERA_SHARED to the folder that holds data/"
            )

        def prepare(tab: Any) -> None:
            tab.task(kind)
            if kind == "cuboid_lidar":
                tab.page.locator('.lidar[data-cloud="ready"]').wait_for()
            tab.press(*task.keys)
            tab.page.wait_for_timeout(400)

        return Stand(self.empty().ada, "/feed/", prepare, lambda tab: staged_tasks.stage(tab.page, task))

    def setting_up(self, step: str) -> Stand:
        """A draft with pictures, classes, a guideline with examples and some people."""
        if step == "schema" and "draft" not in self.worlds:
            self.worlds["draft"] = rehearsal.build(self.part, title=TITLE, classes=CLASSES, more=ASKED)
        world = self.worlds["draft"] if step == "schema" else self.empty()
        if step in ("projects", "new"):
            return Stand(world.otto, "/projects/" if step == "projects" else "/projects/new/", nothing)
        busy_day.prepare(world)
        path = reverse(f"setup:{step}", args=[world.project.pk])
        return Stand(world.otto, path, nothing)

    def asking(self, kind: str, name: str = "") -> World:
        """A world in which one task of this kind is open."""
        key = name or kind
        if key not in self.worlds:
            self.worlds[key] = rehearsal.build(self.part, title=TITLE, classes=["tree"])
            if kind == "adjudicate":
                rehearsal.open_cases(self.worlds[key], 5)
                busy_day.rule(self.worlds[key], 4)
            else:
                rehearsal.open_kind(self.worlds[key], kind, cells=23)
        return self.worlds[key]

    def scan(self) -> World:
        """Nuclei under a microscope, in 16 bits."""
        if "scan" not in self.worlds:
            folder = SHARED / "data" / "images" / "nuclei_stardist"
            if not folder.exists():
                pytest.skip(f"no picture at {folder}; set TESSERA_SHARED to the folder that holds data/")
            with Image.open(folder / "mask2d.tif") as mask:
                found = ndimage.find_objects(np.asarray(mask).astype(int))
            boxes = [
                (float(x.start), float(y.start), float(x.stop), float(y.stop)) for y, x in filter(None, found)
            ]
            boxes.sort(key=lambda b: (b[0] - b[2]) * (b[3] - b[1]))
            picture = Picture(folder / "img2d.tif", boxes)
            self.worlds["scan"] = rehearsal.build(picture, title="Nuclei", classes=["nucleus"])
            rehearsal.open_kind(self.worlds["scan"], "coverage_tile")
        return self.worlds["scan"]

    def empty(self) -> World:
        if "empty" not in self.worlds:
            self.worlds["empty"] = rehearsal.build(self.part, title=TITLE)
        return self.worlds["empty"]

    def managed(self, what: str) -> Stand:
        """Where managers have paused, moved, told and changed things, and the crew has worked for some days."""
        if "managed" not in self.worlds:
            self.worlds["managed"] = rehearsal.build(self.part, title=TITLE, classes=["tree"])
            busy_managers.acting(self.worlds["managed"])
        world = self.worlds["managed"]
        path = f"/ops/people/{world.crew[1].pk}/" if what == "person" else f"/ops/{what}/"
        return Stand(world.otto, path, nothing)

    def busy(self) -> World:
        """An office where sixteen people have worked for half an hour."""
        if "busy" not in self.worlds:
            busy = rehearsal.build(self.whole, name="Survey office", title=TITLE, classes=["tree"], crew=16)
            chances = [0.35 + 0.6 * (n * 37 % 100) / 100 for n in range(60)]
            planned = [rehearsal.predicted(busy, n, chances[n], 0.95) for n in range(0, 60, 2)]
            rehearsal.open_tiles(busy, planned)
            busy_day.work(busy)
            self.worlds["busy"] = busy
        return self.worlds["busy"]


@pytest.fixture(scope="module")
def stands(server: Any, whole: Picture, part: Picture) -> Stands:
    return Stands(whole, part)


def spoken(language: str, prepare: Callable[[Any], None]) -> Callable[[Any], None]:
    """The same in another language."""

    def act(tab: Any) -> None:
        tab.page.evaluate("(name) => localStorage.setItem('tessera-language', name)", language)
        tab.page.reload()
        prepare(tab)

    return act


def windowed(tab: Any) -> None:
    tab.task("coverage_tile")
    tab.press("i", "Shift+i", "Shift+i")
    tab.page.wait_for_timeout(600)


def told(tab: Any, world: World) -> None:
    """The guideline gets a new example while somebody is at work."""
    tab.task("verify_box")
    tab.page.wait_for_load_state("networkidle")
    newest = world.project.guidelines.latest("version")
    x1, y1, x2, y2 = world.truth[newest.version]
    square = square_around((x1 + x2) / 2, (y1 + y2) / 2, 120, world.scene.width, world.scene.height)
    example = Example("wrong", "The shadow is not part of the crown.", world.scene.pk, square, 0)
    new_guideline_version(project=world.project, text=newest.text, examples=[example])
    tab.page.reload()
    tab.task("verify_box")
    tab.page.locator(".guideline-example").wait_for()
    tab.page.wait_for_load_state("networkidle")


def pressed(key: str) -> Callable[[Any], None]:
    def act(tab: Any) -> None:
        tab.task("coverage_tile")
        tab.press(key)
        tab.page.wait_for_timeout(400)

    return act


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("size", list(SIZES))
@pytest.mark.parametrize("name", NAMES)
def test_screen(tab: Callable[..., Any], stands: Stands, name: str, size: str, scheme: str) -> None:
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
    stand.before(page)
    stand.prepare(page.open(stand.path))
    path = OUT / f"{name}-{size}-{scheme}.png"
    page.page.screenshot(path=path, full_page=not stand.path.startswith("/feed/"), animations="disabled")
    wide = page.page.evaluate("document.documentElement.scrollWidth")
    assert wide <= width, f"{name} is {wide} px wide on a screen of {width}"
    with Image.open(path) as picture:
        assert len(picture.convert("RGB").getcolors(2**24) or ()) > 8, f"{name} shows nothing"


@pytest.mark.parametrize(("name", "shown"), README)
def test_picture_of_the_readme(tab: Callable[..., Any], stands: Stands, name: str, shown: str) -> None:
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
