/** compare_two: which of two boxes, outlines or lines of one object fits better? Which is A and which is B is random. */

import type { Box } from "../../canvas/geometry";
import { boxAt, type Fields, fieldsOf, numberOf, optional } from "../../lib/parse";
import { t } from "../../messages";
import type { Draft } from "../session";
import { type DrawnShape, readDrawn } from "../shared/outlines";
import { classOf, type Task } from "../task";

export const SIDES = ["A", "B"] as const;
export type Side = (typeof SIDES)[number];
export type Choice = Side | "both_bad" | "equal";

export interface Candidate {
  readonly box: Box;
  readonly label: number;
  /** What was drawn within the box, where more than boxes is compared. */
  readonly shape: DrawnShape | null;
}

export interface CompareTask extends Task {
  readonly candidates: Readonly<Record<Side, Candidate>>;
}

export interface CompareState {
  readonly choice: Choice | null;
}

export function readCompare(f: Fields, common: Task): CompareTask {
  return { ...common, candidates: { A: readCandidate(f.a, "a"), B: readCandidate(f.b, "b") } };
}

function readCandidate(value: unknown, where: string): Candidate {
  const f = fieldsOf(value, where);
  return {
    box: boxAt(f.xyxy, `${where}.xyxy`),
    label: numberOf(f.class, `${where}.class`),
    shape: optional(f.shape, `${where}.shape`, readDrawn, null),
  };
}

export function startCompare(): CompareState {
  return { choice: null };
}

export function promptCompare(task: CompareTask): string {
  return t("compare_two.prompt", { class: classOf(task, task.candidates.A.label).name });
}

export function answerCompare(_task: CompareTask, state: CompareState): Draft {
  return state.choice ? { value: { choice: state.choice } } : { missing: t("compare_two.choose") };
}
