import { t } from "../../messages";
import type { Command } from "../../ui/commands";
import type { Host } from "../session";
import { type NameState, type NameTask, objection } from "./model";

export function nameCommands(host: Host<NameTask, NameState>, write: () => void): Command[] {
  return [
    {
      id: "propose",
      label: t("name_unknown.propose"),
      hint: t("name_unknown.propose_hint"),
      keys: ["KeyP"],
      place: "main",
      tone: "primary",
      icon: "plus",
      guarded: true,
      // With nothing written yet, it leads to the field.
      run() {
        if (objection(host.task, host.state.propose) === null) host.submit({ ...host.state, said: "propose" });
        else write();
      },
    },
    {
      id: "out",
      label: t("name_unknown.out"),
      hint: t("name_unknown.out_hint"),
      keys: ["KeyX"],
      place: "main",
      tone: "bad",
      icon: "cross",
      guarded: true,
      run: () => host.submit({ ...host.state, said: "out" }),
    },
  ];
}
