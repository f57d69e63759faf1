import { describe, expect, it } from "vitest";
import { AS_IT_IS, isPlain, readDisplay, toneCurve } from "./display";

describe("toneCurve", () => {
  it("leaves every value as it is at 1, 1, 1", () => {
    expect([...toneCurve(AS_IT_IS)]).toEqual(Array.from({ length: 256 }, (_, v) => v));
  });

  it("lifts the shadows by gamma and keeps black and white", () => {
    const curve = toneCurve({ ...AS_IT_IS, gamma: 2 });
    expect([curve[0], curve[255]]).toEqual([0, 255]);
    expect(curve[64]).toBe(Math.round(255 * Math.sqrt(64 / 255)));
  });

  it("turns contrast around the middle and never folds over", () => {
    const curve = toneCurve({ brightness: 1.5, contrast: 2, gamma: 1 });
    expect(curve[20]).toBe(0);
    expect(curve[250]).toBe(255);
    for (let v = 1; v < 256; v++) expect(curve[v]).toBeGreaterThanOrEqual(curve[v - 1] as number);
  });
});

describe("readDisplay", () => {
  it("keeps values in their range and takes nonsense for 1", () => {
    expect(readDisplay({ brightness: 99, contrast: "x", gamma: 0 })).toEqual({
      brightness: 2.5,
      contrast: 1,
      gamma: 0.4,
    });
    expect(isPlain(readDisplay(null))).toBe(true);
  });
});
