import { describe, expect, it } from "vitest";
import type { Point } from "../../canvas/geometry";
import { beginHole, finish, place } from "../../canvas/path_work";
import { carryPath, type PathState, startPath } from "../shared/pathwork";
import { readTask } from "../task";
import { NEIGHBOUR, OBJECT, payload } from "../testing/payloads";
import { answerFixPolygon, polygonRules, promptFixPolygon, readFixPolygon } from "./model";

const SQUARE: Point[] = [
  [1230, 430],
  [1290, 430],
  [1290, 500],
  [1230, 500],
];
const HOLE: Point[] = [
  [1250, 450],
  [1270, 450],
  [1260, 470.128],
];
const PROPOSAL = { type: "polygon", rings: [[...SQUARE, SQUARE[0]]] };

function task(extra: object = {}) {
  const fields = payload("fix_polygon", { object: OBJECT, proposal: null, objects: [OBJECT, NEIGHBOUR], ...extra });
  return readFixPolygon(fields, readTask(fields));
}

function draw(state: PathState, points: readonly Point[]): PathState {
  const rules = polygonRules(task());
  const open = points.reduce((s, p) => place(s, p, rules), state);
  const end = finish(open, rules);
  return "work" in end ? { ...open, ...end.work } : open;
}

describe("fix_polygon", () => {
  it("asks to draw or to correct", () => {
    expect(promptFixPolygon(task())).toBe("Trace the outline of this tree");
    expect(promptFixPolygon(task({ proposal: PROPOSAL }))).toBe("Correct the outline of this tree");
    expect(startPath(task()).open).toEqual([]);
    expect(startPath(task({ proposal: PROPOSAL }))).toMatchObject({ rings: [SQUARE], open: null });
  });

  it("knows its neighbours' outlines, and the proposal's type", () => {
    const shape = { type: "polygon", rings: [HOLE] };
    expect(task({ objects: [{ ...NEIGHBOUR, shape }] }).objects).toMatchObject([{ id: 32, rings: [HOLE] }]);
    expect(() => task({ proposal: { type: "box", xyxy: [0, 0, 1, 1] } })).toThrow("proposal.type");
  });

  it("answers with the outline and its holes, to a hundredth of a pixel", () => {
    const state = draw(beginHole(draw(startPath(task()), SQUARE)), HOLE);
    expect(answerFixPolygon(task(), state)).toEqual({
      value: { shape: { type: "polygon", rings: [SQUARE, [HOLE[0], HOLE[1], [1260, 470.13]]] }, deleted: false },
    });
  });

  it("sends nothing that is half drawn or crosses itself", () => {
    const open = place(startPath(task()), [1240, 440], polygonRules(task()));
    expect(answerFixPolygon(task(), open)).toHaveProperty("missing");
    const [a, b, c, d] = SQUARE as [Point, Point, Point, Point];
    const bow = { ...startPath(task()), rings: [[a, c, b, d]], open: null };
    expect(answerFixPolygon(task(), bow)).toEqual({ missing: "The outline crosses itself at the red mark" });
  });

  it("says that there is nothing without a shape", () => {
    const gone = { ...startPath(task()), deleted: true };
    expect(answerFixPolygon(task(), gone)).toEqual({ value: { shape: null, deleted: true } });
    expect(carryPath(gone, gone).deleted).toBe(false);
  });
});
