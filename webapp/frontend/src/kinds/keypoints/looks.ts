/** How a skeleton looks: left and right by colour and by letter, hidden joints hollow, the one in question ringed. */

import type { Point } from "../../canvas/geometry";
import { type Brush, CASING, INK, tag } from "../../canvas/painter";
import { toScreen } from "../../canvas/transform";
import { t } from "../../messages";
import { type KeypointsState, type KeypointsTask, placeOf, type Side } from "./model";

export const SIDE_INK: Readonly<Record<Side | "none", string>> = { left: "#5cd6ff", right: "#ffa64d", none: "#ffffff" };
const RADIUS = 8;
const SMALL_RADIUS = 4.5;
/** Joints nearer to each other than this on screen get no letter. */
const CROWDED_PX = 18;

export function letterOf(side: Side): string {
  return side === "left" ? t("keypoints.l") : t("keypoints.r");
}

export function paintSkeleton(brush: Brush, task: KeypointsTask, state: KeypointsState, busy: boolean): void {
  paintBones(brush, task, state);
  const places = task.joints.map((j) => placeOf(state, j.name));
  const screens = places.map((p) => p && toScreen(brush.view, p));
  task.joints.forEach((joint, index) => {
    const at = screens[index];
    if (!at) return;
    const alone = screens.every((q, i) => i === index || !q || Math.hypot(q[0] - at[0], q[1] - at[1]) >= CROWDED_PX);
    const hidden = state.points[joint.name]?.v === 1;
    const open = !state.done.includes(joint.name);
    paintJoint(brush, at, { side: joint.side, hidden, open, letter: alone && joint.side ? letterOf(joint.side) : "" });
  });
  const at = screens[state.at];
  const place = places[state.at];
  const joint = task.joints[state.at];
  if (!at || !place || !joint || busy) return;
  ring(brush, at);
  const up = place[1] - 20 / brush.view.scale;
  tag(brush, [place[0] - 8 / brush.view.scale, up, place[0], place[1]], joint.label, SIDE_INK[joint.side ?? "none"]);
}

function paintBones(brush: Brush, task: KeypointsTask, state: KeypointsState): void {
  const { ctx } = brush;
  const bones = task.edges.flatMap(([a, b]) => {
    const [j, k] = [task.joints[a], task.joints[b]];
    const [p, q] = [j && placeOf(state, j.name), k && placeOf(state, k.name)];
    if (!p || !q) return [];
    const side = j?.side ?? k?.side ?? "none";
    return [
      { p: toScreen(brush.view, p), q: toScreen(brush.view, q), side: j?.side === k?.side ? side : "none" } as const,
    ];
  });
  ctx.save();
  ctx.lineCap = "round";
  for (const casing of [true, false])
    for (const { p, q, side } of bones) {
      ctx.strokeStyle = casing ? CASING : SIDE_INK[side];
      ctx.lineWidth = casing ? 5 : 2.25;
      ctx.beginPath();
      ctx.moveTo(p[0], p[1]);
      ctx.lineTo(q[0], q[1]);
      ctx.stroke();
    }
  ctx.restore();
}

interface JointLook {
  readonly side: Side | null;
  readonly hidden: boolean;
  readonly open: boolean;
  readonly letter: string;
}

function paintJoint(brush: Brush, [x, y]: Point, look: JointLook): void {
  const { ctx } = brush;
  const radius = look.letter ? RADIUS : SMALL_RADIUS;
  const ink = SIDE_INK[look.side ?? "none"];
  ctx.save();
  ctx.beginPath();
  ctx.arc(x, y, radius + 2, 0, 2 * Math.PI);
  ctx.fillStyle = CASING;
  ctx.fill();
  ctx.beginPath();
  ctx.arc(x, y, radius, 0, 2 * Math.PI);
  if (look.hidden) {
    ctx.setLineDash([3, 2.5]);
    ctx.strokeStyle = ink;
    ctx.lineWidth = 2;
    ctx.stroke();
  } else {
    ctx.globalAlpha = look.open ? 0.62 : 1;
    ctx.fillStyle = ink;
    ctx.fill();
  }
  ctx.globalAlpha = 1;
  if (look.letter) {
    ctx.fillStyle = look.hidden ? ink : "#141414";
    ctx.font = `700 ${look.letter.length > 1 ? 8.5 : 11}px system-ui, sans-serif`;
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    ctx.fillText(look.letter, x, y + 0.5);
  }
  ctx.restore();
}

function ring(brush: Brush, [x, y]: Point): void {
  const { ctx } = brush;
  ctx.save();
  for (const [style, width] of [
    [CASING, 5],
    [INK.target, 2.5],
  ] as const) {
    ctx.strokeStyle = style;
    ctx.lineWidth = width;
    ctx.beginPath();
    ctx.arc(x, y, 14, 0, 2 * Math.PI);
    ctx.stroke();
  }
  ctx.restore();
}
