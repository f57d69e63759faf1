import { describe, expect, it } from "vitest";
import { answerVerdict, startVerdict } from "../shared/verdicts";
import { readTask } from "../task";
import { NEIGHBOUR, OBJECT, payload } from "../testing/payloads";
import { promptVerifyMask, readVerifyMask } from "./model";

function task(shape: object) {
  const fields = payload("verify_mask", { object: OBJECT, objects: [OBJECT, NEIGHBOUR], shape: shape as never });
  return readVerifyMask(fields, readTask(fields));
}

const MASK = { type: "mask", size: [2, 3], counts: [1, 4, 1], offset: [1240, 440] };
const POLYGON = { type: "polygon", rings: [[[1230, 430], [1290, 430], [1260, 500]]] }; // biome-ignore format: points

describe("verify_mask", () => {
  it("shows a mask or a polygon and asks about its object", () => {
    expect(task(MASK).shape).toEqual({ type: "mask", mask: { size: [2, 3], counts: [1, 4, 1], offset: [1240, 440] } });
    expect(task(POLYGON).shape).toMatchObject({ type: "polygon" });
    expect(task(POLYGON).objects.map((o) => o.id)).toEqual([NEIGHBOUR.id]);
    expect(promptVerifyMask(task(MASK))).toBe("Does the outline follow this tree?");
  });

  it("refuses a mask whose runs do not fill its window, and any other shape", () => {
    expect(() => task({ ...MASK, counts: [1, 4] })).toThrow("shape.counts");
    expect(() => task({ type: "box", xyxy: [0, 0, 1, 1] })).toThrow("shape.type");
  });

  it("answers with the verdict alone", () => {
    expect(answerVerdict(task(MASK), startVerdict())).toHaveProperty("missing");
    expect(answerVerdict(task(MASK), { verdict: "geometry", asking: false })).toEqual({
      value: { verdict: "geometry" },
    });
  });
});
