"""Opening pictures that come from outside: is it one, how large, which way up, and only then its pixels.

Everything the engine and the crop service measure is in pixels after EXIF orientation. Imports neither torch nor ray.
"""

import struct
import warnings
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageOps

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

RGB = npt.NDArray[np.uint8]


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
    """Decode the whole file once and throw the pixels away; raises ImageRefused when it is corrupt or cut off."""
    size = image_size(path, max_pixels=max_pixels)
    open_image(path, max_pixels=max_pixels).close()
    return size


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


class Pixels:
    """A decoded picture from which parts are read as RGB: `pixels[y1:y2, x1:x2]`, like the array that `load_rgb` gives.

    Holds the picture once, where an array beside it would hold it twice.
    """

    def __init__(self, path: str | PathLike[str], *, max_pixels: int = MAX_PIXELS) -> None:
        """Decode the file. Raises ImageRefused."""
        image = open_image(path, max_pixels=max_pixels)
        plain = image.mode in ("RGB", "L") and "transparency" not in image.info
        self._image = image if plain else Image.fromarray(as_rgb(image))
        self.shape = (image.height, image.width, 3)

    def __getitem__(self, part: tuple[slice, slice]) -> RGB:
        rows, columns = part[0].indices(self.shape[0]), part[1].indices(self.shape[1])
        box = (columns[0], rows[0], max(columns[1], columns[0]), max(rows[1], rows[0]))
        return np.asarray(self._image.crop(box).convert("RGB"))


def as_rgb(image: Image.Image) -> RGB:
    """The same as `load_rgb` for a picture that is already open."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        values = np.asarray(image, dtype=np.float32)
        low, high = np.percentile(values, (1, 99))
        grey = (np.clip((values - low) / max(float(high - low), 1e-6), 0, 1) * 255).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, (0, 0, 0, 255)), image)
    return np.asarray(image.convert("RGB"))


def _header(path: Path, max_pixels: int) -> Image.Image:
    """Open lazily: format by content, size from the header, nothing decoded."""
    try:
        with warnings.catch_warnings():
            # Our own limit below replaces Pillow's warning at a third of it.
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
        return int(image.getexif().get(ExifTags.Base.Orientation, 1) or 1)
    except OSError as error:  # In a PNG the EXIF data may follow the pixels, so that reading it decodes them.
        raise ImageRefused(
            f"{path.name} is corrupt or cut off ({error}); copy it again from its source"
        ) from error
    except (SyntaxError, ValueError, TypeError, struct.error) as error:
        raise ImageRefused(
            f"{path.name} has broken EXIF data ({error}); strip it or save the picture again"
        ) from error
