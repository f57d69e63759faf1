"""How far a model's calibrated probabilities are off on pictures unlike those it was calibrated on.

A detector is less sure on a new site than it deserves, or surer, and by much the same amount of log-odds for all that it
proposes there. So one number is estimated from the first proposals that people judged: the posterior mode of a shift of
all log-odds with a normal prior (Platt scaling with the slope kept; Platt 1999).
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

SPREAD = 1.5  # prior standard deviation of the shift, log-odds: sites differ that much
LEAST_P = 1e-4
ROUNDS = 30  # of expectation and maximisation; each halves what is left, or better


def fit_shift(p: Sequence[float], evidence: Sequence[float]) -> tuple[float, float]:
    """Return the shift of log-odds that fits best what people said, and its standard deviation.

    p: P(right) as stated, (N,). evidence: log of P(what was said | right) / P(what was said | wrong), (N,), which may be
    infinite. What is uncertain is filled in by expectation-maximisation (Dempster, Laird and Rubin 1977). The prior
    without any. Raises ValueError when the two differ in length, a p is not in 0..1 or some evidence is NaN.
    """
    if len(p) != len(evidence):
        raise ValueError(f"{len(p)} probabilities and evidence about {len(evidence)}; give one for each")
    stated, said = np.asarray(p, dtype=np.float64), np.asarray(evidence, dtype=np.float64)
    if not ((stated >= 0) & (stated <= 1)).all():
        raise ValueError("p: give probabilities of 0 to 1")
    if np.isnan(said).any():
        raise ValueError("evidence: give no NaN; 0 says nothing")
    stated = stated.clip(LEAST_P, 1 - LEAST_P)
    logit = np.log(stated / (1 - stated))
    said = said.clip(-30.0, 30.0)
    shift = 0.0
    for _ in range(ROUNDS):
        right = 1 / (1 + np.exp(-(logit + shift + said)))
        shift = _mode(logit, right, shift)
    now, right = (1 / (1 + np.exp(-(logit + shift + more))) for more in (0.0, said))
    known = float((now * (1 - now) - right * (1 - right)).sum()) + 1 / SPREAD**2
    return shift, max(known, 1 / SPREAD**2) ** -0.5


def _mode(logit: Array, right: Array, shift: float) -> float:
    """Return the mode for known (or expected) outcomes, by Newton's method; the posterior is concave."""
    for _ in range(8):
        now = 1 / (1 + np.exp(-(logit + shift)))
        slope = float((right - now).sum()) - shift / SPREAD**2
        step = slope / (float((now * (1 - now)).sum()) + 1 / SPREAD**2)
        shift += min(max(step, -2.0), 2.0)
    return shift


def shifted(p: float, shift: float) -> float:
    """Return a probability moved by `shift` of log-odds; 0 and 1 stay."""
    if not shift or not 0 < p < 1:
        return p
    return 1 / (1 + math.exp(-(math.log(p / (1 - p)) + shift)))
