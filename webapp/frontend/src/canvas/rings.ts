/** Lines and closed rings of points in scene pixels, as pure functions. A ring does not repeat its first point. */

import { type Box, boxAround, clampPoint, type Point } from "./geometry";

export type Ring = readonly Point[];

/** A place on a path: the foot of a perpendicular on the segment from point `index` to the next one. */
export interface Foot {
  readonly index: number;
  readonly p: Point;
  readonly distance: number;
}

/** Twice the area would do, but the area is what people know: square pixels, never negative. */
export function ringArea(ring: Ring): number {
  let twice = 0;
  forSegments(ring, true, (a, b) => {
    twice += a[0] * b[1] - b[0] * a[1];
  });
  return Math.abs(twice) / 2;
}

export function lengthOf(path: Ring, closed: boolean): number {
  let sum = 0;
  forSegments(path, closed, (a, b) => {
    sum += Math.hypot(b[0] - a[0], b[1] - a[1]);
  });
  return sum;
}

/** Even-odd rule; a point on the ring itself may count either way. */
export function insideRing(ring: Ring, p: Point): boolean {
  let inside = false;
  forSegments(ring, true, (a, b) => {
    if (a[1] > p[1] !== b[1] > p[1] && p[0] < ((b[0] - a[0]) * (p[1] - a[1])) / (b[1] - a[1]) + a[0]) inside = !inside;
  });
  return inside;
}

/** Inside the outline and outside all its holes. */
export function insideRings(rings: readonly Ring[], p: Point): boolean {
  return rings.reduce((inside, ring) => inside !== insideRing(ring, p), false);
}

