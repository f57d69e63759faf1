import { INK } from "../../canvas/painter";
import { Stage } from "../../canvas/stage";
import { el } from "../../lib/dom";
import { t } from "../../messages";
import type { Host, KindView } from "../session";
import { decoded, paintContext } from "../shared/looks";
import { shapePainter } from "../shared/outlines";
import { type VerdictState, verdictPanel } from "../shared/verdicts";
import { verifyMaskCommands } from "./keys";
import { promptVerifyMask, type VerifyMaskTask } from "./model";

export function mountVerifyMask(host: Host<VerifyMaskTask, VerdictState>): KindView<VerdictState> {
  const { task } = host;
  const tint = { shown: false };
  const paintShape = shapePainter(task.shape, INK.target);
  const stage = new Stage({
    label: promptVerifyMask(task),
    focus: task.view,
    pictures: () => decoded(task.media, host.pictures),
    zoomed: () => host.zoomed(),
    paint(brush) {
      paintContext(brush, task.objects);
      paintShape(brush, tint.shown);
    },
  });
  const commands = verifyMaskCommands(host, tint, () => stage.request());
  const verdicts = verdictPanel(commands, el("p", { class: "note quiet at-end" }, t("verify_mask.rule")));
  return {
    element: stage.root,
    side: verdicts.element,
    stages: [stage],
    commands,
    render(state) {
      verdicts.render(state);
      stage.request();
    },
    destroy: () => stage.destroy(),
  };
}
