"""Serves the signed crops and point clouds of `webapp.feed.media`."""

import hmac
import io
import time
from functools import lru_cache

from django.conf import settings
from django.http import FileResponse, Http404, HttpRequest, HttpResponse

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
