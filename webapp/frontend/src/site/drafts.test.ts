import { beforeEach, describe, expect, it } from "vitest";
import { keepDraft, read, useful } from "./drafts";

const TEXTS = { restored: "restored", discard: "discard" };

function form(version: string, value = "stored"): HTMLFormElement {
  document.body.innerHTML = `<form data-draft="rules" data-version="${version}"><input name="title" value="${value}">
    <input type="radio" name="fit" value="a" checked><input type="radio" name="fit" value="b">
    <input type="password" name="secret" value="never"></form>`;
  return document.querySelector("form") as HTMLFormElement;
}

function type(into: HTMLFormElement, value: string): void {
  const input = into.querySelector("input") as HTMLInputElement;
  input.value = value;
  input.dispatchEvent(new Event("input", { bubbles: true }));
}

describe("a draft", () => {
  beforeEach(() => localStorage.clear());

  it("comes back after a reload, and can be discarded", () => {
    const first = form("1");
    keepDraft(first, TEXTS);
    type(first, "typed");
    (first.querySelectorAll("input")[2] as HTMLInputElement).checked = true;
    first.dispatchEvent(new Event("change"));

    const again = form("1");
    keepDraft(again, TEXTS);
    expect((again.elements.namedItem("title") as HTMLInputElement).value).toBe("typed");
    expect((again.querySelectorAll("input")[2] as HTMLInputElement).checked).toBe(true);
    (again.querySelector(".draft-notice button") as HTMLButtonElement).click();
    expect((again.elements.namedItem("title") as HTMLInputElement).value).toBe("stored");
    expect(again.querySelector(".draft-notice")).toBeNull();
  });

  it("is dropped once the server has a newer version", () => {
    const first = form("1");
    keepDraft(first, TEXTS);
    type(first, "typed");
    const saved = form("2", "typed");
    keepDraft(saved, TEXTS);
    expect(saved.querySelector(".draft-notice")).toBeNull();
    expect(read(localStorage, "rules")).toBeNull();
  });

  it("never holds a password", () => {
    const first = form("1");
    keepDraft(first, TEXTS);
    type(first, "typed");
    expect(JSON.stringify(read(localStorage, "rules"))).not.toContain("never");
  });

  it("that says what the form says already is of no use", () => {
    expect(useful({ version: "1", values: { a: "x" } }, "1", { a: "x" })).toBeNull();
    expect(useful({ version: "1", values: { a: "x" } }, "2", { a: "y" })).toBeNull();
    expect(useful({ version: "1", values: { a: "x", gone: "z" } }, "1", { a: "y" })).toEqual({ a: "x" });
  });
});
