"""The product itself comes to ask every kind of micro-task."""

from pathlib import Path

import pytest

from routing.annotation.kinds import KINDS
from webapp.devtools import every_kind, rehearsal
from webapp.devtools.rehearsal import Picture
from webapp.labeling.models import Assignment

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Picture:
    return rehearsal.orchard(Path(tmp_path_factory.mktemp("pictures")) / "orchard.png")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_asked_by_what_a_project_wants(picture: Picture, kind: str) -> None:
    opened = every_kind.open_every(picture, kind)

    assert (opened.task.kind, opened.task.payload["kind"]) == (kind, kind)
    assert Assignment.objects.filter(microtask=opened.task, state="open").exists()


@pytest.mark.parametrize("kind", ["cuboid_cam", "cuboid_lidar", "verify_cuboid"])
def test_cuboids_are_shown_with_the_ground_around_them_but_not_the_whole_picture(
    picture: Picture, kind: str
) -> None:
    payload = every_kind.open_every(picture, kind).task.payload
    (x, y, w, h), (x1, y1, x2, y2) = payload["view"], payload["object"]["xyxy"]

    assert x <= x1 and y <= y1 and x + w >= x2 and y + h >= y2
    assert w >= min(2.9 * (x2 - x1), payload["scene"]["width"])
    assert w * h < 0.4 * payload["scene"]["width"] * payload["scene"]["height"]


@pytest.mark.parametrize("geometry", every_kind.PAIRS)
def test_two_drawings_are_compared_before_a_specialist_draws(picture: Picture, geometry: str) -> None:
    opened = every_kind.open_drawn_pair(picture, geometry)

    a, b = opened.task.payload["a"], opened.task.payload["b"]
    assert a["shape"]["type"] == b["shape"]["type"] == geometry
    assert a["shape"] != b["shape"] and a["xyxy"] == b["xyxy"]
    assert opened.task.tier == "crowd" and not {"author", "annotator"} & a.keys()
    assert {opened.task.secret["a"], opened.task.secret["b"]} <= set(opened.task.excluded)
