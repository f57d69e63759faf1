/** fix_polygon: trace an object's outline, or correct the one proposed; holes are drawn inside it. */

import { eased, type PathRules } from "../../canvas/path_work";
import { problemOf, type RingsProblem } from "../../canvas/rings";
import { polygonJson, readPolygon } from "../../canvas/shapes";
import { type Fields, optional } from "../../lib/parse";
import { t } from "../../messages";
import type { Draft } from "../session";
import { readNeighbours } from "../shared/neighbours";
import type { PathTask } from "../shared/path_desk";
import type { PathState } from "../shared/pathwork";
import { classOf, readObject, type Task } from "../task";

export function readFixPolygon(f: Fields, common: Task): PathTask {
  const object = readObject(f.object, "object");
  return {
    ...common,
    object,
    objects: readNeighbours(f.objects, "objects", object.id),
    proposal: eased(optional(f.proposal, "proposal", readPolygon, []), true),
  };
}

export function polygonRules(task: PathTask): PathRules {
  return { closed: true, bounds: task.bounds };
}

export function promptFixPolygon(task: PathTask): string {
  const name = classOf(task, task.object.label).name;
  return task.proposal.length > 0
    ? t("fix_polygon.prompt_fix", { class: name })
    : t("fix_polygon.prompt", { class: name });
}

export function answerFixPolygon(_task: PathTask, state: PathState): Draft {
  if (state.deleted) return { value: { shape: null, deleted: true } };
  if (state.open !== null) return { missing: t("path.open") };
  const problem = problemOf(state.rings);
  if (problem) return { missing: explain(problem) };
  return { value: { shape: polygonJson(state.rings), deleted: false } };
}

function explain(problem: RingsProblem): string {
  switch (problem.what) {
    case "crossing":
      return t("path.crossing");
    case "outside":
      return t("path.hole_outside");
    case "few":
    case "flat":
      return t("path.few");
  }
}
