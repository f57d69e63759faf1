"""Parts of a TIFF without the rest: a tile or strip is read from its place in the file and decoded alone.

Every tile or strip (here: a part) is compressed for itself (TIFF 6.0, sections 3 and 15; BigTIFF alike). So each is
wrapped into a TIFF of its own, in memory, and given to the same decoder that reads whole files: all of its compressions
work, and nothing has to be installed. Imports neither torch nor ray.
"""

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, TiffImagePlugin

WIDTH, LENGTH, COMPRESSION, PHOTOMETRIC, ORIENTATION = 256, 257, 259, 262, 274
STRIP_OFFSETS, ROWS_PER_STRIP, STRIP_COUNTS, PLANES = 273, 278, 279, 284
TILE_WIDTH, TILE_LENGTH, TILE_OFFSETS, TILE_COUNTS, JPEG_TABLES = 322, 323, 324, 325, 347
SHORT, LONG, UNDEFINED = 3, 4, 7
# Of the whole file's fields those that say how a part is decoded, with their types: bits, compression, meaning of 0, fill
# order, samples, planes, fax options, predictor, colour map, kind of alpha, sample format, JPEG tables, subsampling.
DECODING = {
    258: SHORT,
    COMPRESSION: SHORT,
    PHOTOMETRIC: SHORT,
    266: SHORT,
    277: SHORT,
    PLANES: SHORT,
    292: LONG,
    293: LONG,
    317: SHORT,
    320: SHORT,
    338: SHORT,
    339: SHORT,
    JPEG_TABLES: UNDEFINED,
    530: SHORT,
}
OLD_JPEG = 6  # its parts cannot be decoded alone
MOST_PART_PX = 16_000_000  # a part larger than this is no part but most of the picture
LEAST_PARTS = 4


@dataclass(frozen=True, slots=True)
class Part:
    """One tile or strip: its place `x, y, width, height` in pixels of the picture (cut at its border)."""

    index: int
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the parts of a TIFF lie: sizes in pixels, offsets and counts in bytes, and how each is decoded."""

    width: int
    height: int
    part_width: int
    part_height: int
    tiled: bool
    mode: str
    offsets: tuple[int, ...]
    counts: tuple[int, ...]
    order: str
    fields: tuple[tuple[int, int, Any], ...]

    @property
    def columns(self) -> int:
        return -(-self.width // self.part_width)

    def parts(self, box: tuple[int, int, int, int] | None = None) -> Iterator[Part]:
        """The parts that share a pixel with `box` [x1, y1, x2, y2] (default: all), row by row."""
        x1, y1, x2, y2 = box or (0, 0, self.width, self.height)
        for row in range(y1 // self.part_height, -(-y2 // self.part_height)):
            for column in range(x1 // self.part_width, -(-x2 // self.part_width)):
                x, y = column * self.part_width, row * self.part_height
                width, height = min(self.part_width, self.width - x), min(self.part_height, self.height - y)
                yield Part(row * self.columns + column, x, y, width, height)


def layout_of(image: Image.Image) -> Layout | None:
    """Describe an opened TIFF of which nothing is decoded yet; None when its parts cannot be had one by one.

    That is so for other formats, separate colour planes, turned pictures, and for files in fewer than LEAST_PARTS parts.
    Raises ValueError when the file contradicts itself.
    """
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return None
    tags = image.tag_v2
    tiled = TILE_OFFSETS in tags
    offsets = _numbers(tags.get(TILE_OFFSETS if tiled else STRIP_OFFSETS))
    counts = _numbers(tags.get(TILE_COUNTS if tiled else STRIP_COUNTS))
    width, height = int(tags[WIDTH]), int(tags[LENGTH])
    if tiled:
        part_width, part_height = int(tags[TILE_WIDTH]), int(tags[TILE_LENGTH])
    else:
        part_width, part_height = width, min(int(tags.get(ROWS_PER_STRIP, height)), height)
    if min(width, height, part_width, part_height) < 1:
        raise ValueError(f"parts of {part_width} x {part_height} pixels")
    alone = tags.get(PLANES, 1) == 1 and tags.get(ORIENTATION, 1) == 1 and tags.get(COMPRESSION) != OLD_JPEG
    if not alone or part_width * part_height > MOST_PART_PX or len(offsets) < LEAST_PARTS:
        return None
    expected = -(-width // part_width) * -(-height // part_height)
    if len(offsets) != expected or len(counts) != expected:
        raise ValueError(f"{len(offsets)} offsets and {len(counts)} sizes for {expected} parts")
    fields = tuple((tag, kind, tags[tag]) for tag, kind in DECODING.items() if tag in tags)
    order = ">" if tags.prefix == b"MM" else "<"
    return Layout(width, height, part_width, part_height, tiled, image.mode, offsets, counts, order, fields)


def read_part(file: Path, layout: Layout, part: Part) -> Image.Image:
    """Decode one part; a part that a sparse file leaves out is black. Raises OSError or ValueError when it is broken."""
    length = layout.part_height if layout.tiled else part.height
    offset, count = layout.offsets[part.index], layout.counts[part.index]
    if count == 0:
        return Image.new(layout.mode, (part.width, part.height))
    with file.open("rb") as source:
        source.seek(offset)
        data = source.read(count)
    if len(data) < count:
        raise OSError(f"part {part.index} ends after {len(data)} of {count} bytes")
    with Image.open(io.BytesIO(_alone(layout, layout.part_width, length, data)), formats=("TIFF",)) as image:
        image.load()
        return (
            image if image.size == (part.width, part.height) else image.crop((0, 0, part.width, part.height))
        )


def _alone(layout: Layout, width: int, length: int, data: bytes) -> bytes:
    """A TIFF in one strip around the bytes of a part: header, data, then the directory with what it points to."""
    order = layout.order
    own = (
        (WIDTH, LONG, width),
        (LENGTH, LONG, length),
        (STRIP_OFFSETS, LONG, 8),
        (ROWS_PER_STRIP, LONG, length),
    )
    fields = sorted((*layout.fields, *own, (STRIP_COUNTS, LONG, len(data))))
    padded = data + b"\0" * (len(data) % 2)
    start = 8 + len(padded)
    beyond = start + 2 + 12 * len(fields) + 4
    directory, extra = struct.pack(f"{order}H", len(fields)), b""
    for tag, kind, value in fields:
        packed, count = _packed(order, kind, value)
        if len(packed) > 4:
            where = struct.pack(f"{order}I", beyond + len(extra))
            extra += packed + b"\0" * (len(packed) % 2)
        else:
            where = packed.ljust(4, b"\0")
        directory += struct.pack(f"{order}HHI", tag, kind, count) + where
    magic = (b"MM\0*" if order == ">" else b"II*\0") + struct.pack(f"{order}I", start)
    return magic + padded + directory + struct.pack(f"{order}I", 0) + extra


def _packed(order: str, kind: int, value: Any) -> tuple[bytes, int]:
    if kind == UNDEFINED:
        return bytes(value), len(value)
    numbers = _numbers(value)
    return struct.pack(f"{order}{len(numbers)}{'H' if kind == SHORT else 'I'}", *numbers), len(numbers)


def _numbers(value: Any) -> tuple[int, ...]:
    if value is None:
        return ()
    return tuple(int(v) for v in value) if isinstance(value, tuple | list) else (int(value),)
