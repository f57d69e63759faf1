"""Regions on a grid: smoothed votes and outlines. Masks and polygons are fused by the same rule here.

The answers' borders are a sample of where the next careful person would put it. Their kernel density is the vote share
smoothed with a Gaussian, as wide as BANDWIDTH of the answers' own disagreement: two answers meet halfway, many take a
local median, nobody pulls the border further than their share of the votes, and a unanimous outline stays as it is.
Answers weigh by their agreement with the others to the power AGREEMENT_POWER.

What at least half say is inside is inside where two answer. Where more do, the wider are oftener wrong than the narrower,
for careless outlines are loose: the share that is asked for rises by LOOSE, the more the more answers tell who is wide.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from scipy.ndimage import correlate1d, distance_transform_edt

from routing.consensus.contract import mean_agreement, support_of

Array = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

# Chosen together on nodules' outlines (held-out reader) and cells' masks (gold), so the figures of those two sets flatter
# them; `make bench-routing` prints what either set gets with the constants that the other one would choose.
BANDWIDTH = 0.15  # sd of the smoothing over sqrt(area), per 1 - agreement
AGREEMENT_POWER = 2.0
LOOSE = 0.16  # of the votes, times 1 - 2 / N; below 1/6, or three of five could not carry the border
TIE = 1e-3  # of the votes: what half of the people marked is inside whatever the rounding
COMMON = (
    0.5  # share of the squared error that all repeat; more than for boxes, for everybody includes the border
)
OUTLIER_SHARE = 0.5  # agreement below this share of the best answer's: another object
LONE_SIGMA = 0.07  # boundary noise of one person over sqrt(area): IoU .78 with the truth
LOSS_PER_SIGMA = 4 * float(np.sqrt(2 / np.pi))  # 1 - IoU = perimeter × E|noise| / area, for a roundish object


@dataclass(frozen=True, slots=True)
class FusedRegion:
    """level (h, w): above 0 inside; sigma: boundary noise over sqrt(area); used: indices of the answers that count."""

    level: Array
    sigma: float
    agreement: float
    expected_loss: float
    used: tuple[int, ...]


def fuse_regions(
    regions: Bools, weights: Array, outward: Array | None = None, *, least_width: float = 0.0
) -> FusedRegion:
    """Return the fused region of N >= 1 regions (N, h, w) with weights (N,).

    outward (N,): how far each person draws outside the true border, over sqrt(area), taken off first. least_width: sd of
    the smoothing in cells that several answers get at least, for outlines without stairs.
    """
    n = len(regions)
    flat = regions.reshape(n, -1).astype(np.float32)
    inter = (flat @ flat.T).astype(np.float64)
    areas = np.diag(inter)
    union = areas[:, None] + areas[None, :] - inter
    similarity = np.divide(inter, union, out=np.zeros_like(inter), where=union > 0)
    agreement = mean_agreement(similarity)
    support = support_of(similarity, weights)
    trusted = weights * (support / max(float(support.max()), 1e-12)) ** (AGREEMENT_POWER if n >= 3 else 0.0)
    used = np.flatnonzero(support >= OUTLIER_SHARE * support.max()) if n >= 3 else np.arange(n)
    share = trusted[used] / trusted[used].sum()
    middle = np.sort(areas[used])[[(len(used) - 1) // 2, len(used) // 2]]
    side = float(np.sqrt(middle.mean()))
    if outward is None or not outward.any():
        votes = (share.astype(np.float32) @ flat[used]).reshape(regions.shape[1:])
    else:
        votes = np.tensordot(share, [coverage(regions[i], outward[i] * side) for i in used], axes=1)
    # Only of those who count: one who drew something else must not blur the border of the others.
    apart = 1 - mean_agreement(similarity[np.ix_(used, used)])
    width = max(BANDWIDTH * apart * side, least_width if len(used) > 1 else 0.0)
    level = smoothed(votes, width).astype(np.float64) - asked_share(len(used))
    loss = _expected_loss(flat[used], areas[used], (level > 0).reshape(-1), share)
    return FusedRegion(level, loss / LOSS_PER_SIGMA, agreement, loss, tuple(int(i) for i in used))


def asked_share(answers: int) -> float:
    """Return the share of the smoothed votes that lies inside, for this many answers."""
    return 0.5 - TIE if answers < 3 else 0.5 + LOOSE * (1 - 2 / answers)


def smoothed(votes: npt.NDArray[np.floating], width: float) -> npt.NDArray[np.floating]:
    """Return the votes (h, w) under a Gaussian of sd `width` cells, cut at 3 sd; nobody marked what lies outside."""
    radius = int(3 * width + 0.5)
    if radius < 1:
        return votes
    # Written out, for on small objects scipy's gaussian_filter spends more on its arguments than on the sums.
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / width) ** 2)
    kernel /= kernel.sum()
    across = correlate1d(votes, kernel, axis=1, mode="constant")
    return np.asarray(correlate1d(across, kernel, axis=0, mode="constant"))


def coverage(region: Bools, outward: float) -> Array:
    """Return how much of each cell (h, w), 0 to 1, is inside when the border is moved inwards by `outward` cells."""
    return np.clip(signed_distance(region) - outward, -0.5, 0.5) + 0.5


def signed_distance(region: Bools) -> Array:
    """Return the distance of each cell's centre (h, w) to the region's border in cells, positive inside."""
    if not region.any():
        return np.asarray(-distance_transform_edt(np.pad(~region, 1, constant_values=True))[1:-1, 1:-1])
    inside = distance_transform_edt(np.pad(region, 1))[1:-1, 1:-1]
    outside = distance_transform_edt(~region)
    return np.asarray(np.where(region, inside - 0.5, 0.5 - outside))


def outline(level: Array, x0: float, y0: float, step: float) -> shapely.Polygon | None:
    """Return the largest region where `level` (h, w) > 0 as a polygon with holes, None where there is none.

    Cell (row, column) has its centre at (x0 + column × step, y0 + row × step); the border is placed between centres by
    linear interpolation (marching squares).
    """
    padded = np.pad(level, 1, constant_values=min(float(level.min()), -1e-9))
    # An exact zero would put two crossings on one point and break the lines there.
    padded = np.where(padded == 0, -1e-12, padded)
    segments = _crossings(padded)
    if not len(segments):
        return None
    segments = (segments - 1) * step + np.array([x0, y0])
    faces = shapely.get_parts(shapely.polygonize(shapely.linestrings(segments)))
    merged = shapely.union_all([face for face in faces if _inside(face, level, x0, y0, step)])
    parts = [part for part in shapely.get_parts(merged) if part.geom_type == "Polygon" and part.area > 0]
    return max(parts, key=lambda part: part.area) if parts else None


def _expected_loss(flat: npt.NDArray[np.float32], areas: Array, fused: Bools, share: Array) -> float:
    """Return the expected 1 - IoU of the fused cells (C,) with the truth, from the loss to it of answers (N, C)."""
    n = len(flat)
    own = (1 - COMMON) * (LOSS_PER_SIGMA * LONE_SIGMA) ** 2
    if n > 1:
        inter = (flat @ fused.astype(np.float32)).astype(np.float64)
        union = areas + fused.sum() - inter
        loss = float(share @ (1 - inter / np.maximum(union, 1)))
        # The answers helped to make what they are compared with; n / (n - 1) takes that back.
        own = (own + (n - 1) * loss**2 * n / (n - 1)) / n
    return float(np.sqrt(own * (1 / n + COMMON / (1 - COMMON))))


def _crossings(level: Array) -> Array:
    """Return the border's segments (S, 2, 2) as x y in grid units, by marching squares with saddles cut by their mean."""
    a, b = level[:-1, :-1], level[:-1, 1:]
    d, c = level[1:, :-1], level[1:, 1:]
    code = (a > 0) * 8 + (b > 0) * 4 + (c > 0) * 2 + (d > 0) * 1
    saddle = (code == 5) | (code == 10)
    code = np.where(saddle & ((a + b + c + d) > 0), 15 - code, code)
    rows, columns = np.nonzero((code > 0) & (code < 15))
    top = np.stack([columns + _part(a, b)[rows, columns], rows.astype(np.float64)], 1)
    bottom = np.stack([columns + _part(d, c)[rows, columns], rows + 1.0], 1)
    left = np.stack([columns.astype(np.float64), rows + _part(a, d)[rows, columns]], 1)
    right = np.stack([columns + 1.0, rows + _part(b, c)[rows, columns]], 1)
    sides = {"T": top, "B": bottom, "L": left, "R": right}
    kinds = code[rows, columns]
    out = [
        np.stack([sides[start][kinds == kind], sides[end][kinds == kind]], 1)
        for kind, pairs in _LINES.items()
        for start, end in pairs
    ]
    return np.concatenate(out)


