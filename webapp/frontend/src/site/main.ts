/** The script of the server's pages. Every page works without it; this makes some of them quicker to use. */

import { type DraftTexts, keepDraft } from "./drafts";
import { guidelineForm } from "./examples";
import { noteList } from "./notes";
import { schemaForm } from "./schema_editor";
import { uploadForm } from "./upload";

const each = <T extends HTMLElement>(selector: string, act: (element: T) => void): void => {
  for (const element of document.querySelectorAll<T>(selector)) act(element);
};

/** The theme that was chosen in the workbench. */
function theme(): void {
  try {
    const chosen = localStorage.getItem("tessera-theme");
    if (chosen === "dark" || chosen === "light") document.documentElement.dataset.theme = chosen;
  } catch {}
}

/** Choosing a language sends the form at once; the workbench follows. */
function language(select: HTMLSelectElement): void {
  select.addEventListener("change", () => {
    try {
      localStorage.setItem("tessera-language", select.value);
    } catch {}
    select.form?.requestSubmit();
  });
}

theme();
each("select[data-language]", language);
each<HTMLFormElement>("form[data-schema]", schemaForm);
each<HTMLFormElement>("form[data-guideline]", guidelineForm);
const texts = document.documentElement.dataset;
const draftTexts: DraftTexts = { restored: texts.draftRestored ?? "", discard: texts.draftDiscard ?? "" };
each<HTMLFormElement>("form[data-draft]", (form) => keepDraft(form, draftTexts));
each<HTMLFormElement>("form[data-upload]", uploadForm);
each<HTMLUListElement>("ul[data-notes]", noteList);
each<HTMLFormElement>("form[data-submit-on-change]", (form) => {
  form.addEventListener("change", () => form.requestSubmit());
});
each<HTMLInputElement>("input[data-copy]", (input) => {
  input.addEventListener("focus", () => input.select());
});
document.querySelector('[aria-current="step"]')?.scrollIntoView({ block: "nearest", inline: "center" });
document.documentElement.dataset.ready = "";
