/**
 * Cuboids in the level place of a camera (camera.ts): what hands do with them, and how they look. Every function is pure.
 */

import { type Camera, eyeOf, fromCamera, lift, project, ray, toCamera } from "./camera";
import { dot3, minus, plus, times, type Vec3, wrapped } from "./camera_vectors";
import type { Box, Point } from "./geometry";

/** A cuboid of the contract: `center` is its middle, `dims` are length, width and height in metres. */
export interface Cuboid {
  readonly center: Vec3;
  readonly dims: Vec3;
  readonly yaw: number;
}

/** A cuboid in the level place: the length runs along (cos yaw, sin yaw, 0). */
export type Solid = Cuboid;

/** A cuboid of the camera frame, whose yaw is KITTI's rotation_y, in the level place of `cameraAbove`. */
export function levelled(camera: Camera, c: Cuboid): Solid {
  return { center: fromCamera(camera, c.center), dims: c.dims, yaw: wrapped(-c.yaw - Math.PI / 2) };
}

/** The inverse of `levelled`. */
export function unlevelled(camera: Camera, s: Solid): Cuboid {
  return { center: toCamera(camera, s.center), dims: s.dims, yaw: wrapped(-s.yaw - Math.PI / 2) };
}

/** Corners: the bottom front-left, front-right, back-right, back-left, then the top in the same order. */
export function cornersOf(s: Solid): Vec3[] {
  const [l, w, h] = s.dims;
  const cos = Math.cos(s.yaw);
  const sin = Math.sin(s.yaw);
  const ring: readonly (readonly [number, number])[] = [
    [l / 2, w / 2],
    [l / 2, -w / 2],
    [-l / 2, -w / 2],
    [-l / 2, w / 2],
  ];
  return [-h / 2, h / 2].flatMap((z) =>
    ring.map(([x, y]): Vec3 => plus(s.center, [cos * x - sin * y, sin * x + cos * y, z])),
  );
}

export function bottomOf(s: Solid): number {
  return s.center[2] - s.dims[2] / 2;
}

/** The point of the bottom's outline that lies between its middle and the camera: where the object meets the ground. */
export function nearFoot(camera: Camera, s: Solid): Vec3 {
  const eye = eyeOf(camera);
  const [dx, dy] = [s.center[0] - eye[0], s.center[1] - eye[1]];
  const distance = Math.hypot(dx, dy);
  const reach = Math.min(halfChord(s, Math.atan2(dy, dx)), distance);
  const share = distance > 0 ? reach / distance : 0;
  return [s.center[0] - dx * share, s.center[1] - dy * share, bottomOf(s)];
}

/** From the middle of the footprint to its outline, in a direction. */
function halfChord(s: Solid, direction: number): number {
  const [l, w] = s.dims;
  const cos = Math.abs(Math.cos(direction - s.yaw));
  const sin = Math.abs(Math.sin(direction - s.yaw));
  return Math.min(l / 2 / Math.max(cos, 1e-9), w / 2 / Math.max(sin, 1e-9));
}

/** Put the near foot at a point of the ground, keeping size and heading. */
export function standAt(camera: Camera, s: Solid, foot: Vec3): Solid {
  const eye = eyeOf(camera);
  const direction = Math.atan2(foot[1] - eye[1], foot[0] - eye[0]);
  const reach = halfChord(s, direction);
  const center: Vec3 = [
    foot[0] + Math.cos(direction) * reach,
    foot[1] + Math.sin(direction) * reach,
    foot[2] + s.dims[2] / 2,
  ];
  return { ...s, center };
}

export function movedBy(s: Solid, by: Vec3): Solid {
  return { ...s, center: plus(s.center, by) };
}

/** Move along the ground as the camera sees it: away from it and to its right. */
export function movedFrom(camera: Camera, s: Solid, away: number, right: number): Solid {
  const eye = eyeOf(camera);
  const direction = Math.atan2(s.center[1] - eye[1], s.center[0] - eye[0]);
  const [cos, sin] = [Math.cos(direction), Math.sin(direction)];
  return movedBy(s, [cos * away + sin * right, sin * away - cos * right, 0]);
}

export function turned(s: Solid, by: number): Solid {
  return { ...s, yaw: wrapped(s.yaw + by) };
}

const SHORTEST_SIDE = 0.2;

