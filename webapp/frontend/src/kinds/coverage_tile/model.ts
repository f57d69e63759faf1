/** coverage_tile: click every object that has no outline yet, or say that nothing is missing. */

import { type Box, boxOfRect, clampBox, containsPoint, type Point, rounded } from "../../canvas/geometry";
import { type Fields, fieldsOf, listOf, numberOf, optional, ParseError, rectAt } from "../../lib/parse";
import { t } from "../../messages";
import type { Draft } from "../session";
import { type ContextObject, type LabelClass, readContext, type Task } from "../task";

export interface CoverageTask extends Task {
  /** Where pins may stand; the halo around it is only context. */
  readonly core: Box;
  readonly objects: readonly ContextObject[];
  /** The classes asked for. */
  readonly asked: readonly LabelClass[];
}

export interface Pin {
  readonly xy: Point;
  readonly label: number;
}

export interface CoverageState {
  readonly pins: readonly Pin[];
  /** Objects whose outline is wrong. */
  readonly bad: readonly number[];
  /** The class of the next pin. */
  readonly label: number;
  readonly marking: boolean;
  readonly cursor: Point | null;
  readonly said: "nothing" | "pins" | null;
}

/** The most points that the server takes in one answer. */
export const MAX_PINS = 500;

export function readCoverage(f: Fields, common: Task): CoverageTask {
  const tile = fieldsOf(f.tile, "tile");
  const ids = optional(f.classes, "classes", (v, w) => listOf(v, w, numberOf), []);
  const asked = ids.length > 0 ? common.classes.filter((c) => ids.includes(c.id)) : common.classes;
  if (asked.length === 0) throw new ParseError("classes: expected ids of the schema");
  const core = clampBox(boxOfRect(rectAt(tile.core, "tile.core")), common.bounds);
  return { ...common, core, objects: readContext(f.objects, "objects"), asked };
}

export function startCoverage(task: CoverageTask): CoverageState {
  return { pins: [], bad: [], label: task.asked[0]?.id ?? 0, marking: false, cursor: null, said: null };
}

export function promptCoverage(task: CoverageTask): string {
  const [only, ...others] = task.asked;
  return only && others.length === 0
    ? t("coverage_tile.prompt_one", { class: only.name })
    : t("coverage_tile.prompt_many");
}

/** A click: on a pin it removes the pin, elsewhere in the core it adds one. `reach` is in scene pixels. */
export function clickAt(
  task: CoverageTask,
  state: CoverageState,
  p: Point,
  reach: number,
): CoverageState | "outside" | "full" {
  const hit = pinAt(state, p, reach);
  if (hit !== null) return removePin(state, hit);
  if (!containsPoint(task.core, p)) return "outside";
  if (state.pins.length >= MAX_PINS) return "full";
  return { ...state, pins: [...state.pins, { xy: p, label: state.label }] };
}

/** The pin whose head or tip is at the point; a pin's head stands about one reach above its tip. */
export function pinAt(state: CoverageState, p: Point, reach: number): number | null {
  let best: number | null = null;
  let least = reach;
  state.pins.forEach((pin, index) => {
    const tip = Math.hypot(pin.xy[0] - p[0], pin.xy[1] - p[1]) * 1.6;
    const head = Math.hypot(pin.xy[0] - p[0], pin.xy[1] - 1.7 * reach - p[1]);
    if (Math.min(tip, head) < least) {
      best = index;
      least = Math.min(tip, head);
    }
  });
  return best;
}

export function removePin(state: CoverageState, index: number): CoverageState {
  return { ...state, pins: state.pins.filter((_, i) => i !== index) };
}

export function clearPins(state: CoverageState): CoverageState {
  return state.pins.length > 0 ? { ...state, pins: [] } : state;
}

/** Mark or unmark the smallest object under the point as wrongly outlined. */
export function markAt(task: CoverageTask, state: CoverageState, p: Point): CoverageState {
  const size = (o: ContextObject): number => (o.box[2] - o.box[0]) * (o.box[3] - o.box[1]);
  const [hit] = task.objects.filter((o) => containsPoint(o.box, p)).sort((a, b) => size(a) - size(b));
  if (!hit) return state;
  const marked = state.bad.includes(hit.id);
  return { ...state, bad: marked ? state.bad.filter((id) => id !== hit.id) : [...state.bad, hit.id] };
}

export function carryCoverage(left: CoverageState, back: CoverageState): CoverageState {
  return { ...back, label: left.label, marking: left.marking, cursor: left.cursor, said: null };
}

export function answerCoverage(_task: CoverageTask, state: CoverageState): Draft {
  const bad_objects = [...state.bad];
  if (state.said === "nothing" && state.pins.length > 0) return { missing: t("coverage_tile.has_pins") };
  if (state.said === "nothing") return { value: { complete: true, points: [], bad_objects } };
  if (state.pins.length === 0) return { missing: t("coverage_tile.none_yet") };
  const points = state.pins.map((pin) => ({ xy: rounded(pin.xy), class: pin.label }));
  return { value: { complete: false, points, bad_objects } };
}
