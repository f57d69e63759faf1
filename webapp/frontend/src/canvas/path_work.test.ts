import { describe, expect, it } from "vitest";
import type { Point } from "./geometry";
import {
  abandon,
  beginHole,
  beginPath,
  choose,
  eased,
  finish,
  insertAfter,
  moveVertex,
  type PathRules,
  type PathWork,
  place,
  removeVertex,
  resume,
  sameRings,
  split,
  takeBack,
  thinned,
  walk,
} from "./path_work";

const POLYGON: PathRules = { closed: true, bounds: [0, 0, 100, 100] };
const LINE: PathRules = { ...POLYGON, closed: false };
const SQUARE: readonly Point[] = [
  [10, 10],
  [90, 10],
  [90, 90],
  [10, 90],
];
const HOLE: readonly Point[] = [
  [40, 40],
  [60, 40],
  [50, 60],
];

function drawn(start: PathWork, points: readonly Point[], rules: PathRules): PathWork {
  return points.reduce((work, p) => place(work, p, rules), start);
}

function finished(work: PathWork, rules: PathRules): PathWork {
  const end = finish(work, rules);
  if ("problem" in end) throw new Error(end.problem);
  return end.work;
}

const square = finished(drawn(beginPath([]), SQUARE, POLYGON), POLYGON);

describe("drawing a path", () => {
  it("closes a ring of at least three points, a line of two", () => {
    const two = drawn(beginPath([]), SQUARE.slice(0, 2), POLYGON);
    expect(finish(two, POLYGON)).toEqual({ problem: "few" });
    expect(finished(two, LINE).rings).toEqual([SQUARE.slice(0, 2)]);
    expect(square.rings).toEqual([SQUARE]);
    expect(square.open).toBeNull();
  });

  it("stays inside the bounds and sets no point twice", () => {
    expect(drawn(beginPath([]), [[-5, 50], [-9, 50], [10, 300]], LINE).open).toEqual([[0, 50], [10, 100]]); // biome-ignore format: points
  });

  it("takes back the last point and abandons what was begun", () => {
    const hole = drawn(beginHole(square), HOLE, POLYGON);
    expect(takeBack(hole).open).toEqual(HOLE.slice(0, 2));
    expect(abandon(hole)).toMatchObject({ rings: [SQUARE], open: null });
    expect(abandon(drawn(beginPath([]), HOLE, POLYGON)).open).toEqual([]);
  });

  it("adds a hole inside the outline and refuses one that is not", () => {
    expect(finished(drawn(beginHole(square), HOLE, POLYGON), POLYGON).rings).toEqual([SQUARE, HOLE]);
    const outside = drawn(beginHole(square), [[1, 1], [5, 1], [5, 5]], POLYGON); // biome-ignore format: points
    expect(finish(outside, POLYGON)).toEqual({ problem: "outside" });
  });

  it("goes on with a line from either end", () => {
    const line = beginPath([SQUARE]);
    expect(resume(line).open).toEqual(SQUARE);
    expect(resume(choose(line, { ring: 0, index: 0 })).open).toEqual([...SQUARE].reverse());
  });
});

describe("correcting a path", () => {
  const both = beginPath([SQUARE, HOLE]);

  it("walks through the vertices of all rings and round again", () => {
    expect(walk(both, 1).at).toEqual({ ring: 0, index: 0 });
    expect(walk(walk(both, 1), -1).at).toEqual({ ring: 1, index: 2 });
    expect(walk(choose(both, { ring: 0, index: 3 }), 1).at).toEqual({ ring: 1, index: 0 });
  });

  it("moves, inserts and splits, and chooses what it touched", () => {
    expect(moveVertex(both, { ring: 1, index: 2 }, [50, 170], POLYGON).rings[1]?.[2]).toEqual([50, 100]);
    const inserted = insertAfter(both, { ring: 0, index: 3 }, [10, 50]);
    expect(inserted.rings[0]?.[4]).toEqual([10, 50]);
    expect(inserted.at).toEqual({ ring: 0, index: 4 });
    expect(split(choose(both, { ring: 0, index: 3 }), POLYGON).rings[0]?.[4]).toEqual([10, 50]);
    expect(split(choose(both, { ring: 0, index: 3 }), LINE).rings[0]?.[3]).toEqual([50, 90]);
  });

  it("removes a vertex, or the hole that would be left with two, but never the outline", () => {
    expect(removeVertex(both, { ring: 0, index: 3 }, POLYGON)?.at).toEqual({ ring: 0, index: 0 });
    expect(removeVertex(both, { ring: 1, index: 0 }, POLYGON)?.rings).toEqual([SQUARE]);
    const triangle = beginPath([HOLE]);
    expect(removeVertex(triangle, { ring: 0, index: 0 }, POLYGON)).toBeNull();
    expect(removeVertex(triangle, { ring: 0, index: 2 }, LINE)?.at).toEqual({ ring: 0, index: 1 });
  });

  it("tells when nothing is changed", () => {
    expect(sameRings(both.rings, [SQUARE, HOLE])).toBe(true);
    expect(sameRings(both.rings, [SQUARE])).toBe(false);
    expect(sameRings(moveVertex(both, { ring: 0, index: 0 }, [10.5, 10], POLYGON).rings, [SQUARE, HOLE])).toBe(false);
  });

  it("thins vertices out step by step, and stops where the shape would suffer", () => {
    const dense = [...SQUARE.slice(0, 1), [50, 10.5] as const, ...SQUARE.slice(1)];
    const thin = thinned(beginPath([dense, HOLE]), POLYGON);
    expect(thin?.rings).toEqual([SQUARE, HOLE]);
    expect(thinned(beginPath([SQUARE]), POLYGON)).toBeNull();
  });

  it("begins without the stairs of an outline that was traced around pixels", () => {
    const stairs: Point[] = [];
    for (let i = 0; i < 30; i++) stairs.push([10 + i, 10 + i], [11 + i, 10 + i]);
    const traced = [...stairs, [10, 40] as const];
    expect(eased([traced], true)[0]).toEqual([[10, 10], [40, 39], [10, 40]]); // biome-ignore format: points
    expect(eased([SQUARE, HOLE], true)).toEqual([SQUARE, HOLE]);
    expect(eased([], true)).toEqual([]);
  });
});
