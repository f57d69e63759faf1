"""Pictures as files: is it one scene, how large, and small JPEG views of it for pages.

Sizes and rectangles are pixels after EXIF orientation, origin at the top-left corner.
"""

import os
import tempfile
from dataclasses import dataclass
from io import BytesIO
from math import ceil
from pathlib import Path

import numpy as np
from PIL import Image

from engine.deep import DeepPixels, Greyness
from engine.images import ImageRefused, is_deep, verify_image
from engine.pixels import Pixels

SUFFIXES = {
    "JPEG": "jpg",
    "MPO": "jpg",
    "PNG": "png",
    "TIFF": "tif",
    "BMP": "bmp",
    "WEBP": "webp",
    "GIF": "gif",
}
JPEG_QUALITY = 85
LIGHT_PX = 64  # a side of the copy that brightness is measured on


class BadImage(ValueError):
    """A file cannot be used as a scene; the message says why and what to do, without the file's name."""


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """Size after EXIF orientation, the usual ending of the real format, whatever the file was called, how the values of a
    grey of more than 8 bits lie, and its median brightness, 0 black to 1 white."""

    width: int
    height: int
    suffix: str
    deep: Greyness | None = None
    light: float | None = None


def probe(path: Path) -> ImageInfo:
    """Decode a file completely and describe it; raises BadImage when it is no picture, broken, too large or several."""
    try:
        size = verify_image(path)
    except ImageRefused as error:
        raise BadImage(str(error).removeprefix(path.name).strip()) from error
    if _several(path):
        raise BadImage("holds several pictures; save each as its own file")
    greyness = _greyness(path)
    light = None if greyness else _light(path)
    return ImageInfo(size.width, size.height, SUFFIXES[size.format], greyness, light)


def small_view(path: Path, *, longest: int, rect: tuple[float, float, float, float] | None = None) -> bytes:
    """Return a JPEG of the picture, or of `rect` ([x, y, w, h]) in it, no side longer than `longest`."""
    pixels = Pixels(path)
    height, width = pixels.shape[:2]
    x, y, w, h = rect or (0, 0, width, height)
    box = (max(0, int(x)), max(0, int(y)), min(width, ceil(x + w)), min(height, ceil(y + h)))
    scale = min(1.0, longest / max(box[2] - box[0], box[3] - box[1]))
    size = (max(1, round((box[2] - box[0]) * scale)), max(1, round((box[3] - box[1]) * scale)))
    view = pixels.view(box, size)
    out = BytesIO()
    view.save(out, "JPEG", quality=JPEG_QUALITY)
    return out.getvalue()


def cached_view(
    path: Path, cache: Path, *, longest: int, rect: tuple[float, float, float, float] | None = None
) -> bytes:
    """Like `small_view`, kept in the folder `cache`: decoding a large scene takes seconds."""
    part = "".join(f"-{value:.0f}" for value in rect or ())
    file = cache / f"{path.stem}{part}-{longest}.jpg"
    try:
        return file.read_bytes()
    except FileNotFoundError:
        view = small_view(path, longest=longest, rect=rect)
    cache.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=cache)
    with os.fdopen(handle, "wb") as out:
        out.write(view)
    os.replace(temporary, file)
    return view


def _light(path: Path) -> float:
    """Median luminance of a small copy; a JPEG is decoded no larger than that takes, a large TIFF in parts."""
    with Image.open(path) as image:
        if image.format in ("JPEG", "MPO"):
            image.draft("L", (LIGHT_PX, LIGHT_PX))
            small = image.convert("L").resize((LIGHT_PX, LIGHT_PX), Image.Resampling.BOX)
            return float(np.median(np.asarray(small))) / 255
    pixels = Pixels(path)
    height, width = pixels.shape[:2]
    small = pixels.view((0, 0, width, height), (min(width, LIGHT_PX), min(height, LIGHT_PX))).convert("L")
    return float(np.median(np.asarray(small))) / 255


def _greyness(path: Path) -> Greyness | None:
    with Image.open(path) as image:
        if not is_deep(image.mode):
            return None
    return DeepPixels(path).measure()


def _several(path: Path) -> bool:
    """Whether the file is a stack or an animation; a camera's previews and a TIFF's reduced copies are not."""
    with Image.open(path, formats=("TIFF", "GIF", "PNG", "WEBP", "JPEG", "BMP")) as image:
        frames = getattr(image, "n_frames", 1)
        if frames == 1 or image.format in ("JPEG", "MPO"):
            return False
        size = image.size
        for frame in range(1, frames):
            image.seek(frame)
            if image.size == size:
                return True
    return False
