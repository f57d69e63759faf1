"""What a model's probabilities are worth as a prior: bent until they agree with what people answered.

p'(class) ∝ p(class)^power · e^level(class), fitted to the posteriors of the tasks that people have answered. Tasks may
be chosen by how unsure the model is: given the model's own probabilities, that choice says nothing more of the class.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp

Array = npt.NDArray[np.float64]

PULL = 5.0  # weight, in squared units of the parameters, with which power 1 and level 0 are held
LEAST = 1e-7  # a model's zero counts as this
STEPS = 6
LEAST_STEP = 1e-3  # of a full step of Newton's
LEAST_POWER = 0.05


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
    """Return the map for a model's probabilities and the posteriors (N, classes) of the same tasks; N may be 0.

    Newton steps for power and levels in turn, each halved until it helps: a full one overshoots where the model is sure
    of nearly everything, and what it then says would be confirmed by the next posteriors.
    """
    x = np.log(np.maximum(prior, LEAST))

    def loss(bend: Bend) -> float:
        scores = bend.power * x + bend.level
        fit = logsumexp(scores, axis=1).sum() - (posterior * scores).sum()
        return float(fit + PULL / 2 * ((bend.power - 1) ** 2 + (bend.level**2).sum()))

    bend, now = start, loss(start)
    for step in range(2 * STEPS):
        p = _softmax(bend.power * x + bend.level)
        off = p - posterior
        if step % 2:
            by_power, by_level = 0.0, (off.sum(0) + PULL * bend.level) / ((p * (1 - p)).sum(0) + PULL)
        else:
            spread = (p * (x - (p * x).sum(1, keepdims=True)) ** 2).sum()
            by_power = ((off * x).sum() + PULL * (bend.power - 1)) / (spread + PULL)
            by_level = np.zeros_like(bend.level)
        scale = 1.0
        while scale > LEAST_STEP:
            tried = Bend(max(bend.power - scale * by_power, LEAST_POWER), bend.level - scale * by_level)
            if (then := loss(tried)) < now:
                bend, now = tried, then
                break
            scale /= 2
    return bend


def _softmax(scores: Array) -> Array:
    weights = np.exp(scores - scores.max(1, keepdims=True))
    return np.asarray(weights / weights.sum(1, keepdims=True))
