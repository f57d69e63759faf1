/** A cuboid and its points seen from above, from its right side and from behind: parallel projections. Pure. */

import type { Side, Solid } from "./camera_cuboid";
import { dot3, minus, plus, times, type Vec3 } from "./camera_vectors";

export const CLOUD_VIEWS = ["top", "side", "rear"] as const;
export type CloudViewName = (typeof CLOUD_VIEWS)[number];

export interface CloudView {
  readonly at: Vec3;
  /** Unit vectors of the screen, and the way one looks. */
  readonly right: Vec3;
  readonly up: Vec3;
  readonly toward: Vec3;
  readonly pxPerM: number;
  /** Only what lies this near to the plane through `at` is shown, metres. */
  readonly depth: number;
}

export interface PaneSize {
  readonly w: number;
  readonly h: number;
}

/** Free room around the cuboid, as a share of its larger side. */
const ROOM = 0.55;
const SLAB_M = 0.3;

/** How a cuboid is shown in a pane; `zoom` 1 shows it with some room around. */
export function viewOf(name: CloudViewName, s: Solid, size: PaneSize, zoom: number): CloudView {
  const [l, w, h] = s.dims;
  const ahead: Vec3 = [Math.cos(s.yaw), Math.sin(s.yaw), 0];
  const left: Vec3 = [-ahead[1], ahead[0], 0];
  const scaleFor = (across: number, high: number): number =>
    (zoom * Math.min(size.w / across, size.h / high)) / (1 + 2 * ROOM);
  switch (name) {
    case "top":
      // Seen with more around it: neighbours, the lane, the way to the sensor.
      return {
        at: s.center,
        right: [0, -1, 0],
        up: [1, 0, 0],
        toward: [0, 0, -1],
        pxPerM: scaleFor(Math.hypot(l, w), Math.hypot(l, w)) / 1.5,
        depth: 30,
      };
    case "side":
      return { at: s.center, right: ahead, up: [0, 0, 1], toward: left, pxPerM: scaleFor(l, h), depth: w / 2 + SLAB_M };
    case "rear":
      return {
        at: s.center,
        right: times(left, -1),
        up: [0, 0, 1],
        toward: ahead,
        pxPerM: scaleFor(w, h),
        depth: l / 2 + SLAB_M,
      };
  }
}

/** Where a point is seen in a pane, CSS pixels from its top-left corner. */
export function inPane(view: CloudView, size: PaneSize, p: Vec3): readonly [number, number] {
  const d = minus(p, view.at);
  return [size.w / 2 + dot3(d, view.right) * view.pxPerM, size.h / 2 - dot3(d, view.up) * view.pxPerM];
}

/** The point of the plane through `view.at` that is seen at a place of the pane. */
export function fromPane(view: CloudView, size: PaneSize, [u, v]: readonly [number, number]): Vec3 {
  const right = times(view.right, (u - size.w / 2) / view.pxPerM);
  const up = times(view.up, (size.h / 2 - v) / view.pxPerM);
  return plus(view.at, plus(right, up));
}

export const FACES = ["front", "back", "left", "right", "top", "bottom"] as const;
export type Face = (typeof FACES)[number];
const AXIS: Readonly<Record<Face, readonly [Side, 1 | -1]>> = {
  front: [0, 1],
  back: [0, -1],
  left: [1, 1],
  right: [1, -1],
  top: [2, 1],
  bottom: [2, -1],
};
/** The faces that are seen as edges in each view. */
export const EDGES_OF: Readonly<Record<CloudViewName, readonly Face[]>> = {
  top: ["front", "back", "left", "right"],
  side: ["front", "back", "top", "bottom"],
  rear: ["left", "right", "top", "bottom"],
};

/** Unit vector out of a face. */
export function outOf(s: Solid, face: Face): Vec3 {
  const [side, sign] = AXIS[face];
  const ahead: Vec3 = [Math.cos(s.yaw), Math.sin(s.yaw), 0];
  const axis: Vec3 = side === 0 ? ahead : side === 1 ? [-ahead[1], ahead[0], 0] : [0, 0, 1];
  return times(axis, sign);
}

export function middleOf(s: Solid, face: Face): Vec3 {
  return plus(s.center, times(outOf(s, face), s.dims[AXIS[face][0]] / 2));
}

const LEAST_SIDE = 0.1;

/** Move one face outwards; the opposite one stays where it is. */
export function faceMoved(s: Solid, face: Face, by: number): Solid {
  const [side] = AXIS[face];
  const step = Math.max(by, LEAST_SIDE - s.dims[side]);
  const dims = s.dims.map((d, i) => (i === side ? d + step : d)) as unknown as Vec3;
  return { ...s, dims, center: plus(s.center, times(outOf(s, face), step / 2)) };
}
