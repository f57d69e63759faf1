/** Shapes as they travel (docs/microtask-kinds.md): read with the field named in every error, and written. */

import type { JsonObject } from "../feed/protocol";
import { type Fields, fieldsOf, listOf, numberOf, ParseError, pointAt } from "../lib/parse";
import { type Point, rounded } from "./geometry";
import type { Ring } from "./rings";

export type Visibility = 0 | 1 | 2;

export interface Joint {
  readonly p: Point;
  readonly v: Visibility;
}

/** Column-major run lengths that start with background, of the part of the scene whose top-left pixel is `offset`. */
export interface MaskRuns {
  readonly size: readonly [h: number, w: number];
  readonly offset: readonly [x: number, y: number];
  readonly counts: readonly number[];
}

export function readPolygon(value: unknown, where: string): Ring[] {
  const f = typed(value, where, "polygon");
  const rings = listOf(f.rings, `${where}.rings`, (ring, at) => opened(listOf(ring, at, pointAt)));
  if (rings.length === 0) throw new ParseError(`${where}.rings: expected an outline`);
  return rings;
}

export function polygonJson(rings: readonly Ring[]): JsonObject {
  return { type: "polygon", rings: rings.map((ring) => ring.map((p) => [...rounded(p)])) };
}

export function readPolyline(value: unknown, where: string): Ring {
  const f = typed(value, where, "polyline");
  return listOf(f.points, `${where}.points`, pointAt);
}

export function polylineJson(points: Ring): JsonObject {
  return { type: "polyline", points: points.map((p) => [...rounded(p)]) };
}

export function readKeypoints(value: unknown, where: string): Readonly<Record<string, Joint>> {
  const f = typed(value, where, "keypoints");
  const points = fieldsOf(f.points, `${where}.points`);
  return Object.fromEntries(
    Object.entries(points).map(([name, entry]) => {
      const at = `${where}.points.${name}`;
      const [x, y, v] = listOf(entry, at, numberOf);
      if (x === undefined || y === undefined || (v !== 0 && v !== 1 && v !== 2))
        throw new ParseError(`${at}: expected [x, y, 0 | 1 | 2]`);
      return [name, { p: [x, y], v }];
    }),
  );
}

export function keypointsJson(joints: Readonly<Record<string, Joint>>): JsonObject {
  const points = Object.entries(joints).map(([name, { p, v }]) => [name, v === 0 ? [0, 0, 0] : [...rounded(p), v]]);
  return { type: "keypoints", points: Object.fromEntries(points) };
}

export function readMask(value: unknown, where: string): MaskRuns {
  const f = typed(value, where, "mask");
  const [h, w] = listOf(f.size, `${where}.size`, numberOf);
  const [x, y] = f.offset === undefined || f.offset === null ? [0, 0] : listOf(f.offset, `${where}.offset`, numberOf);
  const counts = listOf(f.counts, `${where}.counts`, numberOf);
  if (h === undefined || w === undefined || x === undefined || y === undefined)
    throw new ParseError(`${where}: expected size [h, w] and offset [x, y]`);
  if (counts.reduce((sum, count) => sum + count, 0) !== h * w)
    throw new ParseError(`${where}.counts: expected runs that add up to ${h} × ${w} pixels`);
  return { size: [h, w], offset: [x, y], counts };
}

export function maskJson(mask: MaskRuns): JsonObject {
  return { type: "mask", size: [...mask.size], counts: [...mask.counts], offset: [...mask.offset] };
}

/** The type of a shape, for kinds that take more than one. */
export function shapeType(value: unknown, where: string): string {
  return String(fieldsOf(value, where).type);
}

function typed(value: unknown, where: string, type: string): Fields {
  const f = fieldsOf(value, where);
  if (f.type !== type) throw new ParseError(`${where}.type: expected ${type}`);
  return f;
}

function opened(points: readonly Point[]): Ring {
  const [first, last] = [points[0], points.at(-1)];
  const closes = points.length > 1 && first && last && first[0] === last[0] && first[1] === last[1];
  return closes ? points.slice(0, -1) : points;
}
