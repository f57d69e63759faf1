/** Calibrations and cuboids of payloads, and the rig that leads from a cuboid's frame to the level place and the picture. */

import { type Camera, cameraAbove, type Ground, groundHeight } from "../../canvas/camera";
import { bottomOf, type Cuboid, levelled, type Solid, unlevelled } from "../../canvas/camera_cuboid";
import { type Mat3, times, type Vec3 } from "../../canvas/camera_vectors";
import type { JsonObject } from "../../feed/protocol";
import { type Fields, fieldsOf, listOf, numberOf, oneOf, ParseError } from "../../lib/parse";

export interface Rig {
  readonly camera: Camera;
  /** Whether the camera is a real one, whose picture shows the cuboid. */
  readonly sees: boolean;
  /** Of the contract's frame, into the level place and back. */
  level(cuboid: Cuboid): Solid;
  unlevel(solid: Solid): Cuboid;
  /** Height of the ground under a solid; its own bottom where no ground is known. */
  floor(solid: Solid): number;
}

/** The rig of `cuboid_cam`: cuboids in the camera's frame over a known ground. */
export function readCameraRig(value: unknown, where: string): Rig {
  const f = fieldsOf(value, where);
  const camera = cameraAbove(readIntrinsics(f.K, `${where}.K`), readGround(f.ground, `${where}.ground`));
  return {
    camera,
    sees: true,
    level: (cuboid) => levelled(camera, cuboid),
    unlevel: (solid) => unlevelled(camera, solid),
    floor: () => 0,
  };
}

/** Stands in for a camera where there is none: a point to look from, at the origin of the ego frame. */
const BLIND: Camera = {
  k: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  rotation: [
    [0, -1, 0],
    [0, 0, -1],
    [1, 0, 0],
  ],
  shift: [0, 0, 0],
};

/** The rig of `cuboid_lidar`: cuboids in the ego frame, which is the level place; blind without a calibration. */
export function readEgoRig(value: unknown, where: string): Rig {
  const same = { level: (cuboid: Cuboid) => cuboid, unlevel: (solid: Solid) => solid };
  if (value === null || value === undefined) return { ...same, camera: BLIND, sees: false, floor: bottomOf };
  const f = fieldsOf(value, where);
  const rows = listOf(f.T_cam_ego, `${where}.T_cam_ego`, (row, at) => numbersOf(row, at, 4));
  if (rows.length < 3) throw new ParseError(`${where}.T_cam_ego: expected four rows of four numbers`);
  const rotation = rows.slice(0, 3).map((row) => row.slice(0, 3)) as unknown as Mat3;
  const shift = rows.slice(0, 3).map((row) => row[3]) as unknown as Vec3;
  const camera: Camera = { k: readIntrinsics(f.K, `${where}.K`), rotation, shift };
  const ground = f.ground === null || f.ground === undefined ? null : readGround(f.ground, `${where}.ground`);
  return {
    ...same,
    camera,
    sees: true,
    floor: (solid) => (ground ? groundHeight(camera, ground, solid.center) : bottomOf(solid)),
  };
}

export function readCuboid(value: unknown, where: string): Cuboid {
  const f = fieldsOf(value, where);
  oneOf(f.type, `${where}.type`, ["cuboid"]);
  const dims = readDims(f.dims, `${where}.dims`);
  return { center: vectorOf(f.center, `${where}.center`), dims, yaw: numberOf(f.yaw, `${where}.yaw`) };
}

export function readDims(value: unknown, where: string): Vec3 {
  const dims = vectorOf(value, where);
  if (Math.min(...dims) <= 0) throw new ParseError(`${where}: expected length, width and height above 0`);
  return dims;
}

/** A cuboid as the contract writes it; a tenth of a millimetre is plenty. */
export function cuboidJson(cuboid: Cuboid): JsonObject {
  const short = (v: number): number => Math.round(v * 1e4) / 1e4;
  return { type: "cuboid", center: cuboid.center.map(short), dims: cuboid.dims.map(short), yaw: short(cuboid.yaw) };
}

function readIntrinsics(value: unknown, where: string): Mat3 {
  const rows = listOf(value, where, (row, at) => numbersOf(row, at, 3));
  if (rows.length !== 3 || !(Number(rows[0]?.[0]) > 0 && Number(rows[1]?.[1]) > 0))
    throw new ParseError(`${where}: expected three rows with focal lengths above 0`);
  return rows as unknown as Mat3;
}

function readGround(value: unknown, where: string): Ground {
  const f: Fields = fieldsOf(value, where);
  const n = vectorOf(f.n, `${where}.n`);
  const d = numberOf(f.d, `${where}.d`);
  const length = Math.hypot(...n);
  if (length < 1e-9 || d === 0)
    throw new ParseError(`${where}: expected a plane that does not pass through the camera`);
  const sign = d < 0 ? -1 : 1;
  return { n: times(n, sign / length), d: Math.abs(d) / length };
}

function vectorOf(value: unknown, where: string): Vec3 {
  return numbersOf(value, where, 3) as unknown as Vec3;
}

function numbersOf(value: unknown, where: string, count: number): number[] {
  const out = listOf(value, where, numberOf);
  if (out.length !== count) throw new ParseError(`${where}: expected ${count} numbers`);
  return out;
}
