import type { Solid } from "../../canvas/camera_cuboid";
import { INK, outline } from "../../canvas/painter";
import { Stage } from "../../canvas/stage";
import type { Host, KindView } from "../session";
import { CuboidDesk } from "../shared/cuboid_desk";
import { focusOn, paintCuboid, paintFoot } from "../shared/cuboid_looks";
import type { CuboidWork } from "../shared/cuboidwork";
import { decoded, paintContext } from "../shared/looks";
import { type CuboidTask, promptCuboid } from "./model";

export function mountCuboidCam(host: Host<CuboidTask, CuboidWork>): KindView<CuboidWork> {
  const { task } = host;
  let shown: Solid = host.state.solid;
  const desk = new CuboidDesk(host, {
    rig: task.rig,
    start: task.begin,
    usual: task.usual,
    draw(solid) {
      shown = solid;
      stage.request();
    },
  });
  const stage: Stage = new Stage({
    label: promptCuboid(task),
    focus: focusOn(task.view, task.object.box),
    cursor: "crosshair",
    pictures: () => decoded(task.media, host.pictures),
    zoomed: () => host.zoomed(),
    paint(brush) {
      paintContext(brush, task.objects);
      outline(brush, [task.object.box], { color: INK.context, width: 1, dash: [3, 4], alpha: 0.8 });
      paintCuboid(brush, task.rig.camera, shown, INK.target);
      paintFoot(brush, task.rig.camera, host.state.back);
    },
    tool: {
      down: (p) => {
        desk.point(p.scene, false);
        return true;
      },
      move: (p) => desk.point(p.scene, false),
      up: (p) => desk.point(p.scene, true),
      cancel: () => desk.render(host.state),
    },
  });
  return {
    element: stage.root,
    side: desk.side,
    stages: [stage],
    commands: desk.commands,
    render: (state) => desk.render(state),
    destroy: () => stage.destroy(),
  };
}
