"""Clicks to a mask, for who is drawing one: POST /api/v1/refine/<micro-task> {clicks, mask} → {shape}.

`clicks` are [x, y, 1 | 0] in scene pixels (1: belongs to the object), all so far; `mask` is what stands now, or null.
Only the person who holds the task may ask. The work is classical and quick (`models.click_mask`), so it is done here.
"""

from typing import Any

import numpy as np
from django.conf import settings
from django.http import Http404
from django.utils import timezone
from PIL import Image
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import UserRateThrottle
from rest_framework.views import APIView

from engine.images import ImageRefused
from engine.pixels import OpenPictures
from models.click_mask import Click, ClickError, click_mask
from routing.annotation.fields import FieldError
from routing.annotation.shapes import Mask, shape_from_json, shape_to_json
from routing.consensus.masks import decode_mask, encode_mask
from webapp.labeling.models import Assignment, Microtask
from webapp.people.queries import tenant

KIND = "fix_mask"
MOST_CLICKS = 200
CROP_PX = 512  # longest side at which the picture is looked at
CONTEXT = 0.25  # of the object's box on every side: what surrounds it tells what it is not
LEAST_CONTEXT_PX = 8
KEPT_PIXELS = 60_000_000
_pictures = OpenPictures(KEPT_PIXELS)

Rect = tuple[int, int, int, int]


class ClicksPerMinute(UserRateThrottle):
    """Far more than anybody clicks, far less than would keep others waiting."""

    scope = "refine"
    rate = "120/min"


class RefineMask(APIView):
    throttle_classes = (ClicksPerMinute,)

    def post(self, request: Request, microtask: int) -> Response:
        """The mask as JSON of `routing.annotation.shapes`, in scene pixels; 400 names the field that is wrong."""
        task = _held(request, microtask)
        try:
            clicks, mask = _body(request.data)
            found = refined(task, clicks, mask)
        except (FieldError, ClickError) as error:
            raise ValidationError(str(error)) from error
        except ImageRefused as error:
            raise Http404 from error
        return Response({"shape": shape_to_json(found)})


def _held(request: Request, microtask: int) -> Microtask:
    """The task, if this person holds it now; else it is not there."""
    held = Assignment.objects.filter(
        microtask=microtask,
        microtask__kind=KIND,
        annotator=request.user.pk,
        state=Assignment.State.LEASED,
        lease_expires_at__gt=timezone.now(),
        project__organisation_id=tenant(request.user),  # type: ignore[arg-type]  # logged in: see permissions
    )
    row = held.select_related("microtask__scene").first()
    if row is None:
        raise Http404
    return row.microtask


def _body(data: Any) -> tuple[list[Click], Mask | None]:
    if not isinstance(data, dict) or not isinstance(data.get("clicks"), list):
        raise FieldError("clicks: give a list of [x, y, 1 or 0]")
    if len(data["clicks"]) > MOST_CLICKS:
        raise FieldError(f"clicks: {len(data['clicks'])} given; at most {MOST_CLICKS} are taken")
    clicks = []
    for number, entry in enumerate(data["clicks"]):
        plain = isinstance(entry, list) and len(entry) == 3 and all(type(v) in (int, float) for v in entry)
        if not plain or not np.isfinite(entry).all() or entry[2] not in (0, 1):
            raise FieldError(f"clicks[{number}]: {str(entry)[:60]}; give [x, y, 1 or 0] in scene pixels")
        clicks.append(Click(float(entry[0]), float(entry[1]), entry[2] == 1))
    if data.get("mask") is None:
        return clicks, None
    mask = shape_from_json(data["mask"], "mask")
    if not isinstance(mask, Mask):
        raise FieldError('mask.type: give a "mask", or null')
    return clicks, mask


def refined(task: Microtask, clicks: list[Click], mask: Mask | None) -> Mask:
    """Return the mask that fits the clicks, in the frame of the scene. Raises ClickError, FieldError or ImageRefused."""
    pixels = _pictures.get(settings.MEDIA_DIR / task.scene.file)
    box = tuple(float(v) for v in task.payload["object"]["xyxy"])
    rect = crop_of(box, clicks, mask, (pixels.shape[1], pixels.shape[0]))
    x1, y1, x2, y2 = rect
    scale = min(1.0, CROP_PX / max(x2 - x1, y2 - y1))
    size = (max(8, round((x2 - x1) * scale)), max(8, round((y2 - y1) * scale)))
    sx, sy = size[0] / (x2 - x1), size[1] / (y2 - y1)
    found = click_mask(
        np.asarray(pixels.view(rect, size)),
        [Click((c.x - x1) * sx, (c.y - y1) * sy, c.positive) for c in clicks],
        box=((box[0] - x1) * sx, (box[1] - y1) * sy, (box[2] - x1) * sx, (box[3] - y1) * sy),
        mask=None if mask is None else _cut(mask, rect, size),
    )
    if not found.any():
        raise ClickError("clicks: they leave nothing of the object; mark a point that belongs to it")
    return encode_mask(_scaled(found, (x2 - x1, y2 - y1)), (x1, y1))


def crop_of(box: tuple[float, ...], clicks: list[Click], mask: Mask | None, size: tuple[int, int]) -> Rect:
    """Return the part of a scene of `size` (width, height) to look at: the box, the mask and the clicks, with context.

    Raises ClickError for a click outside the scene.
    """
    for number, click in enumerate(clicks):
        if not (0 <= click.x <= size[0] and 0 <= click.y <= size[1]):
            raise ClickError(f"clicks[{number}]: ({click.x:g}, {click.y:g}) lies outside the scene")
    xs, ys = [box[0], box[2], *(c.x for c in clicks)], [box[1], box[3], *(c.y for c in clicks)]
    if mask is not None:
        xs += [mask.offset[0], mask.offset[0] + mask.size[1]]
        ys += [mask.offset[1], mask.offset[1] + mask.size[0]]
    margin = max(LEAST_CONTEXT_PX, CONTEXT * max(box[2] - box[0], box[3] - box[1]))
    return (
        int(max(0, min(xs) - margin)),
        int(max(0, min(ys) - margin)),
        int(min(size[0], np.ceil(max(xs) + margin))),
        int(min(size[1], np.ceil(max(ys) + margin))),
    )


def _cut(mask: Mask, rect: Rect, size: tuple[int, int]) -> np.ndarray:
    """The part of a mask that lies in `rect`, as pixels (h, w) bool of a crop shown at `size` (width, height)."""
    x, y = mask.offset
    image = Image.fromarray(decode_mask(mask)).crop((rect[0] - x, rect[1] - y, rect[2] - x, rect[3] - y))
    return _scaled(np.asarray(image), size)


def _scaled(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    image = Image.fromarray(mask.astype(np.uint8) * 255)
    return np.asarray(image.resize(size, Image.Resampling.BILINEAR)) > 127
