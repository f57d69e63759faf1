import { t } from "../../messages";
import type { Command, Tone } from "../../ui/commands";
import type { Host } from "../session";
import type { Choice, CompareState, CompareTask } from "./model";

const TABLE: readonly (readonly [Choice, string, Parameters<typeof t>[0], readonly string[], Tone, string?])[] = [
  ["A", "choose-a", "compare_two.a", ["Digit1", "Numpad1", "ArrowLeft"], "primary"],
  ["B", "choose-b", "compare_two.b", ["Digit2", "Numpad2", "ArrowRight"], "primary"],
  ["equal", "equal", "compare_two.equal", ["Equal", "KeyE"], "plain", "equal"],
  ["both_bad", "both_bad", "compare_two.both_bad", ["Digit0", "Numpad0", "KeyX"], "bad", "cross"],
];

export function compareCommands(host: Host<CompareTask, CompareState>): Command[] {
  return TABLE.map(([choice, id, label, keys, tone, icon]) => ({
    id,
    label: t(label),
    keys,
    place: "main" as const,
    tone,
    ...(icon ? { icon } : {}),
    guarded: true,
    run: () => host.submit({ choice }),
  }));
}
