/** cuboid_lidar: the cuboid of an object in a point cloud, seen from above, from the side, from behind and by the camera. */

import { firstGuess, type Solid } from "../../canvas/camera_cuboid";
import type { Vec3 } from "../../canvas/camera_vectors";
import { type Cloud, clusterAt, fitted, floorAround } from "../../canvas/cloud";
import { type Fields, fieldsOf, numberOf, oneOf, optional, ParseError, textOf } from "../../lib/parse";
import { answerCuboidCam, type CuboidTask } from "../cuboid_cam/model";
import type { Draft } from "../session";
import { readCuboid, readDims, readEgoRig } from "../shared/calibration";
import { beginCuboid, type CuboidWork } from "../shared/cuboidwork";
import { readContext, readObject, type Task } from "../task";

export interface LidarTask extends CuboidTask {
  readonly cloud: { readonly url: string; readonly count: number };
}

/** More points than this are not a single sweep, and would not fit into memory. */
const MOST_POINTS = 5_000_000;
/** Where the work begins when nothing tells: before the sensor, on its ground. */
const AHEAD: Vec3 = [10, 0, 0];

export function readLidar(f: Fields, common: Task): LidarTask {
  const object = readObject(f.object, "object");
  const rig = readEgoRig(f.calibration, "calibration");
  const usual = readDims(f.dims_prior, "dims_prior");
  const proposal = optional(f.proposal, "proposal", readCuboid, null);
  const ahead: Solid = { center: AHEAD, dims: usual, yaw: 0 };
  const guess = rig.sees ? firstGuess(rig.camera, object.box, usual, rig.floor(ahead)) : ahead;
  return {
    ...common,
    object,
    objects: readContext(f.objects, "objects").filter((o) => o.id !== object.id),
    rig,
    begin: proposal ? rig.level(proposal) : guess,
    usual,
    cloud: readCloudPlace(f.cloud, "cloud"),
  };
}

function readCloudPlace(value: unknown, where: string): LidarTask["cloud"] {
  const f = fieldsOf(value, where);
  oneOf(f.format, `${where}.format`, ["float32 xyzi"]);
  const count = numberOf(f.count, `${where}.count`);
  if (!Number.isInteger(count) || count < 1 || count > MOST_POINTS)
    throw new ParseError(`${where}.count: expected a whole number up to ${MOST_POINTS}`);
  return { url: textOf(f.url, `${where}.url`), count };
}

export function startLidar(task: LidarTask): CuboidWork {
  return beginCuboid(task.begin);
}

export function answerLidar(task: LidarTask, state: CuboidWork): Draft {
  return answerCuboidCam(task, state);
}

/** The cuboid that the points around a place suggest; null where too few of them hang together. */
export function fitAt(
  cloud: Cloud,
  eye: Vec3,
  usual: Vec3,
  before: Solid,
  [x, y]: readonly [number, number],
): Solid | null {
  const floor = floorAround(cloud, x, y);
  return floor === null ? null : fitted(clusterAt(cloud, x, y, floor), eye, floor, usual, before);
}
