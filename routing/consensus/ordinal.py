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
CLIP = 3.5  # standard deviations beyond which an answer's weight falls as 1 / distance²
TRIMMED = 1.5  # variance of a normal sample of 3 to 10 over that of the sample without its farthest member
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
    least = max(_positive(0.0, x), _rounding(x))
    noise = np.full(annotators, max(TRIMMED * _trimmed_variance(x - value[t], t, per_task), least))
    given = np.bincount(w, minlength=annotators)
    between = max(float(np.var(value[per_task > 0])), least)
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
        # Squared weights: what lies far out says nothing of the scale by which it is judged.
        sound = teaches * np.minimum(1.0, CLIP**2 * noise[w] / np.maximum(square, 1e-300)) ** 2
        mean = max(float((sound * square).sum() / max(sound.sum(), 1e-9)), least)
        total = np.bincount(w, sound * square, minlength=annotators) + NOISE_ANSWERS * mean
        noise = np.maximum(total / (np.bincount(w, sound, minlength=annotators) + NOISE_ANSWERS), least)
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


def _trimmed_variance(residual: Array, task: Ints, per_task: Ints) -> float:
    """Return the variance of the residuals (A,) without the largest of each task that has three or more answers.

    One adversary among three cannot raise it. `task` (A,) is sorted.
    """
    square = residual**2
    starts = np.flatnonzero(np.diff(task, prepend=-1))
    largest = np.zeros(len(per_task))
    largest[task[starts]] = np.maximum.reduceat(square, starts)
    many = per_task >= 3
    total = np.bincount(task, square, minlength=len(per_task)) - np.where(many, largest, 0.0)
    freedom = np.where(many, per_task - 2, np.maximum(per_task - 1, 0))
    return float(total[per_task > 0].sum() / max(int(freedom.sum()), 1))


def _rounding(x: Array) -> float:
    """Return the variance of rounding to the grid on which the numbers lie: the smallest gap squared over twelve."""
    gaps = np.diff(np.unique(x))
    gaps = gaps[gaps > 1e-9 * max(float(np.abs(x).max()), 1.0)]
    return float(gaps.min()) ** 2 / 12 if len(gaps) else 0.0


def _positive(variance: float, x: Array) -> float:
    """Return the variance, or a tiny one in the numbers' own scale where everybody agrees."""
    return max(variance, 1e-12 * max(float(np.max(np.abs(x))) ** 2, 1.0))
