"""What an annotator gets to see: payloads of docs/microtask-kinds.md, built from rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from routing.policy import RoutingPolicy
from webapp.labeling.models import SceneObject, Tile
from webapp.projects.models import Project
from webapp.scenes.models import Scene

Rect = tuple[float, float, float, float]
Box = Sequence[float]

MARGIN_PX = 32.0  # least context around a box, scene pixels
MARGIN_SHARE = 0.4  # of the longer side
SEED_VIEW_PX = 240.0  # what is shown around a click when no object size is known


@dataclass(frozen=True)
class Live:
    """A live object as context: thin outlines that say what is already there."""

    id: int
    box: Box
    label: int

    def shown(self) -> dict[str, Any]:
        return {"id": self.id, "xyxy": list(self.box), "class": self.label}


class Standing(list[Live]):
    """The live objects of a scene, not changed once made: what shows in a view is found without looking at each."""

    @cached_property
    def boxes(self) -> npt.NDArray[np.float64]:
        """Their boxes (N, 4), scene pixels."""
        return np.array([o.box for o in self], float).reshape(-1, 4)


def around(box: Box, scene: Scene, *, margin_share: float = MARGIN_SHARE, least: float = MARGIN_PX) -> Rect:
    """The square view of a box with context, moved (not cut) to stay inside the scene where it fits."""
    x1, y1, x2, y2 = box
    side = max(x2 - x1, y2 - y1)
    side = side + 2 * max(least, margin_share * side)
    return _inside((x1 + x2 - side) / 2, (y1 + y2 - side) / 2, side, side, scene)


def around_point(x: float, y: float, side: float, scene: Scene) -> Rect:
    return _inside(x - side / 2, y - side / 2, side, side, scene)


def around_tile(tile: Tile, scene: Scene) -> Rect:
    return _inside(
        tile.x - tile.halo,
        tile.y - tile.halo,
        tile.w + 2 * tile.halo,
        tile.h + 2 * tile.halo,
        scene,
        cut=True,
    )


def _inside(x: float, y: float, w: float, h: float, scene: Scene, *, cut: bool = False) -> Rect:
    if cut:
        x2, y2 = min(x + w, scene.width), min(y + h, scene.height)
        x, y = max(x, 0.0), max(y, 0.0)
        return (x, y, x2 - x, y2 - y)
    w, h = min(w, scene.width), min(h, scene.height)
    x = min(max(x, 0.0), scene.width - w)
    y = min(max(y, 0.0), scene.height - h)
    return (round(x), round(y), round(w), round(h))


def common(kind: str, project: Project, classes: list[dict[str, Any]], versions: tuple[int, int], scene: Scene,
           view: Rect, policy: RoutingPolicy, expected_s: float) -> dict[str, Any]:  # fmt: skip
    """The part of a payload that all kinds share. `versions` are those of the schema and the guideline."""
    return {
        "kind": kind,
        "project": {"id": project.pk, "name": project.name},
        "schema": {"version": versions[0], "classes": classes},
        "guideline": {"version": versions[1], "url": f"/projects/{project.pk}/guideline/"},
        "scene": {"id": scene.pk, "width": scene.width, "height": scene.height}
        | ({"deep": scene.deep} if scene.deep else {}),
        "view": list(view),
        "tolerance": policy.tolerance_iou,
        "expected_s": round(expected_s, 2),
    }


def in_view(
    live: Sequence[Live], view: Rect, *, without: frozenset[int] = frozenset()
) -> list[dict[str, Any]]:
    """The live objects that show in a view, as context."""
    x, y, w, h = view
    x1, y1, x2, y2 = (live if isinstance(live, Standing) else Standing(live)).boxes.T
    there = np.flatnonzero((x1 < x + w) & (x2 > x) & (y1 < y + h) & (y2 > y))
    return [live[n].shown() for n in there.tolist() if live[n].id not in without]


def shown_object(row: SceneObject) -> dict[str, Any]:
    return {"id": row.pk, "version": row.version, "xyxy": list(row.box), "class": row.label}
