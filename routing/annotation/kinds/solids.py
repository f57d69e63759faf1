"""What an answer may say about cuboids: metres in the frame that the payload's calibration names."""

from routing.annotation.fields import FieldError
from routing.annotation.kinds.common import Check, Payload, Value
from routing.annotation.kinds.outlines import answer_of, shape_or_deleted, verdict
from routing.annotation.shapes import Cuboid

FARTHEST_M = 1_000.0  # no sensor of this kind sees further
LONGEST_M = 100.0  # side of a cuboid: longer than any vehicle


def _cuboid(payload: Payload, value: object) -> Value:
    shape, _ = shape_or_deleted(payload, value, Cuboid)
    if isinstance(shape, Cuboid):
        for axis, v in enumerate(shape.center):
            if abs(v) > FARTHEST_M:
                raise FieldError(
                    f"value.shape.center[{axis}]: {v:g} m is out of range; give at most {FARTHEST_M:g} m"
                )
        for axis, v in enumerate(shape.dims):
            if v > LONGEST_M:
                raise FieldError(
                    f"value.shape.dims[{axis}]: {v:g} m is out of range; give at most {LONGEST_M:g} m"
                )
    return answer_of(shape)


def _seen_by_camera(payload: Payload, value: object) -> Value:
    answer = _cuboid(payload, value)
    if answer["shape"] is not None and answer["shape"]["center"][2] <= 0:
        raise FieldError("value.shape.center[2]: behind the camera; z points forward, so give more than 0")
    return answer


CHECKS: dict[str, Check] = {
    "cuboid_cam": _seen_by_camera,
    "cuboid_lidar": _cuboid,
    "verify_cuboid": verdict,
}
