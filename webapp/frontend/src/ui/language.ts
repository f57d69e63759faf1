/** Choosing the language of the workbench. */

import { el } from "../lib/dom";
import { chooseLanguage, LANGUAGES, language, t } from "../messages";

export function languageField(): HTMLElement {
  const select = el(
    "select",
    { class: "field", "data-action": "language", "aria-label": t("action.language") },
    ...Object.entries(LANGUAGES).map(([name, title]) => el("option", { value: name, lang: name }, title)),
  );
  select.value = language;
  // Every text on the page was made in the old language, and drafts survive a reload.
  select.addEventListener("change", () => {
    chooseLanguage(select.value);
    location.reload();
  });
  return el("label", { class: "menu-field" }, el("span", {}, t("action.language")), select);
}
