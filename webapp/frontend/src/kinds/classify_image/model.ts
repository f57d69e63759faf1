/** classify_image: which class is this, an object's crop or the whole scene? A second choice says how sure it is. */

import type { Fields } from "../../lib/parse";
import { t } from "../../messages";
import type { Draft } from "../session";
import { readChoices, readSubject, type Subject } from "../shared/subject";
import { type LabelClass, readContext, type Task } from "../task";

export interface ClassifyTask extends Task, Subject {
  /** The classes to choose from, in the order of the schema. */
  readonly choices: readonly LabelClass[];
}

export interface ClassifyState {
  readonly said: "class" | "none" | null;
  readonly label: number | null;
  /** What else it may be. */
  readonly alt: number | null;
}

export function readClassify(f: Fields, common: Task): ClassifyTask {
  const object = readSubject(f.object, "object");
  return {
    ...common,
    object,
    objects: readContext(f.objects, "objects").filter((o) => o.id !== object?.id),
    choices: readChoices(f.classes, "classes", common),
  };
}

export function startClassify(): ClassifyState {
  return { said: null, label: null, alt: null };
}

export function promptClassify(task: ClassifyTask): string {
  return t(task.object ? "classify_image.prompt_object" : "classify_image.prompt_scene");
}

export function classified(state: ClassifyState, label: number): ClassifyState {
  return { said: "class", label, alt: state.alt === label ? null : state.alt };
}

export function noneOfThese(state: ClassifyState): ClassifyState {
  return { ...state, said: "none", label: null };
}

/** Mark or unmark the second choice; it is sent along with the first. */
export function toggleSecond(state: ClassifyState, label: number): ClassifyState {
  return { ...state, alt: state.alt === label ? null : label };
}

export function carryClassify(_left: ClassifyState, back: ClassifyState): ClassifyState {
  return { ...back, said: null, label: null };
}

export function answerClassify(_task: ClassifyTask, state: ClassifyState): Draft {
  if (state.said === null) return { missing: t("classify_image.choose") };
  return { value: { class: state.said === "class" ? state.label : null, alt: state.alt } };
}
