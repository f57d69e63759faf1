/** triage_scene: can this picture be worked on at all, and if not, why? */

import type { Fields } from "../../lib/parse";
import { t } from "../../messages";
import type { Draft } from "../session";
import type { Task } from "../task";

export const FAULTS = ["blurred", "dark", "privacy", "wrong_domain"] as const;
export type Fault = (typeof FAULTS)[number];
export type SceneState = "usable" | Fault;

export interface TriageState {
  readonly state: SceneState | null;
}

export function readTriage(_f: Fields, common: Task): Task {
  return common;
}

export function startTriage(): TriageState {
  return { state: null };
}

export function promptTriage(): string {
  return t("triage_scene.prompt");
}

export function answerTriage(_task: Task, { state }: TriageState): Draft {
  return state ? { value: { state } } : { missing: t("triage_scene.choose") };
}
