import { describe, expect, it } from "vitest";
import type { Point } from "./geometry";
import { footOn, type Ring } from "./rings";
import { Snapper } from "./snapping";
import { type Path, SpatialIndex } from "./spatial";

/** Deterministic noise between 0 and 1. */
function noise(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) % 4294967296;
    return state / 4294967296;
  };
}

function crowd(count: number, points: number, size: number): Path[] {
  const next = noise(7);
  return Array.from({ length: count }, () => {
    const [x, y, r] = [next() * size, next() * size, 4 + next() * 12];
    const ring: Ring = Array.from({ length: points }, (_, i): Point => {
      const angle = (i / points) * 2 * Math.PI;
      return [x + r * Math.cos(angle), y + r * Math.sin(angle)];
    });
    return { points: ring, closed: true };
  });
}

describe("SpatialIndex", () => {
  const paths = crowd(400, 30, 1000);
  const index = new SpatialIndex(paths);

  it("finds what looking at everything finds", () => {
    const next = noise(3);
    for (let i = 0; i < 300; i++) {
      const p: Point = [next() * 1000, next() * 1000];
      const nearest = paths
        .map((path) => footOn(path.points, true, p, 6)?.distance ?? Number.POSITIVE_INFINITY)
        .reduce((a, b) => Math.min(a, b));
      const found = index.nearestSegment(p, 6);
      expect(found?.distance ?? Number.POSITIVE_INFINITY).toBeCloseTo(nearest, 9);
    }
  });

  it("names the path and the point", () => {
    const p = paths[17]?.points[5] as Point;
    expect(index.nearestPoint(p, 1)?.p).toEqual(p);
    const lonely = new SpatialIndex([{ points: [[0, 0], [10, 0]], closed: false }]); // biome-ignore format: one line
    expect(lonely.nearestPoint([9, 1], 3)).toMatchObject({ path: 0, index: 1 });
    expect(lonely.nearestSegment([5, 1], 3)).toMatchObject({ path: 0, index: 0, p: [5, 0] });
    expect(lonely.nearestSegment([5, 9], 3)).toBeNull();
  });

  it("is empty without paths", () => {
    expect(new SpatialIndex([]).nearestPoint([0, 0], 100)).toBeNull();
  });
});

describe("Snapper", () => {
  const snapper = new Snapper([{ points: [[100, 100], [200, 100]], closed: false }], [0, 0, 300, 300]); // biome-ignore format: one line

  it("prefers corners to edges and edges to the border", () => {
    expect(snapper.snap([102, 103], 5)).toEqual({ p: [100, 100], to: "point" });
    expect(snapper.snap([150, 103], 5)).toEqual({ p: [150, 100], to: "edge" });
    expect(snapper.snap([2, 299], 5)).toEqual({ p: [0, 300], to: "border" });
    expect(snapper.snap([50, 50], 5)).toEqual({ p: [50, 50], to: null });
  });

  it("never leaves the bounds", () => {
    expect(snapper.snap([-40, 350], 5)).toEqual({ p: [0, 300], to: "border" });
  });
});
