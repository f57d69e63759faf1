/** label_region: give every open segment of a block its class, or say that it belongs to none. */

import type { Point, Rect } from "../../canvas/geometry";
import { type Fields, fieldsOf, listOf, numberOf, optional, ParseError, rectAt } from "../../lib/parse";
import { t } from "../../messages";
import type { Draft } from "../session";
import { classOf, type LabelClass, type Task } from "../task";

/** A picture cut into segments: one id per cell, row by row. */
export interface Segments {
  readonly rect: Rect;
  readonly w: number;
  readonly h: number;
  readonly ids: Int32Array;
}

export interface RegionTask extends Task {
  readonly segments: Segments;
  readonly open: readonly number[];
  readonly known: ReadonlyMap<number, number>;
  /** What may be chosen. */
  readonly choices: readonly LabelClass[];
  /** A cell inside each open segment, in scene pixels: where its sign stands. */
  readonly places: ReadonlyMap<number, Point>;
}

export interface RegionState {
  /** Segment id, as a text, to class id; null is void. */
  readonly assigned: Readonly<Record<string, number | null>>;
  /** The segment that keys are about. */
  readonly at: number | null;
  /** The class in the hand: what a click gives. */
  readonly label: number;
}

const MAX_CELLS = 16_000_000;

export function readRegion(f: Fields, common: Task): RegionTask {
  const segments = readSegments(f.segments, "segments");
  const open = listOf(f.open, "open", numberOf);
  if (open.length === 0) throw new ParseError("open: expected at least one segment");
  const known = Object.entries(optional(f.known, "known", fieldsOf, {})).map(
    ([id, label]) => [Number(id), numberOf(label, `known.${id}`)] as const,
  );
  const ids = optional(f.classes, "classes", (v, w) => listOf(v, w, numberOf), [] as number[]);
  const choices = ids.length > 0 ? ids.map((id) => classOf(common, id)) : common.classes;
  const places = placesOf(segments, open);
  const lost = open.find((id) => !places.has(id));
  if (lost !== undefined) throw new ParseError(`open: segment ${lost} is not in the picture`);
  return { ...common, segments, open, known: new Map(known), choices, places };
}

export function startRegion(task: RegionTask): RegionState {
  return { assigned: {}, at: task.open[0] ?? null, label: task.choices[0]?.id ?? 0 };
}

export function promptRegion(task: RegionTask): string {
  return t("label_region.prompt", { n: task.open.length });
}

export function isOpen(task: RegionTask, id: number | null): id is number {
  return id !== null && task.open.includes(id);
}

export function isDecided(state: RegionState, id: number): boolean {
  return String(id) in state.assigned;
}

export function countDecided(task: RegionTask, state: RegionState): number {
  return task.open.filter((id) => isDecided(state, id)).length;
}

/** The segment at a place of the scene; null outside the block. */
export function segmentAt({ rect, w, h, ids }: Segments, p: Point): number | null {
  const x = Math.floor(((p[0] - rect[0]) / rect[2]) * w);
  const y = Math.floor(((p[1] - rect[1]) / rect[3]) * h);
  return x < 0 || y < 0 || x >= w || y >= h ? null : (ids[y * w + x] ?? null);
}

export function assign(state: RegionState, ids: readonly number[], label: number | null): RegionState {
  if (ids.every((id) => isDecided(state, id) && state.assigned[id] === label)) return state;
  return { ...state, assigned: { ...state.assigned, ...Object.fromEntries(ids.map((id) => [String(id), label])) } };
}

export function clear(state: RegionState, id: number): RegionState {
  const { [String(id)]: _, ...assigned } = state.assigned;
  return { ...state, assigned };
}

/** The next undecided segment after the one at hand, else the next one; round again. */
export function onward(task: RegionTask, state: RegionState): RegionState {
  const from = state.at === null ? -1 : task.open.indexOf(state.at);
  const around = task.open.map((_, i) => task.open[(from + 1 + i) % task.open.length] as number);
  return { ...state, at: around.find((id) => !isDecided(state, id)) ?? state.at };
}

