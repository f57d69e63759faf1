/** cuboid_cam: the cuboid of an object from its picture alone, standing on a calibrated ground. */

import { firstGuess, type Solid } from "../../canvas/camera_cuboid";
import type { Vec3 } from "../../canvas/camera_vectors";
import { type Fields, optional } from "../../lib/parse";
import { t } from "../../messages";
import type { Draft } from "../session";
import { cuboidJson, type Rig, readCameraRig, readCuboid, readDims } from "../shared/calibration";
import { beginCuboid, type CuboidWork, sameSolid } from "../shared/cuboidwork";
import { type ContextObject, classOf, type ObjectVersion, readContext, readObject, type Task } from "../task";

export interface CuboidTask extends Task {
  readonly object: ObjectVersion;
  readonly objects: readonly ContextObject[];
  readonly rig: Rig;
  /** Where the work begins: what was proposed, else a first guess from the box. */
  readonly begin: Solid;
  readonly usual: Vec3;
}

export function readCuboidCam(f: Fields, common: Task): CuboidTask {
  const object = readObject(f.object, "object");
  const rig = readCameraRig(f.calibration, "calibration");
  const usual = readDims(f.dims_prior, "dims_prior");
  const proposal = optional(f.proposal, "proposal", readCuboid, null);
  return {
    ...common,
    object,
    objects: readContext(f.objects, "objects").filter((o) => o.id !== object.id),
    rig,
    begin: proposal ? rig.level(proposal) : firstGuess(rig.camera, object.box, usual),
    usual,
  };
}

export function startCuboidCam(task: CuboidTask): CuboidWork {
  return beginCuboid(task.begin);
}

export function promptCuboid(task: Task & { readonly object: ObjectVersion }): string {
  return t("cuboid.prompt", { class: classOf(task, task.object.label).name });
}

export function carryCuboid(left: CuboidWork, back: CuboidWork): CuboidWork {
  return { ...back, tool: left.tool, back: null, deleted: false };
}

export function answerCuboidCam(task: CuboidTask, state: CuboidWork): Draft {
  if (state.deleted) return { value: { shape: null, deleted: true } };
  if (sameSolid(state.solid, task.begin) && !state.warned) return { missing: t("cuboid.unchanged") };
  return { value: { shape: cuboidJson(task.rig.unlevel(state.solid)), deleted: false } };
}
