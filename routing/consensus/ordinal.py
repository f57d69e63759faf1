"""Consensus of ratings and other numbers, with everyone's bias and noise.

answer = task's value + annotator's bias + noise, biases and variances shrunk to the crowd's, and
answers far from the others lose weight: a slip moves little. On crowds without bias this equals the plain mean, which nothing beats
by a visible amount there.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]

BIAS_ANSWERS = 50.0  # pseudo-answers behind "no bias"
NOISE_ANSWERS = 100.0  # pseudo-answers behind the crowd's noise
CLIP = 1.9  # standard deviations beyond which an answer's weight falls as 1 / distance²; below √4, so that one of five
# cannot blow up the scale by which it is judged
STEPS = 12
SHARED = (
    0.2  # correlation of people's errors on one task: ten answers are worth three and a half, a hundred five
)


@dataclass(frozen=True, slots=True)
class NumberConsensus:
    """value (tasks,), NaN where nobody answered; sigma (tasks,) its sd; bias and noise (annotators,), same unit."""

    value: Array
    sigma: Array
    bias: Array
    noise: Array

    def p_within(self, tolerance: float) -> Array:
        """Return P(|value - truth| <= tolerance), (tasks,); NaN where nobody answered."""
        return np.asarray(2 * ndtr(tolerance / np.maximum(self.sigma, 1e-12)) - 1)


def fuse_numbers(
    task: Ints, annotator: Ints, number: Array, *, tasks: int, annotators: int
) -> NumberConsensus:
    """Return the consensus of A answers: indices `task`, `annotator` (A,) and finite numbers (A,).

    Raises ValueError for NaN or infinity.
    """
    order = np.lexsort((annotator, number, task))
    t, w, x = task[order], annotator[order], np.asarray(number, dtype=np.float64)[order]
    if not np.isfinite(x).all():
        raise ValueError("number: NaN or infinity; give finite numbers")
    per_task = np.bincount(t, minlength=tasks)
    if not len(x):
        empty = np.full(tasks, np.nan)
        return NumberConsensus(empty, empty.copy(), np.zeros(annotators), np.zeros(annotators))
    center = float(np.median(x))
    x = x - center
    answered = np.maximum(per_task, 1)
    value = _medians(x, per_task)
    bias = np.zeros(annotators)
    # From medians: one answer of a million must not set the scale by which it is judged.
    noise = np.full(annotators, _positive(2.2 * float(np.median((x - value[t]) ** 2)), x))
    given = np.bincount(w, minlength=annotators)
    between = _positive(float(np.var(value[per_task > 0])), x)
    for _ in range(STEPS):
        residual = x - value[t] - bias[w]
        # A task's own answer sits in its value, so residuals are too small by (n - 1) / n.
        square = residual**2 * answered[t] / np.maximum(answered[t] - 1, 1)
        tail = 1 / np.maximum(1.0, square / (CLIP**2 * noise[w]))
        weight = tail / noise[w]
        value = np.bincount(t, weight * (x - bias[w]), minlength=tasks) / np.maximum(
            np.bincount(t, weight, minlength=tasks), 1e-300
        )
        # Only contradicted answers teach: alone on a task, everybody is right.
        teaches = (per_task[t] >= 2).astype(np.float64)
        pull = np.bincount(w, teaches * tail * (x - value[t]), minlength=annotators)
        bias = pull / (np.bincount(w, teaches * tail, minlength=annotators) + BIAS_ANSWERS)
        bias -= np.average(bias, weights=np.maximum(given, 1e-9))
        square = (x - value[t] - bias[w]) ** 2 * answered[t] / np.maximum(answered[t] - 1, 1)
        mean = _positive(float((teaches * tail * square).sum() / max(teaches.sum(), 1.0)), x)
        total = np.bincount(w, teaches * tail * square, minlength=annotators) + NOISE_ANSWERS * mean
        noise = total / (np.bincount(w, teaches, minlength=annotators) + NOISE_ANSWERS)
    precision = np.bincount(t, 1 / noise[w], minlength=tasks)
    worth = 1 / (1 + SHARED * (answered - 1))
    sigma = 1 / np.sqrt(np.maximum(precision * worth, 1e-300) + 1 / (100 * between))
    value = np.where(per_task > 0, value + center, np.nan)
    return NumberConsensus(value, np.where(per_task > 0, sigma, np.nan), bias, np.sqrt(noise))


def _medians(sorted_numbers: Array, per_task: Ints) -> Array:
    """Return each task's median (tasks,), 0 where nobody answered; the numbers are sorted within each task."""
    ends = np.cumsum(per_task)
    starts = ends - per_task
    last = max(len(sorted_numbers) - 1, 0)
    low = np.minimum(starts + np.maximum(per_task - 1, 0) // 2, last)
    high = np.minimum(starts + per_task // 2, last)
    return np.where(per_task > 0, (sorted_numbers[low] + sorted_numbers[high]) / 2, 0.0)


def _positive(variance: float, x: Array) -> float:
    """Return the variance, or a tiny one in the numbers' own scale where everybody agrees."""
    return max(variance, 1e-12 * max(float(np.max(np.abs(x))) ** 2, 1.0))
