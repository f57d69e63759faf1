/** Arrow keys as directions, and the cursor that they move over a picture. */

import { type Box, clampPoint, type Edge, type Point } from "./geometry";
import { toScene, toScreen, type View } from "./transform";

export type Stride = "plain" | "far" | "fine";

export interface Arrow {
  readonly dx: -1 | 0 | 1;
  readonly dy: -1 | 0 | 1;
  readonly edge: Edge;
  readonly stride: Stride;
}

const ARROWS: Readonly<Record<string, Pick<Arrow, "dx" | "dy" | "edge">>> = {
  ArrowLeft: { dx: -1, dy: 0, edge: "left" },
  ArrowRight: { dx: 1, dy: 0, edge: "right" },
  ArrowUp: { dx: 0, dy: -1, edge: "top" },
  ArrowDown: { dx: 0, dy: 1, edge: "bottom" },
};
const STRIDES: Readonly<Record<string, Stride>> = { "": "plain", Shift: "far", Alt: "fine" };

export const ARROW_CHORDS: readonly string[] = Object.keys(ARROWS).flatMap((code) => [
  code,
  `Shift+${code}`,
  `Alt+${code}`,
]);

export function arrowOf(chord: string | null): Arrow | null {
  const parts = (chord ?? "").split("+");
  const arrow = ARROWS[parts.pop() ?? ""];
  const stride = STRIDES[parts.join("+")];
  return arrow && stride ? { ...arrow, stride } : null;
}

/** CSS pixels per key press: what counts is how far the cursor jumps before one's eyes. */
const CURSOR_PX: Readonly<Record<Stride, number>> = { plain: 8, far: 56, fine: 1 };

/** CSS pixels that a chosen point moves: finer than the cursor, for it is nearly where it should be. */
const NUDGE_PX: Readonly<Record<Stride, number>> = { plain: 2, far: 24, fine: 0.5 };

export function nudged(p: Point, arrow: Arrow, view: View): Point {
  const by = NUDGE_PX[arrow.stride] / view.scale;
  return [p[0] + arrow.dx * by, p[1] + arrow.dy * by];
}

/** The cursor after an arrow key; a cursor not there yet appears at `start`. */
export function moveCursor(cursor: Point | null, arrow: Arrow, view: View, bounds: Box, start: Point): Point {
  if (!cursor) return clampPoint(start, bounds);
  const px = CURSOR_PX[arrow.stride];
  const [x, y] = toScreen(view, cursor);
  return clampPoint(toScene(view, [x + arrow.dx * px, y + arrow.dy * px]), bounds);
}
