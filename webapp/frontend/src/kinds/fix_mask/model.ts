/** fix_mask: paint what belongs to an object, by brush, eraser and clicks that a refiner turns into pixels. */

import { type Box, boxOfRect, clampBox, type Point, rounded, sides } from "../../canvas/geometry";
import { areaOf, decode, encode, fillHoles, type Pane, paneOf, paneOfMask, stroke } from "../../canvas/raster";
import { type MaskRuns, maskJson, readMask } from "../../canvas/shapes";
import { type Fields, optional, textOf } from "../../lib/parse";
import { t } from "../../messages";
import type { Draft } from "../session";
import { type ContextObject, classOf, type ObjectVersion, readContext, readObject, type Task } from "../task";

export const TOOLS = ["brush", "eraser", "add", "remove"] as const;
export type Tool = (typeof TOOLS)[number];
/** A place that belongs to the object (1) or does not (0). */
export type Click = readonly [x: number, y: number, label: 0 | 1];

export interface FixMaskTask extends Task {
  readonly object: ObjectVersion;
  readonly objects: readonly ContextObject[];
  readonly proposal: MaskRuns | null;
  readonly refiner: string | null;
  /** What is painted on: the view and what is proposed, within the scene. */
  readonly pane: Pane;
}

export interface FixMaskState {
  readonly mask: MaskRuns | null;
  readonly clicks: readonly Click[];
  readonly tool: Tool;
  /** Of the brush and the eraser, in scene pixels. */
  readonly radius: number;
  readonly cursor: Point | null;
  /** The keyboard's brush is on the picture: moving the cursor paints. */
  readonly down: boolean;
  readonly deleted: boolean;
}

export const MAX_CLICKS = 200;
const SIZE_STEP = 1.25;
const MIN_RADIUS = 0.5;
/** Share of the object's shorter side that a new brush covers. */
const FIRST_BRUSH = 1 / 12;
const MAX_PIXELS = 16_000_000;

export function readFixMask(f: Fields, common: Task): FixMaskTask {
  const object = readObject(f.object, "object");
  const proposal = optional<MaskRuns | null>(f.proposal, "proposal", readMask, null);
  return {
    ...common,
    object,
    objects: readContext(f.objects, "objects").filter((o) => o.id !== object.id),
    proposal,
    refiner: optional<string | null>(f.refiner, "refiner", textOf, null),
    pane: paneFor(boxOfRect(common.view), object.box, proposal, common.bounds),
  };
}

export function startFixMask(task: FixMaskTask): FixMaskState {
  const { w, h } = sides(task.object.box);
  return {
    mask: task.proposal,
    clicks: [],
    tool: task.refiner ? "add" : "brush",
    radius: Math.max(1, Math.min(w, h) * FIRST_BRUSH),
    cursor: null,
    down: false,
    deleted: false,
  };
}

export function promptFixMask(task: FixMaskTask): string {
  const name = classOf(task, task.object.label).name;
  return task.proposal ? t("fix_mask.prompt_fix", { class: name }) : t("fix_mask.prompt", { class: name });
}

export function paints(tool: Tool): boolean {
  return tool === "brush" || tool === "eraser";
}

/** The other one of a pair: what Alt and the right button do. */
export function opposite(tool: Tool): Tool {
  return ({ brush: "eraser", eraser: "brush", add: "remove", remove: "add" } as const)[tool];
}

export function useTool(state: FixMaskState, tool: Tool): FixMaskState {
  return { ...state, tool, down: state.down && paints(tool) };
}

export function resize(state: FixMaskState, by: 1 | -1, pane: Pane): FixMaskState {
  const most = Math.max(pane.w, pane.h) / 4;
  const radius = Math.min(most, Math.max(MIN_RADIUS, state.radius * (by > 0 ? SIZE_STEP : 1 / SIZE_STEP)));
  return { ...state, radius };
}

/** Paint or erase along a segment. */
export function paintAlong(task: FixMaskTask, state: FixMaskState, a: Point, b: Point): FixMaskState {
  const pixels = decode(state.mask, task.pane);
  stroke(pixels, task.pane, a, b, state.radius, state.tool === "eraser" ? 0 : 1);
  return withPixels(task, state, pixels);
}

export function withPixels(task: FixMaskTask, state: FixMaskState, pixels: Uint8Array): FixMaskState {
  return { ...state, mask: encode(pixels, task.pane) };
}

/** Close all holes; null when there is none. */
export function withoutHoles(task: FixMaskTask, state: FixMaskState): FixMaskState | null {
  const pixels = decode(state.mask, task.pane);
  return fillHoles(pixels, task.pane) > 0 ? withPixels(task, state, pixels) : null;
}

/** Note a click for the refiner; null when it has as many as it takes. */
export function addClick(state: FixMaskState, p: Point, label: 0 | 1): FixMaskState | null {
  if (state.clicks.length >= MAX_CLICKS) return null;
  const [x, y] = rounded(p);
  return { ...state, clicks: [...state.clicks, [x, y, label]] };
}

/** Undo gives the pixels back; tool, brush and cursor stay in the hand. */
export function carryFixMask(left: FixMaskState, back: FixMaskState): FixMaskState {
  return { ...back, tool: left.tool, radius: left.radius, cursor: left.cursor, down: false, deleted: false };
}

export function answerFixMask(_task: FixMaskTask, state: FixMaskState): Draft {
  const clicks = state.clicks.length > 0 ? { clicks: state.clicks.map((c) => [...c]) } : {};
  if (state.deleted) return { value: { shape: null, deleted: true, ...clicks } };
  if (!state.mask || areaOf(state.mask) === 0) return { missing: t("fix_mask.empty") };
  return { value: { shape: maskJson(state.mask), deleted: false, ...clicks } };
}

function paneFor(view: Box, object: Box, proposal: MaskRuns | null, scene: Box): Pane {
  const parts = [view, object, ...(proposal ? [boxOfPane(paneOfMask(proposal))] : [])];
  const whole = paneOf(clampBox(around(parts), scene));
  return whole.w * whole.h <= MAX_PIXELS ? whole : paneOf(clampBox(around(parts.slice(1)), scene));
}

function around(boxes: readonly Box[]): Box {
  const side = (i: 0 | 1 | 2 | 3): number[] => boxes.map((b) => b[i]);
  return [Math.min(...side(0)), Math.min(...side(1)), Math.max(...side(2)), Math.max(...side(3))];
}

function boxOfPane({ x, y, w, h }: Pane): Box {
  return [x, y, x + w, y + h];
}
