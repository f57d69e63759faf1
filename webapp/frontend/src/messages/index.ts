/** Looks texts up in the catalogue of the page's language. */

import { en, type MessageKey } from "./en";

export type { MessageKey };

type Catalogue = Readonly<Record<MessageKey, string>>;

const catalogues: Readonly<Record<string, Catalogue>> = { en };
const language = document.documentElement.lang || "en";
const catalogue = catalogues[language] ?? catalogues[language.split("-")[0] ?? ""] ?? en;
const plurals = new Intl.PluralRules(language);

/** The text with its placeholders filled. Of `one|other`, the form that suits the parameter `n`. */
export function t(key: MessageKey, parameters: Readonly<Record<string, string | number>> = {}): string {
  const forms = catalogue[key].split("|");
  const form = forms.length > 1 && plurals.select(Number(parameters.n ?? 0)) !== "one" ? forms[1] : forms[0];
  return (form ?? "").replace(/\{(\w+)\}/g, (whole, name: string) => String(parameters[name] ?? whole));
}
