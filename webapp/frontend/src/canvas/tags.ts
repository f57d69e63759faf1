/** Short texts on the picture: what a shape is called. */

import type { Point } from "./geometry";
import type { Brush } from "./painter";
import { toScreen } from "./transform";

const HEIGHT = 22;
const PADDING = 8;

/** A label whose corner is at the point: above it to the right, or below it to the left. It stays on the stage. */
export function tag(brush: Brush, at: Point, text: string, color: string, side: "above" | "below"): void {
  const { ctx, size } = brush;
  const [x, y] = toScreen(brush.view, at);
  ctx.save();
  ctx.font = "700 13px system-ui, sans-serif";
  const width = Math.max(HEIGHT, ctx.measureText(text).width + 2 * PADDING);
  const wanted = side === "above" ? [x, y - HEIGHT - 4] : [x - width, y + 4];
  const left = Math.min(Math.max(wanted[0] ?? 0, 4), size.w - width - 4);
  const top = Math.min(Math.max(wanted[1] ?? 0, 4), size.h - HEIGHT - 4);
  ctx.fillStyle = "rgb(20 20 20 / 0.88)";
  ctx.beginPath();
  ctx.roundRect(left, top, width, HEIGHT, 5);
  ctx.fill();
  ctx.fillStyle = color;
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  ctx.fillText(text, left + width / 2, top + HEIGHT / 2 + 0.5);
  ctx.restore();
}
