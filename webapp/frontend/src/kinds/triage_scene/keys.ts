import { t } from "../../messages";
import type { Command } from "../../ui/commands";
import type { Host } from "../session";
import type { Task } from "../task";
import { FAULTS, type Fault, type TriageState } from "./model";

export function triageCommands(host: Host<Task, TriageState>): Command[] {
  return [
    {
      id: "usable",
      label: t("triage_scene.usable"),
      keys: ["Space"],
      place: "main",
      tone: "good",
      icon: "check",
      guarded: true,
      run: () => host.submit({ state: "usable" }),
    },
    ...FAULTS.map((fault, index) => faultCommand(host, fault, index)),
  ];
}

function faultCommand(host: Host<Task, TriageState>, fault: Fault, index: number): Command {
  return {
    id: `state-${fault}`,
    label: t(`triage_scene.${fault}`),
    hint: t(`triage_scene.${fault}_hint`),
    keys: [`Digit${index + 1}`, `Numpad${index + 1}`],
    place: "side",
    guarded: true,
    run: () => host.submit({ state: fault }),
  };
}
