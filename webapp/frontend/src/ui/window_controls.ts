/** Window and level of greys of more than 8 bits: sliders, presets, keys, and dragging on the picture. */

import { display } from "../canvas/display";
import { automatic, type GreyWindow, kept, moved, PRESETS, type Preset, presetOf, presets } from "../canvas/window";
import { el, setAll, setText } from "../lib/dom";
import { language, t } from "../messages";
import type { Command } from "./commands";

const STEP_UP = 0.05; // of the window's width, for a press of a key
const STEP_WIDER = 0.2; // five presses double it
const SLIDES = 1000;
const numbers = new Intl.NumberFormat(language, { maximumFractionDigits: 0 });

function nameOf(preset: Preset): string {
  return t(`window.${preset}`);
}

export class WindowControls {
  readonly element: HTMLElement;
  private readonly buttons = new Map<Preset, HTMLButtonElement>();
  private readonly level = slider("level", (at) => this.slide({ level: at }));
  private readonly width = slider("width", (at) => this.slide({ width: at }));

  constructor() {
    for (const name of PRESETS) this.buttons.set(name, presetButton(name));
    this.element = el(
      "div",
      { class: "window-controls", "data-testid": "window" },
      el("h2", {}, t("window.title")),
      this.level.row,
      this.width.row,
      el(
        "div",
        { class: "window-presets", role: "group", "aria-label": t("window.presets") },
        ...this.buttons.values(),
      ),
      el("p", { class: "note" }, t("window.drag_note")),
    );
  }

  render(): void {
    const { greys } = display;
    setAll(this.element, { hidden: greys === null });
    if (!greys) return;
    const window = display.window ?? automatic(greys);
    const span = greys.most - greys.least || 1;
    this.level.show(((window.level - greys.least) / span) * SLIDES, numbers.format(window.level));
    this.width.show((window.width / span) * SLIDES, numbers.format(window.width));
    const offered = presets(greys);
    const current = presetOf(display.window, greys);
    for (const [name, button] of this.buttons)
      setAll(button, { hidden: !offered.has(name), "aria-pressed": String(name === current) });
  }

  /** Give the keyboard to the level; false where there is no window to choose. */
  focus(): boolean {
    if (display.greys) this.level.row.querySelector("input")?.focus();
    return display.greys !== null;
  }

  private slide(to: { level?: number; width?: number }): void {
    const { greys } = display;
    if (!greys) return;
    const span = greys.most - greys.least || 1;
    const now = display.window ?? automatic(greys);
    const level = to.level === undefined ? now.level : greys.least + (to.level / SLIDES) * span;
    const width = to.width === undefined ? now.width : (to.width / SLIDES) * span;
    display.window = kept({ level, width }, greys);
  }
}

function slider(name: "level" | "width", slid: (at: number) => void) {
  const input = el("input", {
    type: "range",
    min: 0,
    max: SLIDES,
    step: 1,
    "data-action": `window-${name}`,
    "aria-label": t(`window.${name}`),
  });
  const value = el("output", { class: "edge-value" });
  input.addEventListener("input", () => slid(Number(input.value)));
  return {
    row: el("label", { class: "display-row" }, el("span", {}, t(`window.${name}`)), value, input),
    show(at: number, text: string): void {
      input.value = String(Math.round(at));
      setText(value, text);
      setAll(input, { "aria-valuetext": text });
    },
  };
}

function presetButton(name: Preset): HTMLButtonElement {
  return el(
    "button",
    { type: "button", class: "btn btn-row", "data-action": `window-${name}`, onclick: () => usePreset(name) },
    el("span", { class: "btn-label" }, nameOf(name)),
  );
}

function usePreset(name: Preset): void {
  if (display.greys) display.window = presets(display.greys).get(name) ?? null;
}

/** What can be done where a task's pictures have more than 8 bits. `say` tells which preset a key has chosen. */
export function windowCommands(say: (text: string) => void): Command[] {
  const move = (up: number, wider: number): void => {
    if (display.greys) display.window = moved(display.window, display.greys, up, wider);
  };
  const key = (id: string, label: string, keys: readonly string[], run: () => void): Command => {
    return { id, label, keys, place: "none", repeats: true, run };
  };
  return [
    {
      id: "window-drag",
      label: t("window.drag"),
      keys: ["Alt+KeyI"],
      place: "tools",
      icon: "window",
      pressed: () => display.dragging,
      run: () => {
        display.dragging = !display.dragging;
      },
    },
    {
      id: "window-next",
      label: t("window.next"),
      keys: ["Shift+KeyI"],
      place: "none",
      run: () => {
        if (display.greys) say(nameOf(nextPreset(display.window)));
      },
    },
    key("window-brighter", t("window.brighter"), ["Alt+PageUp"], () => move(-STEP_UP, 0)),
    key("window-darker", t("window.darker"), ["Alt+PageDown"], () => move(STEP_UP, 0)),
    key("window-wider", t("window.wider"), ["Alt+Shift+PageUp"], () => move(0, STEP_WIDER)),
    key("window-narrower", t("window.narrower"), ["Alt+Shift+PageDown"], () => move(0, -STEP_WIDER)),
  ];
}

/** Take the preset after the one in use. */
function nextPreset(window: GreyWindow | null): Preset {
  const { greys } = display;
  if (!greys) return "auto";
  const names = [...presets(greys).keys()];
  const next = names[(names.indexOf(presetOf(window, greys) ?? "auto") + 1) % names.length] ?? "auto";
  usePreset(next);
  return next;
}