_LINES = {
    1: (("L", "B"),),
    2: (("B", "R"),),
    3: (("L", "R"),),
    4: (("T", "R"),),
    5: (("T", "R"), ("L", "B")),
    6: (("T", "B"),),
    7: (("L", "T"),),
    8: (("L", "T"),),
    9: (("T", "B"),),
    10: (("L", "T"), ("B", "R")),
    11: (("T", "R"),),
    12: (("L", "R"),),
    13: (("B", "R"),),
    14: (("L", "B"),),
}


def _part(low: Array, high: Array) -> Array:
    """Return where between two neighbours the level is 0, as a share of the step (any value where it is not)."""
    gap = low - high
    return np.divide(low, gap, out=np.full_like(low, 0.5), where=gap != 0)


def _inside(face: shapely.Polygon, level: Array, x0: float, y0: float, step: float) -> bool:
    """Return whether a face of the border's arrangement lies inside, by bilinear interpolation at an inner point."""
    point = face.representative_point()
    column = np.clip((point.x - x0) / step, 0, level.shape[1] - 1)
    row = np.clip((point.y - y0) / step, 0, level.shape[0] - 1)
    c, r = min(int(column), level.shape[1] - 2), min(int(row), level.shape[0] - 2)
    u, v = column - c, row - r
    top = level[r, c] * (1 - u) + level[r, c + 1] * u
    bottom = level[r + 1, c] * (1 - u) + level[r + 1, c + 1] * u
    return bool(top * (1 - v) + bottom * v > 0)
