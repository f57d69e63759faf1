"""Opening pictures that come from outside: is it one, how large, which way up, and only then its pixels.

Everything the engine and the crop service measure is in pixels after EXIF orientation. Imports neither torch nor ray.
"""

import io
import math
import struct
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageOps

from engine.tiff import Layout, Part, layout_of, read_part

MAX_PIXELS = 250_000_000  # 750 MB as RGB; refused from the header, before any pixel is decoded
FORMATS = (
    "JPEG",
    "PNG",
    "TIFF",
    "BMP",
    "WEBP",
    "GIF",
)  # not PostScript, fonts and whatever else Pillow can run
SIDEWAYS = (5, 6, 7, 8)
HEADER_BYTES = 64
PNG_SIGNATURE_BYTES = 8
PNG_METADATA = (b"eXIf", b"tEXt", b"zTXt", b"iTXt")  # old programs keep EXIF data in a text

# Pillow refuses from 179 megapixels on, which is less than what is read here; whoever opens a file gets the same limit.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS

LATTICE_PX = 4_000_000  # pixels from which black and white of a deep grey are found; more tell nothing new
BAND_PX = 4_000_000

RGB = npt.NDArray[np.uint8]
Greys = npt.NDArray[Any]


class ImageRefused(ValueError):
    """A file cannot be used as a picture; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class ImageSize:
    """Width and height after EXIF orientation, and the format found in the file, whatever its name says."""

    width: int
    height: int
    format: str


def image_size(path: str | PathLike[str], *, max_pixels: int = MAX_PIXELS) -> ImageSize:
    """Read the header only. Raises ImageRefused for a missing file, no picture, or more than `max_pixels`."""
    with _header(Path(path), max_pixels) as image:
        width, height = image.size
        if _orientation(image, Path(path)) in SIDEWAYS:
            width, height = height, width
        return ImageSize(width, height, image.format or "")


def verify_image(path: str | PathLike[str], *, max_pixels: int = MAX_PIXELS) -> ImageSize:
    """Decode the whole file once and throw the pixels away; raises ImageRefused when it is corrupt or cut off.

    A TIFF in parts is decoded part by part."""
    size = image_size(path, max_pixels=max_pixels)
    layout = tiff_layout(path, max_pixels=max_pixels)
    if layout is None:
        open_image(path, max_pixels=max_pixels).close()
        return size
    for part in layout.parts():
        read_tiff(Path(path), layout, part)
    return size


def tiff_layout(path: str | PathLike[str], *, max_pixels: int = MAX_PIXELS) -> Layout | None:
    """Return where the parts of a TIFF lie; None when the file must be decoded whole. Raises ImageRefused."""
    path = Path(path)
    with _header(path, max_pixels) as image:
        try:
            return layout_of(image)
        except (KeyError, ValueError, TypeError) as error:
            raise ImageRefused(f"{path.name} contradicts itself ({error}); save it again") from error


def read_tiff(path: Path, layout: Layout, part: Part) -> Image.Image:
    """Decode one part of a TIFF. Raises ImageRefused when it is corrupt or cut off."""
    try:
        return read_part(path, layout, part)
    except (OSError, SyntaxError, ValueError, EOFError, struct.error) as error:
        raise ImageRefused(
            f"{path.name} is corrupt or cut off ({error}); copy it again from its source"
        ) from error


def open_image(path: str | PathLike[str], *, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Decode a picture, turned upright by its EXIF orientation. Raises ImageRefused with a reason and a fix."""
    path = Path(path)
    with _header(path, max_pixels) as image:
        _orientation(image, path)
        try:
            image.load()
            ImageOps.exif_transpose(image, in_place=True)  # No copy: a scene may have 200 megapixels.
            return image
        except (OSError, SyntaxError, ValueError, EOFError, struct.error) as error:
            raise ImageRefused(
                f"{path.name} is corrupt or cut off ({error}); copy it again from its source"
            ) from error
        except MemoryError as error:
            raise ImageRefused(f"{path.name} does not fit into memory; cut it into parts") from error


def load_rgb(path: str | PathLike[str], *, max_pixels: int = MAX_PIXELS) -> RGB:
    """Decode a picture into (height, width, 3) uint8 RGB. Deep greys are stretched from 1st to 99th percentile, and
    transparent parts are laid on black."""
    return as_rgb(open_image(path, max_pixels=max_pixels))


