import { describe, expect, it } from "vitest";
import { arrowOf } from "../../canvas/arrows";
import { beginRedraw, nudge, redrawWith } from "../shared/boxwork";
import { readTask } from "../task";
import { OBJECT, payload } from "../testing/payloads";
import { answerFix, type FixState, readFix, startFix } from "./model";

const fields = payload("fix_box", { object: OBJECT, edges: ["right"], objects: [] });
const task = readFix(fields, readTask(fields));

function press(state: FixState, ...chords: string[]): FixState {
  return chords.reduce((s, chord) => {
    const arrow = arrowOf(chord);
    if (!arrow) throw new Error(chord);
    return nudge(s, arrow, task.bounds);
  }, state);
}

describe("fix_box", () => {
  it("starts at the edge that was reported", () => {
    expect(startFix(task).edge).toBe("right");
  });

  it("moves the edge by 1, 10 or a quarter of a pixel", () => {
    const moved = press(startFix(task), "ArrowRight", "Shift+ArrowRight", "Alt+ArrowLeft");
    expect(answerFix(task, moved)).toEqual({
      value: { xyxy: [1230, 430, 1300.75, 500], class: 0, deleted: false },
    });
  });

  it("chooses another edge by the arrow that points to it", () => {
    const moved = press(startFix(task), "ArrowUp", "ArrowUp");
    expect(moved.edge).toBe("top");
    expect(moved.box).toEqual([1230, 429, 1290, 500]);
  });

  it("asks once more before an unchanged box is sent", () => {
    expect(answerFix(task, startFix(task))).toHaveProperty("missing");
    expect(answerFix(task, { ...startFix(task), warned: true })).toHaveProperty("value.xyxy", OBJECT.xyxy);
  });

  it("says that there is no object without a box", () => {
    expect(answerFix(task, { ...startFix(task), deleted: true })).toEqual({
      value: { xyxy: null, class: null, deleted: true },
    });
  });

  it("replaces the box by four outermost points", () => {
    let state = beginRedraw(startFix(task));
    expect(answerFix(task, state)).toHaveProperty("missing");
    for (const p of [
      [1250, 425],
      [1225, 450],
      [1260, 505],
      [1295, 470],
    ] as const)
      state = redrawWith(state, { type: "drop", p }, task.bounds);
    expect(answerFix(task, state)).toHaveProperty("value.xyxy", [1225, 425, 1295, 505]);
  });
});
