/**
 * One table per screen says what can be done: each command has a name, keys and, unless it only makes sense on the
 * keyboard, a button. Buttons, key handling and the help page are all made from it, so that none can lack the others.
 */

import { keymap } from "./keymap";

/** Where the button stands; `none` for commands whose pointer way is the picture itself. */
export type Place = "main" | "side" | "tools" | "header" | "always" | "none";
export type Tone = "good" | "bad" | "primary" | "plain";

/** `Shift+ArrowLeft`, `Ctrl+KeyZ`: modifiers in the order Ctrl, Alt, Shift, then KeyboardEvent.code. */
export type Chord = string;

export interface Command {
  /** Also the button's data-action. */
  readonly id: string;
  readonly label: string;
  readonly hint?: string;
  readonly keys: readonly Chord[];
  readonly place: Place;
  readonly tone?: Tone;
  readonly icon?: string;
  readonly swatch?: string;
  /** Its keys are final: the person's own choice is already in them. */
  readonly mapped?: boolean;
  /** Held keys may repeat it; everything else fires once per press. */
  readonly repeats?: boolean;
  /** Not available in the instant after a new task appeared, when a key may still be meant for the last one. */
  readonly guarded?: boolean;
  enabled?(): boolean;
  /** Said when its key is pressed while it is not enabled. */
  readonly whyNot?: string;
  pressed?(): boolean;
  run(chord: Chord | null): void;
  /** For commands that last while the key or button is held down. */
  release?(): void;
}

/** The chord of a key event; Meta counts as Ctrl, as people on a Mac expect. */
export function chordOf(event: KeyboardEvent): Chord {
  const parts: string[] = [];
  if (event.ctrlKey || event.metaKey) parts.push("Ctrl");
  if (event.altKey) parts.push("Alt");
  if (event.shiftKey) parts.push("Shift");
  parts.push(event.code);
  return parts.join("+");
}

export function isSingleCharacter(chord: Chord): boolean {
  return /^(Shift\+)?(Key[A-Z]|Digit\d|Slash|Equal|Minus|Comma|Period|BracketLeft|BracketRight)$/.test(chord);
}

const NAMES: Readonly<Record<string, string>> = {
  Space: "Space",
  Enter: "Enter",
  Escape: "Esc",
  Backspace: "⌫",
  Delete: "Del",
  ArrowLeft: "←",
  ArrowRight: "→",
  ArrowUp: "↑",
  ArrowDown: "↓",
  Equal: "=",
  Minus: "−",
  NumpadAdd: "Num +",
  NumpadSubtract: "Num −",
  NumpadEnter: "Num Enter",
  Slash: "/",
  BracketLeft: "[",
  BracketRight: "]",
  Comma: ",",
  Period: ".",
  PageUp: "Page ↑",
  PageDown: "Page ↓",
};

/** How a chord is printed on a keycap. */
export function chordText(chord: Chord): string {
  if (chord === "Shift+Slash") return "?";
  const parts = chord.split("+");
  const code = parts.pop() ?? "";
  const key = NAMES[code] ?? code.replace(/^(Key|Digit|Numpad)/, "");
  return [...parts, key].join(" ");
}

/** The first command of the lists, in order, that a chord stands for; one that is enabled goes before one that is not. */
export function findCommand(lists: readonly (readonly Command[])[], chord: Chord): Command | null {
  const matching = lists.flat().filter((command) => keymap.keys(command).includes(chord));
  return matching.find((command) => command.enabled?.() ?? true) ?? matching[0] ?? null;
}
