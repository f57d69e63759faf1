"""Every kind of micro-task is done by a person in a browser, with the mouse and again with the keyboard alone: asked by
the product's own pipeline, offered by one of two web processes, and its answer taken into the database."""

from collections.abc import Callable, Iterator
from itertools import cycle
from typing import Any

import numpy as np
import pytest
import shapely

from routing.annotation.kinds import KINDS
from webapp.devtools import every_kind
from webapp.devtools.axe import violations
from webapp.devtools.every_kind import JOINTS, USUAL, Opened
from webapp.devtools.rehearsal import Picture, World
from webapp.labeling.models import Answer, Microtask, Refinement

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

Hand = Callable[[Any, World, Microtask], None]
PHONE = {"width": 390, "height": 844}


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


def box_of(task: Microtask) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = task.payload["object"]["xyxy"]
    return x1, y1, x2, y2


def trace_with_mouse(tab: Any, world: World, task: Microtask) -> None:
    x1, y1, x2, y2 = box_of(task)
    for x, y in ((x1, y1), (x2, y1), (x2, y2), (x1, y2), (x1, y1)):
        tab.click_at(x, y)
    tab.click("submit")


def trace_with_keys(tab: Any, world: World, task: Microtask) -> None:
    tab.press("Space", "Shift+ArrowUp", "Space", "Shift+ArrowRight", "Space", "Shift+ArrowDown", "Space")
    tab.press("Enter", "Enter")


def line_with_mouse(tab: Any, world: World, task: Microtask) -> None:
    x1, y1, x2, y2 = box_of(task)
    for x, y in ((x1, y1), ((x1 + x2) / 2, y2), (x2, y1)):
        tab.click_at(x, y)
    tab.click("submit")
    tab.click("submit")


def line_with_keys(tab: Any, world: World, task: Microtask) -> None:
    tab.press("Space", "Space", "Shift+ArrowRight", "Space", "ArrowDown", "Space", "Enter", "Enter")


def pose_with_mouse(tab: Any, world: World, task: Microtask) -> None:
    x1, y1, x2, y2 = box_of(task)
    for u, v in ((0.5, 0.1), (0.2, 0.5), (0.8, 0.5)):
        tab.click_at(x1 + u * (x2 - x1), y1 + v * (y2 - y1))
    tab.click("absent")
    tab.click("submit")


def pose_with_keys(tab: Any, world: World, task: Microtask) -> None:
    tab.press("Space")  # The pointer of the keyboard appears in the middle.
    for arrow in ("ArrowUp", "ArrowRight", "ArrowLeft"):
        tab.press(f"Shift+{arrow}", "Space")
    tab.press("0", "Enter")


def paint_with_mouse(tab: Any, world: World, task: Microtask) -> None:
    x1, y1, x2, y2 = box_of(task)
    tab.click("tool-brush")
    tab.drag((x1 + 4, (y1 + y2) / 2), (x2 - 4, (y1 + y2) / 2))
    tab.click("submit")


def paint_with_keys(tab: Any, world: World, task: Microtask) -> None:
    tab.press("b", "]", "Space", "Space", "Shift+ArrowRight", "Space", "Enter")


def refuse_with_mouse(tab: Any, world: World, task: Microtask) -> None:
    tab.click("bad")
    tab.click("reason-geometry")


def stand_with_mouse(tab: Any, world: World, task: Microtask) -> None:
    x1, _, x2, y2 = box_of(task)
    tab.click_at((x1 + 3 * x2) / 4, y2 + 12)  # What it begins with stands under the middle of the box.
    tab.click("submit")


def stand_with_keys(tab: Any, world: World, task: Microtask) -> None:
    tab.press("Shift+ArrowUp", "q", "Enter")


def fit_with_mouse(tab: Any, world: World, task: Microtask) -> None:
    tab.page.locator('.lidar[data-cloud="ready"]').wait_for()
    tab.page.locator('[data-pane="top"]').click()
    tab.click("submit")


def fit_with_keys(tab: Any, world: World, task: Microtask) -> None:
    tab.page.locator('.lidar[data-cloud="ready"]').wait_for()
    tab.press("ArrowUp", "Shift+e", "Enter")


def regions_with_mouse(tab: Any, world: World, task: Microtask) -> None:
    tab.click("class-2")
    x, y, *_ = task.payload["segments"]["rect"]
    tab.click_at(x + 3, y + 3)
    tab.click("rest")
    tab.click("submit")


