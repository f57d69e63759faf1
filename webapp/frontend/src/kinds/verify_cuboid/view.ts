import { INK } from "../../canvas/painter";
import { Stage } from "../../canvas/stage";
import { el } from "../../lib/dom";
import { t } from "../../messages";
import type { Host, KindView } from "../session";
import { BirdsEye } from "../shared/birds_eye";
import { focusOn, paintCuboid } from "../shared/cuboid_looks";
import { whereabouts } from "../shared/cuboid_panel";
import { decoded, paintContext } from "../shared/looks";
import { type VerdictState, verdictPanel } from "../shared/verdicts";
import { verifyCuboidCommands } from "./keys";
import { promptVerifyCuboid, type VerifyCuboidTask } from "./model";

export function mountVerifyCuboid(host: Host<VerifyCuboidTask, VerdictState>): KindView<VerdictState> {
  const { task } = host;
  const { camera } = task.rig;
  const stage = new Stage({
    label: promptVerifyCuboid(task),
    focus: focusOn(task.view, task.object.box),
    pictures: () => decoded(task.media, host.pictures),
    zoomed: () => host.zoomed(),
    paint(brush) {
      paintContext(brush, task.objects);
      paintCuboid(brush, camera, task.solid, INK.target);
    },
  });
  const commands = verifyCuboidCommands(host);
  const verdicts = verdictPanel(commands);
  const map = new BirdsEye(camera, null);
  map.render(task.solid);
  const [length, width, height] = task.solid.dims.map((side) => side.toFixed(2));
  const figures = [
    t("cuboid.dims", { l: length ?? "", w: width ?? "", h: height ?? "" }),
    whereabouts(camera, task.solid),
  ];
  return {
    element: stage.root,
    side: el(
      "div",
      { class: "side-stack cuboid-verify", "data-essential": true },
      el(
        "section",
        { class: "side-section from-above" },
        el("h2", {}, t("cuboid.from_above")),
        map.element,
        el("p", { class: "note figures" }, figures.join(" · ")),
      ),
      verdicts.element,
      el("p", { class: "side-section note quiet at-end" }, t("verify_cuboid.rule")),
    ),
    stages: [stage],
    commands,
    render(state) {
      verdicts.render(state);
      stage.request();
    },
    destroy: () => stage.destroy(),
  };
}
