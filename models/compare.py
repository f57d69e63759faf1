"""Is a candidate better than the incumbent? Average precision of both on the same pictures, with intervals. numpy only.

Parts of pictures are drawn again with replacement (a paired bootstrap by place: objects that lie together are missed
together), and every draw judges both models on the same parts. So what is said of the difference holds for other
pictures like these, not only for these.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from models.evaluate import RECALL_POINTS, Boxes, match

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LEAST_OBJECTS = 20  # fewer say nothing about a class or a size
SIZES = (
    ("small", 0.0, 32.0),
    ("medium", 32.0, 96.0),
    ("large", 96.0, np.inf),
)  # sqrt(area) in pixels, as in COCO


@dataclass(frozen=True, slots=True)
class Outcomes:
    """All detections and references of a set, flat. Detections: scores, labels, units (N,), size (N,) in pixels of the
    reference that was hit or else their own, hit (N,). References: truth_labels, truth_units, truth_sizes (M,)."""

    scores: Floats
    hit: npt.NDArray[np.bool_]
    labels: Ints
    units: Ints
    sizes: Floats
    truth_labels: Ints
    truth_units: Ints
    truth_sizes: Floats

    def part(self, mine: npt.NDArray[np.bool_], truth: npt.NDArray[np.bool_]) -> "Outcomes":
        """Return the detections and references that the masks (N,) and (M,) choose."""
        ours = (self.scores, self.hit, self.labels, self.units, self.sizes)
        theirs = (self.truth_labels, self.truth_units, self.truth_sizes)
        return Outcomes(*(v[mine] for v in ours), *(v[truth] for v in theirs))  # type: ignore[arg-type]


def outcomes(
    found: Sequence[Boxes], truth: Sequence[Boxes], *, unit_px: float, threshold: float = 0.5
) -> Outcomes:
    """Match every picture at IoU `threshold`; what lies in one square of `unit_px` of one picture is one unit.

    Detections on ignored references and these themselves are left out.
    """
    rows: list[tuple[Any, ...]] = []
    references: list[tuple[Any, ...]] = []
    for number, (f, t) in enumerate(zip(found, truth, strict=True)):
        target, skip = match(f, t, threshold)
        sizes = np.where(target >= 0, _sizes(t.xyxy)[target] if len(t.xyxy) else 0.0, _sizes(f.xyxy))
        keep = ~skip
        rows.append((f.scores, target >= 0, f.labels, _units(number, f.xyxy, unit_px), sizes, keep))
        references.append((t.labels, _units(number, t.xyxy, unit_px), _sizes(t.xyxy), ~t.ignore))
    ours = [np.concatenate(column) for column in zip(*rows, strict=True)]
    theirs = [np.concatenate(column) for column in zip(*references, strict=True)]
    return Outcomes(*(v[ours[-1]] for v in ours[:-1]), *(v[theirs[-1]] for v in theirs[:-1]))


def _sizes(boxes: Floats) -> Floats:
    return np.asarray(np.sqrt(np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(axis=1)))


def _units(number: int, boxes: Floats, side: float) -> Ints:
    cell = np.floor((boxes[:, :2] + boxes[:, 2:]) / 2 / side).astype(np.int64).clip(0, 999)
    return np.asarray(number * 1_000_000 + cell[:, 1] * 1000 + cell[:, 0])


@dataclass(frozen=True, slots=True)
class Stratum:
    """AP at IoU 0.5 of both models on one class or size (or all), and a 95 % interval of the gain."""

    name: str
    objects: int
    incumbent: float
    candidate: float
    gain: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """`better`: the gain over all is surely above 0, and no stratum with enough objects is surely worse."""

    overall: Stratum
    strata: tuple[Stratum, ...]
    units: int
    draws: int

    @property
    def worse(self) -> tuple[str, ...]:
        return tuple(s.name for s in self.strata if s.objects >= LEAST_OBJECTS and s.high < 0)

    @property
    def better(self) -> bool:
        return self.overall.low > 0 and not self.worse

    @property
    def verdict(self) -> str:
        """One sentence for people."""
        gain = f"AP50 {self.overall.incumbent:.3f} → {self.overall.candidate:.3f}"
        gain += f", gain {self.overall.gain:+.3f} (95 %: {self.overall.low:+.3f} to {self.overall.high:+.3f})"
        if self.overall.low <= 0:
            return (
                f"{gain}: not surely better; measure on more objects than {self.overall.objects} or train on"
            )
        return f"{gain}: worse on {', '.join(self.worse)}" if self.worse else f"{gain}: better"

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "overall": asdict(self.overall),
            "strata": [asdict(s) for s in self.strata],
            "units": self.units,
            "draws": self.draws,
            "better": self.better,
            "worse": list(self.worse),
            "verdict": self.verdict,
        }


def compare(
    candidate: Outcomes, incumbent: Outcomes, *, labels: Sequence[str] = (), draws: int = 500, seed: int = 0
) -> Comparison:
    """Compare two models on the same references. `labels[i]` names label i. Raises ValueError without references or when
    the two were measured on different ones."""
    if not len(candidate.truth_labels):
        raise ValueError("there is no reference to compare on; settle some scenes of the holdout first")
    if not np.array_equal(candidate.truth_units, incumbent.truth_units):
        raise ValueError("the two models were measured on different references")
    units = np.unique(np.concatenate([candidate.units, incumbent.units, candidate.truth_units]))
    rng = np.random.default_rng(seed)
    weights = rng.multinomial(len(units), np.full(len(units), 1 / len(units)), draws).astype(np.float64)
    weights = np.concatenate((np.ones((1, len(units))), weights))
    strata = []
    for label in np.unique(candidate.truth_labels):
        name = labels[label] if label < len(labels) else f"class {label}"
        pair = [o.part(o.labels == label, o.truth_labels == label) for o in (candidate, incumbent)]
        strata.append(_stratum(name, pair, units, weights))
    for name, low, high in SIZES:
        pair = [
            o.part((o.sizes >= low) & (o.sizes < high), (o.truth_sizes >= low) & (o.truth_sizes < high))
            for o in (candidate, incumbent)
        ]
        if len(pair[0].truth_labels):
            strata.append(_stratum(name, pair, units, weights))
    return Comparison(
        _stratum("all", (candidate, incumbent), units, weights), tuple(strata), len(units), draws
    )


def _stratum(name: str, pair: Sequence[Outcomes], units: Ints, weights: Floats) -> Stratum:
    """`pair` is the candidate's outcomes and the incumbent's."""
    ours, theirs = (_drawn_precision(o, units, weights) for o in pair)
    gains = ours - theirs
    low, high = np.nanpercentile(gains[1:], (2.5, 97.5)) if len(gains) > 1 else (gains[0], gains[0])
    return Stratum(
        name,
        len(pair[0].truth_labels),
        float(theirs[0]),
        float(ours[0]),
        float(gains[0]),
        float(low),
        float(high),
    )


def _drawn_precision(o: Outcomes, units: Ints, weights: Floats) -> Floats:
    """Mean over labels of the average precision, for every draw (D,), with units counted by `weights` (D, U)."""
    rows = []
    for label in np.unique(o.truth_labels):
        mine = np.flatnonzero(o.labels == label)
        mine = mine[np.argsort(-o.scores[mine], kind="stable")]
        place = np.searchsorted(units, o.units[mine])
        total = weights[:, np.searchsorted(units, o.truth_units[o.truth_labels == label])].sum(axis=1)
        counted = weights[:, place]
        rows.append(
            [_precision(w, o.hit[mine], n) if n else np.nan for w, n in zip(counted, total, strict=True)]
        )
    table = np.array(rows, dtype=np.float64)
    measured = ~np.isnan(table)  # A draw may hold no object of a label, or of any.
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(measured, table, 0).sum(axis=0) / measured.sum(axis=0))


def _precision(weights: Floats, hit: npt.NDArray[np.bool_], total: float) -> float:
    """101-point average precision of weighted detections in order of score."""
    right, seen = np.cumsum(weights * hit), np.cumsum(weights)
    if not len(seen) or not seen[-1]:
        return 0.0
    precision = right / np.maximum(seen, 1e-9)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    at = np.searchsorted(right / total, RECALL_POINTS, side="left")
    return float(np.where(at < len(envelope), envelope[np.minimum(at, len(envelope) - 1)], 0.0).mean())