def regions_with_keys(tab: Any, world: World, task: Microtask) -> None:
    tab.press("3", *["4"] * (len(task.payload["open"]) - 1), "Enter")


def clicking(*actions: str) -> Hand:
    def act(tab: Any, world: World, task: Microtask) -> None:
        for action in actions:
            tab.click(action)

    return act


def pressing(*keys: str) -> Hand:
    return lambda tab, world, task: tab.press(*keys)


HANDS: dict[str, tuple[Hand, Hand]] = {
    "coverage_tile": (cover_with_mouse, cover_with_keys),
    "draw_missed": (draw_with_mouse, draw_with_keys),
    "verify_box": (verify_with_mouse, verify_with_keys),
    "grid_verify": (grid_with_mouse, grid_with_keys),
    "fix_box": (fix_with_mouse, fix_with_keys),
    "compare_two": (compare_with_mouse, compare_with_keys),
    "adjudicate": (rule_with_mouse, rule_with_keys),
    "fix_polygon": (trace_with_mouse, trace_with_keys),
    "fix_mask": (paint_with_mouse, paint_with_keys),
    "verify_mask": (refuse_with_mouse, pressing("x", "1")),
    "point_yesno": (clicking("no"), pressing("x")),
    "keypoints": (pose_with_mouse, pose_with_keys),
    "polyline": (line_with_mouse, line_with_keys),
    "cuboid_cam": (stand_with_mouse, stand_with_keys),
    "cuboid_lidar": (fit_with_mouse, fit_with_keys),
    "verify_cuboid": (refuse_with_mouse, pressing("x", "1")),
    "attributes": (clicking("health-dying", "around-road", "submit"), pressing("2", "3", "Enter")),
    "classify_image": (clicking("second-1", "class-2"), pressing("Shift+2", "3")),
    "triage_scene": (clicking("state-privacy"), pressing("3")),
    "label_region": (regions_with_mouse, regions_with_keys),
    "merge_duplicates": (clicking("keep-b"), pressing("2")),
    "name_unknown": (clicking("class-2"), pressing("ArrowUp", "Enter")),
}


Check = Callable[[dict[str, Any], World, Microtask, str], None]


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


def ring_of(value: dict[str, Any]) -> shapely.Polygon:
    assert value["shape"]["type"] == "polygon" and not value["deleted"]
    return shapely.Polygon(value["shape"]["rings"][0])


def check_polygon(value: dict[str, Any], world: World, task: Microtask, hand: str) -> None:
    drawn, wanted = ring_of(value), shapely.box(*box_of(task))
    assert drawn.area > 20 and drawn.intersects(wanted)
    if hand == "mouse":
        assert drawn.intersection(wanted).area / drawn.union(wanted).area > 0.95


def check_line(value: dict[str, Any], world: World, task: Microtask, hand: str) -> None:
    x1, y1, x2, y2 = box_of(task)
    points = value["shape"]["points"]
    assert len(points) == 3
    if hand == "mouse":
        assert np.allclose(points, [(x1, y1), ((x1 + x2) / 2, y2), (x2, y1)], atol=1.0)
    else:
        assert points[1][0] > points[0][0] and points[2][1] > points[1][1]


def check_pose(value: dict[str, Any], world: World, task: Microtask, hand: str) -> None:
    points = value["shape"]["points"]
    assert set(points) == set(JOINTS) and points["foot"] == [0, 0, 0]
    x1, y1, x2, y2 = box_of(task)
    for name in ("head", "left_hand", "right_hand"):
        x, y, v = points[name]
        assert v == 2 and x1 - 20 < x < x2 + 20 and y1 - 20 < y < y2 + 20
    if hand == "mouse":
        assert points["head"][:2] == pytest.approx([(x1 + x2) / 2, y1 + 0.1 * (y2 - y1)], abs=1.0)


def check_mask(value: dict[str, Any], world: World, task: Microtask, hand: str) -> None:
    x1, _, x2, _ = box_of(task)
    shape = value["shape"]
    assert shape["type"] == "mask" and sum(shape["counts"][1::2]) > 20
    if hand == "mouse":
        assert shape["offset"][0] < x1 + 4 and shape["offset"][0] + shape["size"][1] > x2 - 4


