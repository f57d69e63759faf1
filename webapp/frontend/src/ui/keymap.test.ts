import { describe, expect, it } from "vitest";
import { type Command, findCommand } from "./commands";
import { type KeymapChoice, keymap, keysFor, PROFILES, readChoice, takenBy } from "./keymap";

const command = (id: string, ...keys: string[]): Command => ({ id, label: id, keys, place: "main", run: () => {} });
const submit = command("submit", "Enter");
const fit = command("fit", "KeyF");
const arrows = command("cursor", "ArrowLeft", "ArrowRight");
const plain: KeymapChoice = { profile: "tessera", own: {} };

describe("keysFor", () => {
  it("goes by the profile, and before it by the person's own choice", () => {
    expect(keysFor(plain, submit)).toEqual(["Enter"]);
    expect(keysFor({ profile: "cvat", own: {} }, submit)).toContain("KeyF");
    expect(keysFor({ profile: "cvat", own: { submit: ["KeyS"] } }, submit)).toEqual(["KeyS"]);
  });

  it("leaves arrows alone", () => {
    expect(keysFor({ profile: "tessera", own: { cursor: ["KeyQ"] } }, arrows)).toEqual(arrows.keys);
  });

  it("frees in a profile what the profile takes", () => {
    for (const profile of PROFILES) {
      const choice: KeymapChoice = { profile, own: {} };
      const keys = [submit, fit, command("unsure", "KeyU"), command("back", "Escape"), command("hide", "KeyH")].flatMap(
        (c) => keysFor(choice, c),
      );
      expect(new Set(keys).size).toBe(keys.length);
    }
  });
});

describe("takenBy", () => {
  it("names the command that has the key already", () => {
    expect(takenBy(plain, [[submit], [fit]], submit, "KeyF")).toBe(fit);
    expect(takenBy(plain, [[submit], [fit]], submit, "KeyS")).toBeNull();
  });
});

describe("readChoice", () => {
  it("drops what it cannot read", () => {
    expect(readChoice({ profile: "emacs", own: { submit: "Enter", fit: ["KeyJ"] } })).toEqual({
      profile: "tessera",
      own: { fit: ["KeyJ"] },
    });
    expect(readChoice(null)).toEqual(plain);
  });
});

describe("the keyboard", () => {
  it("follows a new choice at once", () => {
    keymap.assign(submit, "KeyS");
    expect(findCommand([[submit], [fit]], "KeyS")).toBe(submit);
    expect(findCommand([[submit], [fit]], "Enter")).toBeNull();
    keymap.useProfile("tessera");
    expect(findCommand([[submit], [fit]], "Enter")).toBe(submit);
  });
});
