/**
 * How pictures are shown: brightness, contrast and gamma, for the eyes only. Coordinates and answers never depend on it.
 * A tone curve is worked into a copy of each picture once, so that painting stays as quick as without.
 */

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
  private copies = new WeakMap<ImageBitmap, HTMLCanvasElement>();
  private readonly listeners = new Set<() => void>();

  constructor() {
    try {
      this.value = readDisplay(JSON.parse(localStorage.getItem(KEY) ?? "null"));
    } catch {}
  }

  get now(): Display {
    return this.value;
  }

  set(value: Display): void {
    this.value = readDisplay(value);
    this.copies = new WeakMap();
    try {
      localStorage.setItem(KEY, JSON.stringify(this.value));
    } catch {}
    for (const listener of this.listeners) listener();
  }

  /** Call the listener after every change; returns how to stop. */
  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /** The picture as it is to be shown. */
  shown(image: ImageBitmap): CanvasImageSource {
    if (isPlain(this.value)) return image;
    const known = this.copies.get(image);
    if (known) return known;
    const copy = document.createElement("canvas");
    copy.width = image.width;
    copy.height = image.height;
    const ctx = copy.getContext("2d", { willReadFrequently: true });
    if (!ctx) return image;
    ctx.drawImage(image, 0, 0);
    const pixels = ctx.getImageData(0, 0, image.width, image.height);
    bend(pixels.data, toneCurve(this.value));
    ctx.putImageData(pixels, 0, 0);
    this.copies.set(image, copy);
    return copy;
  }
}

function bend(rgba: Uint8ClampedArray, curve: Uint8ClampedArray): void {
  for (let i = 0; i < rgba.length; i += 4) {
    rgba[i] = curve[rgba[i] ?? 0] ?? 0;
    rgba[i + 1] = curve[rgba[i + 1] ?? 0] ?? 0;
    rgba[i + 2] = curve[rgba[i + 2] ?? 0] ?? 0;
  }
}

export const display = new DisplaySetting();
