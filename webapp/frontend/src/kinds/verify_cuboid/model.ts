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
  // Drawn in a point cloud it is in the ego frame; a calibration may know the way there without any cloud.
  const rig = (f.cloud ? readEgoRig : readCameraRig)(f.calibration, "calibration");
  return {
    ...common,
    object,
    objects: readContext(f.objects, "objects").filter((o) => o.id !== object.id),
    rig,
    solid: rig.level(readCuboid(f.shape, "shape")),
  };
}

export function promptVerifyCuboid(task: VerifyCuboidTask): string {
  return t("verify_cuboid.prompt", { class: classOf(task, task.object.label).name });
}
