"""Data health: what an import found wrong with pictures, and where the page of the data set shows it."""

from pathlib import Path

import numpy as np
import pytest
from django.test import Client
from PIL import Image

from webapp.people.models import User
from webapp.projects.models import Project
from webapp.scenes.health import MOST_KEPT, keep
from webapp.scenes.images import probe
from webapp.scenes.importers.records import ImportRefused
from webapp.scenes.models import Dataset, Scene
from webapp.scenes.operations import ImportReport, import_path


@pytest.fixture
def page(otto: User) -> Client:
    client = Client()
    client.force_login(otto)
    return client


def bring(project: Project, path: Path) -> ImportReport:
    return import_path(
        path=path, organisation=project.organisation, project_name=project.name, dataset_name="north"
    )


def paint(path: Path, level: int, size: tuple[int, int] = (90, 70)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    dice = np.random.default_rng(len(path.name) + level)
    noise = dice.integers(0, 6, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(np.clip(noise + np.uint8(level), 0, 255)).save(path)
    return path


class TestBrightness:
    @pytest.mark.parametrize("suffix", ["png", "jpg", "tif"])
    def test_is_the_median_of_the_picture(self, tmp_path: Path, suffix: str) -> None:
        assert probe(paint(tmp_path / f"a.{suffix}", 100)).light == pytest.approx(102 / 255, abs=0.02)

    def test_is_not_said_of_deep_greys_which_are_windowed(self, tmp_path: Path) -> None:
        values = np.arange(80 * 80, dtype=np.uint16).reshape(80, 80)
        Image.fromarray(values).save(tmp_path / "deep.png")

        assert probe(tmp_path / "deep.png").light is None


class TestImport:
    def test_finds_dark_and_tiny_pictures_and_copies(
        self, project: Project, tmp_path: Path, page: Client
    ) -> None:
        paint(tmp_path / "in" / "night.png", 2)
        paint(tmp_path / "in" / "day.png", 120)
        paint(tmp_path / "in" / "speck.png", 130, size=(90, 20))
        (tmp_path / "in" / "same.png").write_bytes((tmp_path / "in" / "day.png").read_bytes())

        bring(project, tmp_path / "in")

        dataset = Dataset.objects.get()
        shown = page.get(f"/ops/datasets/{dataset.pk}/")
        health = shown.context["health"]
        assert (health.dark, health.tiny, health.unmeasured) == (1, 1, 0)
        assert [why for _, why in health.refused] == ["is the same picture as another one"]
        assert "Nearly black" in shown.content.decode()
        dark = page.get(f"/ops/datasets/{dataset.pk}/?flaw=dark").context["cards"]
        assert [card.scene.name for card in dark] == ["night.png"]
        tiny = page.get(f"/ops/datasets/{dataset.pk}/?flaw=tiny").context["cards"]
        assert [card.scene.name for card in tiny] == ["speck.png"]

    def test_keeps_what_was_refused_until_it_is_stored(
        self, project: Project, tmp_path: Path, page: Client
    ) -> None:
        bring(project, paint(tmp_path / "first.png", 90))
        broken = tmp_path / "in" / "broken.png"
        broken.parent.mkdir()
        broken.write_bytes(b"no picture at all")
        with pytest.raises(ImportRefused):
            bring(project, broken.parent)
        dataset = Dataset.objects.get()
        assert [name for name, _ in dataset.refused] == ["broken.png"]
        assert "broken.png" in page.get(f"/ops/datasets/{dataset.pk}/").content.decode()
        assert Scene.objects.count() == 1

        paint(broken, 91)
        bring(project, broken.parent)

        dataset.refresh_from_db()
        assert dataset.refused == []

    def test_says_when_nothing_is_wrong(self, project: Project, tmp_path: Path, page: Client) -> None:
        bring(project, paint(tmp_path / "day.png", 120))

        shown = page.get(f"/ops/datasets/{Dataset.objects.get().pk}/").content.decode()

        assert "Nothing was refused, nearly black or tiny." in shown

    def test_counts_what_was_imported_before_brightness_was_measured(
        self, dataset: Dataset, page: Client
    ) -> None:
        for n, deep in enumerate((None, {"low": 0, "high": 9})):
            Scene.objects.create(
                dataset=dataset, name=f"{n}", sha256=f"{n:064}", file="x", width=90, height=90, deep=deep
            )

        assert page.get(f"/ops/datasets/{dataset.pk}/").context["health"].unmeasured == 1

    def test_keeps_only_the_newest(self, dataset: Dataset) -> None:
        keep(dataset, [(f"{n}.png", "broken") for n in range(MOST_KEPT + 5)])

        dataset.refresh_from_db()
        assert len(dataset.refused) == MOST_KEPT
        assert dataset.refused[-1] == [f"{MOST_KEPT + 4}.png", "broken"]