/**
 * Stand with the side that faces the eye on a line of the ground, from its back to its front: two wheels, two feet. The
 * middle stands beside the middle of the two; null when they are one point.
 */
export function standAlong(eye: Vec3, s: Solid, back: Vec3, front: Vec3): Solid | null {
  const [dx, dy] = [front[0] - back[0], front[1] - back[1]];
  if (Math.hypot(dx, dy) < SHORTEST_SIDE) return null;
  const yaw = wrapped(Math.atan2(dy, dx));
  const middle: Vec3 = [(back[0] + front[0]) / 2, (back[1] + front[1]) / 2, back[2]];
  const left: Vec3 = [-Math.sin(yaw), Math.cos(yaw), 0];
  const inward = dot3(minus(middle, eye), left) >= 0 ? 1 : -1;
  return { ...s, yaw, center: plus(middle, plus(times(left, (inward * s.dims[1]) / 2), [0, 0, s.dims[2] / 2])) };
}

/** Another depth along the viewing ray: grown about the eye, so that the picture of it stays what it is. */
export function atDepth(camera: Camera, s: Solid, factor: number): Solid {
  const eye = eyeOf(camera);
  return { ...s, center: plus(eye, times(minus(s.center, eye), factor)), dims: times(s.dims, factor) };
}

export type Side = 0 | 1 | 2;
const LEAST_SIDE = 0.1;

/** Change length, width or height. What is near the camera and what stands on the ground stay where they are. */
export function resized(eye: Vec3, s: Solid, side: Side, size: number): Solid {
  const next = Math.max(size, LEAST_SIDE);
  const by = (next - s.dims[side]) / 2;
  const dims = s.dims.map((d, i) => (i === side ? next : d)) as unknown as Vec3;
  if (side === 2) return { ...s, dims, center: plus(s.center, [0, 0, by]) };
  const angle = side === 0 ? s.yaw : s.yaw + Math.PI / 2;
  const axis: Vec3 = [Math.cos(angle), Math.sin(angle), 0];
  const sign = dot3(minus(s.center, eye), axis) >= 0 ? 1 : -1;
  return { ...s, dims, center: plus(s.center, times(axis, sign * by)) };
}

/**
 * A first cuboid for a box in the picture: usual size, on the ground at `floor` below the box's lower edge, seen from
 * behind.
 */
export function firstGuess(camera: Camera, [x1, y1, x2, y2]: Box, dims: Vec3, floor = 0): Solid {
  const eye = eyeOf(camera);
  const below: Point = [(x1 + x2) / 2, y2];
  // At and above the horizon the size of the box tells the distance better than its lower edge.
  const depth = (camera.k[1][1] * dims[2]) / Math.max(y2 - y1, 1);
  const foot = lift(camera, below, floor) ?? plus(eye, times(ray(camera, below), depth));
  const yaw = Math.atan2(foot[1] - eye[1], foot[0] - eye[0]);
  return standAt(camera, { center: [0, 0, 0], dims, yaw }, foot);
}

/** How high the top stands when its edge is seen at the pixel: on the upright plane through the middle, facing the eye. */
export function heightAt(camera: Camera, s: Solid, pixel: Point): number | null {
  const eye = eyeOf(camera);
  const d = ray(camera, pixel);
  const out: Vec3 = [s.center[0] - eye[0], s.center[1] - eye[1], 0];
  const along = dot3(d, out);
  if (along <= 0) return null;
  const top = eye[2] + (d[2] * dot3(out, out)) / along;
  const height = top - bottomOf(s);
  return height > 0 ? height : null;
}

/** Metres along the ground that one pixel is worth at the near foot of a cuboid: the error of a click. */
export function metresPerPixel(camera: Camera, s: Solid): number | null {
  const foot = project(camera, nearFoot(camera, s));
  if (!foot) return null;
  const [a, b] = [lift(camera, foot, bottomOf(s), 1e4), lift(camera, [foot[0], foot[1] - 1], bottomOf(s), 1e4)];
  return a && b ? Math.hypot(a[0] - b[0], a[1] - b[1]) : null;
}

/** The smallest box around the picture of a cuboid; null when a corner is not before the camera. */
export function boxInPicture(camera: Camera, s: Solid): Box | null {
  const seen = cornersOf(s).map((corner) => project(camera, corner));
  if (!seen.every((p): p is Point => p !== null)) return null;
  const xs = seen.map((p) => p[0]);
  const ys = seen.map((p) => p[1]);
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}
