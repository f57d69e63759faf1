"""What every consensus of one object's geometry takes and returns.

`fuse_<geometry>(answers, sigmas=None, *, tolerance, biases=None)`: answers by different people, in any order; sigmas
(N,) their noise in any common unit (precision is 1 / sigma²); biases what each of them is known to draw wrong on
average, taken off first. Nothing given is changed. Bad input raises FuseError that names the answer and its field.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt
from scipy.special import gammainc

from routing.annotation.fields import FieldError
from routing.annotation.shapes import Shape, validated

Array = npt.NDArray[np.float64]
S = TypeVar("S")

# sd of 1 - similarity over its mean. Between .42 (four half-normal edges) and 1 (exponential): objects differ in
# difficulty. Measured on public sets: pedestrians' boxes .6, cells' masks .55, nodules' outlines .46.
LOSS_SPREAD = 0.6
# Share of one person's squared error that everybody who looks at the object repeats, which no redundancy takes away.
# Fitted on how the loss falls from 1 to 7 answers: pedestrians' boxes .23, cells' masks .5.
COMMON_SHARE = 0.35
POOL_TASKS = 20.0  # pseudo-tasks behind everybody's noise, of the pool's mean noise


class FuseError(ValueError):
    """The answers cannot be fused; the message names the field and the fix."""


@dataclass(frozen=True, slots=True)
class FusedShape(Generic[S]):
    """The fused shape and how far to trust it.

    sigma: standard deviation of its position, in the unit that the geometry's function names. agreement: mean pairwise
    similarity of the answers, 0 to 1, no truth implied. expected_loss: expected 1 - similarity to the true shape.
    p_within_tolerance: P(similarity to the true shape >= the tolerance asked for). used: indices of the answers that
    shaped it. axes: sigma along each axis of the object, where the geometry tells them apart.
    """

    shape: S
    sigma: float
    agreement: float
    expected_loss: float
    p_within_tolerance: float
    used: tuple[int, ...]
    axes: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Given(Generic[S]):
    """Checked answers in an order of their own, so that the order in which people answered cannot matter.

    weights (N,): precisions, the best one 1. biases (N, D). order: where each stood in the call.
    """

    answers: tuple[S, ...]
    weights: Array
    biases: Array
    order: tuple[int, ...]

    @property
    def unanimous(self) -> bool:
        """Whether all said exactly the same and nobody is known to be biased."""
        return not self.biases.any() and all(answer == self.answers[0] for answer in self.answers)

    def noise(self, lone: float) -> Array:
        """Return what is believed of each answer's error (N,), where one usual person's is `lone`."""
        return np.asarray(lone * np.sqrt(self.weights.mean() / self.weights))

    def result(
        self,
        shape: S,
        *,
        sigma: float,
        agreement: float,
        loss: float,
        tolerance: float,
        used: Iterable[int],
        axes: tuple[float, ...] = (),
    ) -> FusedShape[S]:
        """Return the fused shape; `used` are positions in this order, `loss` the expected 1 - similarity."""
        kept = tuple(sorted(self.order[i] for i in used))
        expected = min(loss, 1.0)
        if self.unanimous:
            shape = self.answers[0]
        return FusedShape(shape, sigma, agreement, expected, p_similar(expected, tolerance), kept, axes)


def given(
    answers: Sequence[Shape],
    kind: type[S],
    sigmas: npt.ArrayLike | None,
    biases: npt.ArrayLike | None,
    *,
    width: int,
) -> Given[S]:
    """Return the answers, all of type `kind`, ready to fuse; `width` numbers describe one person's bias.

    Raises FuseError naming answer and field: no answers, another type, a shape that is not finite, has no area or
    crosses itself, sigmas that are not positive, biases of another shape or not finite.
    """
    shapes = _checked(answers, kind)
    weights, bias = precisions(len(shapes), sigmas), offsets(len(shapes), width, biases)
    order = sorted(range(len(shapes)), key=lambda i: (_content(shapes[i]), weights[i], tuple(bias[i])))
    return Given(tuple(shapes[i] for i in order), weights[order], bias[order], tuple(order))


def _content(shape: object) -> tuple[object, ...]:
    return tuple(getattr(shape, name) for name in shape.__slots__)  # type: ignore[attr-defined]


def _checked(answers: Sequence[Shape], kind: type[S]) -> list[S]:
    if not len(answers):
        raise FuseError("answers: none given; fuse at least one")
    out: list[S] = []
    for i, answer in enumerate(answers):
        if not isinstance(answer, kind):
            raise FuseError(f"answers[{i}]: {type(answer).__name__}; give {kind.__name__}")
        try:
            validated(answer, f"answers[{i}]")
        except FieldError as error:
            raise FuseError(str(error)) from None
        out.append(answer)
    return out


def precisions(count: int, sigmas: npt.ArrayLike | None) -> Array:
    """Return weights 1 / sigma² (N,), equal ones without sigmas; raise FuseError for none, or sigmas not positive."""
    if count == 0:
        raise FuseError("answers: none given; fuse at least one")
    if sigmas is None:
        return np.ones(count)
    s = np.asarray(sigmas, dtype=np.float64).reshape(-1)
    if len(s) != count or not np.isfinite(s).all() or (s <= 0).any():
        raise FuseError(f"sigmas: give {count} positive numbers, one for each answer")
    return np.asarray((s.min() / s) ** 2)


def offsets(count: int, width: int, biases: npt.ArrayLike | None) -> Array:
    """Return biases (N, width), zeros without; raise FuseError for another shape, NaN or infinity."""
    if biases is None:
        return np.zeros((count, width))
    b = np.asarray(biases, dtype=np.float64)
    if b.size != count * width or not np.isfinite(b).all():
        raise FuseError(f"biases: give {count} × {width} finite numbers, a row for each answer")
    return b.reshape(count, width)


def p_similar(expected_loss: float, tolerance: float) -> float:
    """Return P(1 - similarity <= 1 - tolerance) for a Gamma-distributed loss with this mean."""
    mean = max(expected_loss, 1e-9)
    shape = 1 / LOSS_SPREAD**2
    return float(gammainc(shape, (1 - tolerance) / mean * shape))


def mean_agreement(similarity: Array) -> float:
    """Return the mean of the off-diagonal similarities (N, N); 1 for a single answer."""
    n = len(similarity)
    return 1.0 if n == 1 else float((similarity.sum() - np.trace(similarity)) / (n * (n - 1)))


def inliers(similarity: Array, weights: Array, share: float) -> npt.NDArray[np.intp]:
    """Return the indices whose weighted similarity to the others is at least `share` of the best answer's.

    Fewer than three answers are all kept: two cannot out-vote each other.
    """
    n = len(similarity)
    if n < 3:
        return np.arange(n)
    support = support_of(similarity, weights)
    return np.flatnonzero(support >= share * support.max())


def support_of(similarity: Array, weights: Array) -> Array:
    """Return each answer's weighted mean similarity to the others (N,); 1 for a single answer."""
    if len(similarity) == 1:
        return np.ones(1)
    others = np.broadcast_to(weights, similarity.shape) * (1 - np.eye(len(similarity)))
    return np.asarray((similarity * others).sum(1) / others.sum(1))


