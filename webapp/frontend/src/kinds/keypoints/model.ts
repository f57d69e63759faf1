/** keypoints: joint after joint of a skeleton is confirmed, moved, marked as hidden, or said to be out of the picture. */

import { center, clampPoint, type Point } from "../../canvas/geometry";
import { type Joint, keypointsJson, readKeypoints } from "../../canvas/shapes";
import { type Fields, fieldsOf, listOf, oneOf, optional, ParseError, textOf } from "../../lib/parse";
import { t } from "../../messages";
import type { Draft } from "../session";
import { type ContextObject, classOf, type ObjectVersion, readContext, readObject, type Task } from "../task";

export type Side = "left" | "right";
const SIDES: readonly Side[] = ["left", "right"];

export interface SkeletonJoint {
  readonly name: string;
  readonly label: string;
  readonly side: Side | null;
}

export interface KeypointsTask extends Task {
  readonly object: ObjectVersion;
  readonly objects: readonly ContextObject[];
  readonly joints: readonly SkeletonJoint[];
  /** Pairs of joint numbers. */
  readonly edges: readonly (readonly [number, number])[];
  readonly proposal: Readonly<Record<string, Joint>>;
}

export interface KeypointsState {
  readonly points: Readonly<Record<string, Joint>>;
  /** Names of the joints that this person has decided about. */
  readonly done: readonly string[];
  /** The joint that is asked about. */
  readonly at: number;
  /** The keyboard's, for a joint that has no place yet. */
  readonly cursor: Point | null;
}

export function readSkeleton(f: Fields, common: Task): KeypointsTask {
  const object = readObject(f.object, "object");
  const skeleton = fieldsOf(f.skeleton, "skeleton");
  const joints = listOf(skeleton.joints, "skeleton.joints", readJoint);
  if (joints.length === 0) throw new ParseError("skeleton.joints: expected at least one joint");
  const number = (name: unknown, where: string): number => {
    const index = joints.findIndex((j) => j.name === name);
    if (index < 0) throw new ParseError(`${where}: expected a joint's name`);
    return index;
  };
  const edges = listOf(skeleton.edges, "skeleton.edges", (edge, at) => {
    const [a, b] = listOf(edge, at, number);
    if (a === undefined || b === undefined) throw new ParseError(`${at}: expected two names`);
    return [a, b] as const;
  });
  const proposed = optional(f.proposal, "proposal", readKeypoints, {});
  const known = Object.entries(proposed).filter(([name]) => joints.some((j) => j.name === name));
  return {
    ...common,
    object,
    objects: readContext(f.objects, "objects").filter((o) => o.id !== object.id),
    joints,
    edges,
    proposal: Object.fromEntries(known),
  };
}

export function startKeypoints(task: KeypointsTask): KeypointsState {
  return { points: task.proposal, done: [], at: 0, cursor: null };
}

export function promptKeypoints(task: KeypointsTask, state: KeypointsState): string {
  const joint = task.joints[state.at];
  const name = classOf(task, task.object.label).name;
  if (!joint || isFinished(task, state)) return t("keypoints.prompt_done", { class: name });
  const params = { joint: joint.label, class: name };
  return placeOf(state, joint.name) ? t("keypoints.prompt_fix", params) : t("keypoints.prompt", params);
}

/** Where a joint is; null when it has no place yet or is out of the picture. */
export function placeOf(state: KeypointsState, name: string): Point | null {
  const joint = state.points[name];
  return joint && joint.v > 0 ? joint.p : null;
}

export function isFinished(task: KeypointsTask, state: KeypointsState): boolean {
  return task.joints.every((j) => state.done.includes(j.name));
}

export function current(task: KeypointsTask, state: KeypointsState): SkeletonJoint {
  const joint = task.joints[state.at] ?? task.joints[0];
  if (!joint) throw new Error("a skeleton has joints");
  return joint;
}

export function goTo(task: KeypointsTask, state: KeypointsState, at: number): KeypointsState {
  const n = task.joints.length;
  return { ...state, at: (at + n) % n, cursor: null };
}

/** Put the joint in question at a place and go on to the next. A hidden joint stays hidden. */
export function put(task: KeypointsTask, state: KeypointsState, p: Point): KeypointsState {
  return advance(task, moveJoint(task, state, state.at, p));
}

/** Move a joint without going on. */
export function moveJoint(task: KeypointsTask, state: KeypointsState, index: number, p: Point): KeypointsState {
  const joint = task.joints[index];
  if (!joint) return state;
  const v = state.points[joint.name]?.v === 1 ? 1 : 2;
  const points = { ...state.points, [joint.name]: { p: clampPoint(p, task.bounds), v } as const };
  return { ...decided(state, joint.name), points, at: index, cursor: null };
}

