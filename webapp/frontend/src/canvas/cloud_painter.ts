/** What draws the points of a cloud into panes: three.js on the graphics card, or this on a plain canvas without one. */

import { dot3 } from "./camera_vectors";
import type { Cloud } from "./cloud";
import type { CloudView } from "./cloud_views";

export interface CloudPane {
  readonly view: CloudView;
  /** Place on the canvas, CSS pixels. */
  readonly rect: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
}

export interface CloudPainter {
  readonly canvas: HTMLCanvasElement;
  /** Three numbers a point. */
  color(colors: Float32Array): void;
  paint(size: { readonly w: number; readonly h: number }, panes: readonly CloudPane[]): void;
  destroy(): void;
}

export const PANE_GROUND: readonly [number, number, number] = [24, 25, 28];

/** Points set one by one into the pixels of a canvas. */
export class PlainCloudPainter implements CloudPainter {
  readonly canvas = document.createElement("canvas");
  private colors: Float32Array;

  constructor(private readonly cloud: Cloud) {
    this.colors = new Float32Array(cloud.count * 3).fill(0.7);
  }

  color(colors: Float32Array): void {
    this.colors = colors;
  }

  paint(size: { readonly w: number; readonly h: number }, panes: readonly CloudPane[]): void {
    const { canvas } = this;
    canvas.width = Math.max(1, Math.round(size.w));
    canvas.height = Math.max(1, Math.round(size.h));
    const ctx = canvas.getContext("2d");
    if (!ctx) return;
    for (const { view, rect } of panes) {
      const [w, h] = [Math.max(1, Math.round(rect.w)), Math.max(1, Math.round(rect.h))];
      ctx.putImageData(this.pixels(view, w, h), Math.round(rect.x), Math.round(rect.y));
    }
  }

  destroy(): void {}

  private pixels(view: CloudView, w: number, h: number): ImageData {
    const image = new ImageData(w, h);
    const pixels = new Uint32Array(image.data.buffer);
    pixels.fill(packed(PANE_GROUND[0], PANE_GROUND[1], PANE_GROUND[2]));
    const { xyzi, count } = this.cloud;
    const { right, up, toward, at, pxPerM, depth } = view;
    const [mu, mv, mt] = [dot3(right, at), dot3(up, at), dot3(toward, at)];
    for (let i = 0; i < count; i++) {
      const [x, y, z] = [xyzi[i * 4] as number, xyzi[i * 4 + 1] as number, xyzi[i * 4 + 2] as number];
      if (Math.abs(x * toward[0] + y * toward[1] + z * toward[2] - mt) > depth) continue;
      const u = Math.round(w / 2 + (x * right[0] + y * right[1] + z * right[2] - mu) * pxPerM);
      const v = Math.round(h / 2 - (x * up[0] + y * up[1] + z * up[2] - mv) * pxPerM);
      if (u < 0 || v < 0 || u >= w - 1 || v >= h - 1) continue;
      const tone = packed(this.byte(i, 0), this.byte(i, 1), this.byte(i, 2));
      const place = v * w + u;
      pixels[place] = tone;
      pixels[place + 1] = tone;
      pixels[place + w] = tone;
      pixels[place + w + 1] = tone;
    }
    return image;
  }

  private byte(index: number, channel: number): number {
    return Math.round((this.colors[index * 3 + channel] as number) * 255);
  }
}

/** A pixel as the little-endian word of its four bytes. */
function packed(r: number, g: number, b: number): number {
  return (0xff000000 | (b << 16) | (g << 8) | r) >>> 0;
}
