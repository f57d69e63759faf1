import { describe, expect, it } from "vitest";
import { readTask } from "../task";
import { payload } from "../testing/payloads";
import {
  answerGrid,
  carryGrid,
  clearMarks,
  cycleMark,
  type GridState,
  layOut,
  markOf,
  moveAt,
  readGrid,
  see,
  startGrid,
  toggleMark,
} from "./model";

const cells = [1, 2, 3, 4].map((id) => ({
  id,
  version: 1,
  xyxy: [10 * id, 10, 10 * id + 8, 20],
  view: [10 * id - 4, 4, 16, 24],
  media: { role: "focus", url: `/crops/${id}.webp`, rect: [10 * id - 4, 4, 16, 24], size: [160, 240] },
}));
const fields = payload("grid_verify", { class: 0, cells, media: [] });
const task = readGrid(fields, readTask(fields));
const seen: GridState = { ...see(startGrid(), [1, 2, 3, 4]), ripe: true };

describe("grid_verify", () => {
  it("takes one picture per cell", () => {
    expect(task.cells.map((c) => c.media[0]?.url)).toEqual([
      "/crops/1.webp",
      "/crops/2.webp",
      "/crops/3.webp",
      "/crops/4.webp",
    ]);
  });

  it("refuses an empty page", () => {
    const empty = payload("grid_verify", { class: 0, cells: [] });
    expect(() => readGrid(empty, readTask(empty))).toThrow(/cells: expected 1 to 30/);
  });

  it("cannot be sent before every picture was on screen for long enough", () => {
    expect(answerGrid(task, { ...see(startGrid(), [1, 2]), ripe: true })).toHaveProperty("missing");
    expect(answerGrid(task, { ...seen, ripe: false })).toHaveProperty("missing");
    expect(answerGrid(task, seen)).toEqual({ value: { bad: [], unsure: [], viewed: [1, 2, 3, 4] } });
  });

  it("cycles through wrong and cannot tell by clicks", () => {
    let state = cycleMark(seen, 3);
    expect(markOf(state, 3)).toBe("bad");
    state = cycleMark(state, 3);
    expect(markOf(state, 3)).toBe("unsure");
    expect(markOf(cycleMark(state, 3), 3)).toBe("ok");
  });

  it("keeps bad and unsure disjoint and in the page's order", () => {
    const state = [4, 1, 2].reduce((s, id) => toggleMark(s, id, "bad"), seen);
    const mixed = toggleMark(state, 1, "unsure");
    expect(answerGrid(task, mixed)).toEqual({ value: { bad: [2, 4], unsure: [1], viewed: [1, 2, 3, 4] } });
    expect(clearMarks(mixed)).toMatchObject({ bad: [], unsure: [] });
  });

  it("stops at the borders of the page", () => {
    expect(moveAt(seen, -1, 0, 2, 4).at).toBe(0);
    expect(moveAt(seen, 1, 0, 2, 4).at).toBe(1);
    expect(moveAt({ ...seen, at: 1 }, 1, 0, 2, 4).at).toBe(1);
    expect(moveAt({ ...seen, at: 1 }, 0, 1, 2, 4).at).toBe(3);
    expect(moveAt({ ...seen, at: 3 }, 0, 1, 2, 4).at).toBe(3);
  });

  it("does not unsee pictures by undo", () => {
    expect(carryGrid(seen, startGrid())).toMatchObject({ viewed: [1, 2, 3, 4], ripe: true });
  });
});

describe("layOut", () => {
  it("fills the room with the largest squares", () => {
    expect(layOut(6, 900, 600, 0, 100, 999)).toEqual({ columns: 3, side: 300 });
  });

  it("scrolls rather than making pictures too small to judge", () => {
    const { columns, side } = layOut(30, 360, 500, 8, 112, 400);
    expect(columns).toBe(3);
    expect(side).toBeGreaterThanOrEqual(112);
  });
});
