/** polyline: draw a line along something long and thin, or correct the one proposed. */

import { eased, type PathRules } from "../../canvas/path_work";
import { lengthOf } from "../../canvas/rings";
import { polylineJson, readPolyline } from "../../canvas/shapes";
import { type Fields, optional } from "../../lib/parse";
import { t } from "../../messages";
import type { Draft } from "../session";
import { readNeighbours } from "../shared/neighbours";
import type { PathTask } from "../shared/path_desk";
import type { PathState } from "../shared/pathwork";
import { classOf, readObject, type Task } from "../task";

export function readLine(f: Fields, common: Task): PathTask {
  const object = readObject(f.object, "object");
  return {
    ...common,
    object,
    objects: readNeighbours(f.objects, "objects", object.id),
    proposal: eased(
      optional(f.proposal, "proposal", (v, w) => [readPolyline(v, w)], []),
      false,
    ),
  };
}

export function lineRules(task: PathTask): PathRules {
  return { closed: false, bounds: task.bounds };
}

export function promptLine(task: PathTask): string {
  const name = classOf(task, task.object.label).name;
  return task.proposal.length > 0 ? t("polyline.prompt_fix", { class: name }) : t("polyline.prompt", { class: name });
}

export function answerLine(_task: PathTask, state: PathState): Draft {
  if (state.deleted) return { value: { shape: null, deleted: true } };
  if (state.open !== null) return { missing: t("path.open") };
  const line = state.rings[0] ?? [];
  if (lengthOf(line, false) < 1) return { missing: t("path.few_line") };
  return { value: { shape: polylineJson(line), deleted: false } };
}
