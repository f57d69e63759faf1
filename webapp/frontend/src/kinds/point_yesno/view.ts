import type { Point } from "../../canvas/geometry";
import { type Brush, CASING, INK, outline } from "../../canvas/painter";
import { Stage } from "../../canvas/stage";
import { toScreen } from "../../canvas/transform";
import type { Host, KindView } from "../session";
import { decoded } from "../shared/looks";
import { pointCommands } from "./keys";
import { type PointState, type PointTask, promptPoint } from "./model";

/** The middle stays free: what lies under the point is the question. */
const CLEAR_PX = 7;

export function mountPoint(host: Host<PointTask, PointState>): KindView<PointState> {
  const { task } = host;
  const stage = new Stage({
    label: promptPoint(task),
    focus: task.view,
    pictures: () => decoded(task.media, host.pictures),
    zoomed: () => host.zoomed(),
    paint(brush) {
      outline(brush, [task.object.box], { color: INK.context, width: 1, dash: [4, 4], alpha: 0.7 });
      aim(brush, task.point);
    },
  });
  return {
    element: stage.root,
    stages: [stage],
    commands: pointCommands(host),
    render: () => stage.request(),
    destroy: () => stage.destroy(),
  };
}

/** A ring with four arms around the point, and a pixel's worth of dot in it. */
function aim(brush: Brush, at: Point): void {
  const { ctx } = brush;
  const [x, y] = toScreen(brush.view, at);
  ctx.save();
  ctx.lineCap = "round";
  for (const [style, width, dot] of [
    [CASING, 5.5, 3],
    [INK.target, 2.5, 1.75],
  ] as const) {
    ctx.strokeStyle = style;
    ctx.fillStyle = style;
    ctx.lineWidth = width;
    ctx.beginPath();
    ctx.arc(x, y, CLEAR_PX * 2, 0, 2 * Math.PI);
    for (const [dx, dy] of [
      [1, 0],
      [-1, 0],
      [0, 1],
      [0, -1],
    ] as const) {
      ctx.moveTo(x + dx * CLEAR_PX * 2, y + dy * CLEAR_PX * 2);
      ctx.lineTo(x + dx * CLEAR_PX * 4, y + dy * CLEAR_PX * 4);
    }
    ctx.stroke();
    ctx.beginPath();
    ctx.arc(x, y, dot, 0, 2 * Math.PI);
    ctx.fill();
  }
  ctx.restore();
}
