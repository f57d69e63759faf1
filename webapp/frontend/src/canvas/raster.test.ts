import { describe, expect, it } from "vitest";
import { areaOf, borders, decode, encode, fillHoles, type Pane, paneOf, stroke } from "./raster";
import type { MaskRuns } from "./shapes";

const PANE: Pane = { x: 100, y: 50, w: 12, h: 9 };
/** Three columns of four rows: the frame of a small ring. */
const RING: MaskRuns = { size: [4, 3], offset: [103, 52], counts: [0, 5, 2, 5] };

function drawn(mask: MaskRuns | null): string[] {
  const pixels = decode(mask, PANE);
  return Array.from({ length: PANE.h }, (_, y) =>
    [...pixels.subarray(y * PANE.w, (y + 1) * PANE.w)].map((v) => (v ? "#" : ".")).join(""),
  );
}

describe("masks as pixels", () => {
  it("are read column by column, as the server writes them", () => {
    expect(drawn(RING).slice(1, 7)).toEqual([
      "............",
      "...###......",
      "...#.#......",
      "...#.#......",
      "...###......",
      "............",
    ]);
    expect(areaOf(RING)).toBe(10);
  });

  it("come back as they went, in the smallest window", () => {
    expect(encode(decode(RING, PANE), PANE)).toEqual(RING);
    const whole: MaskRuns = { size: [9, 12], offset: [100, 50], counts: [29, 4, 75] };
    expect(encode(decode(whole, PANE), PANE)).toEqual({ size: [4, 1], offset: [103, 52], counts: [0, 4] });
    expect(encode(new Uint8Array(PANE.w * PANE.h), PANE)).toBeNull();
    expect(areaOf(null)).toBe(0);
  });

  it("lose what lies beyond the pane", () => {
    expect(encode(decode({ ...RING, offset: [98, 52] }, PANE), PANE)).toEqual({
      size: [4, 1],
      offset: [100, 52],
      counts: [0, 4],
    });
  });

  it("fill their holes, not the bays that open to the border", () => {
    const pixels = decode(RING, PANE);
    expect(fillHoles(pixels, PANE)).toBe(2);
    expect(encode(pixels, PANE)).toEqual({ size: [4, 3], offset: [103, 52], counts: [0, 12] });
    stroke(pixels, PANE, [104.5, 52], [104.5, 54], 0.4, 0);
    expect(fillHoles(pixels, PANE)).toBe(0);
  });

  it("take the round stroke of a brush and of an eraser", () => {
    const pixels = decode(null, PANE);
    const part = stroke(pixels, PANE, [104, 54], [108, 54], 1.6, 1);
    expect(part).toEqual({ x: 2, y: 2, w: 8, h: 4 });
    expect(areaOf(encode(pixels, PANE))).toBe(28);
    stroke(pixels, PANE, [90, 54], [120, 54], 3, 0);
    expect(encode(pixels, PANE)).toBeNull();
  });

  it("cover whole pixels", () => {
    expect(paneOf([1.2, 2.9, 5.1, 6])).toEqual({ x: 1, y: 2, w: 5, h: 4 });
  });
});

describe("borders", () => {
  const pieces = (values: number[], w: number, h: number, beyond: number | null): number[][] => {
    const out: number[][] = [];
    borders(values, w, h, beyond, (...piece) => out.push(piece));
    return out;
  };

  it("are as long as they can be", () => {
    expect(pieces([1, 1, 1, 1], 2, 2, 0)).toEqual([
      [0, 0, 2, 0],
      [0, 2, 2, 2],
      [0, 0, 0, 2],
      [2, 0, 2, 2],
    ]);
  });

  it("stand between different values, and not around the grid when nothing lies beyond", () => {
    expect(pieces([7, 7, 9, 9], 2, 2, null)).toEqual([[0, 1, 2, 1]]);
    expect(pieces([5, 5, 5, 5], 2, 2, null)).toEqual([]);
  });
});
