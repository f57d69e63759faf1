/** Help and keys: what every key does, profiles of other tools, and keys of one's own. */

import { el } from "../lib/dom";
import { t } from "../messages";
import { type Chord, type Command, chordOf, chordText } from "./commands";
import { openDialog } from "./dialogs";
import { isRemappable, keymap, PROFILES, type Profile, takenBy } from "./keymap";

export interface HelpOptions {
  readonly task: readonly Command[];
  readonly everywhere: readonly Command[];
  readonly singleKeys: boolean;
  setSingleKeys(on: boolean): void;
  /** The keys are other ones now. */
  rekeyed(): void;
}

const MODIFIERS = /^(Shift|Control|Alt|Meta)(Left|Right)$/;

export function helpDialog(options: HelpOptions): void {
  const tables = el("div", { class: "help-columns" });
  const said = el("p", { class: "note", role: "status" });
  const render = (): void => {
    const row = (command: Command): HTMLElement => keyRow(command, (button) => listen(command, button));
    tables.replaceChildren(
      keyTable(t("help.this_task"), options.task, row),
      keyTable(t("help.everywhere"), options.everywhere, row),
    );
  };
  const changed = (): void => {
    render();
    options.rekeyed();
  };
  const listen = (command: Command, button: HTMLElement): void => {
    button.replaceChildren(el("span", { class: "keycap waiting" }, t("keys.press")));
    said.textContent = "";
    pressOf(button, (chord) => {
      const other = chord && takenBy(keymap.choice, [options.task, options.everywhere], command, chord);
      if (chord && !other) keymap.assign(command, chord);
      said.textContent = other ? t("keys.taken", { key: chordText(chord), command: other.label }) : "";
      changed();
      tables.querySelector<HTMLElement>(`[data-rekey="${command.id}"]`)?.focus();
    });
  };
  render();
  const profile = profileField(() => {
    said.textContent = "";
    changed();
  });
  const body = el(
    "div",
    { class: "dialog-body" },
    el("div", { class: "help-profile" }, profile, said),
    tables,
    el("p", { class: "note" }, t("help.mouse")),
    singleKeyField(options),
  );
  openDialog(t("help.title"), "dialog-help", body);
}

/** Wait for one key on the button; null when it is left or Escape is pressed. */
function pressOf(button: HTMLElement, got: (chord: Chord | null) => void): void {
  const ended = new AbortController();
  const finish = (chord: Chord | null): void => {
    ended.abort();
    got(chord);
  };
  button.addEventListener(
    "keydown",
    (event) => {
      if (MODIFIERS.test(event.code) || event.code === "Tab") return;
      event.preventDefault();
      event.stopPropagation();
      finish(event.code === "Escape" ? null : chordOf(event));
    },
    { signal: ended.signal },
  );
  button.addEventListener("blur", () => finish(null), { signal: ended.signal });
}

function profileField(changed: () => void): HTMLElement {
  const select = el(
    "select",
    { class: "field", "data-action": "key-profile" },
    ...PROFILES.map((name) => el("option", { value: name }, t(`keys.profile_${name}`))),
  );
  select.value = keymap.choice.profile;
  select.addEventListener("change", () => {
    keymap.useProfile(select.value as Profile);
    changed();
  });
  return el("label", { class: "check" }, el("span", {}, t("keys.profile")), select);
}

function singleKeyField(options: HelpOptions): HTMLElement {
  const keys = el("input", { type: "checkbox", checked: options.singleKeys, "data-action": "single-keys" });
  keys.addEventListener("change", () => options.setSingleKeys(keys.checked));
  const words = el(
    "span",
    {},
    el("strong", {}, t("help.single_keys")),
    el("span", { class: "note" }, t("help.single_keys_hint")),
  );
  return el("label", { class: "check check-wide" }, keys, words);
}

function keyTable(title: string, commands: readonly Command[], row: (command: Command) => HTMLElement): HTMLElement {
  const rows = commands.filter((c) => c.keys.length > 0).map(row);
  return el("section", { hidden: rows.length === 0 }, el("h3", {}, title), el("table", { class: "keys" }, ...rows));
}

function keyRow(command: Command, rekey: (button: HTMLElement) => void): HTMLElement {
  const caps = keycaps(command);
  const button = el(
    "button",
    {
      type: "button",
      class: "rekey",
      "data-rekey": command.id,
      title: t("keys.change"),
      onclick: () => rekey(button),
    },
    ...caps,
  );
  const cell = isRemappable(command) && !command.mapped ? [button] : caps;
  return el("tr", {}, el("td", {}, ...cell), el("th", { scope: "row" }, command.label));
}

function keycaps(command: Command): HTMLElement[] {
  // Four arrows with and without modifiers are one thing to remember.
  if (command.keys.includes("ArrowLeft") && command.keys.includes("ArrowUp")) return [cap("← ↑ ↓ →")];
  return keymap
    .keys(command)
    .filter((chord) => !chord.includes("Numpad"))
    .slice(0, 2)
    .map((chord) => cap(chordText(chord)));
}

function cap(text: string): HTMLElement {
  return el("kbd", { class: "keycap" }, text);
}
