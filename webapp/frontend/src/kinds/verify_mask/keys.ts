import { t } from "../../messages";
import type { Command } from "../../ui/commands";
import type { Host } from "../session";
import { tintCommand } from "../shared/tools";
import { type VerdictState, verdictCommands } from "../shared/verdicts";
import { classOf } from "../task";
import type { VerifyMaskTask } from "./model";

export function verifyMaskCommands(
  host: Host<VerifyMaskTask, VerdictState>,
  tint: { shown: boolean },
  changed: () => void,
): Command[] {
  const name = classOf(host.task, host.task.object.label).name;
  const verdicts = verdictCommands(host, name, (reason) =>
    reason === "geometry" ? { label: t("verify_mask.geometry"), hint: t("verify_mask.geometry_hint") } : null,
  );
  return [...verdicts, tintCommand(tint, changed)];
}
