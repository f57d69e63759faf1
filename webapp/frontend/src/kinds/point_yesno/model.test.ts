import { describe, expect, it } from "vitest";
import { readTask } from "../task";
import { OBJECT, payload } from "../testing/payloads";
import { answerPoint, promptPoint, readPoint, startPoint } from "./model";

const fields = payload("point_yesno", { object: OBJECT, class: 1, point: [1250.5, 460] });
const task = readPoint(fields, readTask(fields));

describe("point_yesno", () => {
  it("asks about the class and the point of the payload", () => {
    expect(promptPoint(task)).toBe("Is the point in the ring on the shrub?");
    expect(task.point).toEqual([1250.5, 460]);
    const without = payload("point_yesno", { object: OBJECT, class: 1 });
    expect(() => readPoint(without, readTask(without))).toThrow("point");
  });

  it("has no answer before yes or no", () => {
    expect(answerPoint(task, startPoint())).toHaveProperty("missing");
    expect(answerPoint(task, { on: true })).toEqual({ value: { on: true } });
    expect(answerPoint(task, { on: false })).toEqual({ value: { on: false } });
  });
});
