import { t } from "../../messages";
import type { Command } from "../../ui/commands";
import type { Host } from "../session";
import { sameBox, setBox } from "../shared/boxwork";
import { sendCommand } from "../shared/tools";
import { type FixState, type FixTask, isUnchanged, originalBox } from "./model";

export function fixCommands(host: Host<FixTask, FixState>): Command[] {
  return [
    sendCommand(
      () => {
        host.submit();
        // The first attempt only warns; the second one means it.
        if (isUnchanged(host.task, host.state)) host.amend({ ...host.state, warned: true });
      },
      { label: t("fix_box.submit") },
    ),
    {
      id: "delete",
      label: t("fix_box.deleted"),
      keys: ["Delete", "KeyX"],
      place: "main",
      tone: "bad",
      icon: "trash",
      guarded: true,
      run: () => host.submit({ ...host.state, deleted: true }),
    },
    {
      id: "reset",
      label: t("fix_box.reset"),
      keys: ["KeyA"],
      place: "tools",
      icon: "clear",
      enabled: () => !sameBox(host.state.box, originalBox(host.task)),
      run: () => host.commit(setBox(host.state, originalBox(host.task))),
    },
  ];
}
