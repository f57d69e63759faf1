"""Reading parts of pictures: the same pixels as the whole gives, without holding the whole."""

import json
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.images import ImageRefused, load_rgb, tiff_layout, verify_image
from engine.pixels import OpenPictures, Pixels

ADOBE_DEFLATE = 8
SIDE = 64


def write_tiled(
    path: Path,
    size: tuple[int, int],
    tiles: Sequence[bytes],
    *,
    side: int,
    depth: int,
    samples: int = 1,
    order: str = "<",
    orientation: int = 1,
) -> None:
    """Write a TIFF of `size` (width, height) in square tiles, compressed already; equal tiles are stored once."""
    place: dict[bytes, int] = {}
    body = b""
    for data in tiles:
        if data not in place:
            place[data] = 8 + len(body)
            body += data + b"\0" * (len(data) % 2)
    offsets, counts = [place[t] for t in tiles], [len(t) for t in tiles]
    fields = [
        (256, "I", [size[0]]),
        (257, "I", [size[1]]),
        (258, "H", [depth] * samples),
        (259, "H", [ADOBE_DEFLATE]),
        (262, "H", [2 if samples == 3 else 1]),
        (274, "H", [orientation]),
        (277, "H", [samples]),
        (322, "I", [side]),
        (323, "I", [side]),
        (324, "I", offsets),
        (325, "I", counts),
    ]
    start = 8 + len(body)
    beyond, directory, extra = start + 2 + 12 * len(fields) + 4, struct.pack(f"{order}H", len(fields)), b""
    for tag, kind, values in fields:
        packed = struct.pack(f"{order}{len(values)}{kind}", *values)
        where = packed.ljust(4, b"\0")
        if len(packed) > 4:
            where = struct.pack(f"{order}I", beyond + len(extra))
            extra += packed + b"\0" * (len(packed) % 2)
        directory += struct.pack(f"{order}HHI", tag, {"H": 3, "I": 4}[kind], len(values)) + where
    magic = b"II*\0" if order == "<" else b"MM\0*"
    path.write_bytes(
        magic + struct.pack(f"{order}I", start) + body + directory + b"\0\0\0\0" + extra
    )  # fmt: skip


def tiled(path: Path, values: np.ndarray, *, order: str = "<", orientation: int = 1) -> Path:
    """Write `values` (H, W) or (H, W, 3) in tiles of SIDE pixels."""
    height, width = values.shape[:2]
    values = values.astype(values.dtype.newbyteorder(order))
    tiles = []
    for y in range(0, height, SIDE):
        for x in range(0, width, SIDE):
            tile = np.zeros((SIDE, SIDE, *values.shape[2:]), values.dtype)
            part = values[y : y + SIDE, x : x + SIDE]
            tile[: part.shape[0], : part.shape[1]] = part
            tiles.append(zlib.compress(tile.tobytes()))
    samples = values.shape[2] if values.ndim == 3 else 1
    write_tiled(
        path, (width, height), tiles, side=SIDE, depth=8 * values.itemsize, samples=samples, order=order,
        orientation=orientation,
    )  # fmt: skip
    return path


@pytest.fixture
def colours(rng: np.random.Generator) -> np.ndarray:
    small = Image.fromarray(rng.integers(0, 255, (17, 26, 3), dtype=np.uint8))
    return np.asarray(small.resize((260, 170), Image.Resampling.BICUBIC))


def same(path: Path) -> bool:
    """Whether parts and the whole of a file agree, through parts of the file."""
    assert tiff_layout(path) is not None
    pixels, whole = Pixels(path), load_rgb(path)
    height, width = whole.shape[:2]
    assert pixels.shape == whole.shape
    boxes = [
        (0, 0, width, height),
        (70, 3, 71, 4),
        (60, 50, 200, 129),
        (width - 9, height - 9, width, height),
    ]
    return all(np.array_equal(pixels[y1:y2, x1:x2], whole[y1:y2, x1:x2]) for x1, y1, x2, y2 in boxes)


