"""Cuboids between the frame of a camera and one that stands on the ground.

Camera: x right, y down, z forward; the ground is n·X = d with n a unit vector that points down to it; yaw is KITTI's
`rotation_y` (docs/microtask-kinds.md). Ground frame: the same origin, x forward along the ground, y left, z up; yaw about
z, from x towards y. Metres.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from routing.annotation.fields import FieldError
from routing.annotation.shapes import Cuboid, wrapped

Array = npt.NDArray[np.float64]

DOWN = np.array([0.0, 1.0, 0.0])


def to_ground(cuboid: Cuboid, normal: Sequence[float] = (0.0, 1.0, 0.0)) -> Cuboid:
    """Return a cuboid of the camera's frame in the ground frame; raise FieldError for a normal that is no direction."""
    axes, tilt = _axes(normal)
    along = axes @ tilt @ np.array([np.cos(cuboid.yaw), 0.0, -np.sin(cuboid.yaw)])
    return _placed(axes @ np.array(cuboid.center), cuboid, float(np.arctan2(along[1], along[0])))


def from_ground(cuboid: Cuboid, normal: Sequence[float] = (0.0, 1.0, 0.0)) -> Cuboid:
    """Return a cuboid of the ground frame in the camera's frame; the inverse of `to_ground`."""
    axes, tilt = _axes(normal)
    along = tilt.T @ axes.T @ np.array([np.cos(cuboid.yaw), np.sin(cuboid.yaw), 0.0])
    return _placed(axes.T @ np.array(cuboid.center), cuboid, float(np.arctan2(-along[2], along[0])))


def corners(cuboid: Cuboid, normal: Sequence[float] = (0.0, 1.0, 0.0)) -> Array:
    """Return the corners (8, 3) of a cuboid of the camera's frame, in that frame."""
    axes, _ = _axes(normal)
    return np.asarray(_standing(to_ground(cuboid, normal)) @ axes)


def project(points: Array, matrix: Sequence[Sequence[float]]) -> Array:
    """Return the pixels (N, 2) of points (N, 3) of the camera's frame, by a pinhole matrix (3, 3); NaN behind it."""
    seen = points @ np.asarray(matrix, dtype=np.float64).T
    depth = np.where(seen[:, 2:] > 0, seen[:, 2:], np.nan)
    return np.asarray(seen[:, :2] / depth)


def seen_box(cuboid: Cuboid, calibration: Mapping[str, Any], *, in_cloud: bool) -> tuple[float, ...] | None:
    """Return the box [x1, y1, x2, y2] (pixels, not cut to the picture) that a cuboid takes in the camera's picture.

    `in_cloud`: the cuboid stands in the frame of the point cloud, which `T_cam_ego` leads to the camera. None where the
    calibration knows no way to the picture or the cuboid reaches behind the camera.
    """
    if not in_cloud:
        points = corners(cuboid, calibration["ground"]["n"])
    elif calibration.get("T_cam_ego") is not None:
        leads = np.asarray(calibration["T_cam_ego"], dtype=np.float64)
        points = _standing(cuboid) @ leads[:3, :3].T + leads[:3, 3]
    else:
        return None
    pixels = project(points, calibration["K"])
    if not np.isfinite(pixels).all():
        return None
    return tuple(float(v) for v in (*pixels.min(axis=0), *pixels.max(axis=0)))


def _standing(cuboid: Cuboid) -> Array:
    """Return the corners (8, 3) of a cuboid of a frame whose z points up."""
    signs = np.array([[i, j, k] for i in (-1, 1) for j in (-1, 1) for k in (-1, 1)]) / 2
    cos, sin = np.cos(cuboid.yaw), np.sin(cuboid.yaw)
    turn = np.array([[cos, sin, 0.0], [-sin, cos, 0.0], [0.0, 0.0, 1.0]])
    return np.asarray((signs * np.array(cuboid.dims)) @ turn + np.array(cuboid.center))


def _axes(normal: Sequence[float]) -> tuple[Array, Array]:
    """Return the rows forward, left, up of the ground frame, and the smallest rotation that takes (0, 1, 0) to n."""
    n = np.asarray(normal, dtype=np.float64)
    length = float(np.linalg.norm(n)) if n.shape == (3,) and np.isfinite(n).all() else 0.0
    if length < 1e-9 or abs(n[2]) / length > 0.99:
        raise FieldError("calibration.ground.n: give the direction from the camera down to the ground")
    n = n / length
    forward = np.array([0.0, 0.0, 1.0]) - n[2] * n
    forward /= np.linalg.norm(forward)
    axis = np.cross(DOWN, n)
    cross = np.array([[0.0, -axis[2], axis[1]], [axis[2], 0.0, -axis[0]], [-axis[1], axis[0], 0.0]])
    tilt = np.eye(3) + cross + cross @ cross / max(1.0 + float(n[1]), 1e-9)
    return np.stack([forward, np.cross(-n, forward), -n]), tilt


def _placed(center: Array, like: Cuboid, yaw: float) -> Cuboid:
    x, y, z = (float(v) for v in center)
    return Cuboid((x, y, z), like.dims, wrapped(yaw, 2 * np.pi))
