/**
 * The page's own top bar, folded into the workbench's header to leave its height to the picture: the brand keeps its
 * link, navigation, name and log-out move into a small menu.
 */

import { el } from "../lib/dom";
import { t } from "../messages";
import { icon } from "./icons";

export class Menu {
  readonly brand: HTMLElement;
  readonly element: HTMLElement;

  constructor(extra: readonly HTMLElement[]) {
    const bar = document.querySelector<HTMLElement>("header.topbar");
    this.brand = bar?.querySelector<HTMLElement>(".brand") ?? el("a", { class: "brand", href: "/" }, t("app.brand"));
    this.brand.classList.add("wb-brand");
    const parts = [...(bar?.querySelectorAll<HTMLElement>("nav, .who") ?? [])];
    const panel = el("div", { class: "menu-panel" }, ...parts, ...extra);
    const summary = el(
      "summary",
      { class: "btn btn-icon", "aria-label": t("action.more"), title: t("action.more"), "data-action": "menu" },
      icon("more"),
    );
    const details = el("details", { class: "wb-menu" }, summary, panel);
    document.addEventListener("pointerdown", (event) => {
      if (event.target instanceof Node && !details.contains(event.target)) details.open = false;
    });
    details.addEventListener("keydown", (event) => {
      if (event.code !== "Escape" || !details.open) return;
      event.stopPropagation();
      details.open = false;
      summary.focus();
    });
    this.element = details;
    bar?.remove();
  }
}
