import { describe, expect, it } from "vitest";
import { readTask } from "../task";
import { payload } from "../testing/payloads";
import { answerMerge, kept, promptMerge, readMerge, startMerge } from "./model";

const A = { id: 4, xyxy: [1230, 430, 1290, 500], class: 0 };
const B = { id: 9, xyxy: [1240, 420, 1310, 490], class: 0 };
const OTHER = { id: 5, xyxy: [1300, 500, 1340, 540], class: 1 };
const fields = payload("merge_duplicates", { a: A, b: B, objects: [A, B, OTHER] });
const task = readMerge(fields, readTask(fields));

describe("merge_duplicates", () => {
  it("keeps the server's order of the two and shows the others as context", () => {
    expect([task.a.id, task.b.id]).toEqual([4, 9]);
    expect(task.objects.map((o) => o.id)).toEqual([5]);
    expect(promptMerge(task)).toBe("Do A and B outline the same tree?");
  });

  it("previews what would stay", () => {
    expect(kept(task, "a")).toEqual(A.xyxy);
    expect(kept(task, "b")).toEqual(B.xyxy);
    expect(kept(task, "union")).toEqual([1230, 420, 1310, 500]);
  });

  it("says what to keep exactly when they are the same", () => {
    expect(answerMerge(task, startMerge())).toHaveProperty("missing");
    expect(answerMerge(task, { said: "union" })).toEqual({ value: { same: true, keep: "union" } });
    expect(answerMerge(task, { said: "b" })).toEqual({ value: { same: true, keep: "b" } });
    expect(answerMerge(task, { said: "different" })).toEqual({ value: { same: false, keep: null } });
  });

  it("names the outline that is broken", () => {
    const broken = payload("merge_duplicates", { a: A, b: { ...B, xyxy: [5, 5, 5, 9] } });
    expect(() => readMerge(broken, readTask(broken))).toThrow(/b\[0\]\.xyxy: expected a box/);
  });
});
