/** Outlines and lines that are only looked at: drawn, painted, or along something thin. */

import { MaskLayer } from "../../canvas/mask_layer";
import type { Brush } from "../../canvas/painter";
import { paintRings } from "../../canvas/path_painter";
import { decode, paneOfMask } from "../../canvas/raster";
import type { Ring } from "../../canvas/rings";
import { type MaskRuns, readMask, readPolygon, readPolyline, shapeType } from "../../canvas/shapes";
import { ParseError } from "../../lib/parse";

export type OutlineShape =
  | { readonly type: "polygon"; readonly rings: readonly Ring[] }
  | { readonly type: "mask"; readonly mask: MaskRuns };
export type DrawnShape = OutlineShape | { readonly type: "polyline"; readonly line: Ring };

const FILL = 0.22;

export function readOutline(value: unknown, where: string): OutlineShape {
  switch (shapeType(value, where)) {
    case "polygon":
      return { type: "polygon", rings: readPolygon(value, where) };
    case "mask":
      return { type: "mask", mask: readMask(value, where) };
    default:
      throw new ParseError(`${where}.type: expected polygon or mask`);
  }
}

export function readDrawn(value: unknown, where: string): DrawnShape {
  if (shapeType(value, where) === "polyline") return { type: "polyline", line: readPolyline(value, where) };
  return readOutline(value, where);
}

/** Paints a shape in one colour, filled on request; a mask is decoded once. */
export function shapePainter(shape: DrawnShape, color: string): (brush: Brush, filled: boolean) => void {
  switch (shape.type) {
    case "polygon":
      return (brush, filled) =>
        paintRings(brush, shape.rings, { closed: true, color, width: 2.25, fill: filled ? FILL : 0 });
    case "polyline":
      return (brush) => paintRings(brush, [shape.line], { closed: false, color, width: 2.5, fill: 0 });
    case "mask": {
      const pane = paneOfMask(shape.mask);
      const layer = new MaskLayer(pane, { color, fill: FILL });
      layer.show(decode(shape.mask, pane));
      return (brush, filled) => layer.paint(brush, filled);
    }
  }
}
