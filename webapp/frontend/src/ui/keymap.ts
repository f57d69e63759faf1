/**
 * Which keys a command has for this person: a profile, and on top of it what they chose themselves. Keys are kept per
 * command id, so that "send" is the same key in every kind.
 */

import type { Chord, Command } from "./commands";

export const PROFILES = ["tessera", "cvat", "labelstudio"] as const;
export type Profile = (typeof PROFILES)[number];
export type Keys = Readonly<Record<string, readonly Chord[]>>;

export interface KeymapChoice {
  readonly profile: Profile;
  readonly own: Keys;
}

/** What people bring along from other tools, where it differs from ours. Every change frees what it takes. */
const PROFILE_KEYS: Readonly<Record<Profile, Keys>> = {
  tessera: {},
  cvat: {
    submit: ["KeyF", "Enter", "NumpadEnter"],
    fit: ["Shift+KeyF"],
    delete: ["Delete"],
    "zoom-in": ["Equal", "Shift+Equal", "NumpadAdd"],
  },
  labelstudio: {
    submit: ["Ctrl+Enter", "Ctrl+NumpadEnter", "Enter"],
    skip: ["Ctrl+Space"],
    hide: ["Alt+KeyH"],
    back: ["Escape", "KeyU"],
    unsure: ["Shift+KeyU"],
    "mark-unsure": ["Shift+KeyU"],
    "zoom-in": ["Ctrl+Equal", "Equal"],
    "zoom-out": ["Ctrl+Minus", "Minus"],
  },
};
const STORED = "tessera-keys";

export function readChoice(value: unknown): KeymapChoice {
  const from = (typeof value === "object" && value !== null ? value : {}) as { profile?: unknown; own?: unknown };
  const profile = PROFILES.find((name) => name === from.profile) ?? "tessera";
  const own: Record<string, readonly Chord[]> = {};
  for (const [id, keys] of Object.entries(typeof from.own === "object" && from.own !== null ? from.own : {}))
    if (Array.isArray(keys) && keys.every((key) => typeof key === "string")) own[id] = keys;
  return { profile, own };
}

/** Arrows are directions, not names of commands: they stay what they are. */
export function isRemappable(command: Command): boolean {
  return command.keys.length > 0 && !command.keys.includes("ArrowLeft");
}

export function keysFor(choice: KeymapChoice, command: Command): readonly Chord[] {
  if (command.mapped || !isRemappable(command)) return command.keys;
  return choice.own[command.id] ?? PROFILE_KEYS[choice.profile][command.id] ?? command.keys;
}

/** Another command of the lists that has this key already. */
export function takenBy(
  choice: KeymapChoice,
  lists: readonly (readonly Command[])[],
  command: Command,
  chord: Chord,
): Command | null {
  return lists.flat().find((c) => c.id !== command.id && keysFor(choice, c).includes(chord)) ?? null;
}

class Keymap {
  choice: KeymapChoice;

  constructor() {
    let stored: unknown = null;
    try {
      stored = JSON.parse(localStorage.getItem(STORED) ?? "null");
    } catch {}
    this.choice = readChoice(stored);
  }

  keys(command: Command): readonly Chord[] {
    return keysFor(this.choice, command);
  }

  /** A profile replaces what was chosen key by key. */
  useProfile(profile: Profile): void {
    this.keep({ profile, own: {} });
  }

  /** Give a command one key of the person's own choice. */
  assign(command: Command, chord: Chord): void {
    this.keep({ ...this.choice, own: { ...this.choice.own, [command.id]: [chord] } });
  }

  private keep(choice: KeymapChoice): void {
    this.choice = choice;
    try {
      localStorage.setItem(STORED, JSON.stringify(choice));
    } catch {}
  }
}

export const keymap = new Keymap();
