/** How outlines and lines look while they are worked on: bright on dark, so that they show on anything. */

import type { Point } from "./geometry";
import { type Brush, CASING, dot, INK } from "./painter";
import type { Vertex } from "./path_work";
import { forSegments, type Ring } from "./rings";
import { toScreen } from "./transform";

export interface PathStyle {
  readonly closed: boolean;
  readonly color: string;
  readonly width?: number;
  readonly dash?: readonly number[];
  /** Share of the inside that is tinted; 0 leaves it clear. */
  readonly fill?: number;
  readonly alpha?: number;
}

/** Vertices nearer to each other than this on screen are drawn smaller. */
const CROWDED_PX = 9;
const AROUND_PX = 70;

export function screenPath(brush: Brush, rings: readonly Ring[], closed: boolean): Path2D {
  const path = new Path2D();
  for (const ring of rings) {
    ring.forEach((p, i) => {
      const [x, y] = toScreen(brush.view, p);
      if (i === 0) path.moveTo(x, y);
      else path.lineTo(x, y);
    });
    if (closed) path.closePath();
  }
  return path;
}

export function paintRings(brush: Brush, rings: readonly Ring[], style: PathStyle): void {
  strokePath(brush, screenPath(brush, rings, style.closed), style);
}

export function strokePath(brush: Brush, path: Path2D, style: Omit<PathStyle, "closed">): void {
  const { ctx } = brush;
  const width = (style.width ?? 2) * Math.sqrt(brush.power);
  ctx.save();
  ctx.lineJoin = "round";
  ctx.lineCap = "round";
  if (style.fill) {
    ctx.globalAlpha = style.fill;
    ctx.fillStyle = style.color;
    ctx.fill(path, "evenodd");
  }
  ctx.globalAlpha = style.alpha ?? 1;
  ctx.strokeStyle = CASING;
  ctx.lineWidth = width + 2.5;
  ctx.stroke(path);
  ctx.setLineDash([...(style.dash ?? [])]);
  ctx.strokeStyle = style.color;
  ctx.lineWidth = width;
  ctx.stroke(path);
  ctx.restore();
}

/**
 * Squares on the vertices; the chosen one is large and blue, the one under the pointer yellow. Where they stand so close
 * that they would hide the picture, only those around the pointer are shown.
 */
export function paintVertices(
  brush: Brush,
  rings: readonly Ring[],
  chosen: Vertex | null,
  hovered: Vertex | null,
  pointer: Point | null,
): void {
  const spacing = spacingOf(brush, rings);
  const half = spacing < 2 * CROWDED_PX ? 2.5 : 4;
  const center = spacing >= CROWDED_PX ? null : pointer && toScreen(brush.view, pointer);
  const path = new Path2D();
  if (spacing >= CROWDED_PX || center)
    for (const ring of rings)
      for (const p of ring) {
        const [x, y] = toScreen(brush.view, p);
        if (x < -9 || y < -9 || x > brush.size.w + 9 || y > brush.size.h + 9) continue;
        if (center && Math.hypot(x - center[0], y - center[1]) > AROUND_PX) continue;
        path.rect(x - half, y - half, 2 * half, 2 * half);
      }
  const { ctx } = brush;
  ctx.save();
  ctx.fillStyle = "#ffffff";
  ctx.strokeStyle = "#141414";
  ctx.lineWidth = 1.5;
  ctx.stroke(path);
  ctx.fill(path);
  ctx.restore();
  for (const [vertex, color] of [
    [hovered, INK.target],
    [chosen, "#84bcff"],
  ] as const) {
    const p = vertex && rings[vertex.ring]?.[vertex.index];
    if (p) knob(brush, p, color);
  }
}

/** Where a vertex would be put: a ring with a plus. */
export function paintGhost(brush: Brush, p: Point): void {
  const { ctx } = brush;
  const [x, y] = toScreen(brush.view, p);
  ctx.save();
  ctx.lineCap = "round";
  for (const [style, width] of [
    [CASING, 4],
    ["#ffffff", 1.75],
  ] as const) {
    ctx.strokeStyle = style;
    ctx.lineWidth = width;
    ctx.beginPath();
    ctx.arc(x, y, 7, 0, 2 * Math.PI);
    ctx.moveTo(x - 3.5, y);
    ctx.lineTo(x + 3.5, y);
    ctx.moveTo(x, y - 3.5);
    ctx.lineTo(x, y + 3.5);
    ctx.stroke();
  }
  ctx.restore();
}

/** What is being drawn: its points, the way to the pointer, and for a ring the way back. */
export function paintOpen(brush: Brush, open: Ring, next: Point | null, closed: boolean, closing: boolean): void {
  const way = next && !closing ? [...open, next] : open;
  paintRings(brush, [open], { closed: closing, color: INK.target, width: 2 });
  const last = open.at(-1);
  const first = open[0];
  if (next && last && !closing)
    paintRings(brush, [[last, next]], { closed: false, color: INK.target, width: 1.5, dash: [6, 4] });
  if (closed && first && next && !closing && way.length > 2)
    paintRings(brush, [[next, first]], { closed: false, color: "#ffffff", width: 1, dash: [2, 5], alpha: 0.75 });
  for (const p of open.slice(1)) dot(brush, p, 3, "#ffffff");
  if (first) dot(brush, first, closing ? 7 : closed && open.length > 2 ? 5 : 3.5, closing ? INK.good : INK.target);
}

/** A mark where outlines cross. */
export function paintClash(brush: Brush, at: Point): void {
  const { ctx } = brush;
  const [x, y] = toScreen(brush.view, at);
  ctx.save();
  ctx.lineCap = "round";
  for (const [style, width] of [
    [CASING, 6],
    [INK.bad, 3],
  ] as const) {
    ctx.strokeStyle = style;
    ctx.lineWidth = width;
    ctx.beginPath();
    ctx.arc(x, y, 12, 0, 2 * Math.PI);
    ctx.moveTo(x - 5, y - 5);
    ctx.lineTo(x + 5, y + 5);
    ctx.moveTo(x + 5, y - 5);
    ctx.lineTo(x - 5, y + 5);
    ctx.stroke();
  }
  ctx.restore();
}

function knob(brush: Brush, p: Point, color: string): void {
  const { ctx } = brush;
  const [x, y] = toScreen(brush.view, p);
  ctx.save();
  ctx.fillStyle = color;
  ctx.strokeStyle = "#141414";
  ctx.lineWidth = 2;
  ctx.beginPath();
  ctx.rect(x - 6, y - 6, 12, 12);
  ctx.fill();
  ctx.stroke();
  ctx.restore();
}

/** CSS pixels from one vertex to the next, on average. */
function spacingOf(brush: Brush, rings: readonly Ring[]): number {
  let [sum, count] = [0, 0];
  for (const ring of rings)
    forSegments(ring, false, (a, b) => {
      sum += Math.hypot(b[0] - a[0], b[1] - a[1]) * brush.view.scale;
      count += 1;
    });
  return count > 0 ? sum / count : Number.POSITIVE_INFINITY;
}