def pairwise(answers: Sequence[S], similarity: Callable[[S, S], float]) -> Array:
    """Return the symmetric similarities (N, N), 1 on the diagonal, each pair computed once."""
    out = np.eye(len(answers))
    for i, first in enumerate(answers):
        for j in range(i):
            out[i, j] = out[j, i] = similarity(first, answers[j])
    return out


def fitted_sigmas(
    tasks: Sequence[Mapping[str, S]],
    fuse: Callable[[Sequence[S]], FusedShape[S]],
    similarity: Callable[[S, S], float],
) -> dict[str, float]:
    """Return everybody's noise, as loss against the fused shape of the others, from tasks of at least three answers.

    tasks: one mapping of person to answer for each object. Shrunk with POOL_TASKS to the root mean square of all; the
    scale is that of 1 - similarity, which serves as `sigmas` of any `fuse_<geometry>`.
    """
    square: dict[str, float] = {}
    count: dict[str, int] = {}
    for answers in tasks:
        names = sorted(answers)
        for name in names if len(names) >= 3 else ():
            others = fuse([answers[other] for other in names if other != name])
            loss = 1 - similarity(answers[name], others.shape)
            square[name] = square.get(name, 0.0) + loss**2
            count[name] = count.get(name, 0) + 1
    if not count:
        return {}
    pool = max(sum(square.values()) / sum(count.values()), 1e-12)
    return {
        name: float(np.sqrt((square[name] + POOL_TASKS * pool) / (count[name] + POOL_TASKS)))
        for name in sorted(count)
    }


def loss_scale(expected: npt.ArrayLike, realised: npt.ArrayLike) -> float:
    """Return the factor for `expected_loss` that audited tasks show: their mean realised over their mean expected loss.

    Shrunk to 1 as if five more audited tasks had lost exactly what was expected.
    """
    e, r = np.asarray(expected, dtype=np.float64), np.asarray(realised, dtype=np.float64)
    if e.shape != r.shape or not np.isfinite(e).all() or not np.isfinite(r).all():
        raise FuseError("audits: give as many finite expected as realised losses")
    usual = float(e.mean()) if len(e) else 1.0
    return float((r.sum() + 5 * usual) / max(float(e.sum()) + 5 * usual, 1e-12))
