import { t } from "../../messages";
import type { Command, Tone } from "../../ui/commands";
import type { Host } from "../session";
import type { MergeState, MergeTask } from "./model";

const TABLE: readonly (readonly [NonNullable<MergeState["said"]>, readonly string[], Tone, string])[] = [
  ["union", ["Space"], "good", "union"],
  ["a", ["Digit1", "Numpad1", "KeyA"], "primary", "letter_a"],
  ["b", ["Digit2", "Numpad2", "KeyB"], "primary", "letter_b"],
  ["different", ["KeyX"], "bad", "apart"],
];

export function mergeCommands(host: Host<MergeTask, MergeState>): Command[] {
  return TABLE.map(([said, keys, tone, icon]) => ({
    id: `keep-${said}`,
    label: t(`merge_duplicates.${said}`),
    hint: t(`merge_duplicates.${said}_hint`),
    keys,
    place: "main" as const,
    tone,
    icon,
    guarded: true,
    run: () => host.submit({ said }),
  }));
}