/** It is right as it is. Null when it has no place yet. */
export function confirm(task: KeypointsTask, state: KeypointsState): KeypointsState | null {
  const { name } = current(task, state);
  if (!state.points[name]) return null;
  return advance(task, decided(state, name));
}

/** All that is left is right as it was proposed. */
export function confirmRest(task: KeypointsTask, state: KeypointsState): KeypointsState | null {
  if (!task.joints.every((j) => state.points[j.name])) return null;
  return { ...state, done: task.joints.map((j) => j.name), cursor: null };
}

/** Hidden behind something, or visible after all. Null when it has no place yet. */
export function toggleHidden(task: KeypointsTask, state: KeypointsState): KeypointsState | null {
  const { name } = current(task, state);
  const joint = state.points[name];
  if (!joint || joint.v === 0) return null;
  const v = joint.v === 1 ? 2 : 1;
  return { ...decided(state, name), points: { ...state.points, [name]: { p: joint.p, v } } };
}

export function markAbsent(task: KeypointsTask, state: KeypointsState): KeypointsState {
  const { name } = current(task, state);
  const points = { ...state.points, [name]: { p: [0, 0], v: 0 } as const };
  return advance(task, { ...decided(state, name), points });
}

/** Left joints take the places of right ones and the other way round. */
export function swapSides(task: KeypointsTask, state: KeypointsState): KeypointsState {
  const points = { ...state.points };
  const done = new Set(state.done);
  for (const [left, right] of pairs(task.joints)) {
    for (const [to, from] of [
      [left, right],
      [right, left],
    ] as const) {
      const moved = state.points[from];
      if (moved) points[to] = moved;
      else delete points[to];
      if (state.done.includes(from)) done.add(to);
      else done.delete(to);
    }
  }
  return { ...state, points, done: [...done], cursor: null };
}

/** Names of left joints with their right ones: by name where those fit, else in their order. */
export function pairs(joints: readonly SkeletonJoint[]): [left: string, right: string][] {
  const rights = joints.filter((j) => j.side === "right");
  const lefts = joints.filter((j) => j.side === "left");
  return lefts.flatMap((left, i) => {
    const same = rights.find((right) => sideless(right.name) === sideless(left.name));
    const other = same ?? rights[i];
    return other ? [[left.name, other.name] as [string, string]] : [];
  });
}

/** Where the keyboard's cursor begins: between the joints that this one hangs on, else in the middle. */
export function guess(task: KeypointsTask, state: KeypointsState): Point {
  const linked = task.edges.flatMap(([a, b]) => (a === state.at ? [b] : b === state.at ? [a] : []));
  const places = linked.map((i) => placeOf(state, task.joints[i]?.name ?? "")).filter((p) => p !== null);
  if (places.length === 0) return center(task.object.box);
  const sum = places.reduce<Point>((s, p) => [s[0] + p[0], s[1] + p[1]], [0, 0]);
  return [sum[0] / places.length, sum[1] / places.length];
}

export function answerKeypoints(task: KeypointsTask, state: KeypointsState): Draft {
  const open = task.joints.find((j) => !state.done.includes(j.name) || !state.points[j.name]);
  if (open) return { missing: t("keypoints.open", { joint: open.label }) };
  const joints = task.joints.map((j) => [j.name, state.points[j.name] as Joint] as const);
  if (joints.every(([, { v }]) => v === 0)) return { missing: t("keypoints.none") };
  return { value: { shape: keypointsJson(Object.fromEntries(joints)) } };
}

/** Undo gives the points back and stands at the joint that it changed. */
export function carryKeypoints(_left: KeypointsState, back: KeypointsState): KeypointsState {
  return { ...back, cursor: null };
}

function decided(state: KeypointsState, name: string): KeypointsState {
  return state.done.includes(name) ? state : { ...state, done: [...state.done, name] };
}

/** The next joint that is open, from here on and round again; the last one stays when there is none. */
function advance(task: KeypointsTask, state: KeypointsState): KeypointsState {
  const n = task.joints.length;
  for (let step = 1; step <= n; step++) {
    const at = (state.at + step) % n;
    const joint = task.joints[at];
    if (joint && !state.done.includes(joint.name)) return { ...state, at, cursor: null };
  }
  return { ...state, cursor: null };
}

function sideless(name: string): string {
  return name
    .toLowerCase()
    .replace(/left|right/g, "")
    .replace(/(^|[_\s-])[lr](?=$|[_\s-])/g, "$1");
}

function readJoint(value: unknown, where: string): SkeletonJoint {
  const f = fieldsOf(value, where);
  const name = textOf(f.name, `${where}.name`);
  return {
    name,
    label: optional(f.label, `${where}.label`, textOf, "") || name.replace(/_/g, " "),
    side: optional<Side | null>(f.side, `${where}.side`, (v, w) => oneOf(v, w, SIDES), null),
  };
}
