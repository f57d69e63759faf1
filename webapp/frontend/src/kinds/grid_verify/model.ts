/** grid_verify: which of these pictures of one class are not outlined correctly? */

import type { Box, Rect } from "../../canvas/geometry";
import { boxAt, type Fields, fieldsOf, listOf, numberOf, ParseError, rectAt } from "../../lib/parse";
import { t } from "../../messages";
import type { Draft } from "../session";
import { classOf, type Media, readMedia, type Task } from "../task";

export interface Cell {
  readonly id: number;
  readonly box: Box;
  readonly view: Rect;
  readonly media: readonly Media[];
}

export interface GridTask extends Task {
  readonly label: number;
  readonly cells: readonly Cell[];
}

export type Mark = "ok" | "bad" | "unsure";

export interface GridState {
  readonly bad: readonly number[];
  readonly unsure: readonly number[];
  /** Cells that were really on screen; the others count as no answer. */
  readonly viewed: readonly number[];
  /** Index of the cell that the keyboard is at. */
  readonly at: number;
  /** Enough time has passed to have looked at all of them. */
  readonly ripe: boolean;
}

export const MAX_CELLS = 30;
/** Least time that people need for one picture of a page. */
export const MS_PER_CELL = 250;

export function readGrid(f: Fields, common: Task): GridTask {
  const cells = listOf(f.cells, "cells", readCell);
  if (cells.length < 1 || cells.length > MAX_CELLS) throw new ParseError(`cells: expected 1 to ${MAX_CELLS}`);
  return { ...common, label: numberOf(f.class, "class"), cells };
}

function readCell(value: unknown, where: string): Cell {
  const f = fieldsOf(value, where);
  return {
    id: numberOf(f.id, `${where}.id`),
    box: boxAt(f.xyxy, `${where}.xyxy`),
    view: rectAt(f.view, `${where}.view`),
    media: readMedia(f.media, `${where}.media`),
  };
}

export function startGrid(): GridState {
  return { bad: [], unsure: [], viewed: [], at: 0, ripe: false };
}

export function promptGrid(task: GridTask): string {
  return t("grid_verify.prompt", { class: classOf(task, task.label).name });
}

export function markOf(state: GridState, id: number): Mark {
  return state.bad.includes(id) ? "bad" : state.unsure.includes(id) ? "unsure" : "ok";
}

/** Set a cell's mark; setting the mark that it has takes it away. */
export function toggleMark(state: GridState, id: number, mark: "bad" | "unsure"): GridState {
  return setMark(state, id, markOf(state, id) === mark ? "ok" : mark);
}

/** What clicks do: correct, wrong, cannot tell, correct. */
export function cycleMark(state: GridState, id: number): GridState {
  const next: Record<Mark, Mark> = { ok: "bad", bad: "unsure", unsure: "ok" };
  return setMark(state, id, next[markOf(state, id)]);
}

export function clearMarks(state: GridState): GridState {
  return state.bad.length + state.unsure.length === 0 ? state : { ...state, bad: [], unsure: [] };
}

/** Move over a grid of `columns`, stopping at its borders. */
export function moveAt(state: GridState, dx: number, dy: number, columns: number, count: number): GridState {
  const column = (state.at % columns) + dx;
  const next = state.at + dx + dy * columns;
  if (column < 0 || column >= columns || next < 0 || next >= count) return state;
  return { ...state, at: next };
}

export function see(state: GridState, ids: readonly number[]): GridState {
  const fresh = ids.filter((id) => !state.viewed.includes(id));
  return fresh.length > 0 ? { ...state, viewed: [...state.viewed, ...fresh] } : state;
}

export function carryGrid(left: GridState, back: GridState): GridState {
  return { ...back, viewed: left.viewed, at: left.at, ripe: left.ripe };
}

export function answerGrid(task: GridTask, state: GridState): Draft {
  const viewed = task.cells.map((c) => c.id).filter((id) => state.viewed.includes(id));
  if (viewed.length < task.cells.length) return { missing: t("grid_verify.look") };
  if (!state.ripe) return { missing: t("grid_verify.wait") };
  const among = (ids: readonly number[]): number[] => viewed.filter((id) => ids.includes(id));
  return { value: { bad: among(state.bad), unsure: among(state.unsure), viewed } };
}

function setMark(state: GridState, id: number, mark: Mark): GridState {
  const without = (ids: readonly number[]): number[] => ids.filter((other) => other !== id);
  return {
    ...see(state, [id]),
    bad: mark === "bad" ? [...without(state.bad), id] : without(state.bad),
    unsure: mark === "unsure" ? [...without(state.unsure), id] : without(state.unsure),
  };
}

/**
 * The number of columns that makes square cells largest in a room of w x h CSS pixels; when they would get smaller
 * than `least`, as many columns as fit at that size, and the page scrolls.
 */
export function layOut(
  count: number,
  w: number,
  h: number,
  gap: number,
  least: number,
  most: number,
): { columns: number; side: number } {
  let best = { columns: 1, side: 0 };
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns);
    const side = Math.floor(Math.min((w - gap * (columns - 1)) / columns, (h - gap * (rows - 1)) / rows));
    if (side > best.side) best = { columns, side };
  }
  if (best.side >= least) return { columns: best.columns, side: Math.min(best.side, most) };
  const columns = Math.max(1, Math.min(count, Math.floor((w + gap) / (least + gap))));
  return { columns, side: Math.floor((w - gap * (columns - 1)) / columns) };
}
