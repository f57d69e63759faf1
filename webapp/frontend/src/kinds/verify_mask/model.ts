/** verify_mask: does this outline, drawn or painted, follow the object? */

import type { Fields } from "../../lib/parse";
import { t } from "../../messages";
import { type OutlineShape, readOutline } from "../shared/outlines";
import { type ContextObject, classOf, type ObjectVersion, readContext, readObject, type Task } from "../task";

export interface VerifyMaskTask extends Task {
  readonly object: ObjectVersion;
  readonly objects: readonly ContextObject[];
  readonly shape: OutlineShape;
}

export function readVerifyMask(f: Fields, common: Task): VerifyMaskTask {
  const object = readObject(f.object, "object");
  return {
    ...common,
    object,
    objects: readContext(f.objects, "objects").filter((o) => o.id !== object.id),
    shape: readOutline(f.shape, "shape"),
  };
}

export function promptVerifyMask(task: VerifyMaskTask): string {
  return t("verify_mask.prompt", { class: classOf(task, task.object.label).name });
}
