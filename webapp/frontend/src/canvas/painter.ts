/** Drawing primitives on a 2D context whose unit is the CSS pixel. Boxes and points come in scene pixels. */

import { display } from "./display";
import { type Box, type Point, type Rect, toleranceBand } from "./geometry";
import { boxToScreen, type Size, toScreen, type View } from "./transform";

export interface Brush {
  readonly ctx: CanvasRenderingContext2D;
  readonly view: View;
  readonly size: Size;
  /** Strokes grow a little under the magnifier. */
  readonly power: number;
  /** The SVG overlay is out of sight (magnifier): draw on the canvas what it shows. */
  readonly flat: boolean;
}

export interface Picture {
  readonly rect: Rect;
  readonly image: ImageBitmap;
}

export interface OutlineStyle {
  readonly color: string;
  readonly width?: number;
  readonly dash?: readonly number[];
  readonly alpha?: number;
}

export const CASING = "rgb(0 0 0 / 0.78)";
const SMOOTH_BELOW = 6; // CSS pixels per picture pixel; beyond it people want to see the pixels themselves

export const INK = {
  target: "#ffd84d",
  rival: "#5cd6ff",
  context: "#ffffff",
  bad: "#ff5a45",
  good: "#5fe0b0",
} as const;

export function paintPicture(brush: Brush, picture: Picture): void {
  const { ctx, view } = brush;
  const [x, y, w, h] = picture.rect;
  const [sx, sy] = toScreen(view, [x, y]);
  ctx.imageSmoothingEnabled = (w * view.scale) / picture.image.width < SMOOTH_BELOW;
  ctx.imageSmoothingQuality = "high";
  ctx.drawImage(display.shown(picture.image), sx, sy, w * view.scale, h * view.scale);
}

/** Many outlines in one style: one path, stroked dark and wide, then bright and narrow, so they show on anything. */
export function outline(brush: Brush, boxes: readonly Box[], style: OutlineStyle): void {
  if (boxes.length === 0) return;
  const { ctx } = brush;
  const path = new Path2D();
  for (const box of boxes) {
    const [x1, y1, x2, y2] = boxToScreen(brush.view, box);
    path.rect(x1, y1, x2 - x1, y2 - y1);
  }
  const width = (style.width ?? 2) * Math.sqrt(brush.power);
  ctx.save();
  ctx.globalAlpha = style.alpha ?? 1;
  ctx.lineJoin = "round";
  ctx.strokeStyle = CASING;
  ctx.lineWidth = width + 2;
  ctx.stroke(path);
  ctx.setLineDash([...(style.dash ?? [])]);
  ctx.strokeStyle = style.color;
  ctx.lineWidth = width;
  ctx.stroke(path);
  ctx.restore();
}

/** Darken everything outside a box. */
export function dimOutside(brush: Brush, box: Box, shown: Box, alpha = 0.5): void {
  const { ctx } = brush;
  const path = new Path2D();
  for (const edges of [shown, box]) {
    const [x1, y1, x2, y2] = boxToScreen(brush.view, edges);
    path.rect(x1, y1, x2 - x1, y2 - y1);
  }
  ctx.save();
  ctx.fillStyle = `rgb(12 12 12 / ${alpha})`;
  ctx.fill(path, "evenodd");
  ctx.restore();
}

/** The band in which every edge must lie for the outline to count as right: hatched, so that it needs no colour. */
export function toleranceRing(brush: Brush, box: Box, tolerance: number): void {
  const { ctx } = brush;
  const band = toleranceBand(box, tolerance);
  const ring = new Path2D();
  const outer = boxToScreen(brush.view, band.outer);
  for (const b of [band.inner, band.outer]) {
    const [x1, y1, x2, y2] = boxToScreen(brush.view, b);
    ring.rect(x1, y1, x2 - x1, y2 - y1);
  }
  ctx.save();
  ctx.clip(ring, "evenodd");
  ctx.fillStyle = "rgb(255 255 255 / 0.16)";
  ctx.fill(ring, "evenodd");
  ctx.strokeStyle = "rgb(0 0 0 / 0.45)";
  ctx.lineWidth = 1;
  ctx.beginPath();
  const [x1, y1, x2, y2] = outer;
  for (let x = x1 - (y2 - y1); x < x2; x += 7) {
    ctx.moveTo(x, y2);
    ctx.lineTo(x + (y2 - y1), y1);
  }
  ctx.stroke();
  ctx.restore();
  outline(brush, [band.inner, band.outer], { color: "#ffffff", width: 1, dash: [4, 4], alpha: 0.75 });
}

