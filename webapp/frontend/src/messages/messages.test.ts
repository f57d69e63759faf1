import { describe, expect, it } from "vitest";
import { catalogues, LANGUAGES, pluralForms, t } from ".";
import { en } from "./en";

const sources = import.meta.glob("../**/*.ts", { eager: true, query: "?raw", import: "default" }) as Record<
  string,
  string
>;
const code = Object.entries(sources)
  .filter(([path]) => !path.includes("/messages/") && !path.includes("/site/") && !path.endsWith(".test.ts"))
  .map(([, text]) => text)
  .join("\n");

describe("t", () => {
  it("fills the placeholders", () => {
    expect(t("verify_box.prompt", { class: "tree" })).toBe("Is this tree outlined correctly?");
  });

  it("picks the plural form", () => {
    expect(t("coverage_tile.submit", { n: 1 })).toBe("Send 1 pin");
    expect(t("coverage_tile.submit", { n: 3 })).toBe("Send 3 pins");
  });

  it("leaves a placeholder visible rather than printing undefined", () => {
    expect(t("adjudicate.version", {})).toBe("Version {n}");
  });
});

describe("the English catalogue", () => {
  it("holds every key that the code names", () => {
    const named = [...code.matchAll(/\bt\(\s*"([a-z_.0-9]+)"/g)].map((m) => m[1] as string);
    expect(named.length).toBeGreaterThan(100);
    expect(named.filter((key) => !(key in en))).toEqual([]);
  });

  it("holds nothing that the code never uses", () => {
    const unused = Object.keys(en).filter((key) => !code.includes(`"${key}"`) && !patterns().some((p) => p.test(key)));
    expect(unused).toEqual([]);
  });

  it("has no empty text", () => {
    expect(Object.entries(en).filter(([, text]) => text.trim() === "")).toEqual([]);
  });
});

describe("every catalogue", () => {
  const others = Object.entries(catalogues).filter(([name]) => name !== "en");

  it("stands beside at least two others and has a name for the menu", () => {
    expect(others.length).toBeGreaterThanOrEqual(2);
    expect(Object.keys(LANGUAGES).sort()).toEqual(Object.keys(catalogues).sort());
  });

  it.each(others)("%s is complete and holds nothing of its own", (_, catalogue) => {
    expect(Object.keys(catalogue).sort()).toEqual(Object.keys(en).sort());
  });

  it.each(others)("%s is translated: hardly a text is the English one", (_, catalogue) => {
    const same = Object.entries(en).filter(([key, text]) => catalogue[key as keyof typeof en] === text);
    expect(same.length).toBeLessThan(12);
  });

  it.each(Object.entries(catalogues))("%s has all plural forms and only known placeholders", (name, catalogue) => {
    const wanted = pluralForms(name).length;
    for (const [key, text] of Object.entries(catalogue)) {
      const english = en[key as keyof typeof en];
      const forms = text.split("|");
      expect([1, wanted], key).toContain(forms.length);
      if (english.includes("|")) expect(forms.length, key).toBe(wanted);
      const known = new Set(english.match(/\{\w+\}/g) ?? []);
      for (const placeholder of text.match(/\{\w+\}/g) ?? []) expect(known, key).toContain(placeholder);
      if (forms.length === 1) expect(new Set(text.match(/\{\w+\}/g) ?? []), key).toEqual(known);
    }
  });
});

/** Keys that are put together in the code, such as t(`edge.${edge}`). */
function patterns(): RegExp[] {
  return [...code.matchAll(/`([a-z_]+\.[a-z_]*)\$\{[^}]+\}([a-z_]*)`/g)].map(
    (m) => new RegExp(`^${m[1]?.replace(".", "\\.")}[a-z_]+${m[2]}$`),
  );
}
