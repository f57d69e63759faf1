"""Pictures of a task: short-lived signed addresses of crops, added to a payload when it is offered."""

import hmac
import time
from typing import Any

from django.conf import settings

from webapp.labeling.models import Microtask
from webapp.labeling.shelf import Question

SIZES = (192, 384, 640, 1024, 1536)  # longest side of a served crop, pixels
HOUR = 3600
CELL_OUT, FOCUS_OUT = 384, 1024
LEAN = 2.5  # times smaller, each way, is what slow connections get first; about a sixth of the bytes
SCREEN = 1.45  # width by height of the room that a picture gets on a usual screen
PANE = 0.7  # the same where two stand side by side


def sign(path: str) -> str:
    return hmac.digest(settings.SECRET_KEY.encode(), f"crop:{path}".encode(), "sha256").hex()[:32]


def crop_url(scene: int, rect: tuple[int, int, int, int], out: int) -> str:
    """The address of a crop. It expires at the end of the next full hour, so that all viewers share one address."""
    expires = (int(time.time()) // HOUR + 2) * HOUR
    path = f"{scene}/{'_'.join(map(str, rect))}/{out}/{expires}"
    return f"/crops/{path}/{sign(path)}.webp"


def deep_url(scene: int, rect: tuple[int, int, int, int], out: int) -> str:
    """The address of a crop of a deep grey as a PNG of 16 bits, which expires as the others do."""
    expires = (int(time.time()) // HOUR + 2) * HOUR
    place = f"{scene}/{'_'.join(map(str, rect))}/{out}/{expires}"
    return f"/crops/{place}/{sign(f'deep/{place}')}.png"


def cloud_url(scene: int) -> str:
    """The address of a scene's points, which expires as those of crops do."""
    expires = (int(time.time()) // HOUR + 2) * HOUR
    path = f"cloud/{scene}/{expires}"
    return f"/clouds/{scene}/{expires}/{sign(path)}.bin"


def with_media(task: Microtask | Question) -> dict[str, Any]:
    """The payload of a micro-task with the addresses of its pictures."""
    payload = dict(task.payload)
    deep = payload["scene"].get("deep")
    if task.kind == "grid_verify":
        payload["cells"] = [
            {
                **cell,
                "media": [_medium(task.scene_id, cell["view"], CELL_OUT, deep)],
            }
            for cell in payload["cells"]
        ]
        payload["media"] = []
        return payload
    if "cloud" in payload:
        payload["cloud"] = {**payload["cloud"], "url": cloud_url(task.scene_id)}
    if task.kind == "fix_mask":
        payload["refiner"] = f"/api/v1/refine/{task.id}"  # webapp.pipeline.refiner
    shape = PANE if task.kind == "compare_two" else SCREEN
    payload["media"] = [
        _medium(task.scene_id, _with_context(payload["view"], payload["scene"], shape), FOCUS_OUT, deep)
    ]
    return payload


def _with_context(view: list[float], scene: dict[str, Any], shape: float) -> list[float]:
    """The view widened to `shape` (width by height) as far as the scene goes, so that the screen's sides are not empty."""
    x, y, w, h = view
    wide = min(max(w, h * shape), scene["width"])
    high = min(max(h, w / shape), scene["height"])
    left = min(max(x - (wide - w) / 2, 0), scene["width"] - wide)
    top = min(max(y - (high - h) / 2, 0), scene["height"] - high)
    return [left, top, wide, high]


def _medium(scene: int, view: list[float], most: int, deep: dict[str, float] | None) -> dict[str, Any]:
    x, y, w, h = (round(v) for v in view)
    rect = (x, y, w, h)
    longest = max(w, h, 1)
    # Small objects are shown at least three times enlarged by the client; pixels beyond the source's are not sent.
    out = next((size for size in SIZES if size >= longest), SIZES[-1])
    out = min(out, most)
    scale = out / longest
    medium: dict[str, Any] = {
        "role": "focus",
        "url": crop_url(scene, rect, out),
        "small": crop_url(scene, rect, round(out / LEAN)),
        "rect": [x, y, w, h],
        "size": [max(1, round(w * scale)), max(1, round(h * scale))],
    }
    if deep:
        medium["deep"] = {"url": deep_url(scene, rect, min(longest, most)), **deep}
    return medium
