/** merge_duplicates: do two outlines show one and the same object, and which outline is to stay? */

import { type Box, boxAround } from "../../canvas/geometry";
import type { Fields } from "../../lib/parse";
import { t } from "../../messages";
import type { Draft } from "../session";
import { type ContextObject, classOf, readContext, type Task } from "../task";

export const KEEPS = ["union", "a", "b"] as const;
export type Keep = (typeof KEEPS)[number];

export interface MergeTask extends Task {
  readonly a: ContextObject;
  readonly b: ContextObject;
  readonly objects: readonly ContextObject[];
}

export interface MergeState {
  readonly said: Keep | "different" | null;
}

export function readMerge(f: Fields, common: Task): MergeTask {
  const [a] = readContext([f.a], "a");
  const [b] = readContext([f.b], "b");
  if (!a || !b) throw new Error("two outlines were read");
  const ids = [a.id, b.id];
  return { ...common, a, b, objects: readContext(f.objects, "objects").filter((o) => !ids.includes(o.id)) };
}

export function startMerge(): MergeState {
  return { said: null };
}

export function promptMerge(task: MergeTask): string {
  return t("merge_duplicates.prompt", { class: classOf(task, task.a.label).name });
}

/** What would stay: one of the two, or the box around both. */
export function kept(task: MergeTask, keep: Keep): Box {
  if (keep !== "union") return task[keep].box;
  const corners = [task.a.box, task.b.box].flatMap((x): [number, number][] => [
    [x[0], x[1]],
    [x[2], x[3]],
  ]);
  return boxAround(corners) ?? task.a.box;
}

export function answerMerge(_task: MergeTask, { said }: MergeState): Draft {
  if (said === null) return { missing: t("merge_duplicates.choose") };
  return { value: said === "different" ? { same: false, keep: null } : { same: true, keep: said } };
}
