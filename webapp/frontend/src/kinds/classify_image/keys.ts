import { t } from "../../messages";
import type { Command } from "../../ui/commands";
import type { Host } from "../session";
import { type ClassifyState, type ClassifyTask, noneOfThese } from "./model";

export function classifyCommands(host: Host<ClassifyTask, ClassifyState>): Command[] {
  return [
    {
      id: "none",
      label: t("attributes.none"),
      keys: ["KeyX"],
      place: "main",
      icon: "cross",
      guarded: true,
      run: () => host.submit(noneOfThese(host.state)),
    },
  ];
}
