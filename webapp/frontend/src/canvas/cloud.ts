/** A point cloud in the ego frame (x forward, y left, z up; metres), and the cuboid that a cluster of it suggests. Pure. */

import type { Solid } from "./camera_cuboid";
import type { Vec3 } from "./camera_vectors";
import { wrapped } from "./camera_vectors";

/** Four numbers a point: x, y, z and the strength of its echo. */
export interface Cloud {
  readonly xyzi: Float32Array;
  readonly count: number;
}

const STRIDE = 4;
/** Points of one object are nearer to each other than this. */
const CELL_M = 0.4;
/** What lies lower than this above the floor is ground. */
const GROUND_M = 0.25;
/** Half the side of the square in which a cluster is looked for. */
const REACH_M = 8;
const TALLEST_M = 4.5;
const FEWEST = 5;
/** A difference in size that says nothing. */
const UNDECIDED_M = 0.2;
/** Directions that count as one, radians. */
const DIRECTION = 0.006;
/** Share of the points on each side that may lie outside of the rectangle. */
const STICKING_OUT = 0.015;

/** Read `count` points of little-endian float32; raises RangeError when there are fewer. */
export function readCloud(buffer: ArrayBuffer, count: number): Cloud {
  const bytes = count * STRIDE * Float32Array.BYTES_PER_ELEMENT;
  if (buffer.byteLength < bytes) throw new RangeError(`cloud: ${buffer.byteLength} bytes, ${bytes} expected`);
  return { xyzi: new Float32Array(buffer, 0, count * STRIDE), count };
}

/** Indices of the points inside a cuboid. */
export function pointsIn(cloud: Cloud, s: Solid): number[] {
  const { xyzi, count } = cloud;
  const [cos, sin] = [Math.cos(s.yaw), Math.sin(s.yaw)];
  const [l, w, h] = s.dims;
  const found: number[] = [];
  for (let i = 0; i < count; i++) {
    const dz = at(xyzi, i, 2) - s.center[2];
    if (Math.abs(dz) > h / 2) continue;
    const dx = at(xyzi, i, 0) - s.center[0];
    const dy = at(xyzi, i, 1) - s.center[1];
    if (Math.abs(cos * dx + sin * dy) <= l / 2 && Math.abs(cos * dy - sin * dx) <= w / 2) found.push(i);
  }
  return found;
}

/** Height of the ground around a place: the low end of what is there; null where nothing is. */
export function floorAround(cloud: Cloud, x: number, y: number, reach = 4): number | null {
  const heights: number[] = [];
  for (let i = 0; i < cloud.count; i++) {
    if (Math.abs(at(cloud.xyzi, i, 0) - x) < reach && Math.abs(at(cloud.xyzi, i, 1) - y) < reach)
      heights.push(at(cloud.xyzi, i, 2));
  }
  heights.sort((a, b) => a - b);
  return heights[Math.floor(heights.length * 0.05)] ?? null;
}

/** The points above the ground that hang together with what is nearest to a place; none where nothing is near. */
export function clusterAt(cloud: Cloud, x: number, y: number, floor: number): Vec3[] {
  const cells = new Map<string, Vec3[]>();
  for (let i = 0; i < cloud.count; i++) {
    const p: Vec3 = [at(cloud.xyzi, i, 0), at(cloud.xyzi, i, 1), at(cloud.xyzi, i, 2)];
    if (Math.abs(p[0] - x) > REACH_M || Math.abs(p[1] - y) > REACH_M) continue;
    if (p[2] < floor + GROUND_M || p[2] > floor + TALLEST_M) continue;
    const key = cellOf(p[0], p[1]);
    const cell = cells.get(key);
    if (cell) cell.push(p);
    else cells.set(key, [p]);
  }
  return grown(cells, nearestCell(cells, x, y));
}

/** Cells that touch, from one on. */
function grown(cells: ReadonlyMap<string, readonly Vec3[]>, start: string | null): Vec3[] {
  if (start === null) return [];
  const seen = new Set([start]);
  const open = [start];
  const found: Vec3[] = [];
  for (let key = open.pop(); key !== undefined; key = open.pop()) {
    found.push(...(cells.get(key) ?? []));
    const [cx, cy] = key.split(",").map(Number) as [number, number];
    for (let dx = -1; dx <= 1; dx++)
      for (let dy = -1; dy <= 1; dy++) {
        const next = `${cx + dx},${cy + dy}`;
        if (!cells.has(next) || seen.has(next)) continue;
        seen.add(next);
        open.push(next);
      }
  }
  return found;
}

function nearestCell(cells: ReadonlyMap<string, readonly Vec3[]>, x: number, y: number): string | null {
  let best: string | null = null;
  let least = 1.5;
  for (const [key, points] of cells)
    for (const p of points) {
      const d = Math.hypot(p[0] - x, p[1] - y);
      if (d < least) {
        least = d;
        best = key;
      }
    }
  return best;
}

/**
 * A cuboid around a cluster seen from the sensor at `eye`; null for too few points. The heading is the one for which the
 * points lie closest to the sides of the rectangle around them (the closeness criterion of Zhang et al., "Efficient
 * L-shape fitting for vehicle detection using laser scanners", IV 2017); of every direction only the nearest point counts,
 * because lasers look through windows. Where the sensor saw less than the usual size, the sides away from it are moved out
 * to it. Of the two ends, the front is the one nearer to the heading before.
 */
