/** name_unknown: a specialist names what others could not: a class of the project, a new one, or nothing it wants. */

import { type Fields, ParseError } from "../../lib/parse";
import { t } from "../../messages";
import type { Draft } from "../session";
import { readChoices, readSubject, type Subject } from "../shared/subject";
import { type LabelClass, type ObjectVersion, readContext, type Task } from "../task";

export interface NameTask extends Task, Subject {
  readonly object: ObjectVersion;
  readonly choices: readonly LabelClass[];
}

export interface NameState {
  readonly said: "class" | "propose" | "out" | null;
  readonly label: number | null;
  /** What is written as the name of a new class, as it stands. */
  readonly propose: string;
}

/** The longest name that the server takes. */
export const LONGEST_NAME = 80;

export function readName(f: Fields, common: Task): NameTask {
  const object = readSubject(f.object, "object");
  if (!object) throw new ParseError("object: expected an object");
  const objects = readContext(f.objects, "objects").filter((o) => o.id !== object.id);
  return { ...common, object, objects, choices: readChoices(f.classes, "classes", common) };
}

export function startName(): NameState {
  return { said: null, label: null, propose: "" };
}

export function promptName(): string {
  return t("name_unknown.prompt");
}

export function carryName(left: NameState, back: NameState): NameState {
  return { ...back, said: null, label: null, propose: left.propose };
}

/** What is wrong with the name of the new class, or null. */
export function objection(task: NameTask, written: string): string | null {
  const name = written.trim();
  if (name === "") return t("name_unknown.empty");
  const same = (c: LabelClass): boolean => c.name.toLocaleLowerCase() === name.toLocaleLowerCase();
  return task.classes.some(same) ? t("name_unknown.known") : null;
}

export function answerName(task: NameTask, state: NameState): Draft {
  switch (state.said) {
    case "class":
      return { value: { class: state.label, propose: "", out_of_scope: false } };
    case "out":
      return { value: { class: null, propose: "", out_of_scope: true } };
    case "propose": {
      const missing = objection(task, state.propose);
      if (missing !== null) return { missing };
      return { value: { class: null, propose: state.propose.trim().slice(0, LONGEST_NAME), out_of_scope: false } };
    }
    default:
      return { missing: t("name_unknown.choose") };
  }
}
