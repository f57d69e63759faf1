/**
 * Shapes that do not change while one works among them: their paths are built once in scene coordinates and painted to
 * an off-screen canvas once per view, so that a frame of a drag costs one copy however many there are.
 */

import { type Brush, CASING } from "./painter";
import { forSegments } from "./rings";
import type { Path } from "./spatial";
import { sameView, type View } from "./transform";

export interface LayerStyle {
  readonly color: string;
  readonly width: number;
  readonly alpha: number;
}

export class StaticLayer {
  private readonly path = new Path2D();
  private readonly canvas = document.createElement("canvas");
  private view: View | null = null;
  readonly empty: boolean;

  constructor(
    paths: readonly Path[],
    private readonly style: LayerStyle,
  ) {
    this.empty = paths.length === 0;
    for (const { points, closed } of paths) {
      const first = points[0];
      if (!first) continue;
      this.path.moveTo(first[0], first[1]);
      forSegments(points, false, (_, b) => this.path.lineTo(b[0], b[1]));
      if (closed) this.path.closePath();
    }
  }

  paint(brush: Brush): void {
    if (this.empty) return;
    if (brush.power !== 1) {
      // Under the magnifier the view changes with every move, and only a small circle is painted.
      this.stroke(brush.ctx, brush.view, brush.power, 1);
      return;
    }
    const ratio = globalThis.devicePixelRatio || 1;
    const [w, h] = [Math.round(brush.size.w * ratio), Math.round(brush.size.h * ratio)];
    if (!this.view || !sameView(this.view, brush.view) || this.canvas.width !== w || this.canvas.height !== h)
      this.refresh(brush.view, w, h, ratio);
    brush.ctx.drawImage(this.canvas, 0, 0, brush.size.w, brush.size.h);
  }

  private refresh(view: View, w: number, h: number, ratio: number): void {
    this.view = view;
    this.canvas.width = w;
    this.canvas.height = h;
    const ctx = this.canvas.getContext("2d");
    if (ctx) this.stroke(ctx, view, 1, ratio);
  }

  private stroke(ctx: CanvasRenderingContext2D, view: View, power: number, ratio: number): void {
    const width = this.style.width * Math.sqrt(power);
    ctx.save();
    ctx.transform(ratio * view.scale, 0, 0, ratio * view.scale, ratio * view.x, ratio * view.y);
    ctx.globalAlpha = this.style.alpha;
    ctx.lineJoin = "round";
    for (const [color, px] of [
      [CASING, width + 2],
      [this.style.color, width],
    ] as const) {
      ctx.strokeStyle = color;
      ctx.lineWidth = px / view.scale;
      ctx.stroke(this.path);
    }
    ctx.restore();
  }
}
