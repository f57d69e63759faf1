/**
 * Window and level of greys of more than 8 bits: which stored values are shown black and which white. For the eyes only.
 * Values are those of the file (of a CT, Hounsfield units), not the 16-bit samples that travel.
 */

export interface Greys {
  /** The 1st and 99th percentile of the scene: what is shown black and white unless somebody chooses otherwise. */
  readonly black: number;
  readonly white: number;
  /** The extremes of the scene. */
  readonly least: number;
  readonly most: number;
  /** A sample `s` means the value `offset + step * s`. */
  readonly offset: number;
  readonly step: number;
}

export interface GreyWindow {
  /** The value in the middle of the window, and how many values lie between black and white. */
  readonly level: number;
  readonly width: number;
}

export const PRESETS = ["auto", "full", "dark", "bright", "lung", "soft", "bone"] as const;
export type Preset = (typeof PRESETS)[number];

/** Usual windows of a CT, in Hounsfield units. */
const HOUNSFIELD: Readonly<Partial<Record<Preset, GreyWindow>>> = {
  lung: { level: -600, width: 1500 },
  soft: { level: 40, width: 400 },
  bone: { level: 400, width: 1800 },
};
/** Air has -1000: a scene that reaches below this and far above 0 is taken for Hounsfield units. */
const AIR = -500;
const TISSUE = 100;
const NARROWEST = 1 / 500; // of what lies between the percentiles
export const SAMPLES = 65_536;

export function automatic(greys: Greys): GreyWindow {
  return between(greys.black, Math.max(greys.white, greys.black + greys.step));
}

/** The windows that make sense for such a scene, by name; `null` is the automatic one. */
export function presets(greys: Greys): ReadonlyMap<Preset, GreyWindow | null> {
  const { level } = automatic(greys);
  const found = new Map<Preset, GreyWindow | null>([
    ["auto", null],
    ["full", between(greys.least, greys.most)],
    ["dark", between(greys.least, level)],
    ["bright", between(level, greys.most)],
  ]);
  if (greys.least < AIR && greys.most > TISSUE)
    for (const name of PRESETS) {
      const window = HOUNSFIELD[name];
      if (window) found.set(name, window);
    }
  return found;
}

export function presetOf(window: GreyWindow | null, greys: Greys): Preset | null {
  for (const [name, preset] of presets(greys))
    if (window?.level === preset?.level && window?.width === preset?.width) return name;
  return null;
}

/** Another window: its level goes `up` by so many of its widths, and its width doubles for every 1 of `wider`. */
export function moved(window: GreyWindow | null, greys: Greys, up: number, wider: number): GreyWindow {
  const from = window ?? automatic(greys);
  return kept({ level: from.level + up * from.width, width: from.width * 2 ** wider }, greys);
}

/** The window within what such a scene can use. */
export function kept(window: GreyWindow, greys: Greys): GreyWindow {
  const narrowest = Math.max(greys.step, automatic(greys).width * NARROWEST);
  const widest = Math.max(narrowest, 2 * (greys.most - greys.least));
  return {
    level: Math.min(greys.most, Math.max(greys.least, window.level)),
    width: Math.min(widest, Math.max(narrowest, window.width)),
  };
}

/** What each 16-bit sample is shown as, 0 to 255. */
export function greyCurve(window: GreyWindow, greys: Greys): Uint8ClampedArray {
  const curve = new Uint8ClampedArray(SAMPLES);
  const low = window.level - window.width / 2;
  const perStep = (255 * greys.step) / window.width;
  const first = (255 * (greys.offset - low)) / window.width;
  for (let s = 0; s < SAMPLES; s++) curve[s] = first + perStep * s;
  return curve;
}

export function readWindow(value: unknown): GreyWindow | null {
  const from = (typeof value === "object" && value !== null ? value : {}) as Record<string, unknown>;
  const { level, width } = from;
  const sound = typeof level === "number" && typeof width === "number" && Number.isFinite(level + width) && width > 0;
  return sound ? { level, width } : null;
}

function between(low: number, high: number): GreyWindow {
  return { level: (low + high) / 2, width: high - low };
}
