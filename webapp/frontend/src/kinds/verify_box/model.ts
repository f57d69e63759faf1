/** verify_box: is this object outlined correctly, and if not, what is wrong? */

import { EDGES, type Edge } from "../../canvas/geometry";
import type { Fields } from "../../lib/parse";
import { t } from "../../messages";
import type { Draft } from "../session";
import { type ContextObject, classOf, type ObjectVersion, readContext, readObject, type Task } from "../task";

export const REASONS = ["geometry", "wrong_class", "not_object", "duplicate", "group", "part"] as const;
export type Reason = (typeof REASONS)[number];
export type Verdict = "ok" | Reason;

export interface VerifyTask extends Task {
  readonly object: ObjectVersion;
  readonly objects: readonly ContextObject[];
}

export interface VerifyState {
  readonly verdict: Verdict | null;
  /** Marked as off; sent with the verdict `geometry`. */
  readonly edges: readonly Edge[];
  /** The person said no and is choosing a reason. */
  readonly asking: boolean;
}

export function readVerify(f: Fields, common: Task): VerifyTask {
  const object = readObject(f.object, "object");
  return { ...common, object, objects: readContext(f.objects, "objects").filter((o) => o.id !== object.id) };
}

export function startVerify(): VerifyState {
  return { verdict: null, edges: [], asking: false };
}

export function promptVerify(task: VerifyTask): string {
  return t("verify_box.prompt", { class: classOf(task, task.object.label).name });
}

export function judge(state: VerifyState, verdict: Verdict): VerifyState {
  return { ...state, verdict, edges: verdict === "geometry" ? state.edges : [], asking: false };
}

export function toggleEdge(state: VerifyState, edge: Edge): VerifyState {
  const marked = state.edges.includes(edge);
  const edges = EDGES.filter((e) => (e === edge ? !marked : state.edges.includes(e)));
  return { ...state, edges, asking: edges.length > 0 || state.asking };
}

export function ask(state: VerifyState, asking: boolean): VerifyState {
  return { ...state, asking, edges: asking ? state.edges : [] };
}

export function answerVerify(_task: VerifyTask, state: VerifyState): Draft {
  if (!state.verdict) return { missing: t("verify_box.choose") };
  if (state.verdict === "geometry") return { value: { verdict: "geometry", edges: [...state.edges] } };
  return { value: { verdict: state.verdict } };
}
