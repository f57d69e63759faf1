import { t } from "../../messages";
import type { Command } from "../../ui/commands";
import type { Host } from "../session";
import type { PointState, PointTask } from "./model";

export function pointCommands(host: Host<PointTask, PointState>): Command[] {
  return [
    {
      id: "yes",
      label: t("point_yesno.yes"),
      keys: ["Space"],
      place: "main",
      tone: "good",
      icon: "check",
      guarded: true,
      run: () => host.submit({ on: true }),
    },
    {
      id: "no",
      label: t("point_yesno.no"),
      keys: ["KeyX"],
      place: "main",
      tone: "bad",
      icon: "cross",
      guarded: true,
      run: () => host.submit({ on: false }),
    },
  ];
}
