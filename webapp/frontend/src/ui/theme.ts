/** Dark by default, light when the system or the person says so. Site pages read the same choice. */

import { el } from "../lib/dom";
import { t } from "../messages";
import { icon } from "./icons";

const KEY = "tessera-theme";

export function applyTheme(): void {
  const chosen = read();
  if (chosen) document.documentElement.dataset.theme = chosen;
}

export function toggleTheme(): void {
  const light = getComputedStyle(document.documentElement).colorScheme.includes("light");
  const next = light ? "dark" : "light";
  document.documentElement.dataset.theme = next;
  try {
    localStorage.setItem(KEY, next);
  } catch {}
}

function read(): "dark" | "light" | null {
  try {
    const value = localStorage.getItem(KEY);
    return value === "dark" || value === "light" ? value : null;
  } catch {
    return null;
  }
}

export function themeButton(): HTMLElement {
  return el(
    "button",
    { type: "button", class: "btn btn-row", "data-action": "theme", onclick: toggleTheme },
    icon("theme"),
    el("span", { class: "btn-label" }, t("action.theme")),
  );
}