export function nearestOnSegment(a: Point, b: Point, p: Point): Point {
  const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
  const length2 = dx * dx + dy * dy;
  const at = length2 === 0 ? 0 : Math.min(1, Math.max(0, ((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / length2));
  return [a[0] + at * dx, a[1] + at * dy];
}

/** The nearest place on a path; null when nothing lies within `reach`. */
export function footOn(path: Ring, closed: boolean, p: Point, reach: number): Foot | null {
  let best: Foot | null = null;
  forSegments(path, closed, (a, b, index) => {
    const foot = nearestOnSegment(a, b, p);
    const distance = Math.hypot(foot[0] - p[0], foot[1] - p[1]);
    if (distance <= (best?.distance ?? reach)) best = { index, p: foot, distance };
  });
  return best;
}

/** Where two segments properly cross; ends that touch do not count. */
export function crossing(a: Point, b: Point, c: Point, d: Point): Point | null {
  const [rx, ry, sx, sy] = [b[0] - a[0], b[1] - a[1], d[0] - c[0], d[1] - c[1]];
  const turn = rx * sy - ry * sx;
  if (turn === 0) return null;
  const along = ((c[0] - a[0]) * sy - (c[1] - a[1]) * sx) / turn;
  const across = ((c[0] - a[0]) * ry - (c[1] - a[1]) * rx) / turn;
  if (along <= 0 || along >= 1 || across <= 0 || across >= 1) return null;
  return [a[0] + along * rx, a[1] + along * ry];
}

interface Segment {
  readonly a: Point;
  readonly b: Point;
  readonly left: number;
  readonly right: number;
  readonly ring: number;
  readonly index: number;
}

/** The first place where rings cross themselves or each other; segments are swept from left to right. */
export function firstCrossing(rings: readonly Ring[]): Point | null {
  const all: Segment[] = [];
  rings.forEach((points, ring) => {
    forSegments(points, true, (a, b, index) => {
      all.push({ a, b, left: Math.min(a[0], b[0]), right: Math.max(a[0], b[0]), ring, index });
    });
  });
  all.sort((s, t) => s.left - t.left);
  let live: Segment[] = [];
  for (const s of all) {
    live = live.filter((t) => t.right >= s.left);
    for (const t of live) {
      const p = touching(s, t, rings) ? null : crossing(s.a, s.b, t.a, t.b);
      if (p) return p;
    }
    live.push(s);
  }
  return null;
}

/** What is wrong with an outline and its holes, as the server would see it; null when nothing is. */
export type RingsProblem =
  | { readonly what: "few"; readonly ring: number }
  | { readonly what: "flat"; readonly ring: number }
  | { readonly what: "crossing"; readonly at: Point }
  | { readonly what: "outside"; readonly ring: number };

export function problemOf(rings: readonly Ring[]): RingsProblem | null {
  const few = rings.findIndex((ring) => new Set(ring.map(String)).size < 3);
  if (few >= 0) return { what: "few", ring: few };
  const at = firstCrossing(rings);
  if (at) return { what: "crossing", at };
  const flat = rings.findIndex((ring) => ringArea(ring) < 1e-6);
  if (flat >= 0) return { what: "flat", ring: flat };
  const [outline, ...holes] = rings;
  for (const [i, hole] of holes.entries())
    if (outline && !hole.every((p) => insideRing(outline, p) || onRing(outline, p)))
      return { what: "outside", ring: i + 1 };
  return null;
}

/** Without the points that lie within `tolerance` of the line between those that stay (Douglas and Peucker, 1973). */
export function simplified(path: Ring, closed: boolean, tolerance: number): Ring {
  const least = closed ? 3 : 2;
  if (path.length <= least) return path;
  // A ring is cut at its first point and at the one furthest from it, so that both stay.
  const line = closed ? [...path, path[0] as Point] : path;
  const kept = new Set([0, line.length - 1, ...(closed ? [furthest(line, 0, 0, line.length - 1).index] : [])]);
  const cuts = [...kept].sort((a, b) => a - b);
  const spans = cuts.slice(1).map((to, i): [number, number] => [cuts[i] as number, to]);
  for (let span = spans.pop(); span; span = spans.pop()) {
    const [from, to] = span;
    const far = furthest(line, from, from, to, to);
    if (far.distance <= tolerance) continue;
    kept.add(far.index);
    spans.push([from, far.index], [far.index, to]);
  }
  const left = line.filter((_, i) => kept.has(i) && !(closed && i === line.length - 1));
  return left.length < least ? path : left;
}

/** The point strictly between two others that lies furthest from a point, or from the segment between two points. */
function furthest(line: Ring, a: number, from: number, to: number, b = a): { index: number; distance: number } {
  let best = { index: from, distance: 0 };
  const [p, q] = [line[a] as Point, line[b] as Point];
  for (let index = from + 1; index < to; index++) {
    const at = line[index] as Point;
    const foot = nearestOnSegment(p, q, at);
    const distance = Math.hypot(foot[0] - at[0], foot[1] - at[1]);
    if (distance > best.distance) best = { index, distance };
  }
  return best;
}

export function boxOfRings(rings: readonly Ring[]): Box | null {
  return boxAround(rings.flat());
}

export function clampRing(ring: Ring, bounds: Box): Ring {
  return ring.map((p) => clampPoint(p, bounds));
}

/** Call `each` with both ends of every segment and the number of its first point. */
export function forSegments(path: Ring, closed: boolean, each: (a: Point, b: Point, index: number) => void): void {
  const last = closed ? path.length : path.length - 1;
  for (let i = 0; i < last; i++) {
    const a = path[i];
    const b = path[(i + 1) % path.length];
    if (a && b) each(a, b, i);
  }
}

function onRing(ring: Ring, p: Point): boolean {
  return footOn(ring, true, p, 1e-6) !== null;
}

/** Neighbours on one ring share a point. */
function touching(s: Segment, t: Segment, rings: readonly Ring[]): boolean {
  if (s.ring !== t.ring) return false;
  const n = rings[s.ring]?.length ?? 0;
  const apart = Math.abs(s.index - t.index);
  return apart <= 1 || apart === n - 1;
}
