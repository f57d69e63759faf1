/** Buttons made from commands. A press is told to whoever listens above as a `command` event; nothing runs here. */

import { el, keepFocus, setAll } from "../lib/dom";
import { type Command, chordText } from "./commands";
import { icon } from "./icons";
import { keymap } from "./keymap";

export interface CommandPress {
  readonly command: Command;
  readonly phase: "press" | "release";
}

export const COMMAND_EVENT = "tessera-command";

/** `row`: icon and label with a keycap; `icon`: only the icon, its label as a tooltip; `card`: with its hint below. */
export type ButtonLook = "row" | "icon" | "card";

export class CommandButton {
  readonly element: HTMLButtonElement;

  constructor(
    readonly command: Command,
    look: ButtonLook,
  ) {
    const keys = keymap.keys(command)[0];
    const title = [command.label, command.hint, keys && `(${chordText(keys)})`].filter(Boolean).join(" · ");
    this.element = el(
      "button",
      {
        type: "button",
        class: `btn btn-${look} tone-${command.tone ?? "plain"}`,
        "data-action": command.id,
        title: look === "card" ? null : title,
        "aria-label": look === "icon" ? command.label : null,
        "aria-keyshortcuts": keys ? keys.replace(/Ctrl/, "Control") : null,
        onpointerdown: (event: PointerEvent) => this.held(event),
        onmousedown: keepFocus,
        onclick: () => {
          if (!command.release) this.tell("press");
        },
      },
      command.icon && icon(command.icon),
      command.swatch && el("span", { class: "swatch", style: `--swatch: ${command.swatch}` }),
      look !== "icon" && this.words(look),
      look !== "icon" && keys && el("kbd", { class: "keycap" }, chordText(keys)),
    );
    this.update();
  }

  update(): void {
    const { command } = this;
    const pressed = command.pressed?.();
    setAll(this.element, {
      disabled: command.enabled ? !command.enabled() : false,
      "aria-pressed": pressed === undefined ? null : String(pressed),
    });
  }

  private words(look: ButtonLook): HTMLElement {
    const { label, hint } = this.command;
    const second = look === "card" && hint ? el("span", { class: "btn-hint" }, hint) : null;
    return el("span", { class: "btn-words" }, el("span", { class: "btn-label" }, label), second);
  }

  private held(event: PointerEvent): void {
    if (!this.command.release || event.button !== 0) return;
    this.tell("press");
    const end = (): void => {
      window.removeEventListener("pointerup", end);
      window.removeEventListener("pointercancel", end);
      this.tell("release");
    };
    window.addEventListener("pointerup", end);
    window.addEventListener("pointercancel", end);
  }

  private tell(phase: CommandPress["phase"]): void {
    const detail: CommandPress = { command: this.command, phase };
    this.element.dispatchEvent(new CustomEvent(COMMAND_EVENT, { bubbles: true, detail }));
  }
}

/** A group of command buttons that is rebuilt only when its list of commands changes. */
export class CommandGroup {
  readonly element: HTMLElement;
  private buttons: CommandButton[] = [];

  constructor(
    private readonly look: ButtonLook,
    className: string,
  ) {
    this.element = el("div", { class: className });
  }

  show(commands: readonly Command[]): void {
    const same = commands.length === this.buttons.length && commands.every((c, i) => this.buttons[i]?.command === c);
    if (!same) {
      this.buttons = commands.map((command) => new CommandButton(command, this.look));
      this.element.replaceChildren(...this.buttons.map((b) => b.element));
    }
    for (const button of this.buttons) button.update();
    this.element.hidden = commands.length === 0;
  }
}
