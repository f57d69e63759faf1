/**
 * How pictures are shown: brightness, contrast and gamma, for the eyes only. Coordinates and answers never depend on it.
 * A tone curve is worked into a copy of each picture once, so that painting stays as quick as without. Greys of more than
 * 8 bits come with their samples, and a window of them can be chosen.
 */

import type { Samples } from "./png16";
import { type Greys, type GreyWindow, greyCurve, readWindow } from "./window";

export interface Display {
  /** All three: 1 leaves the picture as it is. */
  readonly brightness: number;
  readonly contrast: number;
  readonly gamma: number;
}

export const AS_IT_IS: Display = { brightness: 1, contrast: 1, gamma: 1 };
export const RANGES: Readonly<Record<keyof Display, readonly [low: number, high: number]>> = {
  brightness: [0.4, 2.5],
  contrast: [0.4, 2.5],
  gamma: [0.4, 2.5],
};
const KEY = "tessera-display";
const WINDOW_KEY = "tessera-window";

/** The samples of a picture beside the 8 bits that the browser shows of it. */
export interface Deep {
  readonly samples: Samples;
  readonly greys: Greys;
}

interface Copy {
  readonly canvas: HTMLCanvasElement;
  /** Of the settings that it was made with. */
  stamp: number;
}

export function isPlain(d: Display): boolean {
  return d.brightness === 1 && d.contrast === 1 && d.gamma === 1;
}

/** The value of 0 to 255 that each value of a channel is shown as: gamma first, then contrast around the middle. */
export function toneCurve(d: Display): Uint8ClampedArray {
  const curve = new Uint8ClampedArray(256);
  for (let v = 0; v < 256; v++) {
    const lifted = (v / 255) ** (1 / d.gamma);
    curve[v] = 255 * ((lifted - 0.5) * d.contrast + 0.5) * d.brightness;
  }
  return curve;
}

/** Values from outside, kept within their ranges; anything unreadable is 1. */
export function readDisplay(value: unknown): Display {
  const from = (typeof value === "object" && value !== null ? value : {}) as Record<string, unknown>;
  const one = (name: keyof Display): number => {
    const [low, high] = RANGES[name];
    const given = from[name];
    return typeof given === "number" && Number.isFinite(given) ? Math.min(high, Math.max(low, given)) : 1;
  };
  return { brightness: one("brightness"), contrast: one("contrast"), gamma: one("gamma") };
}

/** The display of this browser: one for all tasks, kept over reloads. */
class DisplaySetting {
  private value: Display = AS_IT_IS;
  private chosen: GreyWindow | null = null;
  private shownGreys: Greys | null = null;
  private readonly copies = new WeakMap<ImageBitmap, Copy>();
  private readonly deep = new WeakMap<ImageBitmap, Deep>();
  private stamp = 0;
  private readonly listeners = new Set<() => void>();
  /** Whether dragging on a picture changes the window. */
  dragging = false;

  constructor() {
    try {
      this.value = readDisplay(JSON.parse(localStorage.getItem(KEY) ?? "null"));
      this.chosen = readWindow(JSON.parse(localStorage.getItem(WINDOW_KEY) ?? "null"));
    } catch {}
  }

  get now(): Display {
    return this.value;
  }

  set(value: Display): void {
    this.value = readDisplay(value);
    this.changed(KEY, this.value);
  }

  /** The chosen window; null while black and white are found automatically. */
  get window(): GreyWindow | null {
    return this.chosen;
  }

  set window(window: GreyWindow | null) {
    this.chosen = window;
    this.changed(WINDOW_KEY, window);
  }

  /** How the values of the task on screen lie; null when its pictures have 8 bits. */
  get greys(): Greys | null {
    return this.shownGreys;
  }

  set greys(greys: Greys | null) {
    this.shownGreys = greys;
    if (!greys) this.dragging = false;
    for (const listener of this.listeners) listener();
  }

  /** From now on a picture can be shown through a window. */
  deepen(image: ImageBitmap, deep: Deep): void {
    this.deep.set(image, deep);
    this.copies.delete(image);
  }

  /** Call the listener after every change; returns how to stop. */
  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /** The picture as it is to be shown. */
  shown(image: ImageBitmap): CanvasImageSource {
    const deep = this.chosen ? this.deep.get(image) : undefined;
    if (!deep && isPlain(this.value)) return image;
    const { width, height } = deep?.samples ?? image;
    const copy = this.copies.get(image) ?? { canvas: document.createElement("canvas"), stamp: -1 };
    if (copy.stamp === this.stamp) return copy.canvas;
    copy.canvas.width = width;
    copy.canvas.height = height;
    const ctx = copy.canvas.getContext("2d", { willReadFrequently: true });
    if (!ctx) return image;
    const curve = toneCurve(this.value);
    if (deep && this.chosen) {
      const pixels = ctx.createImageData(width, height);
      spread(pixels.data, deep.samples.values, greyCurve(this.chosen, deep.greys), curve);
      ctx.putImageData(pixels, 0, 0);
    } else {
      ctx.drawImage(image, 0, 0);
      const pixels = ctx.getImageData(0, 0, width, height);
      bend(pixels.data, curve);
      ctx.putImageData(pixels, 0, 0);
    }
    copy.stamp = this.stamp;
    this.copies.set(image, copy);
    return copy.canvas;
  }

  private changed(key: string, value: unknown): void {
    this.stamp += 1;
    try {
      localStorage.setItem(key, JSON.stringify(value));
    } catch {}
    for (const listener of this.listeners) listener();
  }
}

/** Samples through a window and then the tone curve, as opaque greys. */
function spread(
  rgba: Uint8ClampedArray,
  samples: Uint16Array,
  window: Uint8ClampedArray,
  tone: Uint8ClampedArray,
): void {
  const shades = Uint32Array.from(window, (v) => (0xff000000 | ((tone[v] as number) * 0x010101)) >>> 0);
  const pixels = new Uint32Array(rgba.buffer); // little-endian, as every machine that runs a browser
  for (let i = 0; i < samples.length; i++) pixels[i] = shades[samples[i] as number] as number;
}

function bend(rgba: Uint8ClampedArray, curve: Uint8ClampedArray): void {
  for (let i = 0; i < rgba.length; i += 4) {
    rgba[i] = curve[rgba[i] ?? 0] ?? 0;
    rgba[i + 1] = curve[rgba[i + 1] ?? 0] ?? 0;
    rgba[i + 2] = curve[rgba[i + 2] ?? 0] ?? 0;
  }
}

export const display = new DisplaySetting();
