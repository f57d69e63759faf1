/** The part of a payload that all kinds share (docs/microtask-kinds.md), read into this side's names. */

import { type Box, boxOfRect, clampBox, type Rect } from "../canvas/geometry";
import type { Greys } from "../canvas/window";
import { boxAt, type Fields, fieldsOf, listOf, numberOf, optional, ParseError, rectAt, textOf } from "../lib/parse";

export interface LabelClass {
  readonly id: number;
  readonly name: string;
  readonly color: string;
  readonly key: string | null;
}

export interface Media {
  readonly role: string;
  readonly url: string;
  /** The same picture smaller, for slow connections. */
  readonly small: string | null;
  /** Greys of more than 8 bits: their samples as a 16-bit PNG, and what they mean. */
  readonly deep: (Greys & { readonly url: string }) | null;
  /** What it shows, in scene pixels. */
  readonly rect: Rect;
}

export interface ContextObject {
  readonly id: number;
  readonly box: Box;
  readonly label: number;
}

export interface ObjectVersion extends ContextObject {
  readonly version: number;
}

export interface Task {
  readonly kind: string;
  readonly project: { readonly id: number | string; readonly name: string };
  readonly classes: readonly LabelClass[];
  readonly guideline: { readonly version: number; readonly url: string } | null;
  /** The whole scene as a box: what drawn boxes must stay inside. */
  readonly bounds: Box;
  readonly view: Rect;
  readonly media: readonly Media[];
  /** IoU above which an outline counts as right. */
  readonly tolerance: number;
}

export function readTask(f: Fields): Task {
  const project = fieldsOf(f.project, "project");
  const schema = fieldsOf(f.schema, "schema");
  const scene = fieldsOf(f.scene, "scene");
  const classes = listOf(schema.classes, "schema.classes", readClass);
  if (classes.length === 0) throw new ParseError("schema.classes: expected at least one class");
  return {
    kind: textOf(f.kind, "kind"),
    project: { id: project.id as number | string, name: optional(project.name, "project.name", textOf, "") },
    classes,
    guideline: optional(f.guideline, "guideline", readGuideline, null),
    bounds: boxOfRect([0, 0, numberOf(scene.width, "scene.width"), numberOf(scene.height, "scene.height")]),
    view: rectAt(f.view, "view"),
    media: readMedia(f.media, "media"),
    tolerance: optional(f.tolerance, "tolerance", numberOf, 0.75),
  };
}

/** A list of pictures; one alone may stand without its list. */
export function readMedia(value: unknown, where: string): Media[] {
  if (value === undefined || value === null) return [];
  return listOf(Array.isArray(value) ? value : [value], where, (entry, at) => {
    const f = fieldsOf(entry, at);
    return {
      role: optional(f.role, `${at}.role`, textOf, "focus"),
      url: textOf(f.url, `${at}.url`),
      small: optional(f.small, `${at}.small`, textOf, null as string | null),
      deep: optional(f.deep, `${at}.deep`, readDeep, null),
      rect: rectAt(f.rect, `${at}.rect`),
    };
  });
}

function readDeep(value: unknown, where: string): Media["deep"] {
  const f = fieldsOf(value, where);
  const number = (name: keyof Greys): number => numberOf(f[name], `${where}.${name}`);
  return {
    url: textOf(f.url, `${where}.url`),
    black: number("black"),
    white: number("white"),
    least: number("least"),
    most: number("most"),
    offset: number("offset"),
    step: number("step"),
  };
}

export function readContext(value: unknown, where: string): ContextObject[] {
  return optional(value, where, (v, w) => listOf(v, w, readContextObject), []);
}

export function readObject(value: unknown, where: string): ObjectVersion {
  const f = fieldsOf(value, where);
  return { ...readContextObject(value, where), version: optional(f.version, `${where}.version`, numberOf, 1) };
}

function readContextObject(value: unknown, where: string): ContextObject {
  const f = fieldsOf(value, where);
  return {
    id: numberOf(f.id, `${where}.id`),
    box: boxAt(f.xyxy, `${where}.xyxy`),
    label: numberOf(f.class, `${where}.class`),
  };
}

function readClass(value: unknown, where: string): LabelClass {
  const f = fieldsOf(value, where);
  const color = optional(f.color, `${where}.color`, textOf, "#ffd84d");
  return {
    id: numberOf(f.id, `${where}.id`),
    name: textOf(f.name, `${where}.name`),
    color: /^#[0-9a-f]{6}$/i.test(color) ? color : "#ffd84d",
    key: optional(f.key, `${where}.key`, textOf, null as string | null),
  };
}

function readGuideline(value: unknown, where: string): Task["guideline"] {
  const f = fieldsOf(value, where);
  return { version: optional(f.version, `${where}.version`, numberOf, 1), url: textOf(f.url, `${where}.url`) };
}

/** Everything that the pictures show, within the scene: nothing can be drawn out of sight. */
export function shownBounds(task: Task): Box {
  const rects = [task.view, ...task.media.map((m) => m.rect)].map(boxOfRect);
  return clampBox(
    [
      Math.min(...rects.map((r) => r[0])),
      Math.min(...rects.map((r) => r[1])),
      Math.max(...rects.map((r) => r[2])),
      Math.max(...rects.map((r) => r[3])),
    ],
    task.bounds,
  );
}

export function classOf(task: Task, id: number): LabelClass {
  return task.classes.find((c) => c.id === id) ?? { id, name: `class ${id}`, color: "#ffd84d", key: null };
}

/** The digit that picks each class: its own key where that is a digit, else the first free one; at most nine. */
export function classDigits(classes: readonly LabelClass[]): Map<number, string> {
  const digits = new Map<number, string>();
  for (const c of classes) if (c.key && /^[1-9]$/.test(c.key)) digits.set(c.id, c.key);
  const free = [..."123456789"].filter((d) => ![...digits.values()].includes(d));
  for (const c of classes) {
    if (digits.has(c.id)) continue;
    const next = free.shift();
    if (next === undefined) break;
    digits.set(c.id, next);
  }
  return digits;
}
