/** Masks as pixels of a window of the scene, one byte each, row by row; run lengths as they travel, column by column. */

import type { Box, Point } from "./geometry";
import type { MaskRuns } from "./shapes";

/** A rectangle of whole scene pixels. */
export interface Pane {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

export function paneOf(box: Box): Pane {
  const [x, y] = [Math.floor(box[0]), Math.floor(box[1])];
  return { x, y, w: Math.max(1, Math.ceil(box[2]) - x), h: Math.max(1, Math.ceil(box[3]) - y) };
}

export function paneOfMask(mask: MaskRuns): Pane {
  return { x: mask.offset[0], y: mask.offset[1], w: mask.size[1], h: mask.size[0] };
}

/** The pixels of a mask that lie in the pane. */
export function decode(mask: MaskRuns | null, pane: Pane): Uint8Array {
  const pixels = new Uint8Array(pane.w * pane.h);
  if (!mask) return pixels;
  const [h] = mask.size;
  const [dx, dy] = [mask.offset[0] - pane.x, mask.offset[1] - pane.y];
  let at = 0;
  mask.counts.forEach((count, run) => {
    if (run % 2 === 1)
      for (let i = at; i < at + count; i++) {
        const [x, y] = [Math.floor(i / h) + dx, (i % h) + dy];
        if (x >= 0 && x < pane.w && y >= 0 && y < pane.h) pixels[y * pane.w + x] = 1;
      }
    at += count;
  });
  return pixels;
}

/** Run lengths of the smallest window around the marked pixels; null when none is marked. */
export function encode(pixels: Uint8Array, pane: Pane): MaskRuns | null {
  const box = extentOf(pixels, pane);
  if (!box) return null;
  const counts: number[] = [];
  let [value, run] = [0, 0];
  for (let x = box.x; x < box.x + box.w; x++)
    for (let y = box.y; y < box.y + box.h; y++) {
      const pixel = pixels[y * pane.w + x] ?? 0;
      if (pixel === value) run += 1;
      else {
        counts.push(run);
        [value, run] = [pixel, 1];
      }
    }
  counts.push(run);
  return { size: [box.h, box.w], offset: [pane.x + box.x, pane.y + box.y], counts };
}

export function areaOf(mask: MaskRuns | null): number {
  return mask?.counts.reduce((sum, count, run) => (run % 2 === 1 ? sum + count : sum), 0) ?? 0;
}

/** Paint a round brush along a segment; a pixel belongs to it when its centre does. Returns the part that may differ. */
export function stroke(pixels: Uint8Array, pane: Pane, a: Point, b: Point, radius: number, value: 0 | 1): Pane {
  const [x1, x2] = [Math.min(a[0], b[0]) - radius - pane.x, Math.max(a[0], b[0]) + radius - pane.x];
  const [y1, y2] = [Math.min(a[1], b[1]) - radius - pane.y, Math.max(a[1], b[1]) + radius - pane.y];
  const left = Math.max(0, Math.floor(x1));
  const top = Math.max(0, Math.floor(y1));
  const right = Math.min(pane.w, Math.ceil(x2));
  const bottom = Math.min(pane.h, Math.ceil(y2));
  const [ax, ay, dx, dy] = [a[0] - pane.x, a[1] - pane.y, b[0] - a[0], b[1] - a[1]];
  const length2 = dx * dx + dy * dy;
  const within = Math.max(radius, 0.5) ** 2;
  for (let y = top; y < bottom; y++)
    for (let x = left; x < right; x++) {
      const [px, py] = [x + 0.5 - ax, y + 0.5 - ay];
      const t = length2 === 0 ? 0 : Math.min(1, Math.max(0, (px * dx + py * dy) / length2));
      if ((px - t * dx) ** 2 + (py - t * dy) ** 2 <= within) pixels[y * pane.w + x] = value;
    }
  return { x: left, y: top, w: Math.max(0, right - left), h: Math.max(0, bottom - top) };
}

/** Mark every pixel from which no way leads to the border. Returns how many there were. */
export function fillHoles(pixels: Uint8Array, pane: Pane): number {
  const { w, h } = pane;
  const outside = new Uint8Array(w * h);
  const stack: number[] = [];
  const reach = (i: number): void => {
    if (pixels[i] || outside[i]) return;
    outside[i] = 1;
    stack.push(i);
  };
  for (let x = 0; x < w; x++) {
    reach(x);
    reach((h - 1) * w + x);
  }
  for (let y = 0; y < h; y++) {
    reach(y * w);
    reach(y * w + w - 1);
  }
  for (let i = stack.pop(); i !== undefined; i = stack.pop()) {
    const x = i % w;
    if (x > 0) reach(i - 1);
    if (x < w - 1) reach(i + 1);
    if (i >= w) reach(i - w);
    if (i < (h - 1) * w) reach(i + w);
  }
  let filled = 0;
  for (let i = 0; i < pixels.length; i++)
    if (!pixels[i] && !outside[i]) {
      pixels[i] = 1;
      filled += 1;
    }
  return filled;
}

/**
 * Call `each` with every straight piece of border between pixels of different value, in pixels of the grid, as long as
 * it can be. Outside the grid everything counts as `beyond`.
 */
export function borders(
  values: ArrayLike<number>,
  w: number,
  h: number,
  beyond: number | null,
  each: (x1: number, y1: number, x2: number, y2: number) => void,
): void {
  const at = (x: number, y: number): number | null =>
    x < 0 || y < 0 || x >= w || y >= h ? beyond : (values[y * w + x] ?? 0);
  const differs = (a: number | null, b: number | null): boolean => a !== b && a !== null && b !== null;
  for (let y = 0; y <= h; y++) {
    let from = -1;
    for (let x = 0; x <= w; x++) {
      const edge = x < w && differs(at(x, y - 1), at(x, y));
      if (edge && from < 0) from = x;
      if (!edge && from >= 0) {
        each(from, y, x, y);
        from = -1;
      }
    }
  }
  for (let x = 0; x <= w; x++) {
    let from = -1;
    for (let y = 0; y <= h; y++) {
      const edge = y < h && differs(at(x - 1, y), at(x, y));
      if (edge && from < 0) from = y;
      if (!edge && from >= 0) {
        each(x, from, x, y);
        from = -1;
      }
    }
  }
}

/** The smallest part of the pane that holds all marked pixels, in its own pixels. */
function extentOf(pixels: Uint8Array, { w, h }: Pane): Pane | null {
  let [left, top, right, bottom] = [w, h, -1, -1];
  for (let y = 0; y < h; y++)
    for (let x = 0; x < w; x++) {
      if (!pixels[y * w + x]) continue;
      if (x < left) left = x;
      if (x > right) right = x;
      if (y < top) top = y;
      bottom = y;
    }
  return right < 0 ? null : { x: left, y: top, w: right - left + 1, h: bottom - top + 1 };
}
