"""What a model's probabilities are worth as a prior: bent until they agree with what people answered.

p'(class) ∝ p(class)^power · e^level(class), fitted to the posteriors of the tasks that people have answered. Tasks may
be chosen by how unsure the model is: given the model's own probabilities, that choice says nothing more of the class.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

PULL = 5.0  # weight, in squared units of the parameters, with which power 1 and level 0 are held
LEAST = 1e-7  # a model's zero counts as this
STEPS = 6


@dataclass(frozen=True, slots=True)
class Bend:
    """power of all probabilities and level of each class (classes,), in logs."""

    power: float
    level: Array

    def __call__(self, prior: Array) -> Array:
        """Return the bent probabilities (tasks, classes)."""
        return _softmax(self.power * np.log(np.maximum(prior, LEAST)) + self.level)


def unbent(classes: int) -> Bend:
    """Return the map that leaves probabilities alone."""
    return Bend(1.0, np.zeros(classes))


def fit_bend(prior: Array, posterior: Array, start: Bend) -> Bend:
    """Return the map for a model's probabilities and the posteriors (N, classes) of the same tasks; N may be 0."""
    x = np.log(np.maximum(prior, LEAST))
    power, level = start.power, start.level
    for _ in range(STEPS):
        p = _softmax(power * x + level)
        off = p - posterior
        spread = (p * (x - (p * x).sum(1, keepdims=True)) ** 2).sum()
        power = max(power - ((off * x).sum() + PULL * (power - 1)) / (spread + PULL), 0.05)
        level = level - (off.sum(0) + PULL * level) / ((p * (1 - p)).sum(0) + PULL)
    return Bend(float(power), level)


def _softmax(scores: Array) -> Array:
    weights = np.exp(scores - scores.max(1, keepdims=True))
    return np.asarray(weights / weights.sum(1, keepdims=True))
