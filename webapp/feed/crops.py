"""Serves the signed crops and point clouds of `webapp.feed.media`."""

import hmac
import io
import time
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.http import FileResponse, Http404, HttpRequest, HttpResponse

from engine.deep import DeepPixels, Greyness, png
from engine.pixels import OpenPictures
from webapp.feed import media
from webapp.scenes.models import Scene

KEPT_PIXELS = 60_000_000  # of scenes that stay open for their next crops: at 2472 x 2299 pixels, ten
_pictures = OpenPictures(KEPT_PIXELS)


def crop(request: HttpRequest, scene: str, rect: str, out: str, expires: str, signature: str) -> HttpResponse:
    """One crop as WebP. A wrong or expired signature is answered like a missing page, so that nothing is revealed."""
    path = f"{scene}/{rect}/{out}/{expires}"
    if not hmac.compare_digest(signature.encode(), media.sign(path).encode()) or int(expires) < time.time():
        raise Http404
    x, y, w, h = (int(part) for part in rect.split("_"))
    response = HttpResponse(_encoded(int(scene), x, y, w, h, int(out)), content_type="image/webp")
    response["Cache-Control"] = "private, immutable, max-age=3600"
    return response


def deep_crop(
    request: HttpRequest, scene: str, rect: str, out: str, expires: str, signature: str
) -> HttpResponse:
    """The same crop of a deep grey as a PNG of 16 bits. A bad address is answered like a missing page, as for crops."""
    path = f"deep/{scene}/{rect}/{out}/{expires}"
    if not hmac.compare_digest(signature.encode(), media.sign(path).encode()) or int(expires) < time.time():
        raise Http404
    x, y, w, h = (int(part) for part in rect.split("_"))
    response = HttpResponse(_deep(int(scene), x, y, w, h, int(out)), content_type="image/png")
    response["Cache-Control"] = "private, immutable, max-age=3600"
    return response


def cloud(request: HttpRequest, scene: str, expires: str, signature: str) -> FileResponse:
    """A scene's points: 32-bit floats x, y, z, intensity. A bad address is answered like a missing page, as for crops."""
    path = f"cloud/{scene}/{expires}"
    if not hmac.compare_digest(signature.encode(), media.sign(path).encode()) or int(expires) < time.time():
        raise Http404
    stored = Scene.objects.values_list("imported", flat=True).get(pk=int(scene))["cloud"]["file"]
    response = FileResponse(open(settings.MEDIA_DIR / stored, "rb"), content_type="application/octet-stream")  # noqa: SIM115
    response["Cache-Control"] = "private, immutable, max-age=3600"
    return response


@lru_cache(maxsize=512)
def _encoded(scene: int, x: int, y: int, w: int, h: int, out: int) -> bytes:
    pixels = _pictures.get(settings.MEDIA_DIR / Scene.objects.values_list("file", flat=True).get(pk=scene))
    scale = out / max(w, h, 1)
    size = (max(1, round(w * scale)), max(1, round(h * scale)))
    buffer = io.BytesIO()
    pixels.view((x, y, x + w, y + h), size).save(buffer, "WEBP", quality=80, method=2)
    return buffer.getvalue()


@lru_cache(maxsize=64)
def _deep(scene: int, x: int, y: int, w: int, h: int, out: int) -> bytes:
    file, greyness = Scene.objects.values_list("file", "deep").get(pk=scene, deep__isnull=False)
    assert greyness is not None
    scale = min(1.0, out / max(w, h, 1))
    size = (max(1, round(w * scale)), max(1, round(h * scale)))
    view = _opened(settings.MEDIA_DIR / file).view((x, y, x + w, y + h), size, Greyness.from_json(greyness))
    return png(view)


@lru_cache(maxsize=2)  # a PNG is held decoded
def _opened(path: Path) -> DeepPixels:
    return DeepPixels(path)
