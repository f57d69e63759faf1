import { deflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { readPng16 } from "./png16";

const W = 7;
const H = 5;
const values = Array.from({ length: W * H }, (_, i) => (i * 9973 + (i % 3) * 255) % 65_536);

function chunk(name: string, body: Uint8Array): number[] {
  const length = [24, 16, 8, 0].map((shift) => (body.length >> shift) & 255);
  return [...length, ...[...name].map((c) => c.charCodeAt(0)), ...body, 0, 0, 0, 0];
}

/** A PNG of the values, row y filtered by the filter y, and its pixels cut into two chunks. */
function png(depth = 16): Uint8Array<ArrayBuffer> {
  const bytes = values.flatMap((v) => [v >> 8, v & 255]);
  const at = (y: number, i: number): number => (y < 0 || i < 0 ? 0 : (bytes[y * W * 2 + i] as number));
  const rows = Array.from({ length: H }, (_, y) => [
    y,
    ...Array.from({ length: W * 2 }, (_, i) => {
      const [left, up, corner] = [at(y, i - 2), at(y - 1, i), i < 2 ? 0 : at(y - 1, i - 2)];
      const p = left + up - corner;
      const nearest = [left, up, corner].reduce((best, v) => (Math.abs(p - v) < Math.abs(p - best) ? v : best));
      return (at(y, i) - ([0, left, up, (left + up) >> 1, nearest][y] as number)) & 255;
    }),
  ]).flat();
  const packed = deflateSync(Uint8Array.from(rows));
  const header = Uint8Array.from([0, 0, 0, W, 0, 0, 0, H, depth, 0, 0, 0, 0]);
  return Uint8Array.from([
    ...[137, 80, 78, 71, 13, 10, 26, 10],
    ...chunk("IHDR", header),
    ...chunk("IDAT", packed.subarray(0, 9)),
    ...chunk("IDAT", packed.subarray(9)),
    ...chunk("IEND", new Uint8Array()),
  ]);
}

describe("readPng16", () => {
  it("gives every value back through all five filters and several chunks", async () => {
    const read = await readPng16(png());
    expect([read.width, read.height]).toEqual([W, H]);
    expect([...read.values]).toEqual(values);
  });

  it("refuses what is not 16-bit greyscale, and what is no PNG", async () => {
    await expect(readPng16(png(8))).rejects.toThrow("16-bit greyscale");
    await expect(readPng16(Uint8Array.from([1, 2, 3]))).rejects.toThrow("not a PNG");
  });
});
