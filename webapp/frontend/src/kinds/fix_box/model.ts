/** fix_box: move the edges of a box that others called wrong, or say that there is no object. */

import { type Box, EDGES, type Edge, rounded } from "../../canvas/geometry";
import { type Fields, listOf, oneOf, optional } from "../../lib/parse";
import { t } from "../../messages";
import type { Draft } from "../session";
import { type BoxWork, beginWork, sameBox } from "../shared/boxwork";
import { type ContextObject, classOf, type ObjectVersion, readContext, readObject, type Task } from "../task";

export interface FixTask extends Task {
  readonly object: ObjectVersion;
  /** Edges that were reported as off. */
  readonly bad: readonly Edge[];
  readonly objects: readonly ContextObject[];
}

export interface FixState extends BoxWork {
  readonly label: number;
  readonly deleted: boolean;
  /** The person was told that nothing is changed. */
  readonly warned: boolean;
}

export function readFix(f: Fields, common: Task): FixTask {
  const object = readObject(f.object, "object");
  const bad = optional(f.edges, "edges", (v, w) => listOf(v, w, (e, at) => oneOf(e, at, EDGES)), []);
  return { ...common, object, bad, objects: readContext(f.objects, "objects").filter((o) => o.id !== object.id) };
}

export function startFix(task: FixTask): FixState {
  return {
    ...beginWork(task.object.box, task.bad[0] ?? "left"),
    label: task.object.label,
    deleted: false,
    warned: false,
  };
}

export function promptFix(task: FixTask): string {
  return t("fix_box.prompt", { class: classOf(task, task.object.label).name });
}

export function isUnchanged(task: FixTask, state: FixState): boolean {
  return state.label === task.object.label && sameBox(state.box, task.object.box);
}

export function originalBox(task: FixTask): Box {
  return task.object.box;
}

export function answerFix(task: FixTask, state: FixState): Draft {
  if (state.deleted) return { value: { xyxy: null, class: null, deleted: true } };
  if (state.redraw !== null) return { missing: t("draw_missed.open") };
  if (isUnchanged(task, state) && !state.warned) return { missing: t("fix_box.unchanged") };
  return { value: { xyxy: rounded(state.box), class: state.label, deleted: false } };
}

export function carryFix(left: FixState, back: FixState): FixState {
  return { ...back, edge: left.edge, redraw: null, cursor: null, deleted: false };
}
