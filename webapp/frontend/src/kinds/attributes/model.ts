/** attributes: what is this object like? One or more properties, each with options of which one or several hold. */

import { type Fields, fieldsOf, listOf, optional, ParseError, textOf } from "../../lib/parse";
import { t } from "../../messages";
import type { Draft } from "../session";
import { readSubject, type Subject } from "../shared/subject";
import { type ContextObject, classOf, type ObjectVersion, readContext, type Task } from "../task";

export interface Option {
  readonly id: string;
  readonly name: string;
  /** The digit that chooses it. */
  readonly digit: string | null;
}

export interface Attribute {
  readonly id: string;
  readonly name: string;
  readonly options: readonly Option[];
  readonly multi: boolean;
}

export interface AttributesTask extends Task, Subject {
  readonly object: ObjectVersion;
  readonly objects: readonly ContextObject[];
  readonly attributes: readonly Attribute[];
}

export interface AttributesState {
  /** Option ids per answered attribute; an empty list says that none of several holds. */
  readonly chosen: Readonly<Record<string, readonly string[]>>;
  /** Index of the attribute that keys are about. */
  readonly at: number;
}

export function readAttributes(f: Fields, common: Task): AttributesTask {
  const object = readSubject(f.object, "object");
  if (!object) throw new ParseError("object: expected an object");
  const attributes = listOf(f.attributes, "attributes", readAttribute);
  if (attributes.length === 0) throw new ParseError("attributes: expected at least one");
  return {
    ...common,
    object,
    objects: readContext(f.objects, "objects").filter((o) => o.id !== object.id),
    attributes,
  };
}

function readAttribute(value: unknown, where: string): Attribute {
  const f = fieldsOf(value, where);
  const options = listOf(f.options, `${where}.options`, (entry, at) => {
    const o = fieldsOf(entry, at);
    const id = textOf(o.id, `${at}.id`);
    return { id, name: optional(o.name, `${at}.name`, textOf, id), key: optional(o.key, `${at}.key`, textOf, "") };
  });
  if (options.length < 2) throw new ParseError(`${where}.options: expected at least two`);
  const id = textOf(f.id, `${where}.id`);
  const digits = digitsOf(options.map((o) => o.key));
  return {
    id,
    name: optional(f.name, `${where}.name`, textOf, id),
    options: options.map((o, index) => ({ id: o.id, name: o.name, digit: digits[index] ?? null })),
    multi: f.multi === true,
  };
}

/** Each option's own digit where it has one, else the first free one; the tenth and later ones have none. */
export function digitsOf(keys: readonly string[]): (string | null)[] {
  const own = keys.map((key, index) => (/^[1-9]$/.test(key) && keys.indexOf(key) === index ? key : null));
  const free = [..."123456789"].filter((digit) => !own.includes(digit));
  return own.map((digit) => digit ?? free.shift() ?? null);
}

export function startAttributes(): AttributesState {
  return { chosen: {}, at: 0 };
}

export function promptAttributes(task: AttributesTask): string {
  const [only, ...others] = task.attributes;
  const name = classOf(task, task.object.label).name;
  return only && others.length === 0
    ? t("attributes.prompt_one", { attribute: only.name, class: name })
    : t("attributes.prompt_many", { class: name });
}

/** One attribute with one option to choose: choosing it is the answer. */
export function isOneKey(task: AttributesTask): boolean {
  return task.attributes.length === 1 && !task.attributes[0]?.multi;
}

export function isChosen(state: AttributesState, attribute: Attribute, option: string): boolean {
  return state.chosen[attribute.id]?.includes(option) ?? false;
}

/** Choose an option, or take one of several back. A single choice moves on to the next attribute without an answer. */
export function choose(task: AttributesTask, state: AttributesState, index: number, option: string): AttributesState {
  const attribute = task.attributes[index];
  if (!attribute?.options.some((o) => o.id === option)) return state;
  if (!attribute.multi) return onward(task, { chosen: { ...state.chosen, [attribute.id]: [option] }, at: index });
  const now = state.chosen[attribute.id] ?? [];
  // In the order of the options, whichever was clicked first.
  const next = attribute.options
    .map((o) => o.id)
    .filter((id) => (id === option ? !now.includes(id) : now.includes(id)));
  return { chosen: { ...state.chosen, [attribute.id]: next }, at: index };
}

/** Say that none of the options holds: an answer of its own where several may be chosen. */
export function chooseNone(task: AttributesTask, state: AttributesState, index: number): AttributesState {
  const attribute = task.attributes[index];
  if (!attribute?.multi) return state;
  return onward(task, { chosen: { ...state.chosen, [attribute.id]: [] }, at: index });
}

/** The next or last option of the attribute at hand, for keys without digits. */
export function cycle(task: AttributesTask, state: AttributesState, by: 1 | -1): AttributesState {
  const attribute = task.attributes[state.at];
  if (!attribute || attribute.multi) return state;
  const { options } = attribute;
  const now = options.findIndex((o) => isChosen(state, attribute, o.id));
  const next = options[now < 0 ? (by > 0 ? 0 : options.length - 1) : (now + by + options.length) % options.length];
  return next ? { ...state, chosen: { ...state.chosen, [attribute.id]: [next.id] } } : state;
}

export function moveTo(task: AttributesTask, state: AttributesState, index: number): AttributesState {
  const at = Math.min(Math.max(index, 0), task.attributes.length - 1);
  return at === state.at ? state : { ...state, at };
}

/** Index of the first attribute without an answer, looking from the one at hand onwards; null when all have one. */
export function unanswered(task: AttributesTask, state: AttributesState): number | null {
  const { length } = task.attributes;
  for (let step = 0; step < length; step++) {
    const index = (state.at + step) % length;
    const attribute = task.attributes[index];
    if (attribute && !(attribute.id in state.chosen)) return index;
  }
  return null;
}

function onward(task: AttributesTask, state: AttributesState): AttributesState {
  return { ...state, at: unanswered(task, state) ?? state.at };
}

export function carryAttributes(left: AttributesState, back: AttributesState): AttributesState {
  return { ...back, at: left.at };
}

export function answerAttributes(task: AttributesTask, state: AttributesState): Draft {
  const open = unanswered(task, state);
  if (open !== null) return { missing: t("attributes.missing", { attribute: task.attributes[open]?.name ?? "" }) };
  const answer = task.attributes.map((a) => [
    a.id,
    a.multi ? [...(state.chosen[a.id] ?? [])] : state.chosen[a.id]?.[0],
  ]);
  return { value: { attributes: Object.fromEntries(answer) } };
}
