/** Correcting one cuboid, as pure steps in the level place. */

import type { Arrow, Stride } from "../../canvas/arrows";
import { eyeOf, lift } from "../../canvas/camera";
import {
  atDepth,
  bottomOf,
  heightAt,
  movedFrom,
  resized,
  type Side,
  type Solid,
  standAlong,
  standAt,
  turned,
} from "../../canvas/camera_cuboid";
import type { Vec3 } from "../../canvas/camera_vectors";
import type { Point } from "../../canvas/geometry";
import type { Rig } from "./calibration";

/** What a click in a picture says: where it stands, along which line (two clicks), how high it is. */
export const CUBOID_TOOLS = ["place", "heading", "top"] as const;
export type CuboidTool = (typeof CUBOID_TOOLS)[number];

export interface CuboidWork {
  readonly solid: Solid;
  readonly tool: CuboidTool;
  /** Where the back of its side stands, once the first of two clicks has told. */
  readonly back: Vec3 | null;
  readonly deleted: boolean;
  /** The person was told that nothing is changed. */
  readonly warned: boolean;
}

export const DEGREE = Math.PI / 180;
/** Metres per arrow key. */
const STEP_M: Readonly<Record<Stride, number>> = { plain: 0.1, far: 0.5, fine: 0.02 };
/** Metres per press on a size. */
export const SIZE_STEP_M = 0.05;
/** Share of the distance per press on the depth. */
const DEPTH_STEP = 0.01;

export function beginCuboid(solid: Solid): CuboidWork {
  return { solid, tool: "place", back: null, deleted: false, warned: false };
}

export function withSolid<W extends CuboidWork>(work: W, solid: Solid): W {
  return { ...work, solid, back: null };
}

/** What a click in the camera's picture makes of the work; null where it can say nothing: no ground, no height. */
export function pointed<W extends CuboidWork>(rig: Rig, work: W, pixel: Point): W | null {
  const { solid, tool, back } = work;
  if (tool === "top") {
    const height = heightAt(rig.camera, solid, pixel);
    return height === null ? null : withSolid(work, resized(eyeOf(rig.camera), solid, 2, height));
  }
  const at = lift(rig.camera, pixel, rig.floor(solid));
  if (!at) return null;
  if (tool === "place") return withSolid(work, standAt(rig.camera, solid, at));
  if (!back) return { ...work, back: at };
  const standing = standAlong(eyeOf(rig.camera), solid, back, at);
  return standing && withSolid(work, standing);
}

/** A click on the ground seen from above: there the middle stands, or along two clicks the side that faces the eye. */
export function pointedFromAbove<W extends CuboidWork>(rig: Rig, work: W, [x, y]: readonly [number, number]): W {
  const { solid, tool, back } = work;
  if (tool !== "heading") return withSolid(work, { ...solid, center: [x, y, solid.center[2]] });
  const at: Vec3 = [x, y, bottomOf(solid)];
  const standing = back && standAlong(eyeOf(rig.camera), solid, [back[0], back[1], at[2]], at);
  return standing ? withSolid(work, standing) : { ...work, back: at };
}

export function nudged(rig: Rig, solid: Solid, arrow: Arrow): Solid {
  const by = STEP_M[arrow.stride];
  return movedFrom(rig.camera, solid, -arrow.dy * by, arrow.dx * by);
}

export function turnedBy(solid: Solid, degrees: number): Solid {
  return turned(solid, degrees * DEGREE);
}

export function deeper(rig: Rig, solid: Solid, steps: number): Solid {
  return atDepth(rig.camera, solid, (1 + DEPTH_STEP) ** steps);
}

export function sized(eye: Vec3, solid: Solid, side: Side, steps: number): Solid {
  return resized(eye, solid, side, solid.dims[side] + steps * SIZE_STEP_M);
}

/** The usual size of the class, each side by itself, so that the near face stays where it is. */
export function withDims(eye: Vec3, solid: Solid, dims: Vec3): Solid {
  return ([0, 1, 2] as const).reduce((s, side) => resized(eye, s, side, dims[side]), solid);
}

export function sameSolid(a: Solid, b: Solid): boolean {
  const near = (u: readonly number[], v: readonly number[]): boolean =>
    u.every((value, i) => Math.abs(value - (v[i] ?? 0)) < 1e-4);
  return near(a.center, b.center) && near(a.dims, b.dims) && Math.abs(Math.sin((a.yaw - b.yaw) / 2)) < 1e-5;
}