class TestTiff:
    @pytest.mark.parametrize("order", ["<", ">"])
    def test_tiles_give_the_pixels_of_the_whole(
        self, tmp_path: Path, colours: np.ndarray, order: str
    ) -> None:
        assert same(tiled(tmp_path / "rgb.tif", colours, order=order))
        assert same(tiled(tmp_path / "grey.tif", colours[..., 0], order=order))

    @pytest.mark.parametrize("order", ["<", ">"])
    def test_sixteen_bits_are_stretched_as_the_whole_picture_is(
        self, tmp_path: Path, colours: np.ndarray, order: str
    ) -> None:
        deep = colours[..., 0].astype(np.uint16) * 190 + 700
        deep[:SIDE, :SIDE] //= 8  # a dark tile must stay dark

        assert same(tiled(tmp_path / "x-ray.tif", deep, order=order))

    @pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"])
    @pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "P", "I;16"])
    def test_strips_of_every_compression_give_the_pixels_of_the_whole(
        self, tmp_path: Path, colours: np.ndarray, compression: str | None, mode: str
    ) -> None:
        if compression == "jpeg" and mode in ("P", "I;16"):
            pytest.skip("JPEG stores neither palettes nor 16 bits")
        deep = Image.fromarray(colours[..., 0].astype(np.uint16) * 200)
        image = deep if mode == "I;16" else Image.fromarray(colours).convert(mode)
        image.save(tmp_path / "a.tif", compression=compression, tiffinfo={278: 16})

        assert same(tmp_path / "a.tif")

    def test_a_turned_picture_is_read_whole_and_upright(self, tmp_path: Path, colours: np.ndarray) -> None:
        path = tiled(tmp_path / "turned.tif", colours, orientation=6)

        assert tiff_layout(path) is None
        assert Pixels(path).shape == (260, 170, 3)

    def test_tiles_that_a_sparse_file_leaves_out_are_black(self, tmp_path: Path) -> None:
        tile = zlib.compress(np.full((SIDE, SIDE), 200, np.uint8).tobytes())
        write_tiled(tmp_path / "a.tif", (2 * SIDE, 2 * SIDE), [tile, b"", b"", tile], side=SIDE, depth=8)

        pixels = Pixels(tmp_path / "a.tif")

        assert (pixels[0:SIDE, 0:SIDE] == 200).all()
        assert not pixels[0:SIDE, SIDE : 2 * SIDE].any()

    @pytest.mark.parametrize(
        ("spoil", "why"),
        [
            (lambda tiles: [*tiles[:-1], tiles[-1][:20]], "corrupt or cut off"),
            (lambda tiles: tiles[:-1], "contradicts itself"),
        ],
    )
    def test_a_broken_tile_is_found_on_import_and_on_reading(
        self, tmp_path: Path, spoil: Callable[[list[bytes]], list[bytes]], why: str
    ) -> None:
        tiles = [zlib.compress(np.full((SIDE, SIDE), n, np.uint8).tobytes()) for n in range(6)]
        write_tiled(tmp_path / "a.tif", (3 * SIDE, 2 * SIDE), spoil(tiles), side=SIDE, depth=8)

        with pytest.raises(ImageRefused, match=rf"a\.tif .*{why}"):
            verify_image(tmp_path / "a.tif")
        with pytest.raises(ImageRefused, match=rf"a\.tif .*{why}"):
            Pixels(tmp_path / "a.tif")[0 : 2 * SIDE, 0 : 3 * SIDE]


