/**
 * Drawing and correcting one polygon with holes, or one line, as pure steps. Clicks and keys feed the same functions:
 * while `open` is not null every point set is appended to it; otherwise vertices are chosen, moved, inserted, removed.
 */

import { type Box, clampPoint, type Point } from "./geometry";
import { insideRing, lengthOf, problemOf, type Ring, simplified } from "./rings";

export interface Vertex {
  readonly ring: number;
  readonly index: number;
}

export interface PathWork {
  /** The outline and its holes, or the one line. */
  readonly rings: readonly Ring[];
  /** The ring or line being drawn. */
  readonly open: Ring | null;
  /** The vertex that keys move. */
  readonly at: Vertex | null;
  /** The chosen vertex hangs on the pointer until the next click. */
  readonly carrying: boolean;
  /** The keyboard's, while drawing. */
  readonly cursor: Point | null;
}

export interface PathRules {
  /** Rings, or a line. */
  readonly closed: boolean;
  readonly bounds: Box;
}

/** What came of finishing: the work, or why it goes on. */
export type Finished = { readonly work: PathWork } | { readonly problem: "few" | "outside" };

export const MAX_VERTICES = 2_000;

export function beginPath(rings: readonly Ring[]): PathWork {
  return { rings, open: rings.length === 0 ? [] : null, at: null, carrying: false, cursor: null };
}

export function leastPoints(rules: PathRules): number {
  return rules.closed ? 3 : 2;
}

export function vertexAt(work: PathWork, vertex: Vertex | null): Point | null {
  return vertex ? (work.rings[vertex.ring]?.[vertex.index] ?? null) : null;
}

export function countVertices(work: PathWork): number {
  return work.rings.reduce((sum, ring) => sum + ring.length, 0) + (work.open?.length ?? 0);
}

// Drawing ------------------------------------------------------------------------------------------------------------

/** Set the next point of what is being drawn; the same place twice counts once. */
export function place<W extends PathWork>(work: W, p: Point, rules: PathRules): W {
  if (work.open === null || countVertices(work) >= MAX_VERTICES) return work;
  const at = clampPoint(p, rules.bounds);
  const last = work.open.at(-1);
  if (last && Math.hypot(last[0] - at[0], last[1] - at[1]) < 0.01) return work;
  return { ...work, open: [...work.open, at] };
}

export function takeBack<W extends PathWork>(work: W): W {
  return work.open?.length ? { ...work, open: work.open.slice(0, -1) } : work;
}

/** Begin a hole, or everything anew. */
export function beginHole<W extends PathWork>(work: W): W {
  return { ...work, open: [], at: null, carrying: false, cursor: null };
}

export function redraw<W extends PathWork>(work: W): W {
  return { ...work, rings: [], open: [], at: null, carrying: false, cursor: null };
}

/** Go on with a finished line from the end that is chosen, or from its last point. */
export function resume<W extends PathWork>(work: W): W {
  const line = work.rings[0];
  if (!line) return beginHole(work);
  const open = work.at?.index === 0 ? [...line].reverse() : line;
  return { ...work, rings: [], open, at: null, carrying: false, cursor: null };
}

/** Close the ring or end the line. */
export function finish(work: PathWork, rules: PathRules): Finished {
  const drawn = work.open;
  if (drawn === null || drawn.length < leastPoints(rules)) return { problem: "few" };
  const outline = work.rings[0];
  if (rules.closed && outline && !drawn.every((p) => insideRing(outline, p))) return { problem: "outside" };
  return { work: { ...work, rings: [...work.rings, drawn], open: null, cursor: null } };
}

/** Leave what is being drawn; with nothing finished, drawing begins again. */
export function abandon<W extends PathWork>(work: W): W {
  const open = work.rings.length === 0 ? [] : null;
  return { ...work, open, at: null, carrying: false, cursor: null };
}

// Correcting ---------------------------------------------------------------------------------------------------------

export function choose<W extends PathWork>(work: W, vertex: Vertex | null): W {
  if (work.at?.ring === vertex?.ring && work.at?.index === vertex?.index) return work;
  return { ...work, at: vertex, carrying: false };
}

/** The next or previous vertex, from ring to ring and round again. */
export function walk<W extends PathWork>(work: W, by: 1 | -1): W {
  const all = work.rings.flatMap((ring, r) => ring.map((_, index): Vertex => ({ ring: r, index })));
  if (all.length === 0) return work;
  const now = all.findIndex((v) => v.ring === work.at?.ring && v.index === work.at?.index);
  const next = now < 0 ? (by > 0 ? 0 : all.length - 1) : (now + by + all.length) % all.length;
  return choose(work, all[next] ?? null);
}

