"""How good stated probabilities are, given the truth; the truth never feeds back into what it scores."""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]

BINS = 10  # of equal width, for the calibration error
LEAST = 1e-6  # a stated probability of zero counts as this in the log-likelihood


def fair_hits(probability: Array, truth: Ints) -> Array:
    """Return (N,) P(the leading class is `truth`), a tie among k leaders counting 1/k.

    probability (N, classes); truth (N,) class indices, -1 for a class that nobody named: always a miss.
    """
    lead = probability >= probability.max(1, keepdims=True) - 1e-9
    known = truth >= 0
    hit = lead[np.arange(len(truth)), np.where(known, truth, 0)] & known
    return np.asarray(hit / lead.sum(1))


def log_loss(probability: Array, truth: Ints) -> float:
    """Return the mean negative log of the probabilities (N, classes) stated for the truth (N,); natural logarithm."""
    stated = probability[np.arange(len(truth)), np.maximum(truth, 0)]
    return float(-np.log(np.maximum(np.where(truth >= 0, stated, 0.0), LEAST)).mean())


def calibration_error(confidence: Array, right: Array) -> float:
    """Return the expected calibration error: |stated − realised|, over BINS bins of stated confidence (N,)."""
    bins = np.minimum((confidence * BINS).astype(np.intp), BINS - 1)
    gaps = np.bincount(bins, right - confidence, minlength=BINS)
    return float(np.abs(gaps).sum() / len(confidence))