export function fitted(points: readonly Vec3[], eye: Vec3, floor: number, usual: Vec3, before: Solid): Solid | null {
  if (points.length < FEWEST) return null;
  const skin = nearestOf(points, eye);
  const angle = bestAngle(skin, eye);
  const yaw = headingOf(along(skin, angle), angle, usual, before.yaw);
  const r = along(skin, yaw);
  const [eyeX, eyeY] = [
    Math.cos(yaw) * eye[0] + Math.sin(yaw) * eye[1],
    Math.cos(yaw) * eye[1] - Math.sin(yaw) * eye[0],
  ];
  const [x0, x1] = widened(r.x0, r.x1, usual[0], eyeX);
  const [y0, y1] = widened(r.y0, r.y1, usual[1], eyeY);
  const top = Math.max(...points.map((p) => p[2]));
  const [u, v] = [(x0 + x1) / 2, (y0 + y1) / 2];
  const [cos, sin] = [Math.cos(yaw), Math.sin(yaw)];
  const height = Math.max(top - floor, 0.2);
  return {
    center: [cos * u - sin * v, sin * u + cos * v, floor + height / 2],
    dims: [x1 - x0, y1 - y0, height],
    yaw,
  };
}

/** Which side of the rectangle is the length: the one for which less sticks out of the usual size, else as before. */
function headingOf(r: Rectangle, angle: number, usual: Vec3, before: number): number {
  const [u, v] = [r.x1 - r.x0, r.y1 - r.y0];
  const over = (l: number, w: number): number => Math.max(0, l - usual[0]) + Math.max(0, w - usual[1]);
  const across = angle + Math.PI / 2;
  const gain = over(u, v) - over(v, u);
  if (Math.abs(gain) > UNDECIDED_M) return facingLike(gain > 0 ? across : angle, before);
  return facingLike(Math.abs(Math.cos(angle - before)) >= Math.abs(Math.cos(across - before)) ? angle : across, before);
}

/** Of every direction from the eye, the nearest point: what the laser met first. */
function nearestOf(points: readonly Vec3[], eye: Vec3): Vec3[] {
  const nearest = new Map<number, { readonly p: Vec3; readonly range: number }>();
  for (const p of points) {
    const direction = Math.round(Math.atan2(p[1] - eye[1], p[0] - eye[0]) / DIRECTION);
    const range = Math.hypot(p[0] - eye[0], p[1] - eye[1]);
    const known = nearest.get(direction);
    if (!known || range < known.range) nearest.set(direction, { p, range });
  }
  return [...nearest.values()].map((n) => n.p);
}

function bestAngle(points: readonly Vec3[], eye: Vec3): number {
  let best = 0;
  let most = Number.NEGATIVE_INFINITY;
  for (let degrees = 0; degrees < 90; degrees++) {
    const score = closeness(points, eye, (degrees * Math.PI) / 180);
    if (score > most) {
      most = score;
      best = degrees;
    }
  }
  return (best * Math.PI) / 180;
}

type Rectangle = Readonly<Record<"x0" | "x1" | "y0" | "y1", number>>;

const NEAREST_M = 0.1;

/** How closely the points hug the two sides of their rectangle that face the eye; what stands behind counts little. */
function closeness(points: readonly Vec3[], eye: Vec3, angle: number): number {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const { x0, x1, y0, y1 } = along(points, angle);
  const nearX = cos * eye[0] + sin * eye[1] < (x0 + x1) / 2 ? x0 : x1;
  const nearY = cos * eye[1] - sin * eye[0] < (y0 + y1) / 2 ? y0 : y1;
  let score = 0;
  for (const [x, y] of points) {
    const gap = Math.min(Math.abs(cos * x + sin * y - nearX), Math.abs(cos * y - sin * x - nearY));
    score += 1 / Math.max(gap, NEAREST_M);
  }
  return score;
}

/** The rectangle around points in axes turned by an angle, but for a few that stick out: mirrors, slips of the laser. */
function along(points: readonly Vec3[], angle: number): Rectangle {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const us = points.map(([x, y]) => cos * x + sin * y).sort((a, b) => a - b);
  const vs = points.map(([x, y]) => cos * y - sin * x).sort((a, b) => a - b);
  const low = Math.floor(points.length * STICKING_OUT);
  const high = points.length - 1 - low;
  return { x0: us[low] as number, x1: us[high] as number, y0: vs[low] as number, y1: vs[high] as number };
}

/** An interval of at least the usual length, grown away from where it was seen from. */
function widened(low: number, high: number, usual: number, eye: number): readonly [number, number] {
  if (high - low >= usual) return [low, high];
  return eye < (low + high) / 2 ? [low, low + usual] : [high - usual, high];
}

/** The angle or its opposite, whichever is nearer to another one. */
function facingLike(angle: number, other: number): number {
  return wrapped(Math.cos(angle - other) >= 0 ? angle : angle + Math.PI);
}

function cellOf(x: number, y: number): string {
  return `${Math.floor(x / CELL_M)},${Math.floor(y / CELL_M)}`;
}

function at(xyzi: Float32Array, index: number, axis: 0 | 1 | 2): number {
  return xyzi[index * STRIDE + axis] as number;
}
