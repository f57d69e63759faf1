/** A uniform grid over points and segments: the nearest one within reach without looking at all of them. */

import type { Point } from "./geometry";
import { forSegments, nearestOnSegment, type Ring } from "./rings";

export interface Path {
  readonly points: Ring;
  readonly closed: boolean;
}

/** A point of a path, or a place on one of its segments. */
export interface Near {
  readonly path: number;
  /** The point itself, or the first one of the segment. */
  readonly index: number;
  readonly p: Point;
  readonly distance: number;
}

/** Cells so large that a path has about one point in each; below it a search visits too many of them. */
const POINTS_PER_CELL = 2;
/** Beyond this many cells a long segment is registered by its box alone, which costs more than it saves. */
const MAX_CELLS = 1_000_000;

export class SpatialIndex {
  private readonly cell: number;
  private readonly columns: number;
  private readonly left: number;
  private readonly top: number;
  private readonly cells = new Map<number, number[]>();
  /** Four numbers a segment: x and y of both ends. */
  private readonly ends: Float64Array;
  private readonly owner: Int32Array;
  private readonly order: Int32Array;

  constructor(paths: readonly Path[]) {
    let count = 0;
    let [left, top, right, bottom] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 0, 0];
    for (const { points, closed } of paths) {
      count += Math.max(0, closed ? points.length : points.length - 1);
      for (const [x, y] of points) {
        left = Math.min(left, x);
        top = Math.min(top, y);
        right = Math.max(right, x);
        bottom = Math.max(bottom, y);
      }
    }
    this.left = Number.isFinite(left) ? left : 0;
    this.top = Number.isFinite(top) ? top : 0;
    const area = Math.max(1, (right - this.left) * (bottom - this.top));
    this.cell = Math.max(Math.sqrt((area * POINTS_PER_CELL) / Math.max(1, count)), Math.sqrt(area / MAX_CELLS), 1);
    this.columns = Math.max(1, Math.ceil((right - this.left) / this.cell) + 1);
    this.ends = new Float64Array(4 * count);
    this.owner = new Int32Array(count);
    this.order = new Int32Array(count);
    this.fill(paths);
  }

  /** How many segments it holds. */
  get size(): number {
    return this.owner.length;
  }

  nearestPoint(p: Point, reach: number): Near | null {
    let best: Near | null = null;
    this.visit(p, reach, (segment) => {
      for (const end of [0, 1] as const) {
        const at: Point = [this.ends[4 * segment + 2 * end] ?? 0, this.ends[4 * segment + 2 * end + 1] ?? 0];
        const distance = Math.hypot(at[0] - p[0], at[1] - p[1]);
        if (distance > reach || (best && distance >= best.distance)) continue;
        best = { path: this.owner[segment] ?? 0, index: (this.order[segment] ?? 0) + end, p: at, distance };
      }
    });
    return best;
  }

  nearestSegment(p: Point, reach: number): Near | null {
    let best: Near | null = null;
    this.visit(p, reach, (segment) => {
      const e = (i: number): number => this.ends[4 * segment + i] ?? 0;
      const foot = nearestOnSegment([e(0), e(1)], [e(2), e(3)], p);
      const distance = Math.hypot(foot[0] - p[0], foot[1] - p[1]);
      if (distance > reach || (best && distance >= best.distance)) return;
      best = { path: this.owner[segment] ?? 0, index: this.order[segment] ?? 0, p: foot, distance };
    });
    return best;
  }

  private fill(paths: readonly Path[]): void {
    let n = 0;
    paths.forEach(({ points, closed }, path) => {
      forSegments(points, closed, (a, b, index) => {
        this.ends.set([a[0], a[1], b[0], b[1]], 4 * n);
        this.owner[n] = path;
        this.order[n] = index;
        this.register(a, b, n);
        n += 1;
      });
    });
  }

  private register(a: Point, b: Point, segment: number): void {
    const [c1, c2] = [this.column(Math.min(a[0], b[0])), this.column(Math.max(a[0], b[0]))];
    const [r1, r2] = [this.row(Math.min(a[1], b[1])), this.row(Math.max(a[1], b[1]))];
    for (let r = r1; r <= r2; r++)
      for (let c = c1; c <= c2; c++) {
        const key = r * this.columns + c;
        const cell = this.cells.get(key);
        if (cell) cell.push(segment);
        else this.cells.set(key, [segment]);
      }
  }

  private visit(p: Point, reach: number, each: (segment: number) => void): void {
    const [c1, c2] = [Math.max(0, this.column(p[0] - reach)), Math.min(this.columns - 1, this.column(p[0] + reach))];
    for (let r = this.row(p[1] - reach); r <= this.row(p[1] + reach); r++)
      for (let c = c1; c <= c2; c++) for (const segment of this.cells.get(r * this.columns + c) ?? []) each(segment);
  }

  private column(x: number): number {
    return Math.floor((x - this.left) / this.cell);
  }

  private row(y: number): number {
    return Math.floor((y - this.top) / this.cell);
  }
}
