/** Turns key events into commands: by position on the keyboard, never while somebody types, never twice by repeat. */

import { type Chord, type Command, chordOf, findCommand, isSingleCharacter } from "./commands";

export interface KeyboardOptions {
  /** The lists to search, the most particular first. */
  commands(): readonly (readonly Command[])[];
  invoke(command: Command, chord: Chord): void;
  release(command: Command): void;
  /** Single-letter keys can be turned off (WCAG 2.1.4). */
  singleKeys(): boolean;
}

const PRESSES: readonly string[] = ["Space", "Enter", "NumpadEnter"];

export class Keyboard {
  private held: { readonly code: string; readonly command: Command } | null = null;
  private readonly off = new AbortController();

  constructor(private readonly options: KeyboardOptions) {
    const on = { signal: this.off.signal };
    window.addEventListener("keydown", (event) => this.down(event), on);
    window.addEventListener("keyup", (event) => this.up(event.code), on);
    window.addEventListener("blur", () => this.up(null), on);
  }

  destroy(): void {
    this.off.abort();
  }

  private down(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.isComposing || document.querySelector("dialog[open]")) return;
    const chord = chordOf(event);
    const target = event.target instanceof Element ? event.target : null;
    if (target && typesInto(target, chord) && !chord.startsWith("Ctrl+")) {
      if (chord === "Escape" && target instanceof HTMLElement) target.blur();
      return;
    }
    // A button reached by Tab is pressed by its own keys.
    if (PRESSES.includes(chord) && target?.closest("button, a, summary, input[type=checkbox]")) return;
    const named = event.key === "?" ? "Shift+Slash" : chord;
    if (isSingleCharacter(named) && !this.options.singleKeys()) return;
    const command = findCommand(this.options.commands(), named);
    if (!command) return;
    event.preventDefault();
    if (event.repeat && !command.repeats) return;
    if (command.release) this.held = { code: event.code, command };
    this.options.invoke(command, named);
  }

  private up(code: string | null): void {
    if (!this.held || (code !== null && code !== this.held.code)) return;
    const { command } = this.held;
    this.held = null;
    this.options.release(command);
  }
}

const SLIDES: readonly string[] = [
  "ArrowLeft",
  "ArrowRight",
  "ArrowUp",
  "ArrowDown",
  "Home",
  "End",
  "PageUp",
  "PageDown",
];

function typesInto(target: Element, chord: Chord): boolean {
  if (target instanceof HTMLInputElement && target.type === "range")
    return SLIDES.includes(chord) || chord === "Escape";
  if (target instanceof HTMLInputElement) return !["checkbox", "radio", "button"].includes(target.type);
  return (
    target instanceof HTMLTextAreaElement ||
    target instanceof HTMLSelectElement ||
    (target as HTMLElement).isContentEditable
  );
}
