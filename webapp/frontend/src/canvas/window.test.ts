import { describe, expect, it } from "vitest";
import { automatic, type Greys, greyCurve, kept, moved, presetOf, presets, readWindow } from "./window";

const scan: Greys = { black: 100, white: 1100, least: 0, most: 4095, offset: 0, step: 1 };
const ct: Greys = { black: -950, white: 600, least: -1024, most: 3071, offset: -1024, step: 1 };

describe("greyCurve", () => {
  it("shows the window's ends black and white and its middle half grey", () => {
    const curve = greyCurve(automatic(scan), scan);
    expect([curve[0], curve[100], curve[1100], curve[4095]]).toEqual([0, 0, 255, 255]);
    expect(curve[600]).toBe(128);
  });

  it("counts from the offset of signed values", () => {
    const curve = greyCurve({ level: 40, width: 400 }, ct);
    expect([curve[1024 - 160], curve[1024 + 240]]).toEqual([0, 255]);
    expect(curve[1024 + 40]).toBe(128);
  });

  it("tells values apart that 8 bits make one", () => {
    const narrow = greyCurve({ level: 2000, width: 50 }, scan);
    expect(new Set(narrow.slice(1976, 2024)).size).toBe(48);
  });
});

describe("presets", () => {
  it("offer those of a CT only where there are Hounsfield units", () => {
    expect([...presets(scan).keys()]).toEqual(["auto", "full", "dark", "bright"]);
    expect(presets(ct).get("lung")).toEqual({ level: -600, width: 1500 });
  });

  it("are recognised again", () => {
    expect(presetOf(null, ct)).toBe("auto");
    expect(presetOf({ level: 400, width: 1800 }, ct)).toBe("bone");
    expect(presetOf({ level: 401, width: 1800 }, ct)).toBe(null);
  });
});

describe("moved", () => {
  it("starts from the automatic window and goes by its width, so that narrow ones are set finely", () => {
    expect(moved(null, scan, 0.1, -1)).toEqual({ level: 700, width: 500 });
    expect(moved({ level: 700, width: 50 }, scan, 0.1, 1)).toEqual({ level: 705, width: 100 });
  });

  it("stays within what the scene can use", () => {
    expect(moved(null, scan, 99, -99)).toEqual({ level: 4095, width: 2 });
    expect(kept({ level: -9999, width: 99_999 }, scan)).toEqual({ level: 0, width: 8190 });
  });
});

describe("readWindow", () => {
  it("takes nonsense for the automatic one", () => {
    for (const value of [null, 3, {}, { level: 1, width: 0 }, { level: "1", width: 2 }])
      expect(readWindow(value)).toBe(null);
    expect(readWindow({ level: -600, width: 1500 })).toEqual({ level: -600, width: 1500 });
  });
});