export function dot(brush: Brush, at: Point, radius: number, color: string): void {
  const { ctx } = brush;
  const [x, y] = toScreen(brush.view, at);
  ctx.save();
  ctx.beginPath();
  ctx.arc(x, y, radius + 1.5, 0, 2 * Math.PI);
  ctx.fillStyle = CASING;
  ctx.fill();
  ctx.beginPath();
  ctx.arc(x, y, radius, 0, 2 * Math.PI);
  ctx.fillStyle = color;
  ctx.fill();
  ctx.restore();
}

/** A cross inside a box: the mark for "wrong", readable without its colour. */
export function cross(brush: Brush, box: Box, color: string): void {
  const { ctx } = brush;
  const [x1, y1, x2, y2] = boxToScreen(brush.view, box);
  ctx.save();
  ctx.lineCap = "round";
  for (const [style, width] of [
    [CASING, 5],
    [color, 2.5],
  ] as const) {
    ctx.strokeStyle = style;
    ctx.lineWidth = width;
    ctx.beginPath();
    ctx.moveTo(x1, y1);
    ctx.lineTo(x2, y2);
    ctx.moveTo(x2, y1);
    ctx.lineTo(x1, y2);
    ctx.stroke();
  }
  ctx.restore();
}

/** Full-width lines through a point. */
export function crosshair(brush: Brush, at: Point): void {
  const { ctx, size } = brush;
  const [x, y] = toScreen(brush.view, at).map((v) => Math.round(v) + 0.5) as [number, number];
  ctx.save();
  for (const [style, offset] of [
    ["rgb(0 0 0 / 0.55)", 1],
    ["rgb(255 255 255 / 0.8)", 0],
  ] as const) {
    ctx.strokeStyle = style;
    ctx.lineWidth = 1;
    ctx.beginPath();
    ctx.moveTo(x + offset, 0);
    ctx.lineTo(x + offset, size.h);
    ctx.moveTo(0, y + offset);
    ctx.lineTo(size.w, y + offset);
    ctx.stroke();
  }
  ctx.restore();
}

/** A drop-shaped, numbered pin whose tip is at the point. */
export function pin(brush: Brush, at: Point, text: string, color: string, selected: boolean): void {
  const { ctx } = brush;
  const [x, y] = toScreen(brush.view, at);
  const r = 11;
  ctx.save();
  ctx.beginPath();
  ctx.moveTo(x, y);
  ctx.bezierCurveTo(x - r * 0.5, y - r * 0.9, x - r, y - r * 1.2, x - r, y - r * 2.1);
  ctx.arc(x, y - r * 2.1, r, Math.PI, 0);
  ctx.bezierCurveTo(x + r, y - r * 1.2, x + r * 0.5, y - r * 0.9, x, y);
  ctx.closePath();
  ctx.fillStyle = color;
  ctx.strokeStyle = selected ? "#ffffff" : CASING;
  ctx.lineWidth = selected ? 3 : 1.5;
  ctx.stroke();
  ctx.fill();
  ctx.fillStyle = "#141414";
  ctx.font = `600 ${text.length > 2 ? 10 : 12}px system-ui, sans-serif`;
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  ctx.fillText(text, x, y - r * 2.1 + 0.5);
  ctx.restore();
}

/** A target ring around a point: where somebody says that an object is. */
export function seedMark(brush: Brush, at: Point): void {
  const { ctx } = brush;
  const [x, y] = toScreen(brush.view, at);
  ctx.save();
  for (const [style, width] of [
    [CASING, 5],
    [INK.target, 2.25],
  ] as const) {
    ctx.strokeStyle = style;
    ctx.lineWidth = width;
    ctx.lineCap = "round";
    ctx.beginPath();
    ctx.arc(x, y, 10, 0, 2 * Math.PI);
    for (const [dx, dy] of [
      [1, 0],
      [-1, 0],
      [0, 1],
      [0, -1],
    ] as const) {
      ctx.moveTo(x + dx * 6, y + dy * 6);
      ctx.lineTo(x + dx * 16, y + dy * 16);
    }
    ctx.stroke();
  }
  ctx.restore();
  dot(brush, at, 1.5, INK.target);
}

/** A small tag at the top-left corner of a box. */
export function tag(brush: Brush, box: Box, text: string, color: string): void {
  const { ctx } = brush;
  const [x1, y1] = boxToScreen(brush.view, box);
  ctx.save();
  ctx.font = "600 12px system-ui, sans-serif";
  const w = ctx.measureText(text).width + 12;
  const y = y1 - 22 < 4 ? y1 + 4 : y1 - 22;
  const x = Math.max(4, x1 - 1);
  ctx.fillStyle = "rgb(20 20 20 / 0.85)";
  ctx.beginPath();
  ctx.roundRect(x, y, w, 19, 4);
  ctx.fill();
  ctx.fillStyle = color;
  ctx.textAlign = "left"; // Else the side depends on the direction of the page's language.
  ctx.textBaseline = "middle";
  ctx.fillText(text, x + 6, y + 10);
  ctx.restore();
}
