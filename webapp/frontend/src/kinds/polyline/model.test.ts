import { describe, expect, it } from "vitest";
import type { Point } from "../../canvas/geometry";
import { finish, place, resume } from "../../canvas/path_work";
import { startPath } from "../shared/pathwork";
import { readTask } from "../task";
import { OBJECT, payload } from "../testing/payloads";
import { answerLine, lineRules, promptLine, readLine } from "./model";

const LINE: Point[] = [
  [1230, 430],
  [1260, 460.004],
  [1290, 500],
];
const PROPOSAL = { type: "polyline", points: LINE };

function task(proposal: object | null = PROPOSAL) {
  const fields = payload("polyline", { object: OBJECT, proposal: proposal as never });
  return readLine(fields, readTask(fields));
}

describe("polyline", () => {
  it("asks to draw or to correct", () => {
    expect(promptLine(task(null))).toBe("Draw a line along this tree");
    expect(promptLine(task())).toBe("Correct the line along this tree");
  });

  it("answers with the points in their order, to a hundredth of a pixel", () => {
    expect(answerLine(task(), startPath(task()))).toEqual({
      value: { shape: { type: "polyline", points: [LINE[0], [1260, 460], LINE[2]] }, deleted: false },
    });
  });

  it("goes on from the last point and ends there", () => {
    const rules = lineRules(task());
    const longer = place(resume(startPath(task())), [1300, 520], rules);
    expect(answerLine(task(), longer)).toHaveProperty("missing");
    const end = finish(longer, rules);
    expect("work" in end && end.work.rings[0]?.at(-1)).toEqual([1300, 520]);
  });

  it("has no length without two points, and no shape when there is nothing", () => {
    expect(answerLine(task(null), { ...startPath(task(null)), open: null })).toHaveProperty("missing");
    const gone = { ...startPath(task()), deleted: true };
    expect(answerLine(task(), gone)).toEqual({ value: { shape: null, deleted: true } });
  });
});
