/** How a cuboid looks in the camera's picture: a wire box with its bottom filled and its front marked. */

import { type Camera, project, projectLine } from "../../canvas/camera";
import { cornersOf, type Solid } from "../../canvas/camera_cuboid";
import { plus, type Vec3 } from "../../canvas/camera_vectors";
import { type Box, center, clampBox, type Point, type Rect, rectOfBox, sides } from "../../canvas/geometry";
import { type Brush, seedMark } from "../../canvas/painter";
import { toScreen } from "../../canvas/transform";

const CASING = "rgb(0 0 0 / 0.78)";
/** Corners 0 and 1 are the front ones of the bottom, 4 and 5 of the top: see `cornersOf`. */
const EDGES: readonly (readonly [number, number])[] = [
  [0, 1],
  [1, 2],
  [2, 3],
  [3, 0],
  [4, 5],
  [5, 6],
  [6, 7],
  [7, 4],
  [0, 4],
  [1, 5],
  [2, 6],
  [3, 7],
];
const FRONT: readonly (readonly [number, number])[] = [
  [0, 5],
  [1, 4],
];
const BOTTOM = [0, 1, 2, 3] as const;

/** Free room around the object, in its own sides: for the ground before it and what it stands beside. */
const ROOM = 1.1;

/** What to look at first: the object with room around it, within what the server shows. */
export function focusOn(view: Rect, box: Box): Rect {
  const { w, h } = sides(box);
  const [x, y] = center(box);
  const half = Math.max(w, h) * (0.5 + ROOM);
  const shown = clampBox(
    [x - half, y - half, x + half, y + half],
    [view[0], view[1], view[0] + view[2], view[1] + view[3]],
  );
  return sides(shown).w > 1 && sides(shown).h > 1 ? rectOfBox(shown) : view;
}

export function paintCuboid(brush: Brush, camera: Camera, solid: Solid, color: string): void {
  const corners = cornersOf(solid);
  const between = (pairs: readonly (readonly [number, number])[]): Path2D =>
    lines(
      brush,
      camera,
      pairs.map(([a, b]) => [corners[a] as Vec3, corners[b] as Vec3]),
    );
  const { ctx } = brush;
  ctx.save();
  ctx.lineJoin = "round";
  ctx.lineCap = "round";
  const floor = face(
    brush,
    camera,
    BOTTOM.map((i) => corners[i] as Vec3),
  );
  if (floor) {
    ctx.globalAlpha = 0.2;
    ctx.fillStyle = color;
    ctx.fill(floor);
    ctx.globalAlpha = 1;
  }
  const grow = Math.sqrt(brush.power);
  stroke(ctx, between(EDGES), color, 2 * grow);
  // The front is crossed: it is known without its colour, and from behind too.
  stroke(ctx, between(FRONT), color, 1.25 * grow, [5, 4]);
  stroke(ctx, lines(brush, camera, nose(solid)), color, 2.5 * grow);
  ctx.restore();
}

/** The first of two points of the ground, as long as the second is missing. */
export function paintFoot(brush: Brush, camera: Camera, at: Vec3 | null): void {
  const pixel = at && project(camera, at);
  if (pixel) seedMark(brush, pixel);
}

/** An arrow on the ground, from the middle of the bottom to a little before the front. */
function nose(solid: Solid): (readonly [Vec3, Vec3])[] {
  const from: Vec3 = [solid.center[0], solid.center[1], solid.center[2] - solid.dims[2] / 2];
  const past = Math.min(1, solid.dims[0] / 3);
  const along = (reach: number, aside: number): Vec3 => {
    const [cos, sin] = [Math.cos(solid.yaw), Math.sin(solid.yaw)];
    return plus(from, [cos * reach - sin * aside, sin * reach + cos * aside, 0]);
  };
  const tip = along(solid.dims[0] / 2 + past, 0);
  const back = solid.dims[0] / 2 + past * 0.4;
  return [
    [from, tip],
    [along(back, past * 0.4), tip],
    [along(back, -past * 0.4), tip],
  ];
}

function lines(brush: Brush, camera: Camera, pairs: readonly (readonly [Vec3, Vec3])[]): Path2D {
  const path = new Path2D();
  for (const [a, b] of pairs) {
    const line = projectLine(camera, a, b);
    if (!line) continue;
    const [from, to] = line.map((p) => toScreen(brush.view, p)) as [Point, Point];
    path.moveTo(...from);
    path.lineTo(...to);
  }
  return path;
}

function face(brush: Brush, camera: Camera, corners: readonly Vec3[]): Path2D | null {
  const seen = corners.map((corner) => project(camera, corner));
  if (seen.some((p) => p === null)) return null;
  const path = new Path2D();
  (seen as Point[]).forEach((p, i) => {
    const [x, y] = toScreen(brush.view, p);
    if (i === 0) path.moveTo(x, y);
    else path.lineTo(x, y);
  });
  path.closePath();
  return path;
}

function stroke(ctx: CanvasRenderingContext2D, path: Path2D, color: string, width: number, dash: number[] = []): void {
  ctx.setLineDash([]);
  ctx.strokeStyle = CASING;
  ctx.lineWidth = width + 2;
  ctx.stroke(path);
  ctx.setLineDash(dash);
  ctx.strokeStyle = color;
  ctx.lineWidth = width;
  ctx.stroke(path);
}
