"""What a simulated annotator is shown: the parts of a payload that differ from kind to kind."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from routing.annotation import boxes as bx
from routing.policy import RoutingPolicy
from routing.simulation.truth import Truth
from routing.skill import logit, sigmoid
from routing.workflow import screen_px

HALO_PX = 64.0  # context around a tile's core
MARGIN_PX, MARGIN_SHARE = 32.0, 0.4  # context around an object

Live = Sequence[tuple[int, tuple[float, ...], int]]
Payload = dict[str, Any]


def common(kind: str, truth: Truth, policy: RoutingPolicy, classes: int) -> Payload:
    """Return what all kinds share."""
    return {
        "kind": kind,
        "scene": {"id": truth.id, "width": truth.width, "height": truth.height},
        "schema": {"version": 1, "classes": [{"id": n, "name": f"class {n}"} for n in range(classes)]},
        "tolerance": policy.tolerance_iou,
    }


def about_object(index: int, box: Sequence[float], cls: int, live: Live, truth: Truth) -> Payload:
    """Return the payload of a question about one object."""
    view = _around(box, truth)
    return {
        "view": view,
        "object": {"id": index, "xyxy": list(box), "class": cls},
        "objects": _shown([o for o in live if o[0] != index], view),
        "class": cls,
    }


def comparison(box: Sequence[float], cls: int, older: tuple[tuple[float, ...], int], newer: str) -> Payload:
    """Return two versions side by side, the current one on the side `newer`."""
    versions = {newer: (box, cls), "a" if newer == "b" else "b": older}
    return {side: {"xyxy": list(xyxy), "class": c} for side, (xyxy, c) in versions.items()}


def search(core: tuple[float, float, float, float], live: Live, truth: Truth) -> Payload:
    """Return the payload of a search of one tile."""
    x, y, w, h = core
    x1, y1 = max(x - HALO_PX, 0.0), max(y - HALO_PX, 0.0)
    x2, y2 = min(x + w + HALO_PX, truth.width), min(y + h + HALO_PX, truth.height)
    view = [x1, y1, x2 - x1, y2 - y1]
    return {"view": view, "tile": {"core": list(core)}, "objects": _shown(live, view), "classes": []}


def around_click(point: tuple[float, ...], cls: int, side: float, live: Live, truth: Truth) -> Payload:
    """Return the payload of drawing what somebody clicked on."""
    x, y = (float(v) for v in point)
    view = _around((x - side / 2, y - side / 2, x + side / 2, y + side / 2), truth)
    return {"view": view, "seed": [x, y], "class": cls, "objects": _shown(live, view)}


def tile_of(box: Sequence[float], cores: Sequence[tuple[float, float, float, float]]) -> int:
    """Return the index of the tile whose core holds the box's centre, or the nearest one."""
    center = bx.centers(np.array([box], dtype=np.float64))[0]
    rects = np.array([(x, y, x + w, y + h) for x, y, w, h in cores])
    gap = np.maximum(np.maximum(rects[:, :2] - center, center - rects[:, 2:]), 0.0).sum(axis=1)
    return int(np.argmin(gap))


def on_screen(size_px: float, view_width: float) -> float:
    """Return the size on screen of an object, in screen px."""
    return screen_px(size_px, view_width)


def scaled_odds(p: float, factor: float) -> float:
    """Return the probability whose log-odds are `factor` times those of p."""
    return sigmoid(factor * logit(p))


def _around(box: Sequence[float], truth: Truth) -> list[float]:
    x1, y1, x2, y2 = (float(v) for v in box)
    side = max(x2 - x1, y2 - y1)
    side += 2 * max(MARGIN_PX, MARGIN_SHARE * side)
    side = min(side, truth.width, truth.height)
    x = min(max((x1 + x2 - side) / 2, 0.0), truth.width - side)
    y = min(max((y1 + y2 - side) / 2, 0.0), truth.height - side)
    return [x, y, side, side]


def _shown(live: Live, view: Sequence[float]) -> list[Payload]:
    x, y, w, h = view
    return [
        {"id": i, "xyxy": list(box), "class": cls}
        for i, box, cls in live
        if box[0] < x + w and box[2] > x and box[1] < y + h and box[3] > y
    ]