export function step(task: RegionTask, state: RegionState, by: 1 | -1): RegionState {
  const from = state.at === null ? (by > 0 ? -1 : 0) : task.open.indexOf(state.at);
  return { ...state, at: task.open[(from + by + task.open.length) % task.open.length] ?? null };
}

/** The nearest open segment in a direction; sideways distance counts twice, so that rows and columns are kept. */
export function towards(task: RegionTask, state: RegionState, dx: number, dy: number): RegionState {
  const from = state.at === null ? null : task.places.get(state.at);
  if (!from) return step(task, state, 1);
  let best = state.at;
  let least = Number.POSITIVE_INFINITY;
  for (const id of task.open) {
    const p = task.places.get(id);
    if (!p || id === state.at) continue;
    const [x, y] = [p[0] - from[0], p[1] - from[1]];
    const along = x * dx + y * dy;
    if (along <= 0) continue;
    const cost = along + 2 * Math.abs(x * dy + y * dx);
    if (cost < least) {
      least = cost;
      best = id;
    }
  }
  return { ...state, at: best };
}

export function answerRegion(task: RegionTask, state: RegionState): Draft {
  const left = task.open.length - countDecided(task, state);
  if (left > 0) return { missing: t("label_region.left", { n: left }) };
  return { value: { assign: Object.fromEntries(task.open.map((id) => [String(id), state.assigned[id] ?? null])) } };
}

export function carryRegion(left: RegionState, back: RegionState): RegionState {
  return { ...back, label: left.label };
}

function readSegments(value: unknown, where: string): Segments {
  const f = fieldsOf(value, where);
  const [h, w] = listOf(f.size, `${where}.size`, numberOf);
  if (h === undefined || w === undefined || !(h > 0 && w > 0 && h * w <= MAX_CELLS))
    throw new ParseError(`${where}.size: expected [h, w] of at most ${MAX_CELLS} cells`);
  const ids = new Int32Array(h * w);
  let at = 0;
  listOf(f.runs, `${where}.runs`, (run, place) => {
    const [id, count] = listOf(run, place, numberOf);
    if (id === undefined || count === undefined) throw new ParseError(`${place}: expected [segment, count]`);
    ids.fill(id, at, at + count);
    at += count;
  });
  if (at !== h * w) throw new ParseError(`${where}.runs: expected ${h} × ${w} cells, not ${at}`);
  return { rect: rectAt(f.rect, `${where}.rect`), w, h, ids };
}

/** Of each open segment the cell that lies nearest to its centre of mass: a crescent's is on the crescent. */
function placesOf({ rect, w, h, ids }: Segments, open: readonly number[]): Map<number, Point> {
  const sums = new Map(open.map((id) => [id, { n: 0, x: 0, y: 0, least: Number.POSITIVE_INFINITY, cell: 0 }]));
  for (let i = 0; i < ids.length; i++) {
    const sum = sums.get(ids[i] ?? -1);
    if (!sum) continue;
    sum.n += 1;
    sum.x += i % w;
    sum.y += Math.floor(i / w);
  }
  for (let i = 0; i < ids.length; i++) {
    const sum = sums.get(ids[i] ?? -1);
    if (!sum) continue;
    const distance = ((i % w) - sum.x / sum.n) ** 2 + (Math.floor(i / w) - sum.y / sum.n) ** 2;
    if (distance < sum.least) Object.assign(sum, { least: distance, cell: i });
  }
  const places = [...sums].filter(([, sum]) => sum.n > 0);
  return new Map(
    places.map(([id, { cell }]) => [
      id,
      [rect[0] + ((cell % w) + 0.5) * (rect[2] / w), rect[1] + (Math.floor(cell / w) + 0.5) * (rect[3] / h)],
    ]),
  );
}
