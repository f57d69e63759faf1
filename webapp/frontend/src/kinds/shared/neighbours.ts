/** Objects around the one at hand, with their outlines where those are known already. */

import type { Box } from "../../canvas/geometry";
import type { Ring } from "../../canvas/rings";
import { readPolygon, readPolyline, shapeType } from "../../canvas/shapes";
import type { Path } from "../../canvas/spatial";
import { type Fields, fieldsOf, listOf, optional } from "../../lib/parse";
import { type ContextObject, readContext } from "../task";

export interface Neighbour extends ContextObject {
  /** Rings of its polygon or its line; empty when only its box is known. */
  readonly rings: readonly Ring[];
  readonly closed: boolean;
}

export function readNeighbours(value: unknown, where: string, without: number): Neighbour[] {
  const fields = optional(value, where, (v, w) => listOf(v, w, fieldsOf), [] as Fields[]);
  return readContext(value, where)
    .map((object, i) => ({ ...object, ...readShape(fields[i]?.shape, `${where}[${i}].shape`) }))
    .filter((object) => object.id !== without);
}

/** Outlines that a new point may jump onto; boxes are frames around objects, not their edges. */
export function outlinesOf(neighbours: readonly Neighbour[]): Path[] {
  return neighbours.flatMap((n) => n.rings.map((points) => ({ points, closed: n.closed })));
}

/** What is shown of all of them: outlines, and boxes where there is nothing better. */
export function framesOf(neighbours: readonly Neighbour[]): Path[] {
  const boxes = neighbours.filter((n) => n.rings.length === 0).map((n) => ({ points: corners(n.box), closed: true }));
  return [...outlinesOf(neighbours), ...boxes];
}

export function corners([x1, y1, x2, y2]: Box): Ring {
  return [
    [x1, y1],
    [x2, y1],
    [x2, y2],
    [x1, y2],
  ];
}

function readShape(value: unknown, where: string): Pick<Neighbour, "rings" | "closed"> {
  if (value === undefined || value === null) return { rings: [], closed: true };
  switch (shapeType(value, where)) {
    case "polygon":
      return { rings: readPolygon(value, where), closed: true };
    case "polyline":
      return { rings: [readPolyline(value, where)], closed: false };
    default:
      return { rings: [], closed: true };
  }
}