class TestView:
    @pytest.mark.parametrize("suffix", ["tif", "png"])
    def test_shows_what_resizing_the_whole_picture_shows(
        self, tmp_path: Path, colours: np.ndarray, suffix: str
    ) -> None:
        path = tmp_path / f"a.{suffix}"
        Image.fromarray(colours).save(path)
        box = (11, 5, 251, 165)

        shown = np.asarray(Pixels(path).view(box, (30, 20)), np.int16)
        plain = Image.fromarray(colours).resize((30, 20), Image.Resampling.LANCZOS, box=box)

        assert np.abs(shown - np.asarray(plain, np.int16)).mean() < 3

    def test_enlarges_without_a_detour(self, tmp_path: Path, colours: np.ndarray) -> None:
        Image.fromarray(colours).save(tmp_path / "a.png")
        box = (11, 5, 31, 25)

        shown = Pixels(tmp_path / "a.png").view(box, (60, 60))

        plain = Image.fromarray(colours[5:25, 11:31]).resize((60, 60), Image.Resampling.LANCZOS)
        assert np.array_equal(np.asarray(shown), np.asarray(plain))

    @pytest.mark.parametrize("box", [(0, 0, 0, 10), (-1, 0, 5, 5), (0, 0, 261, 10)])
    def test_refuses_a_box_outside(
        self, tmp_path: Path, colours: np.ndarray, box: tuple[int, int, int, int]
    ) -> None:
        Image.fromarray(colours).save(tmp_path / "a.png")

        with pytest.raises(ValueError, match="does not lie in the picture of 260 x 170"):
            Pixels(tmp_path / "a.png").view(box, (5, 5))


class TestOpenPictures:
    def test_keeps_those_used_last_within_its_bound(self, tmp_path: Path, colours: np.ndarray) -> None:
        paths = [tmp_path / f"{n}.png" for n in range(3)]
        for path in paths:
            Image.fromarray(colours).save(path)
        pictures = OpenPictures(2 * colours.shape[0] * colours.shape[1])

        first, second = pictures.get(paths[0]), pictures.get(paths[1])
        pictures.get(paths[0])
        pictures.get(paths[2])

        assert pictures.get(paths[0]) is first
        assert pictures.get(paths[1]) is not second

    def test_keeps_one_however_large(self, tmp_path: Path, colours: np.ndarray) -> None:
        Image.fromarray(colours).save(tmp_path / "a.png")
        pictures = OpenPictures(10)

        assert pictures.get(tmp_path / "a.png") is pictures.get(tmp_path / "a.png")


# The peak is VmHWM and not getrusage's, which a process inherits from the one that started it.
LOOK_EVERYWHERE = """
import json, sys
from pathlib import Path
from engine.images import verify_image
from engine.pixels import OpenPictures, Pixels
path = sys.argv[1]
verify_image(path)
pixels = Pixels(path)
height, width = pixels.shape[:2]
seen = [pixels[y : y + 900, x : x + 900].mean() for y in range(0, height, 3000) for x in range(0, width, 3000)]
shown = pixels.view((0, 0, width, height), (800, 400)).size
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(json.dumps({"peak_mb": int(peak.split()[1]) / 1e3, "seen": len(seen), "shown": shown}))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process is read from /proc")
@pytest.mark.parametrize(("depth", "samples"), [(8, 3), (16, 1)])
def test_two_hundred_megapixels_are_read_in_a_quarter_of_a_gigabyte(
    tmp_path: Path, rng: np.random.Generator, depth: int, samples: int
) -> None:
    side, width, height = 512, 20_480, 10_240
    kinds = []
    for _ in range(4):
        small = rng.integers(0, 200, (16, 16, samples), dtype=np.uint8).astype(f"<u{depth // 8}")
        kinds.append(zlib.compress(np.kron(small, np.ones((32, 32, 1), small.dtype)).tobytes(), 1))
    tiles = [kinds[(x + y) % 4] for y in range(height // side) for x in range(width // side)]
    path = tmp_path / "large.tif"
    write_tiled(path, (width, height), tiles, side=side, depth=depth, samples=samples)

    done = subprocess.run(
        [sys.executable, "-c", LOOK_EVERYWHERE, str(path)],
        stdout=subprocess.PIPE,
        check=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )

    told = json.loads(done.stdout)
    assert told["seen"] == 28
    assert told["shown"] == [800, 400]
    # Of it 96 MB are parts that are kept and about as many Python's; decoded whole, the picture alone has 630.
    assert told["peak_mb"] < 256
