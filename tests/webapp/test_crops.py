"""Pictures of a task: their sizes, their signatures, and greys of more than 8 bits without loss."""

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.test import Client
from PIL import Image

from webapp.devtools import rehearsal
from webapp.devtools.rehearsal import Picture
from webapp.feed.media import with_media

SHARED = Path(os.environ.get("TESSERA_SHARED", Path(__file__).resolve().parents[3] / "shared"))

pytestmark = pytest.mark.django_db


@pytest.fixture
def deep(tmp_path: Path, media: Path) -> tuple[np.ndarray, Picture]:
    """A scene of 12 bits with nine things on it."""
    y, x = np.indices((520, 720))
    values = (x * 4 + y).astype(np.uint16)
    boxes = [(60.0 + 200 * (n % 3), 40.0 + 160 * (n // 3)) for n in range(9)]
    for left, top in boxes:
        values[int(top) : int(top) + 60, int(left) : int(left) + 80] = 4000
    path = tmp_path / "scan.tif"
    Image.fromarray(values).save(path)
    return values, Picture(path, [(x, y, x + 80, y + 60) for x, y in boxes])


def medium_of(picture: Picture, kind: str) -> dict[str, Any]:
    task = rehearsal.open_kind(rehearsal.build(picture), kind)
    payload = with_media(task)
    cells = payload.get("cells")
    return dict((cells[0] if cells else payload)["media"][0])


class TestDeepCrop:
    @pytest.mark.parametrize("kind", ["verify_box", "grid_verify"])
    def test_holds_every_stored_value(self, deep: tuple[np.ndarray, Picture], kind: str) -> None:
        values, picture = deep
        medium = medium_of(picture, kind)
        x, y, w, h = medium["rect"]

        response = Client().get(medium["deep"]["url"])

        assert (response.status_code, response["Content-Type"]) == (200, "image/png")
        shown = np.asarray(Image.open(io.BytesIO(response.content)))
        assert shown.dtype == np.uint16 and np.array_equal(shown, values[y : y + h, x : x + w])
        assert (medium["deep"]["least"], medium["deep"]["most"]) == (0.0, 4000.0)
        assert medium["deep"]["black"] < medium["deep"]["white"]

    def test_is_not_served_to_a_forged_address(self, deep: tuple[np.ndarray, Picture]) -> None:
        medium = medium_of(deep[1], "verify_box")
        address = medium["deep"]["url"]
        plain = medium["url"].rpartition("/")[2].removesuffix(".webp")

        assert Client().get(address.replace("/crops/", "/crops/9")).status_code == 404
        assert Client().get(f"{address.rpartition('/')[0]}/{plain}.png").status_code == 404

    def test_is_not_offered_of_a_picture_of_8_bits(self, tmp_path: Path, media: Path) -> None:
        medium = medium_of(rehearsal.orchard(tmp_path / "orchard.png"), "verify_box")

        assert "deep" not in medium

    def test_holds_every_value_of_a_real_micrograph(self, media: Path) -> None:
        source = SHARED / "data" / "images" / "nuclei_stardist" / "img2d.tif"
        if not source.exists():
            pytest.skip(f"no picture at {source}; set TESSERA_SHARED to the folder that holds data/")
        with Image.open(source) as image:
            values = np.asarray(image)
        medium = medium_of(Picture(source, [(100.0, 100.0, 140.0, 140.0)]), "coverage_tile")
        x, y, w, h = medium["rect"]

        shown = np.asarray(Image.open(io.BytesIO(Client().get(medium["deep"]["url"]).content)))

        assert np.array_equal(shown, values[y : y + h, x : x + w])
        assert (medium["deep"]["least"], medium["deep"]["most"]) == (values.min(), values.max())


class TestSmallCrop:
    @pytest.mark.parametrize(("kind", "most"), [("verify_box", 5_000), ("coverage_tile", 40_000)])
    def test_costs_a_fraction_of_the_bytes(self, tmp_path: Path, media: Path, kind: str, most: int) -> None:
        medium = medium_of(rehearsal.orchard(tmp_path / "orchard.png"), kind)

        large, small = (len(Client().get(medium[name]).content) for name in ("url", "small"))

        print(f"{kind}: {large} and {small} bytes")
        assert small < large / 3 and small < most
