/**
 * A calibrated camera over its ground. Every function is pure.
 *
 * People think of a level place: x away from the camera along the ground, y to the left, z up, the origin on the ground
 * below the camera. `Camera` knows the way from there to the picture. Metres and scene pixels.
 */

import { apply, dot3, type Mat3, minus, plus, rotationBetween, times, transposed, type Vec3 } from "./camera_vectors";
import type { Point } from "./geometry";

export interface Camera {
  /** Focal lengths, skew and principal point. */
  readonly k: Mat3;
  /** Takes the level place to the camera (x right, y down, z forward): X = rotation · P + shift. */
  readonly rotation: Mat3;
  readonly shift: Vec3;
}

/** The plane n · X = d of the camera frame. */
export interface Ground {
  /** Unit vector from the camera down to the ground. */
  readonly n: Vec3;
  /** Height of the camera. */
  readonly d: number;
}

/** What lies nearer than this is not seen. */
const NEAR = 0.1;

/** The camera above its ground: the level place looks where the camera looks. */
export function cameraAbove(k: Mat3, ground: Ground): Camera {
  const level = rotationBetween([0, 1, 0], ground.n);
  const [right, , forward] = transposed(level);
  const axes: Mat3 = [forward, times(right, -1), times(ground.n, -1)];
  return { k, rotation: transposed(axes), shift: times(ground.n, ground.d) };
}

/** The camera of a rigid transform from ego to camera; the level place is the ego frame. */
export function cameraOfEgo(k: Mat3, rotation: Mat3, shift: Vec3): Camera {
  return { k, rotation, shift };
}

export function toCamera(camera: Camera, p: Vec3): Vec3 {
  return plus(apply(camera.rotation, p), camera.shift);
}

export function fromCamera(camera: Camera, p: Vec3): Vec3 {
  return apply(transposed(camera.rotation), minus(p, camera.shift));
}

/** Where the camera is in the level place. */
export function eyeOf(camera: Camera): Vec3 {
  return fromCamera(camera, [0, 0, 0]);
}

/** Height of a ground of the camera frame over the origin of the level place, straight below `at`. */
export function groundHeight(camera: Camera, ground: Ground, at: Vec3): number {
  const n = apply(transposed(camera.rotation), ground.n);
  const reach = ground.d - dot3(ground.n, camera.shift);
  return Math.abs(n[2]) < 1e-9 ? 0 : (reach - n[0] * at[0] - n[1] * at[1]) / n[2];
}

/** The pixel where a point of the level place is seen; null when it is not before the camera. */
export function project(camera: Camera, p: Vec3): Point | null {
  const seen = toCamera(camera, p);
  return seen[2] < NEAR ? null : pixelOf(camera.k, seen);
}

function pixelOf(k: Mat3, [x, y, z]: Vec3): Point {
  return [(k[0][0] * x + k[0][1] * y) / z + k[0][2], (k[1][1] * y) / z + k[1][2]];
}

/** Direction, in the level place, in which a pixel looks; not of unit length: one metre along the optical axis. */
export function ray(camera: Camera, pixel: Point): Vec3 {
  const [fx, skew, cx] = camera.k[0];
  const [, fy, cy] = camera.k[1];
  const y = (pixel[1] - cy) / fy;
  const x = (pixel[0] - cx - skew * y) / fx;
  return apply(transposed(camera.rotation), [x, y, 1]);
}

/** Where a pixel's ray meets the level plane at a height; null at and above the horizon, or beyond `farthest` metres. */
export function lift(camera: Camera, pixel: Point, height = 0, farthest = 300): Vec3 | null {
  const eye = eyeOf(camera);
  const d = ray(camera, pixel);
  const s = (height - eye[2]) / d[2];
  if (!Number.isFinite(s) || s <= 0) return null;
  const p = plus(eye, times(d, s));
  return Math.hypot(p[0] - eye[0], p[1] - eye[1]) > farthest ? null : [p[0], p[1], height];
}

export type Segment = readonly [Point, Point];

/** The picture of a line in the level place, cut where it passes the camera; null when nothing of it is before it. */
export function projectLine(camera: Camera, a: Vec3, b: Vec3): Segment | null {
  let [p, q] = [toCamera(camera, a), toCamera(camera, b)];
  if (p[2] < NEAR && q[2] < NEAR) return null;
  if (p[2] < NEAR) p = cut(q, p);
  else if (q[2] < NEAR) q = cut(p, q);
  return [pixelOf(camera.k, p), pixelOf(camera.k, q)];
}

/** The point of the line from one before the camera to one behind it where the camera begins to see. */
function cut(seen: Vec3, unseen: Vec3): Vec3 {
  const share = (seen[2] - NEAR) / (seen[2] - unseen[2]);
  return plus(seen, times(minus(unseen, seen), share));
}
