import { describe, expect, it } from "vitest";
import { readTask } from "../task";
import { payload } from "../testing/payloads";
import {
  answerDraw,
  type DrawTaskState,
  draw,
  isDrawing,
  MAX_BOXES,
  readDraw,
  relabel,
  remove,
  reshape,
  select,
  setMode,
  startDraw,
} from "./model";

const fields = payload("draw_missed", { seed: [1250, 450], class: 0, objects: [] });
const task = readDraw(fields, readTask(fields));

function drag(state: DrawTaskState, from: [number, number], to: [number, number]): DrawTaskState {
  const down = draw(task, state, { type: "down", p: from });
  return draw(task, down, { type: "up", p: to, dragged: true });
}

const one = drag(startDraw(task), [1240, 440], [1262.337, 470]);

describe("draw_missed", () => {
  it("answers with the boxes drawn, to a hundredth of a pixel", () => {
    expect(answerDraw(task, one)).toEqual({
      value: { objects: [{ xyxy: [1240, 440, 1262.34, 470], class: 0 }], none: false },
    });
  });

  it("answers none only when there is nothing", () => {
    expect(answerDraw(task, startDraw(task))).toHaveProperty("missing");
    expect(answerDraw(task, { ...startDraw(task), none: true })).toEqual({ value: { objects: [], none: true } });
    expect(answerDraw(task, { ...one, none: true })).toHaveProperty("missing");
  });

  it("does not send a box that is half drawn", () => {
    const open = draw(task, one, { type: "down", p: [1300, 500] });
    expect(isDrawing(open)).toBe(true);
    expect(answerDraw(task, open)).toHaveProperty("missing");
    expect(isDrawing(setMode(open, "extreme"))).toBe(false);
  });

  it("reshapes, relabels and removes the selected box", () => {
    const two = drag(one, [1300, 500], [1330, 540]);
    expect(two.selected).toBe(1);
    const changed = relabel(reshape(select(two, 0), [1241, 441, 1260, 470]), 1);
    expect(changed.boxes).toMatchObject([{ box: [1241, 441, 1260, 470], label: 1 }, { label: 0 }]);
    expect(remove(changed, 0).boxes).toEqual([{ box: [1300, 500, 1330, 540], label: 0 }]);
  });

  it("stays inside what the pictures show", () => {
    expect(drag(startDraw(task), [1340, 540], [5000, 5000]).boxes[0]?.box).toEqual([1340, 540, 1360, 560]);
  });

  it("stops at the most boxes that the server takes", () => {
    let state = startDraw(task);
    for (let i = 0; i < MAX_BOXES + 3; i++) state = drag(state, [1210 + i, 410], [1230 + i, 430]);
    expect(state.boxes).toHaveLength(MAX_BOXES);
  });
});
