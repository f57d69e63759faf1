/** point_yesno: is this one point on the object? */

import type { Point } from "../../canvas/geometry";
import { type Fields, numberOf, optional, pointAt } from "../../lib/parse";
import { t } from "../../messages";
import type { Draft } from "../session";
import { classOf, type ObjectVersion, readObject, type Task } from "../task";

export interface PointTask extends Task {
  readonly object: ObjectVersion;
  readonly label: number;
  readonly point: Point;
}

export interface PointState {
  readonly on: boolean | null;
}

export function readPoint(f: Fields, common: Task): PointTask {
  const object = readObject(f.object, "object");
  return {
    ...common,
    object,
    label: optional(f.class, "class", numberOf, object.label),
    point: pointAt(f.point, "point"),
  };
}

export function startPoint(): PointState {
  return { on: null };
}

export function promptPoint(task: PointTask): string {
  return t("point_yesno.prompt", { class: classOf(task, task.label).name });
}

export function answerPoint(_task: PointTask, state: PointState): Draft {
  return state.on === null ? { missing: t("point_yesno.choose") } : { value: { on: state.on } };
}
