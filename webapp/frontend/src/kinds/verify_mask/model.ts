/** verify_mask: does this outline, drawn or painted, follow the object? */

import type { Ring } from "../../canvas/rings";
import { type MaskRuns, readMask, readPolygon, shapeType } from "../../canvas/shapes";
import { type Fields, ParseError } from "../../lib/parse";
import { t } from "../../messages";
import { type ContextObject, classOf, type ObjectVersion, readContext, readObject, type Task } from "../task";

export type OutlineShape =
  | { readonly type: "polygon"; readonly rings: readonly Ring[] }
  | { readonly type: "mask"; readonly mask: MaskRuns };

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

function readOutline(value: unknown, where: string): OutlineShape {
  switch (shapeType(value, where)) {
    case "polygon":
      return { type: "polygon", rings: readPolygon(value, where) };
    case "mask":
      return { type: "mask", mask: readMask(value, where) };
    default:
      throw new ParseError(`${where}.type: expected polygon or mask`);
  }
}
