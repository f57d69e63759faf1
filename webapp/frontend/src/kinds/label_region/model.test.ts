import { describe, expect, it } from "vitest";
import { readTask } from "../task";
import { payload } from "../testing/payloads";
import {
  answerRegion,
  assign,
  carryRegion,
  clear,
  onward,
  readRegion,
  segmentAt,
  startRegion,
  step,
  towards,
} from "./model";

/** Four by four cells of 40 pixels: 1 above left, 2 above right, 3 below left, 4 below right. */
const SEGMENTS = {
  rect: [1200, 400, 160, 160],
  size: [4, 4],
  runs: [[1, 2], [2, 2], [1, 2], [2, 2], [3, 2], [4, 2], [3, 2], [4, 2]], // biome-ignore format: runs
};

function task(extra: object = {}) {
  const fields = payload("label_region", {
    segments: SEGMENTS,
    open: [1, 2, 4],
    known: { "3": 1 },
    classes: [0, 1],
    ...extra,
  });
  return readRegion(fields, readTask(fields));
}

const start = startRegion(task());

describe("label_region", () => {
  it("knows the segment at every place", () => {
    const { segments } = task();
    expect([[1201, 401], [1359, 401], [1201, 559], [1359, 559], [1199, 401]].map((p) => segmentAt(segments, p as never))).toEqual([1, 2, 3, 4, null]); // biome-ignore format: places
  });

  it("puts a sign inside every open segment", () => {
    const crescent = { ...SEGMENTS, size: [3, 3], runs: [[1, 3], [1, 1], [2, 1], [1, 1], [1, 3]] }; // biome-ignore format: runs
    const { segments, places } = task({ segments: crescent, open: [1], known: {} });
    expect(segmentAt(segments, places.get(1) as never)).toBe(1);
  });

  it("answers when every open segment has a class or is void", () => {
    const some = assign(assign(start, [1, 2], 0), [2], 1);
    expect(answerRegion(task(), some)).toEqual({ missing: "1 segment is still open" });
    expect(answerRegion(task(), assign(some, [4], null))).toEqual({ value: { assign: { "1": 0, "2": 1, "4": null } } });
    expect(answerRegion(task(), clear(assign(some, [4], null), 1))).toHaveProperty("missing");
  });

  it("goes on to what is undecided, round again, and stays when all is done", () => {
    const two = assign({ ...start, at: 2 }, [2, 4], 0);
    expect(onward(task(), two).at).toBe(1);
    expect(onward(task(), assign(two, [1], 0)).at).toBe(2);
    expect(step(task(), start, -1).at).toBe(4);
  });

  it("walks in the direction of an arrow", () => {
    expect(towards(task(), start, 1, 0).at).toBe(2);
    expect(towards(task(), { ...start, at: 2 }, 0, 1).at).toBe(4);
    expect(towards(task(), start, -1, 0).at).toBe(1);
  });

  it("keeps the class in the hand when a segment is undone", () => {
    expect(carryRegion({ ...start, label: 1 }, start).label).toBe(1);
    expect(assign(assign(start, [1], 0), [1], 0)).toEqual(assign(start, [1], 0));
  });

  it("refuses runs that do not fill the block, and an open segment that is nowhere", () => {
    expect(() => task({ segments: { ...SEGMENTS, runs: [[1, 15]] } })).toThrow("segments.runs");
    expect(() => task({ open: [9] })).toThrow("segment 9");
  });
});
