/** draw_missed: draw boxes around what was missed near a marker, or say that there is nothing. */

import { AT_REST, type DrawInput, type DrawMode, type DrawState, step } from "../../canvas/drawing";
import { type Box, type Point, rounded } from "../../canvas/geometry";
import { type Fields, numberOf, optional, pointAt } from "../../lib/parse";
import { t } from "../../messages";
import type { Draft } from "../session";
import { type ContextObject, classOf, readContext, shownBounds, type Task } from "../task";

export interface DrawTask extends Task {
  readonly seed: Point | null;
  /** The guessed class. */
  readonly label: number;
  readonly objects: readonly ContextObject[];
}

export interface Drawn {
  readonly box: Box;
  readonly label: number;
}

export interface DrawTaskState {
  readonly boxes: readonly Drawn[];
  readonly selected: number | null;
  /** The class of the next box, and of the selected one. */
  readonly label: number;
  readonly mode: DrawMode;
  readonly drawing: DrawState;
  readonly cursor: Point | null;
  readonly none: boolean;
}

/** The most objects that the server takes in one answer. */
export const MAX_BOXES = 20;

export function readDraw(f: Fields, common: Task): DrawTask {
  return {
    ...common,
    seed: optional(f.seed, "seed", pointAt, null as Point | null),
    label: numberOf(f.class, "class"),
    objects: readContext(f.objects, "objects"),
  };
}

export function startDraw(task: DrawTask, mode: DrawMode = "corners"): DrawTaskState {
  return { boxes: [], selected: null, label: task.label, mode, drawing: AT_REST, cursor: null, none: false };
}

export function promptDraw(task: DrawTask): string {
  return t("draw_missed.prompt", { class: classOf(task, task.label).name });
}

export function draw(task: DrawTask, state: DrawTaskState, input: DrawInput): DrawTaskState {
  const next = step(state.drawing, input, state.mode, shownBounds(task));
  const drawing = next.state;
  if (!next.box) return drawing === state.drawing ? state : { ...state, drawing };
  if (state.boxes.length >= MAX_BOXES) return { ...state, drawing };
  const boxes = [...state.boxes, { box: next.box, label: state.label }];
  return { ...state, drawing, boxes, selected: boxes.length - 1, none: false };
}

export function isDrawing(state: DrawTaskState): boolean {
  return state.drawing.at !== "rest";
}

export function select(state: DrawTaskState, index: number | null): DrawTaskState {
  if (index === state.selected) return state;
  const label = index === null ? state.label : (state.boxes[index]?.label ?? state.label);
  return { ...state, selected: index, label };
}

export function reshape(state: DrawTaskState, box: Box): DrawTaskState {
  const { selected } = state;
  if (selected === null) return state;
  return { ...state, boxes: state.boxes.map((b, i) => (i === selected ? { ...b, box } : b)) };
}

/** The class of the selected box, and of what is drawn next. */
export function relabel(state: DrawTaskState, label: number): DrawTaskState {
  const { selected } = state;
  return { ...state, label, boxes: state.boxes.map((b, i) => (i === selected ? { ...b, label } : b)) };
}

export function remove(state: DrawTaskState, index: number): DrawTaskState {
  const boxes = state.boxes.filter((_, i) => i !== index);
  return { ...state, boxes, selected: boxes.length > 0 ? boxes.length - 1 : null };
}

export function setMode(state: DrawTaskState, mode: DrawMode): DrawTaskState {
  return { ...state, mode, drawing: AT_REST };
}

export function carryDraw(left: DrawTaskState, back: DrawTaskState): DrawTaskState {
  return { ...back, label: left.label, mode: left.mode, cursor: left.cursor, drawing: AT_REST, none: false };
}

export function answerDraw(_task: DrawTask, state: DrawTaskState): Draft {
  if (isDrawing(state)) return { missing: t("draw_missed.open") };
  if (state.none && state.boxes.length > 0) return { missing: t("draw_missed.has_boxes") };
  if (state.none) return { value: { objects: [], none: true } };
  if (state.boxes.length === 0) return { missing: t("draw_missed.none_yet") };
  return { value: { objects: state.boxes.map((b) => ({ xyxy: rounded(b.box), class: b.label })), none: false } };
}