export function moveVertex<W extends PathWork>(work: W, vertex: Vertex, p: Point, rules: PathRules): W {
  const to = clampPoint(p, rules.bounds);
  const moved = (ring: Ring): Ring => ring.map((q, i) => (i === vertex.index ? to : q));
  return { ...work, rings: work.rings.map((ring, r) => (r === vertex.ring ? moved(ring) : ring)), at: vertex };
}

/** A new vertex on the segment that begins at `vertex`; it is chosen. */
export function insertAfter<W extends PathWork>(work: W, vertex: Vertex, p: Point): W {
  if (countVertices(work) >= MAX_VERTICES) return work;
  const at = { ring: vertex.ring, index: vertex.index + 1 };
  const rings = work.rings.map((ring, r) =>
    r === vertex.ring ? [...ring.slice(0, at.index), p, ...ring.slice(at.index)] : ring,
  );
  return { ...work, rings, at, carrying: false };
}

/** A new vertex in the middle of the segment after the chosen one. */
export function split<W extends PathWork>(work: W, rules: PathRules): W {
  const { at } = work;
  const ring = at ? work.rings[at.ring] : undefined;
  if (!at || !ring) return work;
  const from = !rules.closed && at.index === ring.length - 1 ? at.index - 1 : at.index;
  const [a, b] = [ring[from], ring[(from + 1) % ring.length]];
  if (!a || !b) return work;
  return insertAfter(work, { ring: at.ring, index: from }, [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2]);
}

/** Without the vertex; a hole that would be left with two is removed whole. Null when the outline needs it. */
export function removeVertex<W extends PathWork>(work: W, vertex: Vertex, rules: PathRules): W | null {
  const ring = work.rings[vertex.ring];
  if (!ring) return null;
  const left = ring.filter((_, i) => i !== vertex.index);
  if (left.length < leastPoints(rules))
    return vertex.ring === 0
      ? null
      : { ...work, rings: work.rings.filter((_, r) => r !== vertex.ring), at: null, carrying: false };
  const rings = work.rings.map((r, i) => (i === vertex.ring ? left : r));
  const index = rules.closed ? vertex.index % left.length : Math.min(vertex.index, left.length - 1);
  return { ...work, rings, at: { ring: vertex.ring, index }, carrying: false };
}

export function removeHole<W extends PathWork>(work: W, ring: number): W {
  if (ring === 0) return work;
  return { ...work, rings: work.rings.filter((_, r) => r !== ring), at: null, carrying: false };
}

/** Scene pixels that a vertex may lie off the line without it: the first that leaves fewer vertices is taken. */
const TOLERANCES = [0.75, 1.5, 3, 6];

/** With fewer vertices; null when that is not to be had without spoiling the shape. */
export function thinned<W extends PathWork>(work: W, rules: PathRules): W | null {
  const before = countVertices(work);
  for (const tolerance of TOLERANCES) {
    const rings = work.rings.map((ring) => simplified(ring, rules.closed, tolerance));
    const next = { ...work, rings, at: null, carrying: false };
    if (countVertices(next) < before && (!rules.closed || problemOf(rings) === null)) return next;
  }
  return null;
}

/** Nearer to each other than this, in scene pixels, the points of an outline follow pixels, not an edge. */
const DENSE_PX = 2;

/** An outline as one can work on it: one that was traced around pixels loses the stairs, at most 0.75 px from where it was. */
export function eased(rings: readonly Ring[], closed: boolean): readonly Ring[] {
  const points = rings.reduce((sum, ring) => sum + ring.length, 0);
  const length = rings.reduce((sum, ring) => sum + lengthOf(ring, closed), 0);
  if (points === 0 || length / points >= DENSE_PX) return rings;
  const few = rings.map((ring) => simplified(ring, closed, TOLERANCES[0] ?? 0));
  return closed && problemOf(few) !== null ? rings : few;
}

export function sameRings(a: readonly Ring[], b: readonly Ring[]): boolean {
  return (
    a.length === b.length &&
    a.every((ring, r) => {
      const other = b[r];
      return other?.length === ring.length && ring.every((p, i) => near(p, other[i]));
    })
  );
}

function near(p: Point, q: Point | undefined): boolean {
  return q !== undefined && Math.hypot(p[0] - q[0], p[1] - q[1]) < 0.005;
}
