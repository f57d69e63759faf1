/** Brightness, contrast and gamma of the pictures, and the window of those with more than 8 bits. */

import { AS_IT_IS, type Display, display, isPlain, RANGES } from "../canvas/display";
import { el, setAll, setText } from "../lib/dom";
import { t } from "../messages";
import { WindowControls } from "./window_controls";

const SLIDERS = ["brightness", "contrast", "gamma"] as const;

export class DisplayPanel {
  readonly element: HTMLElement;
  private readonly rows = new Map<keyof Display, { input: HTMLInputElement; value: HTMLElement }>();
  private readonly reset = el(
    "button",
    { type: "button", class: "btn btn-row", "data-action": "display-reset", onclick: () => display.set(AS_IT_IS) },
    el("span", { class: "btn-label" }, t("display.reset")),
  );
  private readonly window = new WindowControls();

  constructor(private readonly close: () => void) {
    this.element = el(
      "section",
      { class: "wb-display", hidden: true, "aria-label": t("display.title"), "data-testid": "display" },
      this.window.element,
      el("h2", {}, t("display.title")),
      ...SLIDERS.map((name) => this.slider(name)),
      el("p", { class: "note" }, t("display.note")),
      this.reset,
    );
    this.element.addEventListener("keydown", (event) => {
      if (event.code !== "Escape") return;
      event.stopPropagation();
      this.close();
    });
    display.onChange(() => this.render());
    this.render();
  }

  get shown(): boolean {
    return !this.element.hidden;
  }

  show(on: boolean): void {
    setAll(this.element, { hidden: !on });
    if (on && !this.window.focus()) this.rows.get("brightness")?.input.focus();
  }

  private slider(name: keyof Display): HTMLElement {
    const [low, high] = RANGES[name];
    const input = el("input", {
      type: "range",
      min: low,
      max: high,
      step: 0.05,
      "data-action": `display-${name}`,
      "aria-label": t(`display.${name}`),
    });
    const value = el("output", { class: "edge-value" });
    input.addEventListener("input", () => display.set({ ...display.now, [name]: Number(input.value) }));
    this.rows.set(name, { input, value });
    return el("label", { class: "display-row" }, el("span", {}, t(`display.${name}`)), value, input);
  }

  private render(): void {
    for (const [name, { input, value }] of this.rows) {
      input.value = String(display.now[name]);
      setText(value, `${Math.round(display.now[name] * 100)} %`);
    }
    setAll(this.reset, { disabled: isPlain(display.now) });
    this.window.render();
  }
}
