/** Commands that several kinds offer in the same way. */

import { t } from "../../messages";
import type { Command } from "../../ui/commands";
import { classDigits, type LabelClass } from "../task";

/** T shows the band within which an outline counts as right. */
export function toleranceCommand(band: { shown: boolean }, changed: () => void): Command {
  return {
    id: "tolerance",
    label: t("action.tolerance"),
    keys: ["KeyT"],
    place: "tools",
    icon: "tolerance",
    pressed: () => band.shown,
    run() {
      band.shown = !band.shown;
      changed();
    },
  };
}

/** Digits choose the class. One command per class that has a digit; the rest is found through the class picker. */
export function classCommands(
  classes: readonly LabelClass[],
  current: () => number,
  choose: (id: number) => void,
): Command[] {
  if (classes.length < 2) return [];
  const digits = classDigits(classes);
  return classes
    .filter((c) => digits.has(c.id))
    .map((c) => ({
      id: `class-${c.id}`,
      label: c.name,
      keys: [`Digit${digits.get(c.id)}`, `Numpad${digits.get(c.id)}`],
      place: "side" as const,
      swatch: c.color,
      pressed: () => current() === c.id,
      run: () => choose(c.id),
    }));
}

/** Enter sends the answer; `more` changes what a kind words or guards differently. */
export function sendCommand(send: () => void, more: Partial<Command> = {}): Command {
  return {
    id: "submit",
    label: t("action.send"),
    keys: ["Enter", "NumpadEnter"],
    place: "main",
    tone: "primary",
    icon: "send",
    guarded: true,
    run: send,
    ...more,
  };
}

/** X says that nothing of the class is there. */
export function nothingCommand(label: string, say: () => void): Command {
  return { id: "nothing", label, keys: ["KeyX"], place: "main", tone: "bad", icon: "cross", guarded: true, run: say };
}

/** D fills what is outlined. */
export function tintCommand(tint: { shown: boolean }, changed: () => void): Command {
  return {
    id: "fill",
    label: t("path.fill"),
    keys: ["KeyD"],
    place: "tools",
    icon: "fill",
    pressed: () => tint.shown,
    run() {
      tint.shown = !tint.shown;
      changed();
    },
  };
}
