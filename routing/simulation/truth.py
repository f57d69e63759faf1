"""What is really in a simulated scene."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from routing.annotation import boxes as bx


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """The objects of one scene: boxes (N, 4), classes (N,), difficulty (N,) ~ N(0, 1) shared by everybody who looks.

    details (N or none): what else is true of each: outline, skeleton, line, cuboid (shapes as JSON), attributes (option ids
    by attribute id) and class (a finer class id). about: the scene's state, class and regions (`{"class", "shape"}`, the first that
    holds a pixel counts).
    """

    boxes: bx.Array
    classes: npt.NDArray[np.int64]
    difficulty: bx.Array
    width: float
    height: float
    id: int = 0
    details: tuple[Mapping[str, Any], ...] = ()
    about: Mapping[str, Any] = field(default_factory=dict)

    def detail(self, index: int, aspect: str) -> Any:
        """Return what is true of one object, None where nothing is known or there is no object (index -1)."""
        return self.details[index].get(aspect) if 0 <= index < len(self.details) else None

    def __len__(self) -> int:
        return len(self.boxes)

    def to_json(self) -> dict[str, Any]:
        """Return the truth as plain JSON values."""
        return {
            "id": self.id,
            "width": self.width,
            "height": self.height,
            "boxes": self.boxes.tolist(),
            "classes": self.classes.tolist(),
            "difficulty": self.difficulty.tolist(),
            **({"details": [dict(d) for d in self.details]} if self.details else {}),
            **({"about": dict(self.about)} if self.about else {}),
        }

    @classmethod
    def from_json(cls, obj: Mapping[str, Any]) -> "Truth":
        """Read what `to_json` wrote."""
        return cls(
            bx.as_boxes(obj["boxes"]),
            np.array(obj["classes"], dtype=np.int64).reshape(-1),
            np.array(obj["difficulty"], dtype=np.float64).reshape(-1),
            float(obj["width"]),
            float(obj["height"]),
            int(obj.get("id", 0)),
            tuple(obj.get("details") or ()),
            dict(obj.get("about") or {}),
        )


def make_truth(
    boxes: npt.ArrayLike,
    classes: npt.ArrayLike,
    rng: np.random.Generator,
    image_wh: tuple[float, float],
    *,
    id: int = 0,
    details: Sequence[Mapping[str, Any]] = (),
    about: Mapping[str, Any] | None = None,
) -> Truth:
    """Return the truth of a scene; difficulty is part chance, part crowding by neighbours. Raises ValueError."""
    b = bx.as_boxes(boxes)
    c = np.asarray(classes, dtype=np.int64).reshape(-1)
    if len(c) != len(b):
        raise ValueError(f"classes: {len(c)} for {len(b)} boxes; give one each")
    if details and len(details) != len(b):
        raise ValueError(f"details: {len(details)} for {len(b)} boxes; give one each or none")
    more = (id, tuple(details), dict(about or {}))
    if not len(b):
        return Truth(b, c, np.zeros(0), float(image_wh[0]), float(image_wh[1]), *more)
    gaps = np.linalg.norm(bx.centers(b)[:, None] - bx.centers(b)[None], axis=2)
    near = gaps < 1.5 * bx.size(b)[:, None]
    crowding = np.clip(near.sum(axis=1) - 1, 0, 6).astype(np.float64)
    spread = float(crowding.std()) or 1.0
    chance = rng.normal(0.0, 1.0, len(b))
    share = 0.3  # of the variance of difficulty that crowding explains
    difficulty = math.sqrt(1 - share) * chance + math.sqrt(share) * (crowding - crowding.mean()) / spread
    return Truth(b, c, difficulty, float(image_wh[0]), float(image_wh[1]), *more)
