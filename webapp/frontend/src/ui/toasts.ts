/** Short messages that come and go by themselves and take no focus. */

import { el } from "../lib/dom";
import { icon } from "./icons";

export type ToastTone = "plain" | "good" | "bad" | "warn";

const ICONS: Readonly<Record<ToastTone, string | null>> = { plain: null, good: "check", bad: "cross", warn: "why" };
const LEAST_MS = 2600;
const MS_PER_CHARACTER = 55;
const MOST_AT_ONCE = 3;

export class Toasts {
  readonly element = el("div", { class: "wb-toasts", role: "status", "aria-live": "polite" });

  show(text: string, tone: ToastTone = "plain"): void {
    const same = [...this.element.children].find((child) => child.textContent === text);
    same?.remove();
    const name = ICONS[tone];
    const toast = el(
      "div",
      { class: `toast toast-${tone}`, "data-testid": "toast" },
      name && icon(name),
      el("span", {}, text),
    );
    this.element.append(toast);
    while (this.element.children.length > MOST_AT_ONCE) this.element.firstElementChild?.remove();
    setTimeout(() => toast.remove(), LEAST_MS + text.length * MS_PER_CHARACTER);
  }
}
