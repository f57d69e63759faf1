import { eyeOf } from "../../canvas/camera";
import type { Solid } from "../../canvas/camera_cuboid";
import { type Cloud, pointsIn } from "../../canvas/cloud";
import { PlainCloudPainter } from "../../canvas/cloud_painter";
import { INK, outline } from "../../canvas/painter";
import { Stage } from "../../canvas/stage";
import { el, setAll, setText } from "../../lib/dom";
import { t } from "../../messages";
import { promptCuboid } from "../cuboid_cam/model";
import type { Host, KindView } from "../session";
import { CuboidDesk } from "../shared/cuboid_desk";
import { focusOn, paintCuboid, paintFoot } from "../shared/cuboid_looks";
import type { CuboidWork } from "../shared/cuboidwork";
import { decoded, paintContext } from "../shared/looks";
import { cloudAt, painterOf } from "./clouds";
import { lidarCommands } from "./keys";
import { fitAt, type LidarTask } from "./model";
import { CloudPanes } from "./panes";

type Desk = Host<LidarTask, CuboidWork>;

/** Fewer points than these say little about a cuboid. */
const FEW_POINTS = 5;

export function mountLidar(host: Desk): KindView<CuboidWork> {
  const { task } = host;
  const root = el("div", { class: "lidar", "data-cloud": "loading", "data-camera": task.rig.sees, tabindex: -1 });
  const eye = eyeOf(task.rig.camera);
  const inside = el("p", { class: "note figures", "data-testid": "points-inside" });
  let shown: Solid = host.state.solid;
  let cloud: Cloud | null = null;
  let gone = false;

  const stage = task.rig.sees
    ? cameraStage(
        host,
        () => shown,
        (p, final) => desk.point(p, final),
      )
    : null;
  const panes = new CloudPanes(host.state.solid, root, {
    point: (at) => pointAt(at),
    change: (solid, final) => desk.change(solid, final),
  });
  const desk: CuboidDesk<LidarTask, CuboidWork> = new CuboidDesk(host, {
    rig: task.rig,
    start: task.begin,
    usual: task.usual,
    draw(solid) {
      shown = solid;
      panes.show(solid, solid === host.state.solid, host.state.back);
      stage?.request();
      count(solid);
    },
  });
  const snap = (at: readonly [number, number]): boolean => {
    const fit = cloud && fitAt(cloud, eye, task.usual, host.state.solid, at);
    if (fit) desk.change(fit, true);
    return Boolean(fit);
  };
  const pointAt = (at: readonly [number, number]): void => {
    // Where no points are, the middle goes where it was clicked.
    if (host.state.tool === "heading" || !host.armed() || !snap(at)) desk.pointAbove(at, true);
  };
  const count = (solid: Solid): void => {
    const n = cloud ? pointsIn(cloud, solid).length : 0;
    setText(inside, cloud ? t("cuboid_lidar.inside", { n }) : t("cuboid_lidar.loading"));
    setAll(inside, { "data-few": cloud !== null && n < FEW_POINTS });
  };
  const retry = el(
    "button",
    { type: "button", class: "btn btn-row", "data-action": "retry-cloud" },
    t("app.image_retry"),
  );
  const failed = el("div", { class: "cloud-failed", hidden: true, role: "alert" }, t("cuboid_lidar.failed"), retry);
  const load = async (): Promise<void> => {
    setAll(root, { "data-cloud": "loading" });
    setAll(failed, { hidden: true });
    try {
      const loaded = await cloudAt(task.cloud);
      const painter = await painterOf(loaded);
      if (gone) {
        painter.destroy();
        return;
      }
      cloud = loaded;
      panes.fill(loaded, painter);
      setAll(root, { "data-cloud": "ready", "data-painter": painter instanceof PlainCloudPainter ? "plain" : "three" });
      count(shown);
      host.refresh();
    } catch {
      if (gone) return;
      setAll(root, { "data-cloud": "failed" });
      setAll(failed, { hidden: false });
    }
  };
  retry.addEventListener("click", () => void load());
  root.append(...(stage ? [stage.root] : []), ...panes.elements, failed);
  desk.side.querySelector(".figures")?.before(inside);
  const resized = typeof ResizeObserver === "undefined" ? null : new ResizeObserver(() => panes.request());
  resized?.observe(root);
  void load();
  return {
    element: root,
    side: desk.side,
    stages: stage ? [stage] : [],
    commands: [
      ...desk.commands,
      ...lidarCommands(host, {
        change: (solid) => desk.change(solid, true),
        snap() {
          const { center } = host.state.solid;
          if (!snap([center[0], center[1]])) host.say(t("cuboid_lidar.no_points"));
        },
        zoom: (by) => panes.zoomed(by),
        ready: () => cloud !== null,
      }),
    ],
    render: (state) => desk.render(state),
    destroy() {
      gone = true;
      resized?.disconnect();
      stage?.destroy();
      panes.destroy();
    },
  };
}

function cameraStage(
  host: Desk,
  shown: () => Solid,
  point: (p: readonly [number, number], final: boolean) => void,
): Stage {
  const { task } = host;
  return new Stage({
    label: promptCuboid(task),
    focus: focusOn(task.view, task.object.box),
    cursor: "crosshair",
    pictures: () => decoded(task.media, host.pictures),
    zoomed: () => host.zoomed(),
    paint(brush) {
      paintContext(brush, task.objects);
      outline(brush, [task.object.box], { color: INK.context, width: 1, dash: [3, 4], alpha: 0.8 });
      paintCuboid(brush, task.rig.camera, shown(), INK.target);
      paintFoot(brush, task.rig.camera, host.state.back);
    },
    tool: {
      down: (p) => {
        point(p.scene, false);
        return true;
      },
      move: (p) => point(p.scene, false),
      up: (p) => point(p.scene, true),
    },
  });
}
