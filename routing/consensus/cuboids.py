"""Consensus of 3D cuboids of one object.

The heading first: cuboids that look the other way are turned by π, then the circular median is taken. In that common
heading every face is fused by itself with a weighted median: people who miss the far face still show the near one.
Seen from one camera the error is along the ray: with a `viewpoint` the centre is fused in depth, across and height, and
the sizes by themselves, so that a wrong depth pulls nothing else along.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import shapely

from routing.annotation.shapes import Cuboid, wrapped
from routing.consensus.contract import (
    COMMON_SHARE,
    FusedShape,
    FuseError,
    given,
    inliers,
    mean_agreement,
    pairwise,
)
from routing.consensus.robust import circular_median, fused_sigma, weighted_median

Array = npt.NDArray[np.float64]

LONE_SIGMA = 0.08  # sd of a face of one person, over the cube root of the volume
DEPTH_RATIO = 3.0  # sd along the ray of one camera over the sd across it
OUTLIER_SHARE = 0.3
LOSS_PER_SIGMA = 1.2  # expected 1 - IoU per sd of a face over the side's length, summed over the three axes
TURN = np.pi


def fuse_cuboids(
    cuboids: Sequence[Cuboid],
    sigmas: npt.ArrayLike | None = None,
    *,
    tolerance: float = 0.7,
    biases: npt.ArrayLike | None = None,
    viewpoint: tuple[float, float, float] | None = None,
) -> FusedShape[Cuboid]:
    """Return the fused cuboid of one object.

    sigmas (N,): people's face errors in any common unit. biases (N, 6): how far each puts the rear, right, lower, front,
    left and upper face along length, width and height, relative to the cube root of the volume. viewpoint: the camera,
    where depth is a guess. sigma of the result is relative to the cube root of the volume; axes are along length, width
    and height, or along the ray, across it and up with a viewpoint. tolerance: an IoU in 3D. Raises FuseError for no or
    bad cuboids.
    """
    g = given(cuboids, Cuboid, sigmas, biases, width=6)
    if viewpoint is not None and not np.isfinite(viewpoint).all():
        raise FuseError("viewpoint: NaN or infinity; give finite x y z")
    drawn = [_corrected(c, bias) for c, bias in zip(g.answers, g.biases, strict=True)]
    similarity = pairwise(drawn, cuboid_iou)
    used = inliers(similarity, g.weights, OUTLIER_SHARE)
    kept, w, noise = [drawn[i] for i in used], g.weights[used], g.noise(LONE_SIGMA)[used]
    yaw = _heading(np.array([c.yaw for c in kept]), w)
    faces = np.stack([_faces(c, yaw) for c in kept])
    if viewpoint is None:
        shape, axes = _by_faces(faces, w, noise, yaw)
    else:
        shape, axes = _by_ray(faces, w, noise, yaw, np.array(viewpoint))
    scale = float(np.cbrt(np.prod(shape.dims)))
    loss = LOSS_PER_SIGMA * float((axes / np.array(shape.dims)).sum())
    return g.result(
        shape,
        sigma=float(np.sqrt(np.mean(axes**2))) / scale,
        agreement=mean_agreement(similarity),
        loss=loss,
        tolerance=tolerance,
        used=used,
        axes=tuple((axes / scale).tolist()),
    )


def cuboid_iou(a: Cuboid, b: Cuboid) -> float:
    """Return the intersection over union of two cuboids that stand on the same ground plane (any yaw)."""
    if a == b:
        return 1.0
    low = max(a.center[2] - a.dims[2] / 2, b.center[2] - b.dims[2] / 2)
    high = min(a.center[2] + a.dims[2] / 2, b.center[2] + b.dims[2] / 2)
    if high <= low:
        return 0.0
    inter = _footprint(a).intersection(_footprint(b)).area * (high - low)
    volume = float(np.prod(a.dims) + np.prod(b.dims)) - inter
    return float(inter / volume) if volume > 0 else 0.0


def _by_faces(faces: Array, weights: Array, noise: Array, yaw: float) -> tuple[Cuboid, Array]:
    """Return the cuboid of the median faces and the sd of a face along each of its axes (3,), in its unit."""
    fused = weighted_median(faces, weights)
    # Medians of opposite faces keep their order, for every answer's do.
    low, high = fused[:3], fused[3:]
    shape = _cuboid(_turned((low + high) / 2, yaw), high - low, yaw)
    scale = float(np.cbrt(np.prod(high - low)))
    residual = (faces - fused).reshape(-1, 2, 3)
    axes = [fused_sigma(noise * scale, residual[:, :, a], common=COMMON_SHARE) for a in range(3)]
    return shape, np.array(axes)


def _by_ray(faces: Array, weights: Array, noise: Array, yaw: float, eye: Array) -> tuple[Cuboid, Array]:
    """Return the cuboid fused in depth, across and height, and the sd along these (3,), in its unit."""
    centers = np.stack([_turned((f[:3] + f[3:]) / 2, yaw) for f in faces])
    size = np.exp(weighted_median(np.log(faces[:, 3:] - faces[:, :3]), weights))
    middle = weighted_median(centers, weights) - eye
    ray = float(np.arctan2(middle[1], middle[0]))
    along = np.stack([_turned(center - eye, -ray) for center in centers])
    fused = weighted_median(along, weights)
    scale = float(np.cbrt(np.prod(size)))
    belief = np.outer(noise * scale, [DEPTH_RATIO, 1.0, 1.0])
    residual = along - fused
    axes = [fused_sigma(belief[:, a], residual[:, a : a + 1], common=COMMON_SHARE) for a in range(3)]
    return _cuboid(_turned(fused, ray) + eye, size, yaw), np.array(axes)


def _cuboid(center: Array, size: Array, yaw: float) -> Cuboid:
    x, y, z = (float(v) for v in center)
    length, width, height = (float(v) for v in size)
    return Cuboid((x, y, z), (length, width, height), wrapped(yaw, 2 * np.pi))


def _corrected(cuboid: Cuboid, bias: Array) -> Cuboid:
    """Return the cuboid without this person's mean face errors; no side falls below a tenth of its length."""
    if not bias.any():
        return cuboid
    dims = np.array(cuboid.dims)
    shift = bias * float(np.cbrt(np.prod(dims)))
    low, high = -dims / 2 - shift[:3], dims / 2 - shift[3:]
    middle, size = (low + high) / 2, np.maximum(high - low, dims / 10)
    return _cuboid(np.array(cuboid.center) + _turned(middle, cuboid.yaw), size, cuboid.yaw)


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
