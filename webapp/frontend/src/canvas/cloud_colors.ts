/** Colours of a cloud's points: by height, and bright inside the cuboid. */

import type { Cloud } from "./cloud";

/** From low to high; every stop is light enough to stand out on the dark ground of the panes. */
const RAMP: readonly (readonly [number, number, number])[] = [
  [0.36, 0.44, 0.62],
  [0.36, 0.72, 0.86],
  [0.44, 0.86, 0.62],
  [0.92, 0.88, 0.56],
];
const INSIDE: readonly [number, number, number] = [1, 0.75, 0.2];
const SPAN_M = 3;

/** Three numbers a point, 0 to 1. */
export function colorsOf(cloud: Cloud, inside: readonly number[], floor: number): Float32Array {
  const out = new Float32Array(cloud.count * 3);
  for (let i = 0; i < cloud.count; i++) {
    const share =
      Math.min(Math.max(((cloud.xyzi[i * 4 + 2] as number) - floor) / SPAN_M, 0), 0.999) * (RAMP.length - 1);
    const low = RAMP[Math.floor(share)] ?? INSIDE;
    const high = RAMP[Math.floor(share) + 1] ?? low;
    const t = share % 1;
    for (let c = 0; c < 3; c++) out[i * 3 + c] = (low[c] as number) * (1 - t) + (high[c] as number) * t;
  }
  for (const i of inside) out.set(INSIDE, i * 3);
  return out;
}
