import { t } from "../../messages";
import type { Command } from "../../ui/commands";
import type { Host } from "../session";
import { type VerdictState, verdictCommands } from "../shared/verdicts";
import { classOf } from "../task";
import type { VerifyCuboidTask } from "./model";

export function verifyCuboidCommands(host: Host<VerifyCuboidTask, VerdictState>): Command[] {
  const name = classOf(host.task, host.task.object.label).name;
  return verdictCommands(host, name, (reason) =>
    reason === "geometry" ? { label: t("verify_cuboid.geometry"), hint: t("verify_cuboid.geometry_hint") } : null,
  );
}
