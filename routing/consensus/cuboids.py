"""Consensus of 3D cuboids of one object.

The heading first: cuboids that look the other way are turned by π, then the circular median is taken. In that common
heading every face is fused by itself with a weighted median: people who miss the far face still show the near one, and
errors along a camera's ray stay in the faces that they belong to.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import shapely

from routing.annotation.shapes import Cuboid, wrapped
from routing.consensus.contract import FusedShape, inliers, mean_agreement, p_similar, precisions
from routing.consensus.robust import circular_median, median_sigma, weighted_median

Array = npt.NDArray[np.float64]

LONE_SIGMA = 0.08  # sd of a face of one person, over the cube root of the volume
OUTLIER_SHARE = 0.3
LOSS_PER_SIGMA = 3.6  # expected 1 - IoU per relative sigma of the six faces
TURN = np.pi


def fuse_cuboids(
    cuboids: Sequence[Cuboid],
    sigmas: Sequence[float] | Array | None = None,
    *,
    tolerance: float = 0.7,
) -> FusedShape[Cuboid]:
    """Return the fused cuboid of one object.

    sigmas (N,): people's face errors in any common unit. sigma of the result is relative to the cube root of the
    volume. tolerance: an IoU in 3D. Raises FuseError for no cuboids and for sigmas that are not positive.
    """
    weights = precisions(len(cuboids), sigmas)
    similarity = np.array([[cuboid_iou(a, b) for b in cuboids] for a in cuboids])
    used = inliers(similarity, weights, OUTLIER_SHARE)
    kept, w = [cuboids[i] for i in used], weights[used]
    yaw = _heading(np.array([c.yaw for c in kept]), w)
    faces = np.stack([_faces(c, yaw) for c in kept])
    fused = weighted_median(faces, w)
    low, high = fused[:3], fused[3:]
    size = np.maximum(high - low, 1e-9)
    center = _turned((low + high) / 2, yaw)
    scale = float(np.cbrt(np.prod(size)))
    sigma = median_sigma(np.full(len(kept), LONE_SIGMA), (faces - fused) / scale)
    x, y, z = (float(v) for v in center)
    length, width, height = (float(v) for v in size)
    shape = Cuboid((x, y, z), (length, width, height), wrapped(yaw, 2 * np.pi))
    sure = p_similar(LOSS_PER_SIGMA * sigma, tolerance)
    return FusedShape(shape, sigma, mean_agreement(similarity), sure, tuple(int(i) for i in used))


def cuboid_iou(a: Cuboid, b: Cuboid) -> float:
    """Return the intersection over union of two cuboids that stand on the same ground plane (any yaw)."""
    low = max(a.center[2] - a.dims[2] / 2, b.center[2] - b.dims[2] / 2)
    high = min(a.center[2] + a.dims[2] / 2, b.center[2] + b.dims[2] / 2)
    if high <= low:
        return 0.0
    inter = _footprint(a).intersection(_footprint(b)).area * (high - low)
    volume = float(np.prod(a.dims) + np.prod(b.dims)) - inter
    return float(inter / volume) if volume > 0 else 0.0


def _heading(yaws: Array, weights: Array) -> float:
    """Return the fused yaw: front and back by weighted majority, then the circular median of all turned alike."""
    line = circular_median(yaws, weights, TURN)
    forward = np.cos(yaws - line) * weights
    ahead = line if forward.sum() >= 0 else line + TURN
    alike = np.where(np.cos(yaws - ahead) < 0, yaws + TURN, yaws)
    return circular_median(alike, weights, 2 * np.pi)


def _faces(cuboid: Cuboid, yaw: float) -> Array:
    """Return the lower and upper faces (6,) along the axes of the frame turned by `yaw`."""
    center = _turned(np.array(cuboid.center), -yaw)
    dims = np.array(cuboid.dims)
    quarter = abs(np.sin(cuboid.yaw - yaw)) > np.sqrt(0.5)
    if quarter:  # somebody took the width for the length
        dims = dims[[1, 0, 2]]
    return np.concatenate([center - dims / 2, center + dims / 2])


def _turned(point: Array, angle: float) -> Array:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([cos * point[0] - sin * point[1], sin * point[0] + cos * point[1], point[2]])


def _footprint(cuboid: Cuboid) -> shapely.Polygon:
    half = np.array(cuboid.dims[:2]) / 2
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half
    cos, sin = np.cos(cuboid.yaw), np.sin(cuboid.yaw)
    turned = corners @ np.array([[cos, sin], [-sin, cos]]) + np.array(cuboid.center[:2])
    return shapely.Polygon(turned)
