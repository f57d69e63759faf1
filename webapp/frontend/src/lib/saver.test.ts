import { describe, expect, it } from "vitest";
import { readSaverChoice, savesData, speedOf } from "./saver";

const times = (count: number, bytes: number, ms: number) => Array.from({ length: count }, () => ({ bytes, ms }));

describe("savesData", () => {
  it("follows what the person chose, whatever the connection", () => {
    expect(savesData("on", {}, 9e9)).toBe(true);
    expect(savesData("off", { saveData: true, effectiveType: "2g" }, 1)).toBe(false);
  });

  it("begins by itself where the browser asks for it, says so, or fetches slowly", () => {
    expect(savesData("auto", { saveData: true }, null)).toBe(true);
    expect(savesData("auto", { effectiveType: "3g" }, null)).toBe(true);
    expect(savesData("auto", { effectiveType: "4g" }, 60_000)).toBe(true);
    expect(savesData("auto", { effectiveType: "4g" }, null)).toBe(false);
    expect(savesData("auto", {}, 900_000)).toBe(false);
  });
});

describe("speedOf", () => {
  it("waits for five fetches that are large enough to tell", () => {
    expect(speedOf(times(4, 50_000, 500))).toBe(null);
    expect(speedOf(times(20, 900, 500))).toBe(null);
    expect(speedOf(times(5, 50_000, 500))).toBe(100_000);
  });

  it("is not misled by one hiccup", () => {
    expect(speedOf([...times(4, 50_000, 50), { bytes: 50_000, ms: 9000 }])).toBe(1_000_000);
  });
});

describe("readSaverChoice", () => {
  it("takes nonsense for automatic", () => {
    expect([readSaverChoice("on"), readSaverChoice("x"), readSaverChoice(null)]).toEqual(["on", "auto", "auto"]);
  });
});
