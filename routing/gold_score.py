"""What scoring an answer against gold gives, and how it is told to the annotator."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# By code, in English. Screens translate the code and fill in what it is about; scripts may show these as they are.
WORDS = {
    "right": "Right.",
    "outline_off": "Not quite: the outline is off.",
    "nothing_here": "Not quite: there is nothing of this class here.",
    "was_right": "Not quite: this one is right.",
    "planted": "Planted mistakes found: {n} of {of}.",
    "no_object": "There is no object here.",
    "object_here": "There is an object here.",
    "overlap": "Overlap with the right box: {percent} %.",
    "overlap_other_class": "Overlap with the right box: {percent} %. The class is another one.",
    "agreement": "Agreement with the right shape: {percent} %.",
    "agreement_swapped": "Agreement with the right shape: {percent} %. Left and right are exchanged.",
    "marked": "Known objects marked: {n} of {of}.",
    "a_closer": "A is closer to the object.",
    "b_closer": "B is closer to the object.",
    "point_on": "The point lies on the object.",
    "point_beside": "The point lies beside the object.",
    "attributes": "Another answer was settled for: {names}.",
    "segments": "Segments as they were settled: {n} of {of}.",
    "settled_other": "The settled answer is another one.",
}


@dataclass(frozen=True, slots=True)
class GoldScore:
    """`correct` as a whole; `share` of the parts that were right; what was wrong; what to tell: one of WORDS, filled in
    with what it is `about` (numbers and names)."""

    correct: bool
    share: float
    detail: Mapping[str, Any] = field(default_factory=dict)
    code: str = "right"
    about: Mapping[str, int | str] = field(default_factory=dict)

    def to_feedback(self) -> dict[str, Any]:
        """Return what the annotator is told, as JSON: the code for screens, and the same in English."""
        message = WORDS[self.code].format(**self.about)
        return {"correct": self.correct, "code": self.code, "about": dict(self.about), "message": message}
