"""Opening pictures from outside: what is refused before a pixel is decoded, and which way is up."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.images import ImageRefused, as_rgb, image_size, load_rgb, open_image, verify_image
from engine.pixels import Pixels


@pytest.fixture
def picture(rng: np.random.Generator) -> Image.Image:
    return Image.fromarray(rng.integers(0, 255, (40, 60, 3), dtype=np.uint8))


def png_header(width: int, height: int) -> bytes:
    """A PNG of a stated size with no pixels behind it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    )


class TestRefusal:
    @pytest.mark.parametrize(("width", "height"), [(20_000, 15_000), (60_000, 60_000)])
    def test_of_a_decompression_bomb_reads_its_header_only(
        self, tmp_path: Path, width: int, height: int
    ) -> None:
        path = tmp_path / "bomb.png"
        path.write_bytes(png_header(width, height))

        for read in (image_size, verify_image, load_rgb):
            with pytest.raises(ImageRefused, match=r"bomb\.png has .* at most 250 are read"):
                read(path)

    def test_begins_at_the_stated_limit_and_not_before(self, tmp_path: Path) -> None:
        path = tmp_path / "large.png"
        path.write_bytes(png_header(20_000, 12_500))

        assert image_size(path).width == 20_000

    @pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "webp", "bmp"])
    def test_of_a_file_that_is_cut_off(self, tmp_path: Path, picture: Image.Image, suffix: str) -> None:
        whole = tmp_path / f"whole.{suffix}"
        picture.save(whole)
        cut = tmp_path / f"cut.{suffix}"
        data = whole.read_bytes()
        cut.write_bytes(data[: len(data) // 2])

        assert verify_image(whole).width == 60
        with pytest.raises(ImageRefused, match=r"cut\."):
            verify_image(cut)

    @pytest.mark.parametrize(
        ("content", "why"),
        [
            (b"", "is empty"),
            (b"hello there", "is not a picture"),
            (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is markup text"),
            (b"%PDF-1.7", "is a PDF"),
            (b"PK\x03\x04rest", "is a zip archive"),
            (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", "is not a picture"),
        ],
    )
    def test_says_what_the_file_is_instead(self, tmp_path: Path, content: bytes, why: str) -> None:
        path = tmp_path / "thing.png"
        path.write_bytes(content)

        with pytest.raises(ImageRefused, match=f"thing.png {why}"):
            image_size(path)

    def test_of_a_missing_file_and_of_a_folder(self, tmp_path: Path) -> None:
        with pytest.raises(ImageRefused, match="does not exist"):
            image_size(tmp_path / "none.png")
        with pytest.raises(ImageRefused, match="is a folder"):
            image_size(tmp_path)

    def test_limit_can_be_lowered(self, tmp_path: Path, picture: Image.Image) -> None:
        picture.save(tmp_path / "a.png")

        with pytest.raises(ImageRefused, match="60 x 40"):
            image_size(tmp_path / "a.png", max_pixels=2000)


class TestOrientation:
    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_sizes_and_pixels_are_upright(
        self, tmp_path: Path, picture: Image.Image, orientation: int
    ) -> None:
        path = tmp_path / "a.png"
        exif = Image.Exif()
        exif[0x0112] = orientation
        picture.save(path, exif=exif)

        size = image_size(path)
        upright = open_image(path)

        assert (size.width, size.height) == upright.size
        assert upright.size == ((40, 60) if orientation >= 5 else (60, 40))
        assert upright.getexif().get(0x0112, 1) == 1

    def test_format_is_what_the_file_holds_whatever_it_is_called(
        self, tmp_path: Path, picture: Image.Image
    ) -> None:
        path = tmp_path / "a.jpg"
        picture.save(path, format="PNG")

        assert image_size(path).format == "PNG"


class TestPixels:
    def test_deep_greys_are_stretched(self, tmp_path: Path) -> None:
        deep = np.linspace(1000, 5000, 64 * 64).reshape(64, 64).astype(np.uint16)
        Image.fromarray(deep).save(tmp_path / "x-ray.png")

        rgb = load_rgb(tmp_path / "x-ray.png")

        assert rgb.shape == (64, 64, 3) and rgb.dtype == np.uint8
        assert rgb.min() == 0 and rgb.max() == 255
        assert (np.diff(rgb[:, :, 0].reshape(-1).astype(int)) >= 0).all()

    def test_an_even_deep_grey_is_not_divided_by_nothing(self, tmp_path: Path) -> None:
        Image.fromarray(np.full((8, 8), 700, np.uint16)).save(tmp_path / "flat.png")

        assert load_rgb(tmp_path / "flat.png").max() == 0

    def test_transparency_lies_on_black(self) -> None:
        clear = Image.new("RGBA", (4, 4), (255, 255, 255, 0))

        assert as_rgb(clear).max() == 0

    @pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "LA"])
    def test_every_mode_becomes_rgb(self, picture: Image.Image, mode: str) -> None:
        rgb = as_rgb(picture.convert(mode))

        assert rgb.shape == (40, 60, 3) and rgb.dtype == np.uint8

    @pytest.mark.parametrize("mode", ["RGB", "L", "P", "LA", "RGBA", "I;16"])
    def test_parts_are_those_of_the_whole(self, tmp_path: Path, picture: Image.Image, mode: str) -> None:
        path = tmp_path / "a.png"
        if mode == "I;16":
            Image.fromarray(np.arange(40 * 60, dtype=np.uint16).reshape(40, 60)).save(path)
        else:
            picture.convert(mode).save(path)

        pixels, whole = Pixels(path), load_rgb(path)

        assert pixels.shape == whole.shape
        assert np.array_equal(pixels[3:17, 20:60], whole[3:17, 20:60])
        assert np.array_equal(pixels[0:40, 0:60], whole)
