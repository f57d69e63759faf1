/**
 * How a box comes into being: by a drag, by two clicks, by four extreme clicks, or by the keyboard's cursor.
 * A state machine without DOM: `step` takes an input and returns the next state and, when finished, the box.
 */

import { type Box, boxAround, boxOf, clampPoint, isDrawable, type Point } from "./geometry";

export type DrawMode = "corners" | "extreme";

export type DrawState =
  | { readonly at: "rest" }
  | { readonly at: "pressed"; readonly from: Point; readonly to: Point }
  | { readonly at: "second"; readonly from: Point; readonly to: Point }
  | { readonly at: "extreme"; readonly points: readonly Point[]; readonly to: Point };

export type DrawInput =
  | { readonly type: "down"; readonly p: Point }
  | { readonly type: "move"; readonly p: Point }
  /** `dragged`: the pointer moved far enough, in screen pixels, that no click was meant. */
  | { readonly type: "up"; readonly p: Point; readonly dragged: boolean }
  /** A corner or extreme point set by the keyboard. */
  | { readonly type: "drop"; readonly p: Point }
  | { readonly type: "cancel" };

export interface DrawStep {
  readonly state: DrawState;
  readonly box: Box | null;
}

export const AT_REST: DrawState = { at: "rest" };
const EXTREME_POINTS = 4;

export function step(state: DrawState, input: DrawInput, mode: DrawMode, bounds: Box): DrawStep {
  if (input.type === "cancel") return { state: AT_REST, box: null };
  const p = clampPoint(input.p, bounds);
  switch (input.type) {
    case "down":
      return { state: pressed(state, p, mode), box: null };
    case "move":
      return { state: moved(state, p), box: null };
    case "drop":
      return dropped(state, p, mode);
    case "up":
      if (state.at !== "pressed")
        return mode === "extreme" || state.at === "second" ? dropped(state, p, mode) : { state, box: null };
      if (input.dragged) return finished(state.from, p, AT_REST);
      return { state: { at: "second", from: p, to: p }, box: null };
  }
}

/** What to draw while the box is being made. */
export function preview(state: DrawState): Box | null {
  if (state.at === "rest") return null;
  if (state.at === "extreme") return boxAround([...state.points, state.to]);
  return boxOf(state.from, state.to);
}

function pressed(state: DrawState, p: Point, mode: DrawMode): DrawState {
  if (mode === "extreme" || state.at === "second" || state.at === "extreme") return moved(state, p);
  return { at: "pressed", from: p, to: p };
}

function moved(state: DrawState, p: Point): DrawState {
  return state.at === "rest" ? state : { ...state, to: p };
}

function dropped(state: DrawState, p: Point, mode: DrawMode): DrawStep {
  if (mode === "extreme") {
    const points = [...(state.at === "extreme" ? state.points : []), p];
    if (points.length < EXTREME_POINTS) return { state: { at: "extreme", points, to: p }, box: null };
    const box = boxAround(points);
    return { state: AT_REST, box: box && isDrawable(box) ? box : null };
  }
  if (state.at === "second") return finished(state.from, p, state);
  return { state: { at: "second", from: p, to: p }, box: null };
}

function finished(from: Point, to: Point, otherwise: DrawState): DrawStep {
  const box = boxOf(from, to);
  return isDrawable(box) ? { state: AT_REST, box } : { state: otherwise, box: null };
}
