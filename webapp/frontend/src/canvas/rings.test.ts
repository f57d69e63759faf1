import { describe, expect, it } from "vitest";
import type { Point } from "./geometry";
import {
  crossing,
  firstCrossing,
  footOn,
  insideRings,
  lengthOf,
  problemOf,
  type Ring,
  ringArea,
  simplified,
} from "./rings";

const SQUARE: Ring = [
  [0, 0],
  [10, 0],
  [10, 10],
  [0, 10],
];
const HOLE: Ring = [
  [4, 4],
  [6, 4],
  [6, 6],
  [4, 6],
];

describe("rings", () => {
  it("have an area and a length, whichever way round they are drawn", () => {
    expect(ringArea(SQUARE)).toBe(100);
    expect(ringArea([...SQUARE].reverse())).toBe(100);
    expect(lengthOf(SQUARE, true)).toBe(40);
    expect(lengthOf(SQUARE, false)).toBe(30);
  });

  it("contain what lies inside the outline and outside its holes", () => {
    expect(insideRings([SQUARE, HOLE], [1, 5])).toBe(true);
    expect(insideRings([SQUARE, HOLE], [5, 5])).toBe(false);
    expect(insideRings([SQUARE, HOLE], [11, 5])).toBe(false);
  });

  it("find the nearest place, also on the closing segment", () => {
    expect(footOn(SQUARE, true, [0.5, 7], 2)).toMatchObject({ index: 3, p: [0, 7] });
    expect(footOn(SQUARE, false, [0.5, 7], 2)).toBeNull();
    expect(footOn(SQUARE, true, [5, 5], 2)).toBeNull();
  });

  it("tell a crossing from a touch", () => {
    expect(crossing([0, 0], [10, 10], [0, 10], [10, 0])).toEqual([5, 5]);
    expect(crossing([0, 0], [10, 0], [10, 0], [20, 5])).toBeNull();
  });

  it("cross where a bow tie does, and nowhere else", () => {
    const bow: Ring = [
      [0, 0],
      [10, 10],
      [10, 0],
      [0, 10],
    ];
    expect(firstCrossing([bow])).toEqual([5, 5]);
    expect(firstCrossing([SQUARE, HOLE])).toBeNull();
    const many: Point[] = Array.from({ length: 400 }, (_, i) => {
      const angle = (i / 400) * 2 * Math.PI;
      return [50 + 40 * Math.cos(angle), 50 + 40 * Math.sin(angle)];
    });
    expect(firstCrossing([many])).toBeNull();
    expect(firstCrossing([[...many.slice(0, 200), [50, 5], ...many.slice(200)]])).not.toBeNull();
  });

  it("name what the server would refuse", () => {
    const outside: Ring = HOLE.map(([x, y]) => [x + 20, y] as Point);
    const across: Ring = HOLE.map(([x, y]) => [x + 5, y] as Point);
    expect(problemOf([SQUARE, HOLE])).toBeNull();
    expect(problemOf([SQUARE.slice(0, 2)])).toEqual({ what: "few", ring: 0 });
    expect(problemOf([[SQUARE[0], SQUARE[1], [5, 0]] as Ring])).toEqual({ what: "flat", ring: 0 });
    expect(problemOf([SQUARE, outside])).toEqual({ what: "outside", ring: 1 });
    expect(problemOf([SQUARE, across])).toHaveProperty("what", "crossing");
  });

  it("lose the points that say nothing, never their shape", () => {
    const stairs: Point[] = Array.from({ length: 40 }, (_, i) => [Math.ceil(i / 2), Math.floor(i / 2)]);
    expect(simplified(stairs, false, 0.8)).toEqual([stairs[0], stairs.at(-1)]);
    const dense = [
      ...SQUARE.flatMap((p, i): Point[] => {
        const q = SQUARE[(i + 1) % 4] as Point;
        return Array.from({ length: 10 }, (_, k) => [p[0] + (k / 10) * (q[0] - p[0]), p[1] + (k / 10) * (q[1] - p[1])]);
      }),
    ];
    expect(simplified(dense, true, 0.1)).toEqual(SQUARE);
    expect(simplified(SQUARE, true, 100)).toEqual(SQUARE);
    expect(simplified(SQUARE, true, 0)).toEqual(SQUARE);
  });
});
