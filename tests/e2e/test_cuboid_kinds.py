"""Cuboids are drawn and checked in a browser, with the mouse and again with the keyboard alone.

What the workbench answers is projected by the server's own geometry (routing.annotation.frames), so that both sides agree
about frames. The socket's other end is staged; page, code, pictures and clouds travel as they always do.
"""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from routing.annotation import frames
from routing.annotation.shapes import Cuboid, shape_from_json
from webapp.devtools import rehearsal
from webapp.devtools.axe import violations
from webapp.devtools.rehearsal import Picture, World
from webapp.devtools.staged_feed import StagedFeed, payload, reload_with_draft, serve_picture
from webapp.labeling.models import Answer

pytestmark = pytest.mark.browser

SIZE = (720, 520)
K = [[620.0, 0.0, 360.0], [0.0, 620.0, 200.0], [0.0, 0.0, 1.0]]
# A camera that looks a little down and leans a little: 1.5 m above its ground.
NORMAL = (np.array([0.03, 1.0, 0.06]) / np.linalg.norm([0.03, 1.0, 0.06])).tolist()
CALIBRATION = {"K": K, "ground": {"n": NORMAL, "d": 1.5}}
USUAL = [4.0, 1.7, 1.5]
OBJECT = {"id": 31, "version": 2, "xyxy": [300, 205, 410, 300], "class": 0}
PROPOSAL = {"type": "cuboid", "center": [-0.4, 0.35, 11.0], "dims": [4.2, 1.8, 1.6], "yaw": -1.1}
# Ego axes forward, left, up to the camera's right, down, forward; the camera 1.5 m above the ground, which is ego z = 0.
T_CAM_EGO = [[0.0, -1.0, 0.0, 0.0], [0.0, 0.0, -1.0, 1.5], [1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
LEVEL = {"K": K, "ground": {"n": [0.0, 1.0, 0.0], "d": 1.5}, "T_cam_ego": T_CAM_EGO}
CAR = Cuboid((14.0, 2.0, 0.75), (4.0, 1.7, 1.5), 0.35)
EGO_PROPOSAL = {"type": "cuboid", "center": [13.2, 2.4, 0.75], "dims": [4.0, 1.7, 1.5], "yaw": 0.1}

Staged = tuple[Any, StagedFeed]


def swept(car: Cuboid, count: int = 600) -> np.ndarray:
    """Return float32 (N, 4) of the two faces of a car that a sensor at the origin sees, on a flat ground."""
    rng = np.random.default_rng(2)
    length, width, height = car.dims
    along, across = rng.uniform(-0.5, 0.5, (2, count)) * [[length], [width]]
    cos, sin = math.cos(car.yaw), math.sin(car.yaw)
    eye = np.array([[cos, sin], [-sin, cos]]) @ -np.array(car.center[:2])
    half = np.arange(count) < count // 2
    u = np.where(half, along, np.sign(eye[0]) * length / 2)
    v = np.where(half, np.sign(eye[1]) * width / 2, across)
    seen = np.stack(
        [
            car.center[0] + cos * u - sin * v,
            car.center[1] + sin * u + cos * v,
            rng.uniform(0.3, height, count),
            np.full(count, 0.5),
        ],
        axis=1,
    )
    x, y = rng.uniform(-12, 12, (2, 4000))
    ground = np.stack([x + 14, y, rng.normal(0, 0.02, 4000), np.full(4000, 0.1)], axis=1)
    return np.concatenate([seen, ground]).astype("<f4")


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clouds") / "sweep.bin"
    path.write_bytes(swept(CAR).tobytes())
    return path


@pytest.fixture
def staged(tab: Callable[..., Any], world: World, picture: Picture, sweep: Path) -> Callable[..., Staged]:
    def open_task(kind: str, **more: Any) -> Staged:
        page = tab(world.ada)
        fields: dict[str, Any] = {"object": OBJECT, "objects": [], "view": [180, 100, 360, 300]}
        if kind == "cuboid_lidar":
            cloud = {"url": "/clouds/staged", "count": sweep.stat().st_size // 16, "format": "float32 xyzi"}
            fields |= {"calibration": LEVEL, "cloud": cloud, "proposal": EGO_PROPOSAL, "dims_prior": USUAL}
        elif kind == "verify_cuboid":
            fields |= {"calibration": CALIBRATION, "shape": PROPOSAL}
        else:
            fields |= {"calibration": CALIBRATION, "proposal": PROPOSAL, "dims_prior": USUAL}
        feed = StagedFeed(page.page, [payload(kind, size=SIZE, **{**fields, **more})])
        serve_picture(page.page, picture.path)
        serve_picture(page.page, sweep, "/clouds/staged")
        page.open()
        page.task(kind)
        if kind == "cuboid_lidar":
            page.page.locator('.lidar[data-cloud="ready"]').wait_for()
        return page, feed

    return open_task


def answered(feed: StagedFeed) -> Cuboid:
    """The cuboid of the newest answer, read as the server reads it."""
    assert feed.value["deleted"] is False
    shape = shape_from_json(feed.value["shape"])
    assert isinstance(shape, Cuboid)
    return shape


def pixel_box(cuboid: Cuboid) -> np.ndarray:
    """Return x1, y1, x2, y2 of a cuboid of the camera's frame in the picture."""
    pixels = frames.project(frames.corners(cuboid, NORMAL), K)
    return np.concatenate([pixels.min(axis=0), pixels.max(axis=0)])


def turned(a: float, b: float) -> float:
    """Return the smallest angle between two headings, degrees."""
    return abs(math.degrees(math.remainder(a - b, 2 * math.pi)))


def ground_under(pixel: tuple[float, float]) -> tuple[float, float]:
    """Return where the ray of a pixel meets the ground, in the frame that stands on it."""
    ray = np.linalg.inv(np.array(K)) @ np.array([*pixel, 1.0])
    point = ray * 1.5 / float(np.dot(ray, NORMAL))
    x, y, _ = frames.to_ground(Cuboid((point[0], point[1], point[2]), (1, 1, 1), 0), NORMAL).center
    return x, y


class TestCuboidCam:
    def test_stands_where_the_picture_is_clicked(self, staged: Callable[..., Staged]) -> None:
        page, feed = staged("cuboid_cam")
        page.click_at(420, 292)
        page.click("submit")
        page.acknowledged()

        cuboid = answered(feed)
        standing = frames.to_ground(cuboid, NORMAL)
        # The bottom lies on the ground 1.5 m below the camera, and its outline passes through the click.
        assert standing.center[2] - standing.dims[2] / 2 == pytest.approx(-1.5, abs=1e-3)
        foot = np.subtract(ground_under((420, 292)), standing.center[:2])
        cos, sin = math.cos(standing.yaw), math.sin(standing.yaw)
        inside = np.abs([cos * foot[0] + sin * foot[1], cos * foot[1] - sin * foot[0]]) / standing.dims[:2]
        assert max(inside) == pytest.approx(0.5, abs=0.02)
        assert cuboid.dims == pytest.approx(PROPOSAL["dims"])
        assert feed.answers[-1]["telemetry"]["input"] == "mouse"

    def test_stands_along_two_clicks_and_grows_to_its_top_edge(self, staged: Callable[..., Staged]) -> None:
        page, feed = staged("cuboid_cam")
        page.click("tool-heading")
        page.click_at(300, 290)
        page.until("s.task.back !== null")
        page.click_at(410, 300)
        page.click("tool-top")
        page.click_at(355, 150)
        page.click("submit")
        page.acknowledged()

        cuboid = answered(feed)
        standing = frames.to_ground(cuboid, NORMAL)
        # Both clicks lie on the side that faces the camera, the second one at its front.
        for pixel, ahead in (((300, 290), -1), ((410, 300), 1)):
            x, y = ground_under(pixel)
            cos, sin = math.cos(standing.yaw), math.sin(standing.yaw)
            u = cos * (x - standing.center[0]) + sin * (y - standing.center[1])
            v = cos * (y - standing.center[1]) - sin * (x - standing.center[0])
            assert abs(v) == pytest.approx(standing.dims[1] / 2, abs=0.05)
            assert u * ahead > 0.3
        assert cuboid.dims[:2] == pytest.approx(PROPOSAL["dims"][:2])  # type: ignore[index]
        x, y, z = standing.center
        top = frames.from_ground(Cuboid((x, y, z + standing.dims[2] / 2), (1, 1, 1), 0), NORMAL).center
        assert frames.project(np.array([top]), K)[0][1] == pytest.approx(150, abs=4)

    def test_is_dragged_and_turned_on_the_dial(self, staged: Callable[..., Staged]) -> None:
        page, feed = staged("cuboid_cam")
        page.drag((360, 290), (420, 292))
        frame = page.page.get_by_test_id("birds-eye").bounding_box()
        middle = (frame["x"] + frame["width"] / 2, frame["y"] + frame["height"] / 2)
        page.page.mouse.click(
            middle[0] + frame["width"] * 0.433, middle[1]
        )  # To the right of the line of sight.
        page.click("submit")
        page.acknowledged()

        standing = frames.to_ground(answered(feed), NORMAL)
        sight = math.atan2(standing.center[1], standing.center[0])
        assert turned(standing.yaw, sight - math.pi / 2) < 3

    def test_is_moved_turned_and_sized_by_keys_alone(self, staged: Callable[..., Staged]) -> None:
        page, feed = staged("cuboid_cam")
        page.press("Shift+ArrowUp", "ArrowRight", "Shift+q", "q", "Shift+3", "1", "v", "Enter")
        page.acknowledged()

        before = frames.to_ground(shape_of(PROPOSAL), NORMAL)
        after = frames.to_ground(answered(feed), NORMAL)
        assert turned(after.yaw, before.yaw + math.radians(6) + math.pi) < 0.1
        assert after.dims == pytest.approx([4.25, 1.8, 1.55], abs=1e-3)
        moved = np.hypot(*np.subtract(after.center[:2], before.center[:2]))
        assert 0.4 < moved < 0.65
        assert feed.answers[-1]["telemetry"]["input"] == "key"

    def test_keeps_its_picture_at_another_depth(self, staged: Callable[..., Staged]) -> None:
        page, feed = staged("cuboid_cam")
        page.press("Shift+]", "]", "Enter")
        page.acknowledged()

        before, after = shape_of(PROPOSAL), answered(feed)
        assert np.linalg.norm(after.center) / np.linalg.norm(before.center) == pytest.approx(
            1.01**6, abs=1e-3
        )
        assert pixel_box(after) == pytest.approx(pixel_box(before), abs=0.1)

    def test_goes_on_after_a_reload_and_takes_steps_back(self, staged: Callable[..., Staged]) -> None:
        page, feed = staged("cuboid_cam")
        page.press("Shift+e", "Shift+e", "Control+z")
        reload_with_draft(page)
        page.task("cuboid_cam")
        page.press("Enter")
        page.acknowledged()

        before = frames.to_ground(shape_of(PROPOSAL), NORMAL)
        assert turned(frames.to_ground(answered(feed), NORMAL).yaw, before.yaw - math.radians(5)) < 0.1

    def test_begins_below_the_box_where_nothing_is_proposed(self, staged: Callable[..., Staged]) -> None:
        page, feed = staged("cuboid_cam", proposal=None)
        page.press("Enter")
        page.see("Nothing is changed")
        page.press("Enter")
        page.acknowledged()

        cuboid = answered(feed)
        assert cuboid.dims == pytest.approx(USUAL)
        # Seen from behind, the bottom of its back is what the box ends with.
        assert pixel_box(cuboid)[3] == pytest.approx(300, abs=6)

    def test_says_that_nothing_is_there(self, staged: Callable[..., Staged]) -> None:
        page, feed = staged("cuboid_cam")
        page.press("Delete")
        page.acknowledged()

        assert feed.value == {"shape": None, "deleted": True}


class TestVerifyCuboid:
    @pytest.mark.parametrize(
        ("keys", "verdict"), [(["Space"], "ok"), (["x", "1"], "geometry"), (["3"], "not_object")]
    )
    def test_takes_a_verdict_by_keys(
        self, staged: Callable[..., Staged], keys: list[str], verdict: str
    ) -> None:
        page, feed = staged("verify_cuboid")
        page.press(*keys)
        page.acknowledged()

        assert feed.value == {"verdict": verdict}

    def test_takes_a_verdict_by_the_mouse(self, staged: Callable[..., Staged]) -> None:
        page, feed = staged("verify_cuboid")
        page.click("bad")
        page.click("reason-group")
        page.acknowledged()

        assert feed.value == {"verdict": "group"}


class TestCuboidLidar:
    def test_is_fitted_by_one_click_on_a_cluster(self, staged: Callable[..., Staged]) -> None:
        page, feed = staged("cuboid_lidar")
        page.page.locator('[data-pane="top"]').click()  # The proposal's middle, a metre from the car's.
        page.click("submit")
        page.acknowledged()

        cuboid = answered(feed)
        assert turned(cuboid.yaw, CAR.yaw) < 4
        assert cuboid.center[:2] == pytest.approx(CAR.center[:2], abs=0.25)
        assert cuboid.dims == pytest.approx(CAR.dims, abs=0.25)

    def test_is_fitted_and_corrected_by_keys_alone(self, staged: Callable[..., Staged]) -> None:
        page, feed = staged("cuboid_lidar")
        page.press("c")
        page.until("Math.abs(s.task.solid.yaw - 0.35) < 0.07")
        page.press("PageUp", "Shift+e", "ArrowUp", "2", "Enter")
        page.acknowledged()

        cuboid = answered(feed)
        assert turned(cuboid.yaw, CAR.yaw - math.radians(5)) < 4
        assert cuboid.center[2] == pytest.approx(CAR.center[2] + 0.05, abs=0.1)
        assert feed.answers[-1]["telemetry"]["input"] == "key"

    def test_moves_a_face_by_its_handle_in_the_side_view(self, staged: Callable[..., Staged]) -> None:
        page, feed = staged("cuboid_lidar")
        handle = page.at_rest('[data-pane="side"] [data-face="top"]')
        x, y = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
        page.page.mouse.move(x, y)
        page.page.mouse.down()
        page.page.mouse.move(x, y - 20, steps=4)
        page.page.mouse.move(x, y - 40, steps=4)
        page.page.mouse.up()
        page.click("submit")
        page.acknowledged()

        cuboid = answered(feed)
        assert cuboid.dims[:2] == pytest.approx([4.0, 1.7])
        assert cuboid.dims[2] > 1.6
        assert cuboid.center[2] - cuboid.dims[2] / 2 == pytest.approx(0, abs=1e-3)

    def test_says_so_when_the_cloud_cannot_be_had_and_tries_again(
        self, tab: Callable[..., Any], world: World, picture: Picture, sweep: Path
    ) -> None:
        page = tab(world.ada)
        cloud = {"url": "/clouds/staged", "count": sweep.stat().st_size // 16 + 1, "format": "float32 xyzi"}
        fields = {
            "object": OBJECT,
            "calibration": LEVEL,
            "cloud": cloud,
            "proposal": EGO_PROPOSAL,
            "dims_prior": USUAL,
        }
        StagedFeed(page.page, [payload("cuboid_lidar", size=SIZE, **fields)])
        serve_picture(page.page, picture.path)
        serve_picture(page.page, sweep, "/clouds/staged")  # One point fewer than the payload says.
        page.open()
        page.task("cuboid_lidar")
        page.see("The points could not be loaded.")
        whole = sweep.read_bytes() + bytes(16)
        page.page.route("**/clouds/staged", lambda route: route.fulfill(body=whole))
        page.click("retry-cloud")
        page.page.locator('.lidar[data-cloud="ready"]').wait_for()
        assert not page.page.get_by_text("The points could not be loaded.").is_visible()

    def test_loads_three_js_only_when_a_cloud_is_shown(self, staged: Callable[..., Staged]) -> None:
        page, _ = staged("cuboid_cam")
        loaded = "() => performance.getEntriesByType('resource').filter(r => r.name.includes('cloud_three')).length"
        assert page.page.evaluate(loaded) == 0
        page, _ = staged("cuboid_lidar")
        assert page.page.evaluate(loaded) == 1
        assert page.page.locator('.lidar[data-painter="three"]').count() == 1

    def test_shows_the_cloud_without_webgl(
        self, tab: Callable[..., Any], world: World, picture: Picture, sweep: Path
    ) -> None:
        page = tab(world.ada)
        page.page.add_init_script(
            "const get = HTMLCanvasElement.prototype.getContext;"
            "HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {"
            "  return kind.startsWith('webgl') ? null : get.call(this, kind, ...rest); };"
        )
        cloud = {"url": "/clouds/staged", "count": sweep.stat().st_size // 16, "format": "float32 xyzi"}
        fields = {
            "object": OBJECT,
            "calibration": None,
            "cloud": cloud,
            "proposal": EGO_PROPOSAL,
            "dims_prior": USUAL,
        }
        StagedFeed(page.page, [payload("cuboid_lidar", size=SIZE, **fields)])
        serve_picture(page.page, picture.path)
        serve_picture(page.page, sweep, "/clouds/staged")
        page.open()
        page.page.locator('.lidar[data-painter="plain"]').wait_for()
        page.page.wait_for_function(
            "() => { const c = document.querySelector('.cloud-canvas');"
            " const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
            " let n = 0; for (let i = 0; i < d.length; i += 4) if (d[i] > 200) n++; return n > 300; }"
        )
        page.problems[:] = [p for p in page.problems if "WebGL" not in p]


@pytest.mark.parametrize("kind", ["cuboid_cam", "verify_cuboid", "cuboid_lidar"])
class TestEveryKind:
    def test_has_no_accessibility_findings(self, staged: Callable[..., Staged], kind: str) -> None:
        page, _ = staged(kind)
        assert violations(page.page) == []

    def test_speaks_other_languages(self, staged: Callable[..., Staged], kind: str) -> None:
        page, _ = staged(kind)
        prompts = {page.page.get_by_test_id("prompt").inner_text()}
        for language, direction in (("de", "ltr"), ("ar", "rtl")):
            page.page.evaluate("(name) => localStorage.setItem('tessera-language', name)", language)
            page.page.reload()
            page.task(kind)
            assert page.page.evaluate("() => document.documentElement.dir") == direction
            prompts.add(page.page.get_by_test_id("prompt").inner_text())
        assert len(prompts) == 3


class TestThroughTheFeed:
    def test_a_class_that_wants_cuboids_is_given_one(
        self, server: Any, tab: Callable[..., Any], picture: Picture
    ) -> None:
        world = rehearsal.build(picture, classes=[{"name": "tree", "geometry": "cuboid", "dims": USUAL}])
        world.scene.imported = {**(world.scene.imported or {}), "calibration": CALIBRATION}
        world.scene.save()
        task = rehearsal.open_wanted(world, "cuboid_cam", objects=1)
        page = tab(world.ada).open()
        page.task("cuboid_cam")
        page.press("Shift+ArrowUp", "v", "Enter")
        page.acknowledged()

        answer = Answer.objects.get(microtask=task, annotator=world.ada)
        assert (answer.outcome, answer.late, answer.value["deleted"]) == ("answered", False, False)
        assert shape_of(answer.value["shape"]).dims == pytest.approx(USUAL)


def shape_of(value: dict[str, Any]) -> Cuboid:
    shape = shape_from_json(value)
    assert isinstance(shape, Cuboid)
    return shape
