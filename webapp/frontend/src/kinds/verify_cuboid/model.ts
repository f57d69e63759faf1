/** verify_cuboid: does this cuboid fit the object, seen in the picture and from above? */

import type { Solid } from "../../canvas/camera_cuboid";
import type { Fields } from "../../lib/parse";
import { t } from "../../messages";
import { type Rig, readCameraRig, readCuboid, readEgoRig } from "../shared/calibration";
import { type ContextObject, classOf, type ObjectVersion, readContext, readObject, type Task } from "../task";

export interface VerifyCuboidTask extends Task {
  readonly object: ObjectVersion;
  readonly objects: readonly ContextObject[];
  readonly rig: Rig;
  readonly solid: Solid;
}

export function readVerifyCuboid(f: Fields, common: Task): VerifyCuboidTask {
  const object = readObject(f.object, "object");
  const rig = readRig(f.calibration, "calibration");
  return {
    ...common,
    object,
    objects: readContext(f.objects, "objects").filter((o) => o.id !== object.id),
    rig,
    solid: rig.level(readCuboid(f.shape, "shape")),
  };
}

/** A cuboid of the ego frame comes with the transform that leads to the camera, one of the camera's frame without. */
function readRig(value: unknown, where: string): Rig {
  const ego = typeof value === "object" && value !== null && "T_cam_ego" in value;
  return ego ? readEgoRig(value, where) : readCameraRig(value, where);
}

export function promptVerifyCuboid(task: VerifyCuboidTask): string {
  return t("verify_cuboid.prompt", { class: classOf(task, task.object.label).name });
}
