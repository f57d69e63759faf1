import { describe, expect, it } from "vitest";
import { readTask } from "../task";
import { OBJECT, payload } from "../testing/payloads";
import {
  addClick,
  answerFixMask,
  carryFixMask,
  MAX_CLICKS,
  opposite,
  paintAlong,
  readFixMask,
  resize,
  startFixMask,
  useTool,
  withoutHoles,
} from "./model";
import { refinerBody } from "./refiner";

const RING = { type: "mask", size: [4, 3], counts: [0, 5, 2, 5], offset: [1240, 440] };

function task(extra: object = {}) {
  const fields = payload("fix_mask", { object: OBJECT, objects: [], proposal: RING, refiner: null, ...extra });
  return readFixMask(fields, readTask(fields));
}

const start = startFixMask(task());

describe("fix_mask", () => {
  it("begins with the brush, or with clicks where a refiner is given", () => {
    expect(start.tool).toBe("brush");
    expect(startFixMask(task({ refiner: "/refine/1/" })).tool).toBe("add");
    expect(start.radius).toBe(5);
  });

  it("paints on the view and on what is proposed beyond it, within the scene", () => {
    expect(task().pane).toEqual({ x: 1200, y: 400, w: 160, h: 160 });
    const beyond = task({ proposal: { ...RING, offset: [1190, 440] } });
    expect(beyond.pane).toEqual({ x: 1190, y: 400, w: 170, h: 160 });
  });

  it("answers with the mask as it stands", () => {
    expect(answerFixMask(task(), start)).toEqual({ value: { shape: RING, deleted: false } });
    expect(answerFixMask(task({ proposal: null }), startFixMask(task({ proposal: null })))).toHaveProperty("missing");
    expect(answerFixMask(task(), { ...start, deleted: true })).toEqual({ value: { shape: null, deleted: true } });
  });

  it("paints and erases, and is empty when all is erased", () => {
    const dab = paintAlong(task(), { ...start, radius: 1 }, [1250.5, 450.5], [1250.5, 450.5]);
    expect(dab.mask?.size).toEqual([12, 12]);
    const gone = paintAlong(task(), { ...useTool(dab, "eraser"), radius: 40 }, [1245, 445], [1250, 450]);
    expect(gone.mask).toBeNull();
    expect(answerFixMask(task(), gone)).toHaveProperty("missing");
  });

  it("fills holes when there are any", () => {
    const filled = withoutHoles(task(), start);
    expect(filled?.mask).toEqual({ size: [4, 3], counts: [0, 12], offset: [1240, 440] });
    expect(filled && withoutHoles(task(), filled)).toBeNull();
  });

  it("changes the brush within limits, and knows each tool's opposite", () => {
    let state = start;
    for (let i = 0; i < 40; i++) state = resize(state, 1, task().pane);
    expect(state.radius).toBe(40);
    for (let i = 0; i < 40; i++) state = resize(state, -1, task().pane);
    expect(state.radius).toBe(0.5);
    expect([opposite("brush"), opposite("remove")]).toEqual(["eraser", "add"]);
  });

  it("keeps clicks for the refiner and sends them along", () => {
    const clicked = addClick(start, [1250.123, 450], 1);
    expect(clicked && answerFixMask(task(), clicked)).toHaveProperty("value.clicks", [[1250.12, 450, 1]]);
    expect(refinerBody(clicked?.clicks ?? [], start.mask)).toEqual({ clicks: [[1250.12, 450, 1]], mask: RING });
    expect(addClick({ ...start, clicks: Array(MAX_CLICKS).fill([0, 0, 1]) }, [1, 1], 0)).toBeNull();
  });

  it("leaves tool and brush in the hand when a stroke is undone", () => {
    const left = { ...useTool(start, "eraser"), radius: 9, down: true };
    expect(carryFixMask(left, start)).toMatchObject({ tool: "eraser", radius: 9, down: false });
  });
});
