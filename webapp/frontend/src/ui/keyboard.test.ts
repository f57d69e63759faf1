import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Command, chordText, findCommand } from "./commands";
import { Keyboard } from "./keyboard";

let log: string[] = [];
let singles = true;
let keyboard: Keyboard;

const command = (id: string, keys: string[], more: Partial<Command> = {}): Command => ({
  id,
  label: id,
  keys,
  place: "main",
  run: () => log.push(id),
  ...more,
});

const commands = [
  command("ok", ["Space"]),
  command("bad", ["KeyX"]),
  command("zoom", ["Equal"], { repeats: true }),
  command("hold", ["KeyH"], { release: () => log.push("released") }),
  command("undo", ["Ctrl+KeyZ"]),
  command("help", ["Shift+Slash"]),
];

beforeEach(() => {
  log = [];
  singles = true;
  keyboard = new Keyboard({
    commands: () => [commands],
    invoke: (c, chord) => c.run(chord),
    release: (c) => c.release?.(),
    singleKeys: () => singles,
  });
});

afterEach(() => {
  keyboard.destroy();
  document.body.replaceChildren();
});

function press(code: string, more: KeyboardEventInit = {}, target: EventTarget = document.body): void {
  target.dispatchEvent(new KeyboardEvent("keydown", { code, bubbles: true, cancelable: true, ...more }));
}

describe("Keyboard", () => {
  it("works by the key's place, so that it does not depend on the layout", () => {
    press("KeyX", { key: "ч" });
    expect(log).toEqual(["bad"]);
  });

  it("leaves a slider its own keys and takes the others", () => {
    const slider = Object.assign(document.createElement("input"), { type: "range" });
    document.body.append(slider);
    press("ArrowLeft", {}, slider);
    press("KeyX", {}, slider);
    expect(log).toEqual(["bad"]);
  });

  it("fires once while a key is held, except where repeating is meant", () => {
    press("Space");
    press("Space", { repeat: true });
    press("Equal");
    press("Equal", { repeat: true });
    expect(log).toEqual(["ok", "zoom", "zoom"]);
  });

  it("lets go when the key or the window is left", () => {
    press("KeyH");
    window.dispatchEvent(new KeyboardEvent("keyup", { code: "KeyH" }));
    press("KeyH");
    window.dispatchEvent(new Event("blur"));
    expect(log).toEqual(["hold", "released", "hold", "released"]);
  });

  it("stays out of the way of people who type, except for Ctrl chords", () => {
    const field = document.createElement("textarea");
    document.body.append(field);
    press("KeyX", {}, field);
    press("Space", {}, field);
    expect(log).toEqual([]);
    press("KeyZ", { ctrlKey: true }, field);
    expect(log).toEqual(["undo"]);
  });

  it("leaves Space to a button that has the focus", () => {
    const button = document.createElement("button");
    document.body.append(button);
    press("Space", {}, button);
    expect(log).toEqual([]);
  });

  it("turns single letters off on request, but neither Space nor Ctrl chords", () => {
    singles = false;
    press("KeyX");
    press("Space");
    press("KeyZ", { ctrlKey: true });
    expect(log).toEqual(["ok", "undo"]);
  });

  it("finds the question mark on every layout", () => {
    press("Minus", { key: "?", shiftKey: true });
    expect(log).toEqual(["help"]);
  });
});

describe("findCommand", () => {
  it("prefers a command that is enabled", () => {
    const off = command("off", ["Enter"], { enabled: () => false });
    const on = command("on", ["Enter"]);
    expect(findCommand([[off], [on]], "Enter")).toBe(on);
    expect(findCommand([[off]], "Enter")).toBe(off);
  });
});

describe("chordText", () => {
  it("prints what stands on the keycap", () => {
    expect(["KeyX", "Digit3", "Ctrl+KeyZ", "Shift+Slash", "ArrowLeft"].map(chordText)).toEqual([
      "X",
      "3",
      "Ctrl Z",
      "?",
      "←",
    ]);
  });
});
