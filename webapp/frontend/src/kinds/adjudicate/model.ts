/** adjudicate: a specialist's own view first, without seeing anybody's answer; then the case; then the ruling. */

import { type Box, rounded } from "../../canvas/geometry";
import { type JsonObject, type Said, saidOf } from "../../feed/protocol";
import { type Fields, optional, textOf } from "../../lib/parse";
import { t } from "../../messages";
import type { Draft } from "../session";
import { type BoxWork, beginWork, sameBox, setBox } from "../shared/boxwork";
import { type ContextObject, classOf, type ObjectVersion, readContext, readObject, type Task } from "../task";
import type { CaseFile } from "./case";

export const RULINGS = ["accept", "reject", "undecidable"] as const;
export type Ruling = (typeof RULINGS)[number];
export const FEATURES = ["blurred", "hidden", "crowded", "small", "lookalike", "gap"] as const;
export type Feature = (typeof FEATURES)[number];

export interface AdjudicateTask extends Task {
  readonly object: ObjectVersion;
  /** Why a specialist is asked. */
  readonly reasons: readonly Said[];
  readonly objects: readonly ContextObject[];
}

export interface AdjudicateState extends BoxWork {
  readonly phase: "blind" | "asked" | "case";
  readonly ruling: Ruling | null;
  readonly label: number;
  /** The box as it was before the case was shown. */
  readonly mine: Box | null;
  readonly file: CaseFile | null;
  readonly gold: boolean;
  readonly seen: readonly Feature[];
  readonly note: string;
}

export function readAdjudicate(f: Fields, common: Task): AdjudicateTask {
  const object = readObject(f.object, "object");
  return {
    ...common,
    object,
    reasons: saidOf(f.because, "because", [optional(f.reason, "reason", textOf, "")]),
    objects: readContext(f.objects, "objects").filter((o) => o.id !== object.id),
  };
}

export function startAdjudicate(task: AdjudicateTask): AdjudicateState {
  return {
    ...beginWork(task.object.box, "left"),
    phase: "blind",
    ruling: null,
    label: task.object.label,
    mine: null,
    file: null,
    gold: false,
    seen: [],
    note: "",
  };
}

export function promptAdjudicate(task: AdjudicateTask, state: AdjudicateState): string {
  if (state.phase === "case") return t("adjudicate.prompt_ruling");
  return t("adjudicate.prompt_blind", { class: classOf(task, task.object.label).name });
}

export function rule(state: AdjudicateState, ruling: Ruling): AdjudicateState {
  return { ...state, ruling, gold: ruling === "undecidable" ? false : state.gold };
}

/** The blind answer as the server wants it. */
export function blindAnswer(state: AdjudicateState): JsonObject | null {
  return state.ruling ? outcomeOf(state, state.ruling) : null;
}

export function asked(state: AdjudicateState): AdjudicateState {
  return { ...state, phase: "asked", mine: state.ruling === "accept" ? state.box : null };
}

export function revealed(state: AdjudicateState, file: CaseFile): AdjudicateState {
  return { ...state, phase: "case", file };
}

export interface Source {
  readonly key: string;
  readonly box: Box;
  readonly label: number;
}

/** The outlines that a ruling may take over: one's own, then all versions. */
export function sources(state: AdjudicateState): Source[] {
  const mine = state.mine ? [{ key: "mine", box: state.mine, label: state.label }] : [];
  const versions = (state.file?.versions ?? []).map((v) => ({ key: `v${v.number}`, box: v.box, label: v.label }));
  return [...mine, ...versions];
}

export function take(state: AdjudicateState, source: Source): AdjudicateState {
  return { ...setBox(state, source.box), label: source.label, ruling: "accept" };
}

/** The source after the one whose box is in use. */
export function nextSource(state: AdjudicateState): Source | null {
  const all = sources(state);
  const now = all.findIndex((s) => sameBox(s.box, state.box));
  return all[(now + 1) % Math.max(1, all.length)] ?? null;
}

/**
 * The two outlines worth comparing: the one in use, and the one pointed at, or else the newest that differs from it.
 * Null where there are no two.
 */
export function comparable(state: AdjudicateState, pointed: Source | null = null): readonly [Source, Source] | null {
  const all = sources(state);
  const now = all.find((s) => sameBox(s.box, state.box)) ?? { key: "now", box: state.box, label: state.label };
  const others = all.filter((s) => !sameBox(s.box, now.box));
  const other = others.find((s) => s.key === pointed?.key) ?? others.findLast((s) => s.key !== "mine") ?? others[0];
  return other ? [now, other] : null;
}

export function toggleFeature(state: AdjudicateState, feature: Feature): AdjudicateState {
  const seen = FEATURES.filter((f) => (f === feature ? !state.seen.includes(f) : state.seen.includes(f)));
  return { ...state, seen };
}

export function answerAdjudicate(_task: AdjudicateTask, state: AdjudicateState): Draft {
  if (state.phase !== "case") return { missing: t("adjudicate.blind_first") };
  if (state.redraw !== null) return { missing: t("draw_missed.open") };
  if (!state.ruling) return { missing: t("adjudicate.choose") };
  return {
    value: {
      ...outcomeOf(state, state.ruling),
      make_gold: state.gold,
      rubric: Object.fromEntries(state.seen.map((f) => [f, true])),
      note: state.note.trim(),
    },
  };
}

export function carryAdjudicate(left: AdjudicateState, back: AdjudicateState): AdjudicateState {
  const { phase, mine, file, edge, note } = left;
  // What was revealed cannot be unseen: undo stops at the reveal.
  return { ...back, phase, mine, file, edge, note, redraw: null, cursor: null };
}

function outcomeOf(state: AdjudicateState, ruling: Ruling): JsonObject {
  const accepted = ruling === "accept";
  return { ruling, xyxy: accepted ? rounded(state.box) : null, class: accepted ? state.label : null };
}
