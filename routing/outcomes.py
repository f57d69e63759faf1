"""One evaluated answer: what somebody said, and what it turned out to be."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from routing.annotation.kinds import KINDS
from routing.belief import STATES
from routing.skill import GROUP

FOUND, MISSED = "found", "missed"
RIGHT, WRONG = "right", "wrong"
DRAWN = "drawn"


class OutcomeError(ValueError):
    """An outcome cannot be counted; the message names the field and the fix."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one answer said of one object, and the truth as settled later (by consensus, ruling or gold).

    kind: the micro-task kind. given: a verdict of verify_box (or "bad" on a grid page); "drawn" for draw_missed and
    fix_box; "found" or "missed" for an object of a searched tile; "right" or "wrong" for a comparison. truth: the
    state of the version that was judged or drawn ("good" for a missed object, "phantom" for a false click). weight:
    how certain the truth is, 0 to 1. seconds: active time of this answer (per cell of a grid), None to leave speed
    alone. iou: of a drawn box with the settled one. size_px: sqrt(area) of the object as shown, in screen px.
    """

    kind: str
    domain: str
    cls: int | None
    given: str
    truth: str
    weight: float = 1.0
    gold: bool = False
    seconds: float | None = None
    iou: float | None = None
    size_px: float | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be counted; raise OutcomeError."""
        if self.kind not in KINDS:
            raise OutcomeError(f"outcome.kind: {self.kind!r} is not one of {', '.join(KINDS)}")
        if self.given not in GROUP and self.given not in (FOUND, MISSED, RIGHT, WRONG, DRAWN):
            raise OutcomeError(
                f"outcome.given: {self.given!r} is not a verdict, found/missed, drawn or right/wrong"
            )
        if self.truth not in STATES:
            raise OutcomeError(f"outcome.truth: {self.truth!r} is not one of {', '.join(STATES)}")
        if not 0 <= self.weight <= 1:
            raise OutcomeError(f"outcome.weight: {self.weight} is out of range; give 0 to 1")
        for name, value, high in (
            ("seconds", self.seconds, 1e7),
            ("iou", self.iou, 1.0),
            ("size_px", self.size_px, 1e6),
        ):
            if value is not None and not (math.isfinite(value) and 0 <= value <= high):
                raise OutcomeError(f"outcome.{name}: {value} is out of range; give 0 to {high:g} or null")

    @property
    def right(self) -> bool:
        """Whether the answer was the right one."""
        if self.given in GROUP:
            return (GROUP[self.given] == 0) == (self.truth == "good")
        if self.given == FOUND or self.given == DRAWN:
            return self.truth == "good"
        return self.given == RIGHT

    def to_json(self) -> dict[str, Any]:
        """Return the outcome as plain JSON values."""
        return {name: getattr(self, name) for name in _FIELDS}

    @classmethod
    def from_json(cls, obj: Mapping[str, Any]) -> "Outcome":
        """Read what `to_json` wrote."""
        return cls(**{name: obj[name] for name in _FIELDS if name in obj})


_FIELDS = ("kind", "domain", "cls", "given", "truth", "weight", "gold", "seconds", "iou", "size_px")
