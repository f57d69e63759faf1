import { describe, expect, it } from "vitest";
import { readTask } from "../task";
import { NEIGHBOUR, OBJECT, payload } from "../testing/payloads";
import {
  answerCoverage,
  type CoverageState,
  carryCoverage,
  clearPins,
  clickAt,
  MAX_PINS,
  markAt,
  pinAt,
  promptCoverage,
  readCoverage,
  startCoverage,
} from "./model";

const fields = payload("coverage_tile", {
  tile: { id: 5, core: [1210, 410, 140, 140] },
  objects: [OBJECT, NEIGHBOUR],
  classes: [0],
});
const task = readCoverage(fields, readTask(fields));
const start = startCoverage(task);

function click(state: CoverageState, x: number, y: number): CoverageState {
  const next = clickAt(task, state, [x, y], 4);
  if (typeof next === "string") throw new Error(next);
  return next;
}

describe("coverage_tile", () => {
  it("asks for the one class by its name", () => {
    expect(promptCoverage(task)).toBe("Click every tree that has no outline yet");
    const all = payload("coverage_tile", { tile: { id: 5, core: [1210, 410, 140, 140] }, classes: [0, 1] });
    expect(promptCoverage(readCoverage(all, readTask(all)))).toBe("Click every object that has no outline yet");
  });

  it("refuses to ask for classes that the schema lacks", () => {
    const odd = payload("coverage_tile", { tile: { id: 5, core: [1210, 410, 140, 140] }, classes: [9] });
    expect(() => readCoverage(odd, readTask(odd))).toThrow(/classes: expected ids of the schema/);
  });

  it("pins what is clicked and removes a pin that is clicked again", () => {
    const one = click(start, 1250.126, 520);
    expect(answerCoverage(task, one)).toEqual({
      value: { complete: false, points: [{ xy: [1250.13, 520], class: 0 }], bad_objects: [] },
    });
    expect(pinAt(one, [1251, 520], 4)).toBe(0);
    expect(click(one, 1251, 520).pins).toEqual([]);
  });

  it("takes nothing outside the bright area", () => {
    expect(clickAt(task, start, [1205, 405], 4)).toBe("outside");
  });

  it("stops at the most pins that the server takes", () => {
    const full = { ...start, pins: Array.from({ length: MAX_PINS }, () => ({ xy: [1211, 411] as const, label: 0 })) };
    expect(clickAt(task, full, [1300, 500], 4)).toBe("full");
  });

  it("is complete exactly when there are no pins", () => {
    expect(answerCoverage(task, start)).toHaveProperty("missing");
    expect(answerCoverage(task, { ...start, said: "nothing" })).toEqual({
      value: { complete: true, points: [], bad_objects: [] },
    });
    const contradiction = { ...click(start, 1250, 520), said: "nothing" as const };
    expect(answerCoverage(task, contradiction)).toHaveProperty("missing");
    expect(answerCoverage(task, { ...clearPins(contradiction), said: "nothing" })).toHaveProperty(
      "value.complete",
      true,
    );
  });

  it("marks the smallest outline under the pointer as wrong", () => {
    const marked = markAt(task, start, [1310, 440]);
    expect(marked.bad).toEqual([32]);
    expect(markAt(task, marked, [1310, 440]).bad).toEqual([]);
    expect(markAt(task, start, [1211, 540])).toBe(start);
  });

  it("keeps the chosen class and cursor through undo", () => {
    const left = { ...click(start, 1250, 520), label: 1, cursor: [1220, 420] as const };
    expect(carryCoverage(left, start)).toMatchObject({ pins: [], label: 1, cursor: [1220, 420] });
  });
});
