import { t } from "../../messages";
import type { Command } from "../../ui/commands";
import type { Host } from "../session";
import { sameBox, setBox } from "../shared/boxwork";
import { type FixState, type FixTask, isUnchanged, originalBox } from "./model";

export function fixCommands(host: Host<FixTask, FixState>): Command[] {
  return [
    {
      id: "submit",
      label: t("fix_box.submit"),
      keys: ["Enter", "NumpadEnter"],
      place: "main",
      tone: "primary",
      icon: "send",
      guarded: true,
      run() {
        host.submit();
        // The first attempt only warns; the second one means it.
        if (isUnchanged(host.task, host.state)) host.amend({ ...host.state, warned: true });
      },
    },
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
