/** A mask on the picture: its inside tinted, its border in two tones. Pixels are repainted only where they change. */

import { type Brush, CASING } from "./painter";
import { borders, type Pane } from "./raster";

export interface MaskLook {
  readonly color: string;
  /** Share of the inside that is tinted. */
  readonly fill: number;
}

/** Borders of larger masks are found again when a stroke ends, not with every frame of it. */
const LIVE_BORDER_PIXELS = 1_500_000;

export class MaskLayer {
  private readonly canvas = document.createElement("canvas");
  private readonly rgb: readonly [number, number, number];
  private border: Path2D | null = null;

  constructor(
    private readonly pane: Pane,
    private readonly look: MaskLook,
  ) {
    this.canvas.width = pane.w;
    this.canvas.height = pane.h;
    this.rgb = rgbOf(look.color);
  }

  /** Show these pixels; `part` is what may have changed, `settled` that nothing more follows at once. */
  show(pixels: Uint8Array, part: Pane = { ...this.pane, x: 0, y: 0 }, settled = true): void {
    const { w, h } = this.pane;
    if (settled || w * h <= LIVE_BORDER_PIXELS) this.border = borderPath(pixels, w, h);
    const ctx = this.canvas.getContext("2d");
    if (!ctx || part.w === 0 || part.h === 0) return;
    const image = ctx.createImageData(part.w, part.h);
    const word = new Uint32Array(image.data.buffer);
    const [r, g, b] = this.rgb;
    const ink = ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0; // Canvas pixels are little-endian RGBA.
    for (let y = 0; y < part.h; y++)
      for (let x = 0; x < part.w; x++) if (pixels[(part.y + y) * w + part.x + x]) word[y * part.w + x] = ink;
    ctx.putImageData(image, part.x, part.y);
  }

  paint(brush: Brush, filled: boolean): void {
    const { ctx, view } = brush;
    const { pane } = this;
    ctx.save();
    ctx.transform(view.scale, 0, 0, view.scale, view.x + pane.x * view.scale, view.y + pane.y * view.scale);
    if (filled) {
      ctx.globalAlpha = this.look.fill;
      ctx.imageSmoothingEnabled = false;
      ctx.drawImage(this.canvas, 0, 0);
      ctx.globalAlpha = 1;
    }
    if (this.border) {
      ctx.lineCap = "square";
      for (const [style, px] of [
        [CASING, 4],
        [this.look.color, 1.75],
      ] as const) {
        ctx.strokeStyle = style;
        ctx.lineWidth = (px * Math.sqrt(brush.power)) / view.scale;
        ctx.stroke(this.border);
      }
    }
    ctx.restore();
  }
}

export function borderPath(values: ArrayLike<number>, w: number, h: number, beyond: number | null = 0): Path2D {
  const path = new Path2D();
  borders(values, w, h, beyond, (x1, y1, x2, y2) => {
    path.moveTo(x1, y1);
    path.lineTo(x2, y2);
  });
  return path;
}

export function rgbOf(color: string): [number, number, number] {
  const hex = Number.parseInt(color.slice(1), 16);
  return [(hex >> 16) & 255, (hex >> 8) & 255, hex & 255];
}
