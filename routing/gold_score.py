"""What scoring an answer against gold gives."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class GoldScore:
    """`correct` as a whole; `share` of the parts that were right; what was wrong; and words for the annotator."""

    correct: bool
    share: float
    detail: Mapping[str, Any] = field(default_factory=dict)
    feedback: str = ""
