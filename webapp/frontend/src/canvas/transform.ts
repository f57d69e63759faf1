/** The view transform: screen (CSS pixels of the stage) = scene * scale + offset. All functions are pure. */

import { type Box, clamp, type Point, type Rect } from "./geometry";

export interface View {
  readonly scale: number;
  readonly x: number;
  readonly y: number;
}

export interface Size {
  readonly w: number;
  readonly h: number;
}

/** CSS pixels per scene pixel. */
export const MAX_SCALE = 64;
const MIN_SHARE_OF_FIT = 0.5;

/** Show the whole rectangle centred, `pad` CSS pixels from the nearest border of the stage. */
export function fitView(rect: Rect, stage: Size, pad = 0): View {
  const [x, y, w, h] = rect;
  const room = { w: Math.max(1, stage.w - 2 * pad), h: Math.max(1, stage.h - 2 * pad) };
  const scale = Math.min(room.w / Math.max(w, 1e-6), room.h / Math.max(h, 1e-6), MAX_SCALE);
  return { scale, x: stage.w / 2 - (x + w / 2) * scale, y: stage.h / 2 - (y + h / 2) * scale };
}

/** Zoom by a factor, keeping the scene point under the given screen point where it is. */
export function zoomAt(view: View, at: Point, factor: number, fitted: View): View {
  const least = Math.min(fitted.scale * MIN_SHARE_OF_FIT, MAX_SCALE);
  const scale = clamp(view.scale * factor, least, MAX_SCALE);
  const k = scale / view.scale;
  return { scale, x: at[0] - (at[0] - view.x) * k, y: at[1] - (at[1] - view.y) * k };
}

export function pan(view: View, dx: number, dy: number): View {
  return { scale: view.scale, x: view.x + dx, y: view.y + dy };
}

/** Keep at least a third of the stage covered by the rectangle, so that the picture cannot be lost. */
export function keepInSight(view: View, rect: Rect, stage: Size): View {
  const [x, y, w, h] = rect;
  const left = x * view.scale;
  const top = y * view.scale;
  const minX = Math.min(stage.w / 3, (w * view.scale) / 2);
  const minY = Math.min(stage.h / 3, (h * view.scale) / 2);
  return {
    scale: view.scale,
    x: clamp(view.x, minX - left - w * view.scale, stage.w - minX - left),
    y: clamp(view.y, minY - top - h * view.scale, stage.h - minY - top),
  };
}

export function toScreen(view: View, p: Point): Point {
  return [p[0] * view.scale + view.x, p[1] * view.scale + view.y];
}

export function toScene(view: View, p: Point): Point {
  return [(p[0] - view.x) / view.scale, (p[1] - view.y) / view.scale];
}

export function boxToScreen(view: View, box: Box): Box {
  const [x1, y1] = toScreen(view, [box[0], box[1]]);
  const [x2, y2] = toScreen(view, [box[2], box[3]]);
  return [x1, y1, x2, y2];
}

/** The part of the scene that the stage shows. */
export function visible(view: View, stage: Size): Rect {
  const [x, y] = toScene(view, [0, 0]);
  return [x, y, stage.w / view.scale, stage.h / view.scale];
}

/** The view of a magnifier `power` times stronger that keeps the scene point under `at` in place. */
export function magnified(view: View, at: Point, power: number): View {
  const scale = view.scale * power;
  const [sx, sy] = toScene(view, at);
  return { scale, x: at[0] - sx * scale, y: at[1] - sy * scale };
}

export function sameView(a: View, b: View): boolean {
  return Math.abs(a.scale - b.scale) < 1e-9 && Math.abs(a.x - b.x) < 1e-6 && Math.abs(a.y - b.y) < 1e-6;
}

/** Quarter `index` (0 to 3, row by row) of a rectangle, with a tenth of overlap so that nothing hides on a seam. */
export function quarter(rect: Rect, index: number): Rect {
  const [x, y, w, h] = rect;
  const qw = w * 0.55;
  const qh = h * 0.55;
  return [index % 2 === 0 ? x : x + w - qw, index < 2 ? y : y + h - qh, qw, qh];
}
