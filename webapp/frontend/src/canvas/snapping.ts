/** Points that jump onto what is there already: neighbours' corners first, then their edges, then the scene's border. */

import { type Box, clampPoint, type Point } from "./geometry";
import { type Path, SpatialIndex } from "./spatial";

export type SnappedTo = "point" | "edge" | "border";

export interface Snapped {
  readonly p: Point;
  readonly to: SnappedTo | null;
}

export class Snapper {
  private readonly index: SpatialIndex;

  constructor(
    neighbours: readonly Path[],
    private readonly bounds: Box,
  ) {
    this.index = new SpatialIndex(neighbours);
  }

  /** `reach` in scene pixels; the point always ends up inside the bounds. */
  snap(p: Point, reach: number): Snapped {
    const corner = this.index.nearestPoint(p, reach);
    if (corner) return { p: clampPoint(corner.p, this.bounds), to: "point" };
    const edge = this.index.nearestSegment(p, reach);
    if (edge) return { p: clampPoint(edge.p, this.bounds), to: "edge" };
    const x = stuck(p[0], this.bounds[0], this.bounds[2], reach);
    const y = stuck(p[1], this.bounds[1], this.bounds[3], reach);
    const at = clampPoint([x, y], this.bounds);
    return { p: at, to: x !== p[0] || y !== p[1] ? "border" : null };
  }
}

function stuck(value: number, low: number, high: number, reach: number): number {
  if (value - low <= reach) return low;
  return high - value <= reach ? high : value;
}
