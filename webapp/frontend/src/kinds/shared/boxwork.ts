/** Correcting one box, as pure steps: its edges by hand or key, or the whole box anew by four outermost points. */

import type { Arrow, Stride } from "../../canvas/arrows";
import { AT_REST, type DrawInput, type DrawState, step } from "../../canvas/drawing";
import { type Box, type Edge, edgeValue, moveBox, type Point, withEdge } from "../../canvas/geometry";

export interface BoxWork {
  readonly box: Box;
  /** The edge that arrow keys move; null moves the whole box. */
  readonly edge: Edge | null;
  /** Not null while the box is being drawn anew. */
  readonly redraw: DrawState | null;
  readonly cursor: Point | null;
}

/** Scene pixels per key press. */
const NUDGE: Readonly<Record<Stride, number>> = { plain: 1, far: 10, fine: 0.25 };

export function beginWork(box: Box, edge: Edge | null): BoxWork {
  return { box, edge, redraw: null, cursor: null };
}

/**
 * An arrow key. Along the selected edge's own direction it moves that edge; across, it selects the edge that it points
 * to, so that four keys reach every edge.
 */
export function nudge<W extends BoxWork>(work: W, arrow: Arrow, bounds: Box): W {
  const by = NUDGE[arrow.stride];
  if (work.edge === null) return { ...work, box: moveBox(work.box, arrow.dx * by, arrow.dy * by, bounds) };
  if (isUpright(work.edge) !== isUpright(arrow.edge)) return { ...work, edge: arrow.edge };
  return moveEdge(work, work.edge, (arrow.dx + arrow.dy) * by, bounds);
}

export function moveEdge<W extends BoxWork>(work: W, edge: Edge, by: number, bounds: Box): W {
  return { ...work, edge, box: withEdge(work.box, edge, edgeValue(work.box, edge) + by, bounds) };
}

export function chooseEdge<W extends BoxWork>(work: W, edge: Edge | null): W {
  return work.edge === edge ? work : { ...work, edge };
}

export function setBox<W extends BoxWork>(work: W, box: Box): W {
  return { ...work, box, redraw: null, cursor: null };
}

export function beginRedraw<W extends BoxWork>(work: W): W {
  return { ...work, redraw: AT_REST, cursor: null };
}

export function endRedraw<W extends BoxWork>(work: W): W {
  return work.redraw === null && work.cursor === null ? work : { ...work, redraw: null, cursor: null };
}

/** Feed the drawing; the fourth point replaces the box. */
export function redrawWith<W extends BoxWork>(work: W, input: DrawInput, bounds: Box): W {
  if (work.redraw === null) return work;
  const next = step(work.redraw, input, "extreme", bounds);
  if (next.box) return setBox(work, next.box);
  return next.state === work.redraw ? work : { ...work, redraw: next.state };
}

export function sameBox(a: Box, b: Box): boolean {
  return a.every((value, index) => Math.abs(value - (b[index] ?? 0)) < 0.005);
}

function isUpright(edge: Edge): boolean {
  return edge === "left" || edge === "right";
}
