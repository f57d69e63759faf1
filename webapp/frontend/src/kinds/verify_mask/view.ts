import { MaskLayer } from "../../canvas/mask_layer";
import type { Brush } from "../../canvas/painter";
import { INK } from "../../canvas/painter";
import { paintRings } from "../../canvas/path_painter";
import { decode, paneOfMask } from "../../canvas/raster";
import { Stage } from "../../canvas/stage";
import { el } from "../../lib/dom";
import { t } from "../../messages";
import type { Host, KindView } from "../session";
import { decoded, paintContext } from "../shared/looks";
import { type VerdictState, verdictPanel } from "../shared/verdicts";
import { verifyMaskCommands } from "./keys";
import { type OutlineShape, promptVerifyMask, type VerifyMaskTask } from "./model";

const FILL = 0.22;

export function mountVerifyMask(host: Host<VerifyMaskTask, VerdictState>): KindView<VerdictState> {
  const { task } = host;
  const tint = { shown: false };
  const paintShape = shapePainter(task.shape);
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

function shapePainter(shape: OutlineShape): (brush: Brush, filled: boolean) => void {
  if (shape.type === "polygon")
    return (brush, filled) =>
      paintRings(brush, shape.rings, { closed: true, color: INK.target, width: 2.25, fill: filled ? FILL : 0 });
  const pane = paneOfMask(shape.mask);
  const layer = new MaskLayer(pane, { color: INK.target, fill: FILL });
  layer.show(decode(shape.mask, pane));
  return (brush, filled) => layer.paint(brush, filled);
}
