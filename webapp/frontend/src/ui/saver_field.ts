/** Choosing whether to save data. */

import { el } from "../lib/dom";
import { readSaverChoice, SAVER_CHOICES, type Saver } from "../lib/saver";
import { t } from "../messages";

export function saverField(saver: Saver): HTMLElement {
  const select = el(
    "select",
    { class: "field", "data-action": "saver", "aria-label": t("saver.title") },
    ...SAVER_CHOICES.map((choice) => el("option", { value: choice }, t(`saver.${choice}`))),
  );
  select.value = saver.choice;
  select.addEventListener("change", () => {
    saver.choice = readSaverChoice(select.value);
  });
  return el("label", { class: "menu-field" }, el("span", {}, t("saver.title")), select);
}
