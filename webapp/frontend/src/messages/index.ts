/** Looks texts up in the catalogue of the person's language: their choice in this browser, else the page's. */

import { ar } from "./ar";
import { de } from "./de";
import { en, type MessageKey } from "./en";

export type { MessageKey };
export type Catalogue = Readonly<Record<MessageKey, string>>;

export const catalogues: Readonly<Record<string, Catalogue>> = { en, de, ar };
/** Each in its own language: who looks for theirs cannot read ours. */
export const LANGUAGES: Readonly<Record<string, string>> = { en: "English", de: "Deutsch", ar: "العربية" };
const RIGHT_TO_LEFT: readonly string[] = ["ar", "fa", "he", "ur"];
const CATEGORIES = ["zero", "one", "two", "few", "many", "other"] as const;
const STORED = "tessera-language";

export const language = chosenLanguage();
const catalogue = catalogues[language] ?? en;
const plurals = new Intl.PluralRules(language);
const numbers = new Intl.NumberFormat(language);
const forms = pluralForms(language);

/** The plural categories of a language in the order in which catalogues write their forms. */
export function pluralForms(name: string): readonly string[] {
  const known: readonly string[] = new Intl.PluralRules(name).resolvedOptions().pluralCategories;
  return CATEGORIES.filter((category) => known.includes(category));
}

/** The text with its placeholders filled. Of several forms, the one that suits the parameter `n`. */
export function t(key: MessageKey, parameters: Readonly<Record<string, string | number>> = {}): string {
  const written = catalogue[key].split("|");
  const at = written.length > 1 ? forms.indexOf(plurals.select(Number(parameters.n ?? 0))) : 0;
  return (written[at] ?? written.at(-1) ?? "").replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = parameters[name];
    return value === undefined ? whole : typeof value === "number" ? numbers.format(value) : value;
  });
}

export function isKey(key: string): key is MessageKey {
  return Object.hasOwn(catalogue, key);
}

/** Tell the page which language and direction its texts have. */
export function applyLanguage(): void {
  document.documentElement.lang = language;
  document.documentElement.dir = RIGHT_TO_LEFT.includes(language) ? "rtl" : "ltr";
}

export function chooseLanguage(name: string): void {
  try {
    localStorage.setItem(STORED, name);
  } catch {}
  // biome-ignore lint/suspicious/noDocumentCookie: the server's pages read the choice from it.
  document.cookie = `${STORED}=${name}; path=/; max-age=31536000; samesite=lax`;
}

function chosenLanguage(): string {
  let stored: string | null = null;
  try {
    stored = localStorage.getItem(STORED);
  } catch {}
  const wanted = [stored, document.documentElement.lang].map((name) => (name ?? "").split("-")[0] ?? "");
  return wanted.find((name) => name in catalogues) ?? "en";
}