def as_rgb(image: Image.Image, levels: tuple[float, float] | None = None) -> RGB:
    """The same as `load_rgb` for a picture that is already open; `levels` are black and white of a deep grey, where
    they are known from a larger picture."""
    if is_deep(image.mode):
        values = np.asarray(image)
        low, high = levels or grey_levels([lattice(values)])
        grey = np.empty(values.shape, np.uint8)
        for rows in _bands(values):  # as floats, a large picture would be held four times
            part = (values[rows].astype(np.float32) - low) / max(high - low, 1e-6)
            grey[rows] = np.clip(part, 0, 1) * 255
        return np.repeat(grey[..., None], 3, axis=2)
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, (0, 0, 0, 255)), image)
    return np.asarray(image.convert("RGB"))


def is_deep(mode: str) -> bool:
    """Whether a picture of this mode holds greys of more than 8 bits."""
    return mode in ("I", "F") or mode.startswith("I;16")


def lattice(values: Greys, *, of: tuple[int, int] | None = None, at: tuple[int, int] = (0, 0)) -> Greys:
    """Return every k-th pixel of every k-th row (N,) of a picture of which `values` (H, W) are a part.

    k is the least with at most LATTICE_PX such pixels in the whole picture, whose (height, width) is `of` (default: no
    other than `values`); the part begins at row and column `at`.
    """
    height, width = of or values.shape
    step = max(1, math.ceil(math.sqrt(height * width / LATTICE_PX)))
    return values[-at[0] % step :: step, -at[1] % step :: step].reshape(-1)


def grey_levels(samples: Iterable[Greys]) -> tuple[float, float]:
    """Return what is shown black and white: the 1st and 99th percentile over all samples (N,) together."""
    low, high = np.percentile(np.concatenate([s.astype(np.float32) for s in samples]), (1, 99))
    return float(low), float(high)


def _bands(values: Greys) -> Iterator[slice]:
    rows = max(1, BAND_PX // max(values.shape[1], 1))
    return (slice(y, y + rows) for y in range(0, values.shape[0], rows))


def _header(path: Path, max_pixels: int) -> Image.Image:
    """Open lazily: format by content, size from the header, nothing decoded."""
    try:
        with warnings.catch_warnings():
            # Our own limit below replaces Pillow's warning.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(path, formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise ImageRefused(_too_large(path, None, max_pixels)) from error
    except FileNotFoundError as error:
        raise ImageRefused(f"{path.name} does not exist; check the path {path}") from error
    except (OSError, SyntaxError, ValueError, struct.error) as error:
        raise ImageRefused(f"{path.name} {_why_not(path)}; give {', '.join(FORMATS)}") from error
    if image.width * image.height > max_pixels:
        size = image.size
        image.close()
        raise ImageRefused(_too_large(path, size, max_pixels))
    if image.width < 1 or image.height < 1:
        image.close()
        raise ImageRefused(f"{path.name} has no pixels")
    return image


def _why_not(path: Path) -> str:
    if path.is_dir():
        return "is a folder, not a picture"
    if path.stat().st_size == 0:
        return "is empty"
    with path.open("rb") as file:
        start = file.read(HEADER_BYTES)
    if start.lstrip().lower().startswith((b"<svg", b"<?xml", b"<!doctype", b"<html")):
        return "is markup text, not a picture"
    if start.startswith(b"%PDF"):
        return "is a PDF document, not a picture"
    if start.startswith(b"PK\x03\x04"):
        return "is a zip archive, not a picture"
    return "is not a picture that can be read"


def _too_large(path: Path, size: tuple[int, int] | None, max_pixels: int) -> str:
    said = (
        f"{size[0]} x {size[1]} = {size[0] * size[1] / 1e6:.0f} megapixels" if size else "far too many pixels"
    )
    return f"{path.name} has {said}; at most {max_pixels / 1e6:.0f} are read, cut it into parts"


def _orientation(image: Image.Image, path: Path) -> int:
    try:
        if image.format == "PNG" and "exif" not in image.info and not _exif_behind_pixels(path):
            return 1
        return int(image.getexif().get(ExifTags.Base.Orientation, 1) or 1)
    except OSError as error:
        raise ImageRefused(
            f"{path.name} is corrupt or cut off ({error}); copy it again from its source"
        ) from error
    except (SyntaxError, ValueError, TypeError, struct.error) as error:
        raise ImageRefused(
            f"{path.name} has broken EXIF data ({error}); strip it or save the picture again"
        ) from error


def _exif_behind_pixels(path: Path) -> bool:
    """Whether a PNG has EXIF data or text after its pixels. Pillow finds out by decoding it; here chunks are skipped."""
    with path.open("rb") as file:
        file.seek(PNG_SIGNATURE_BYTES)
        while len(head := file.read(8)) == 8:
            length, kind = struct.unpack(">I4s", head)
            if kind in PNG_METADATA:
                return True
            file.seek(length + 4, io.SEEK_CUR)
    return False
