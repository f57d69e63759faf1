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

  it("names the outline that is broken", () => {
    const broken = payload("compare_two", { object: { id: 31 }, a: { xyxy: [5, 5, 5, 9], class: 0 } });
    expect(() => readCompare(broken, readTask(broken))).toThrow(/a\.xyxy: expected a box/);
  });
});
