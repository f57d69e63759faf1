import { describe, expect, it } from "vitest";
import { readTask } from "../task";
import { payload } from "../testing/payloads";
import { answerCompare, readCompare, startCompare } from "./model";

const fields = payload("compare_two", {
  object: { id: 31 },
  a: { xyxy: [1230, 430, 1290, 500], class: 0 },
  b: { xyxy: [1233, 428, 1296, 507], class: 0 },
});

describe("compare_two", () => {
  const task = readCompare(fields, readTask(fields));

  it("keeps the server's order of the two", () => {
    expect(task.candidates.A.box[0]).toBe(1230);
    expect(task.candidates.B.box[0]).toBe(1233);
  });

  it("answers with the choice and nothing else", () => {
    expect(answerCompare(task, startCompare())).toHaveProperty("missing");
    expect(answerCompare(task, { choice: "both_bad" })).toEqual({ value: { choice: "both_bad" } });
  });

  it("takes what was drawn within the boxes", () => {
    const line = { type: "polyline", points: [[1230, 430], [1290, 500]] }; // biome-ignore format: points
    const mask = { type: "mask", size: [2, 3], counts: [1, 4, 1], offset: [1240, 440] };
    const box = { xyxy: [1230, 430, 1290, 500], class: 0 };
    const drawn = payload("compare_two", {
      object: { id: 31 },
      a: { ...box, shape: line },
      b: { ...box, shape: mask },
    });
    const { candidates } = readCompare(drawn, readTask(drawn));
    expect(candidates.A.shape).toMatchObject({ type: "polyline", line: line.points });
    expect(candidates.B.shape).toMatchObject({ type: "mask" });
    expect(task.candidates.A.shape).toBeNull();
  });

  it("refuses a shape that cannot be laid over a picture", () => {
    const cuboid = { type: "cuboid", center: [0, 0, 0], dims: [1, 1, 1], yaw: 0 };
    const box = { xyxy: [1230, 430, 1290, 500], class: 0 };
    const broken = payload("compare_two", { object: { id: 31 }, a: { ...box, shape: cuboid }, b: box });
    expect(() => readCompare(broken, readTask(broken))).toThrow(/a\.shape\.type/);
  });

  it("names the outline that is broken", () => {
    const broken = payload("compare_two", { object: { id: 31 }, a: { xyxy: [5, 5, 5, 9], class: 0 } });
    expect(() => readCompare(broken, readTask(broken))).toThrow(/a\.xyxy: expected a box/);
  });
});
