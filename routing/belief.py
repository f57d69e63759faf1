"""What we believe of one object version: is it right, is the outline or class wrong, or is nothing there?"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

STATES = (
    "good",
    "geometry",
    "phantom",
)  # right class and IoU >= tolerance; something there but wrong; nothing there

# No prior and no single answer rules a state out entirely.
FLOOR = 1e-4


class BeliefError(ValueError):
    """The probabilities given do not make a belief."""


@dataclass(frozen=True, slots=True)
class Belief:
    """Probabilities of the three states; they sum to 1. A prior never starts below FLOOR."""

    good: float
    geometry: float
    phantom: float

    @classmethod
    def of(cls, weights: Sequence[float]) -> "Belief":
        """Return the belief proportional to three weights; raise BeliefError for NaN, negatives or a zero sum."""
        g, m, p = (float(w) for w in weights)
        total = g + m + p
        if not (math.isfinite(total) and total > 0 and min(g, m, p) >= 0):
            raise BeliefError(
                f"belief: {tuple(weights)} are not weights; give three finite, non-negative numbers"
            )
        scale = 1.0 - 3 * FLOOR
        return cls(FLOOR + scale * g / total, FLOOR + scale * m / total, FLOOR + scale * p / total)

    @classmethod
    def of_model(cls, p_good: float, p_exists: float) -> "Belief":
        """Return the belief from a model's calibrated P(right) and P(there is an object)."""
        for name, p in (("p_good", p_good), ("p_exists", p_exists)):
            if not 0 <= p <= 1:
                raise BeliefError(f"{name}: {p} is not a probability; give 0 to 1")
        p_exists = max(p_exists, p_good)
        return cls.of((p_good, p_exists - p_good, 1 - p_exists))

    @classmethod
    def of_drawing(cls, quality: "Belief") -> "Belief":
        """Return the belief of a version that a person drew, given what we know of their drawings."""
        return cls.of(quality.vector)

    @property
    def vector(self) -> tuple[float, float, float]:
        """The probabilities in the order of STATES."""
        return (self.good, self.geometry, self.phantom)

    @property
    def exists(self) -> float:
        """The probability that there is an object here at all."""
        return self.good + self.geometry

    @property
    def risk(self) -> float:
        """The probability that accepting this version is wrong."""
        return 1.0 - self.good

    def updated(self, likelihoods: Sequence[float], power: float = 1.0) -> "Belief":
        """Return the posterior after evidence with P(evidence | state), tempered by `power` (1: independent)."""
        # Normalised only: adding FLOOR here would make the order of answers matter.
        weights = [b * max(float(p), FLOOR) ** power for b, p in zip(self.vector, likelihoods, strict=True)]
        total = sum(weights)
        if not (math.isfinite(total) and total > 0):
            raise BeliefError(
                f"likelihoods: {tuple(likelihoods)} are not probabilities; give three numbers of 0 to 1"
            )
        return Belief(weights[0] / total, weights[1] / total, weights[2] / total)

    def to_json(self) -> dict[str, float]:
        """Return the three probabilities by name."""
        return {"good": self.good, "geometry": self.geometry, "phantom": self.phantom}

    @classmethod
    def from_json(cls, obj: Mapping[str, Any]) -> "Belief":
        """Read what `to_json` wrote."""
        return cls(float(obj["good"]), float(obj["geometry"]), float(obj["phantom"]))
