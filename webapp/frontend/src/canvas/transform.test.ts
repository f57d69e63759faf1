import { describe, expect, it } from "vitest";
import type { Point, Rect } from "./geometry";
import {
  fitView,
  keepInSight,
  MAX_SCALE,
  magnified,
  pan,
  quarter,
  toScene,
  toScreen,
  visible,
  zoomAt,
} from "./transform";

const STAGE = { w: 800, h: 600 };
const RECT: Rect = [1200, 400, 160, 160];
const FITTED = fitView(RECT, STAGE, 20);

describe("fitView", () => {
  it("shows the whole rectangle, centred, with its margin", () => {
    const [x1, y1] = toScreen(FITTED, [1200, 400]);
    const [x2, y2] = toScreen(FITTED, [1360, 560]);
    expect([y1, y2]).toEqual([20, 580]);
    expect((x1 + x2) / 2).toBeCloseTo(400);
  });

  it("does not blow up a single pixel beyond the greatest scale", () => {
    expect(fitView([5, 5, 1, 1], STAGE).scale).toBe(MAX_SCALE);
  });
});

describe("toScene", () => {
  it("undoes toScreen at every zoom", () => {
    for (const factor of [0.6, 1, 3.7, 12]) {
      const view = pan(zoomAt(FITTED, [133, 77], factor, FITTED), 12, -9);
      const p: Point = [1234.56, 478.9];
      const [x, y] = toScene(view, toScreen(view, p));
      expect(x).toBeCloseTo(p[0], 6);
      expect(y).toBeCloseTo(p[1], 6);
    }
  });
});

describe("zoomAt", () => {
  it("keeps the scene point under the cursor where it is", () => {
    const at: Point = [612, 90];
    const before = toScene(FITTED, at);
    const after = toScene(zoomAt(FITTED, at, 2.5, FITTED), at);
    expect(after[0]).toBeCloseTo(before[0], 9);
    expect(after[1]).toBeCloseTo(before[1], 9);
  });

  it("stops at half of the fitted scale and at the greatest scale", () => {
    expect(zoomAt(FITTED, [0, 0], 0.0001, FITTED).scale).toBeCloseTo(FITTED.scale / 2);
    expect(zoomAt(FITTED, [0, 0], 1e6, FITTED).scale).toBe(MAX_SCALE);
  });
});

describe("keepInSight", () => {
  it("brings a picture back that was dragged off the stage", () => {
    const lost = pan(FITTED, 5000, -5000);
    const back = keepInSight(lost, RECT, STAGE);
    const [x, y, w, h] = visible(back, STAGE);
    const shownW = Math.min(x + w, RECT[0] + RECT[2]) - Math.max(x, RECT[0]);
    const shownH = Math.min(y + h, RECT[1] + RECT[3]) - Math.max(y, RECT[1]);
    expect(shownW * back.scale).toBeGreaterThanOrEqual(STAGE.w / 3 - 1e-6);
    expect(shownH * back.scale).toBeGreaterThanOrEqual(STAGE.h / 3 - 1e-6);
  });

  it("leaves a view alone that shows the picture", () => {
    expect(keepInSight(FITTED, RECT, STAGE)).toEqual(FITTED);
  });
});

describe("magnified", () => {
  it("enlarges around the cursor", () => {
    const at: Point = [300, 200];
    const loupe = magnified(FITTED, at, 4);
    expect(loupe.scale).toBeCloseTo(4 * FITTED.scale);
    expect(toScreen(loupe, toScene(FITTED, at)).map(Math.round)).toEqual([300, 200]);
  });
});

describe("quarter", () => {
  it("covers the whole rectangle with an overlap in the middle", () => {
    const quarters = [0, 1, 2, 3].map((i) => quarter(RECT, i));
    expect(Math.min(...quarters.map((q) => q[0]))).toBe(RECT[0]);
    expect(Math.max(...quarters.map((q) => q[0] + q[2]))).toBeCloseTo(RECT[0] + RECT[2]);
    expect(Math.max(...quarters.map((q) => q[1] + q[3]))).toBeCloseTo(RECT[1] + RECT[3]);
    const [a, b] = quarters as [Rect, Rect];
    expect(a[0] + a[2]).toBeGreaterThan(b[0]);
  });
});
