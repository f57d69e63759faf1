/** One-key verdicts about a shape: yes, or no and why. For kinds that ask as verify_box does, without its edges. */

import { el } from "../../lib/dom";
import { t } from "../../messages";
import { CommandGroup } from "../../ui/buttons";
import type { Command } from "../../ui/commands";
import type { Draft, Host } from "../session";
import type { Task } from "../task";
import { REASONS, type Reason, type Verdict } from "../verify_box/model";

export interface VerdictState {
  readonly verdict: Verdict | null;
  /** The person said no and is choosing a reason. */
  readonly asking: boolean;
}

/** What a reason is called; `null` takes verify_box's words. */
export type Words = (reason: Reason) => { readonly label: string; readonly hint: string } | null;

export function startVerdict(): VerdictState {
  return { verdict: null, asking: false };
}

export function answerVerdict(_task: Task, state: VerdictState): Draft {
  return state.verdict ? { value: { verdict: state.verdict } } : { missing: t("verify_box.choose") };
}

export function verdictCommands(host: Host<Task, VerdictState>, name: string, words: Words): Command[] {
  const judge = (verdict: Verdict): void => host.submit({ verdict, asking: false });
  return [
    {
      id: "ok",
      label: t("verify_box.ok"),
      keys: ["Space"],
      place: "main",
      tone: "good",
      icon: "check",
      guarded: true,
      run: () => judge("ok"),
    },
    {
      id: "bad",
      label: t("verify_box.bad"),
      keys: ["KeyX"],
      place: "main",
      tone: "bad",
      icon: "cross",
      guarded: true,
      pressed: () => host.state.asking,
      run: () => host.amend({ ...host.state, asking: !host.state.asking }),
    },
    ...reasonCommands(name, judge, words),

    {
      id: "back",
      label: t("action.back"),
      keys: ["Escape"],
      place: "none",
      enabled: () => host.state.asking,
      run: () => host.amend({ ...host.state, asking: false }),
    },
  ];
}

/** One key per reason; `words` may say it in a kind's own words. */
export function reasonCommands(name: string, judge: (reason: Reason) => void, words: Words = () => null): Command[] {
  return REASONS.map((reason, index) => ({
    id: `reason-${reason}`,
    label: words(reason)?.label ?? t(`verify_box.${reason}`, { class: name }),
    hint: words(reason)?.hint ?? t(`verify_box.${reason}_hint`),
    keys: [`Digit${index + 1}`, `Numpad${index + 1}`],
    place: "side" as const,
    guarded: true,
    run: () => judge(reason),
  }));
}

/** The reasons as cards; `below` stands under them. */
export function verdictPanel(
  commands: readonly Command[],
  ...below: HTMLElement[]
): { element: HTMLElement; render(state: VerdictState): void } {
  const reasons = new CommandGroup("card", "stack");
  const cards = commands.filter((c) => c.id.startsWith("reason-"));
  const element = el(
    "section",
    { class: "side-section" },
    el("h2", {}, t("verify_box.what")),
    reasons.element,
    ...below,
  );
  return {
    element,
    render(state) {
      reasons.show(cards);
      element.toggleAttribute("data-open", state.asking);
    },
  };
}
