"""POST /api/v1/refine/<micro-task>: a mask for who holds the task, and nothing for anybody else."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.utils import timezone
from PIL import Image

from routing.annotation.shapes import Mask, shape_from_json
from routing.consensus.masks import decode_mask
from webapp.feed.media import with_media
from webapp.labeling.models import Assignment, Microtask
from webapp.people.models import User
from webapp.pipeline import refiner
from webapp.scenes.models import Dataset, Scene

BOX = [160.0, 140.0, 300.0, 260.0]
pytestmark = pytest.mark.django_db


@pytest.fixture
def task(dataset: Dataset, ada: User, media: Path) -> Microtask:
    """A fix_mask of a red ellipse on green, held by ada."""
    media.mkdir(parents=True, exist_ok=True)
    ys, xs = np.mgrid[:400, :500] + 0.5
    inside = ((xs - 230) / 70) ** 2 + ((ys - 200) / 60) ** 2 <= 1
    Image.fromarray(np.where(inside[..., None], (170, 60, 50), (60, 130, 60)).astype(np.uint8)).save(
        media / "e.png"
    )
    scene = Scene.objects.create(
        dataset=dataset, name="e.png", sha256="e" * 64, file="e.png", width=500, height=400
    )
    row = Microtask.objects.create(
        project=dataset.project,
        dataset=dataset,
        scene=scene,
        kind="fix_mask",
        domain="aerial",
        tier="crowd",
        payload={
            "object": {"id": 1, "version": 1, "xyxy": BOX, "class": 0},
            "view": [120, 100, 220, 200],
            "scene": {"id": scene.pk, "width": 500, "height": 400},
            "refiner": None,
        },
        expected_s=12.0,
    )
    Assignment.objects.create(
        microtask=row,
        project=dataset.project,
        state=Assignment.State.LEASED,
        annotator=ada,
        lease="x",
        lease_expires_at=timezone.now() + timedelta(minutes=5),
        lane="fix_mask/aerial/crowd",
    )
    return row


@pytest.fixture(autouse=True)
def _no_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refiner, "_pictures", refiner.OpenPictures(10_000_000))


def ask(person: User, task: Microtask, **body: Any) -> Any:
    client = Client()
    client.force_login(person)
    address = with_media(task)["refiner"]
    return client.post(address, {"clicks": [], "mask": None, **body}, content_type="application/json")


def pixels_of(answer: Any) -> np.ndarray:
    """The mask of an answer as pixels of the scene (400, 500)."""
    shape = shape_from_json(answer.json()["shape"])
    assert isinstance(shape, Mask)
    out = np.zeros((400, 500), bool)
    x, y = shape.offset
    out[y : y + shape.size[0], x : x + shape.size[1]] = decode_mask(shape)
    return out


class TestRefine:
    def test_gives_the_mask_in_scene_pixels(self, task: Microtask, ada: User) -> None:
        answer = ask(ada, task, clicks=[[230, 200, 1]])

        assert answer.status_code == 200, answer.content
        ys, xs = np.nonzero(pixels_of(answer))
        assert (xs.min(), ys.min(), xs.max(), ys.max()) == pytest.approx((160, 140, 299, 259), abs=4)

    def test_goes_on_from_the_mask_so_far(self, task: Microtask, ada: User) -> None:
        first = ask(ada, task, clicks=[[230, 200, 1]]).json()["shape"]

        second = ask(ada, task, clicks=[[230, 200, 1], [130, 120, 0]], mask=first)

        found = pixels_of(second)
        assert found[200, 230] and not found[120, 130]

    def test_is_not_there_for_who_does_not_hold_the_task(
        self, task: Microtask, ada: User, bob: User, mallory: User
    ) -> None:
        for person in (bob, mallory):
            assert ask(person, task, clicks=[[230, 200, 1]]).status_code == 404
        Assignment.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
        assert ask(ada, task, clicks=[[230, 200, 1]]).status_code == 404
        assert Client().post(with_media(task)["refiner"]).status_code in (401, 403)

    def test_is_not_there_for_other_kinds(self, task: Microtask, ada: User) -> None:
        Microtask.objects.update(kind="fix_box")

        assert ask(ada, task).status_code == 404

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            ({"clicks": None}, "clicks: give a list"),
            ({"clicks": [[1, 2]]}, r"clicks[0]: [1, 2]; give"),
            ({"clicks": [[1, 2, 7]]}, "clicks[0]"),
            ({"clicks": [["1", 2, 1]]}, "clicks[0]"),
            ({"clicks": [[900, 10, 1]]}, "clicks[0]: (900, 10) lies outside the scene"),
            ({"clicks": [[230, 200, 1]] * 201}, "201 given; at most 200"),
            ({"mask": {"type": "box", "xyxy": [1, 2, 3, 4]}}, "mask.type"),
            ({"mask": {"type": "mask", "size": [2, 2], "counts": [0, 5]}}, "mask.counts"),
        ],
    )
    def test_says_what_is_wrong(self, task: Microtask, ada: User, body: dict[str, Any], message: str) -> None:
        answer = ask(ada, task, **body)

        assert answer.status_code == 400
        assert message in answer.json()["message"]

    def test_slows_down_who_asks_without_end(
        self, task: Microtask, ada: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(refiner.ClicksPerMinute, "rate", "2/min")

        states = [ask(ada, task, clicks=[[230, 200, 1]]).status_code for _ in range(3)]

        assert states == [200, 200, 429]
