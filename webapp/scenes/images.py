"""Pictures as files: is it one, how large, and small JPEG views of it for pages.

Sizes and rectangles are pixels after EXIF orientation, origin at the top-left corner.
"""

import os
import struct
import tempfile
import warnings
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

MAX_PIXELS = 250_000_000  # 750 MB as RGB; anything larger is cut into scenes before it comes here
FORMATS = {"JPEG": "jpg", "PNG": "png", "TIFF": "tif", "BMP": "bmp", "WEBP": "webp", "GIF": "gif"}
JPEG_QUALITY = 85
ORIENTATION = 0x0112
SIDEWAYS = (5, 6, 7, 8)

# Our own limit replaces Pillow's: it is checked from the header, before any pixel is decoded.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


class BadImage(ValueError):
    """A file cannot be used as a picture; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """Size after EXIF orientation and the usual ending of the real format, whatever the file was called."""

    width: int
    height: int
    suffix: str


def probe(path: Path) -> ImageInfo:
    """Decode a file completely and describe it; raises BadImage when it is no picture, broken, too large or many."""
    with _opened(path) as image:
        width, height = image.size
        if _kind(image) == "JPEG":
            # Reads every byte but computes an eighth of the pixels.
            image.draft(None, (max(1, width // 8), max(1, height // 8)))
        try:
            image.load()
        except (OSError, SyntaxError, ValueError, EOFError, MemoryError) as error:
            raise BadImage(f"is corrupt or cut off ({error}); copy it again from the source") from error
        if _turned(image):
            width, height = height, width
        return ImageInfo(width, height, FORMATS[_kind(image)])


def small_view(path: Path, *, longest: int, rect: tuple[float, float, float, float] | None = None) -> bytes:
    """Return a JPEG of the picture, or of `rect` ([x, y, w, h]) in it, no side longer than `longest`."""
    with _opened(path) as image:
        if rect is None and _kind(image) == "JPEG":
            image.draft(None, (longest, longest))
        view: Image.Image = ImageOps.exif_transpose(image)
        if rect is not None:
            x, y, w, h = rect
            view = view.crop((int(x), int(y), int(np.ceil(x + w)), int(np.ceil(y + h))))
        view = _eight_bit(view)
        view.thumbnail((longest, longest), Image.Resampling.LANCZOS)
        out = BytesIO()
        view.save(out, "JPEG", quality=JPEG_QUALITY)
        return out.getvalue()


def cached_view(path: Path, cache: Path, *, longest: int) -> bytes:
    """Like `small_view` of the whole picture, kept in the folder `cache`: decoding a large scene takes seconds."""
    file = cache / f"{path.stem}-{longest}.jpg"
    try:
        return file.read_bytes()
    except FileNotFoundError:
        view = small_view(path, longest=longest)
    cache.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=cache)
    with os.fdopen(handle, "wb") as out:
        out.write(view)
    os.replace(temporary, file)
    return view


def _opened(path: Path) -> Image.Image:
    try:
        # Only these decoders: the others (PostScript, fonts, ...) are not for files from outside.
        image = Image.open(path, formats=tuple(FORMATS))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise BadImage(_too_large()) from None
    except (OSError, SyntaxError, ValueError) as error:
        raise BadImage("is not an image (JPEG, PNG, TIFF, BMP, WebP, GIF); remove or convert it") from error
    if image.width * image.height > MAX_PIXELS:
        image.close()
        raise BadImage(_too_large(image.size))
    if getattr(image, "n_frames", 1) > 1 and not _overviews(image):
        image.close()
        raise BadImage("holds several pictures; save each as its own file")
    return image


def _too_large(size: tuple[int, int] | None = None) -> str:
    most = MAX_PIXELS // 10**6
    said = f"{size[0]}×{size[1]} = {size[0] * size[1] / 1e6:.0f}" if size else f"more than {2 * most}"
    return f"is too large: {said} megapixels; at most {most} are read, cut it into parts"


def _overviews(image: Image.Image) -> bool:
    """Whether the further frames are only previews: of a camera's JPEG, or a TIFF's reduced copies."""
    if _kind(image) == "JPEG":
        return True
    if image.format != "TIFF":
        return False
    size = image.size
    try:
        for frame in range(1, image.n_frames):  # type: ignore[attr-defined]
            image.seek(frame)
            if image.size == size:
                return False
    finally:
        image.seek(0)
    return True


def _kind(image: Image.Image) -> str:
    """The format; a JPEG with a camera's embedded previews calls itself MPO."""
    return "JPEG" if image.format == "MPO" else image.format or ""


def _turned(image: Image.Image) -> bool:
    try:
        return image.getexif().get(ORIENTATION) in SIDEWAYS
    except (OSError, SyntaxError, ValueError, struct.error) as error:
        raise BadImage(f"has broken EXIF data ({error}); strip it or save the picture again") from error


def _eight_bit(image: Image.Image) -> Image.Image:
    """RGB with eight bits; deeper greys are stretched from their 1st to their 99th percentile."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        values = np.asarray(image, dtype=np.float32)
        low, high = np.percentile(values, (1, 99))
        scaled = np.clip((values - low) / max(float(high - low), 1e-6), 0, 1) * 255
        return Image.fromarray(scaled.astype(np.uint8)).convert("RGB")
    return image.convert("RGB")
