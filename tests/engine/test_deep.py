"""Greys of more than 8 bits, read as they are stored."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.deep import DeepPixels, Greyness, png


def scan(shape: tuple[int, int] = (120, 160)) -> np.ndarray:
    """A ramp of 12 bits with a bright spot."""
    y, x = np.indices(shape)
    values = (x * 20 + y * 3).astype(np.uint16)
    values[40:44, 50:54] = 4095
    return values


class TestDeepPixels:
    @pytest.mark.parametrize("name", ["scan.png", "scan.tif"])
    def test_give_every_stored_value_of_a_crop_at_its_own_size(self, tmp_path: Path, name: str) -> None:
        values = scan()
        Image.fromarray(values).save(tmp_path / name)
        pixels = DeepPixels(tmp_path / name)
        greyness = pixels.measure()

        view = pixels.view((30, 20, 130, 90), (100, 70), greyness)

        assert (greyness.least, greyness.most, greyness.offset, greyness.step) == (0, 4095, 0, 1)
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(png(view)))), values[20:90, 30:130])

    def test_are_read_part_by_part_from_a_tiff_in_strips(self, tmp_path: Path) -> None:
        values = np.random.default_rng(1).integers(0, 65536, (400, 300), dtype=np.uint16)
        Image.fromarray(values).save(tmp_path / "strips.tif", tiffinfo={278: 16}, compression="tiff_lzw")
        pixels = DeepPixels(tmp_path / "strips.tif")

        assert np.array_equal(pixels.read((5, 10, 299, 391)), values[10:391, 5:299])
        assert np.array_equal(pixels.view((0, 0, 300, 400), (300, 400), pixels.measure()), values)

    def test_keep_signed_values_by_their_offset(self, tmp_path: Path) -> None:
        hounsfield = scan().astype(np.int32) - 1024
        Image.fromarray(hounsfield).save(tmp_path / "ct.tif")
        pixels = DeepPixels(tmp_path / "ct.tif")
        greyness = pixels.measure()

        view = pixels.view((0, 0, 160, 120), (160, 120), greyness)

        assert (greyness.offset, greyness.step) == (-1024, 1)
        assert np.array_equal(view.astype(int) - 1024, hounsfield)

    def test_fit_values_into_16_bits_that_need_more(self, tmp_path: Path) -> None:
        heights = np.linspace(-3.5, 1200.25, 120 * 160, dtype=np.float32).reshape(120, 160)
        Image.fromarray(heights).save(tmp_path / "heights.tif")
        pixels = DeepPixels(tmp_path / "heights.tif")
        greyness = pixels.measure()

        view = pixels.view((0, 0, 160, 120), (160, 120), greyness)

        back = greyness.offset + greyness.step * view.astype(float)
        assert np.abs(back - heights).max() <= greyness.step / 2 + 1e-4

    def test_are_smoothed_where_they_are_shown_smaller(self, tmp_path: Path) -> None:
        Image.fromarray(np.tile(np.array([[0, 4000], [4000, 0]], np.uint16), (200, 200))).save(
            tmp_path / "c.png"
        )
        pixels = DeepPixels(tmp_path / "c.png")

        view = pixels.view((0, 0, 400, 400), (80, 80), pixels.measure())

        assert view.shape == (80, 80)
        assert (
            np.abs(view.astype(int) - 2000).max() < 100
        )  # Every other pixel alone would be all black or all white.

    def test_are_refused_where_there_are_only_8_bits(self, tmp_path: Path) -> None:
        Image.new("RGB", (4, 4)).save(tmp_path / "plain.png")

        with pytest.raises(ValueError, match="not greys of more than 8 bits"):
            DeepPixels(tmp_path / "plain.png")

    def test_refuse_a_box_over_the_border(self, tmp_path: Path) -> None:
        Image.fromarray(scan()).save(tmp_path / "scan.png")
        pixels = DeepPixels(tmp_path / "scan.png")

        with pytest.raises(ValueError, match="does not lie in the picture of 160 x 120"):
            pixels.view((100, 0, 161, 10), (61, 10), pixels.measure())


class TestGreyness:
    def test_comes_back_from_json(self) -> None:
        greyness = Greyness(12.0, 3000.0, 0.0, 4095.0, -5.0, 0.5)

        assert Greyness.from_json(greyness.to_json()) == greyness