def check_cuboid(value: dict[str, Any], world: World, task: Microtask, hand: str) -> None:
    shape = value["shape"]
    assert shape["type"] == "cuboid" and not value["deleted"]
    if task.kind == "cuboid_cam":
        assert shape["dims"] == pytest.approx(USUAL)
        assert shape["center"][1] + USUAL[2] / 2 == pytest.approx(every_kind.EYE, abs=0.01)  # on the ground


def check_regions(value: dict[str, Any], world: World, task: Microtask, hand: str) -> None:
    asked = [str(id) for id in task.payload["open"]]
    assert list(value["assign"]) == asked
    first = value["assign"][asked[0]]
    if hand == "mouse":
        assert set(value["assign"].values()) == {2}
    else:
        assert first == 2 and set(list(value["assign"].values())[1:]) == {3}


def exactly(wanted: dict[str, Any]) -> Check:
    def check(value: dict[str, Any], world: World, task: Microtask, hand: str) -> None:
        assert value == wanted

    return check


CHECKS: dict[str, Check] = {
    "coverage_tile": check_cover,
    "draw_missed": check_draw,
    "verify_box": check_verify,
    "grid_verify": check_grid,
    "fix_box": check_fix,
    "compare_two": check_compare,
    "adjudicate": check_ruling,
    "fix_polygon": check_polygon,
    "fix_mask": check_mask,
    "verify_mask": exactly({"verdict": "geometry"}),
    "point_yesno": exactly({"on": False}),
    "keypoints": check_pose,
    "polyline": check_line,
    "cuboid_cam": check_cuboid,
    "cuboid_lidar": check_cuboid,
    "verify_cuboid": exactly({"verdict": "geometry"}),
    "attributes": exactly({"attributes": {"health": "dying", "around": ["road"]}}),
    "classify_image": exactly({"class": 2, "alt": 1}),
    "triage_scene": exactly({"state": "privacy"}),
    "label_region": check_regions,
    "merge_duplicates": exactly({"same": True, "keep": "b"}),
    "name_unknown": exactly({"class": 2, "propose": "", "out_of_scope": False}),
}


@pytest.fixture(scope="module")
def turns(server: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Iterator[Any]]:
    """Two web processes on one database and one Redis, in turn."""
    other = type(server)(tmp_path_factory.mktemp("second") / "server.log")
    other.start()
    yield cycle([server, other])
    other.stop()


@pytest.fixture
def asked(
    turns: Iterator[Any], tab: Callable[..., Any], picture: Picture
) -> Callable[..., tuple[Any, Opened]]:
    """Open the feed of whoever is to answer the one open question of a world of its own."""

    def open_page(kind: str, **options: Any) -> tuple[Any, Opened]:
        opened = every_kind.open_every(picture, kind)
        page = tab(opened.person, **options)
        page.base = next(turns).base  # Cookies do not mind the port.
        page.open()
        page.task(kind)
        return page, opened

    return open_page


class TestCatalogue:
    def test_lacks_neither_hand_for_any_kind(self) -> None:
        assert set(HANDS) == set(CHECKS) == set(KINDS)
        assert {*every_kind.PLANS, *every_kind.BOX_KINDS} == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("hand", ["mouse", "keyboard"])
class TestEveryKind:
    def test_is_answered_in_the_browser(self, asked: Callable[..., Any], kind: str, hand: str) -> None:
        page, opened = asked(kind)

        HANDS[kind][0 if hand == "mouse" else 1](page, opened.world, opened.task)

        page.acknowledged()
        answer = Answer.objects.get(microtask=opened.task, annotator=opened.person)
        assert (answer.outcome, answer.late) == ("answered", False)
        CHECKS[kind](answer.value, opened.world, opened.task, hand)
        assert answer.telemetry["input"] == ("mouse" if hand == "mouse" else "key")
        assert answer.active_s > 0
        if refinement := opened.task.secret.get("refinement"):
            said = Refinement.objects.get(pk=refinement).case["said"]
            assert said[-1]["annotator"] == opened.person.pk and said[-1]["kind"] == kind


@pytest.mark.parametrize("kind", KINDS)
class TestEveryScreen:
    def test_has_no_accessibility_findings(self, asked: Callable[..., Any], kind: str) -> None:
        page, _ = asked(kind)
        assert violations(page.page) == []

    def test_is_not_wider_than_a_phone(self, asked: Callable[..., Any], kind: str) -> None:
        page, _ = asked(kind, viewport=PHONE, has_touch=True)
        wide = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.page.evaluate(wide) == 0
