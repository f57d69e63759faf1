/** One picture of the page: a small canvas with the outline in question and a mark. */

import { grown, type Rect, rectOfBox } from "../../canvas/geometry";
import { type Brush, INK, outline, type Picture, paintPicture, toleranceRing } from "../../canvas/painter";
import { fitView } from "../../canvas/transform";
import { el, setAll } from "../../lib/dom";
import { t } from "../../messages";
import { icon } from "../../ui/icons";
import type { Cell, Mark } from "./model";

export interface CellLook {
  readonly mark: Mark;
  readonly current: boolean;
  readonly viewed: boolean;
}

export class CellView {
  readonly element: HTMLElement;
  private readonly canvas = el("canvas", { "aria-hidden": "true" });

  constructor(
    readonly cell: Cell,
    private readonly n: number,
    private readonly of: number,
  ) {
    this.element = el(
      "div",
      { class: "cell", role: "option", "data-cell": cell.id },
      this.canvas,
      el("span", { class: "cell-mark cell-mark-bad" }, icon("cross")),
      el("span", { class: "cell-mark cell-mark-unsure" }, icon("unsure")),
    );
  }

  update(look: CellLook): void {
    setAll(this.element, {
      "data-mark": look.mark,
      "data-current": look.current,
      "data-viewed": look.viewed,
      "aria-selected": String(look.mark !== "ok"),
      "aria-label": t("grid_verify.cell", { n: this.n, of: this.of, mark: t(`grid_verify.mark_${look.mark}`) }),
    });
  }

  /** Paint at `side` CSS pixels; `tolerance` draws the band, `bare` leaves all outlines away. */
  paint(pictures: readonly Picture[], side: number, tolerance: number | null, bare: boolean): void {
    paintCell(this.canvas, this.cell, pictures, side, side, this.cell.view, tolerance, bare);
  }
}

/** The magnified picture that hovering or Z shows. */
export function paintLarge(
  canvas: HTMLCanvasElement,
  cell: Cell,
  pictures: readonly Picture[],
  side: number,
  bare: boolean,
): void {
  paintCell(
    canvas,
    cell,
    pictures,
    side,
    side,
    rectOfBox(grown(cell.box, Math.max(cell.box[2] - cell.box[0], cell.box[3] - cell.box[1]) * 0.25)),
    null,
    bare,
  );
}

function paintCell(
  canvas: HTMLCanvasElement,
  cell: Cell,
  pictures: readonly Picture[],
  w: number,
  h: number,
  rect: Rect,
  tolerance: number | null,
  bare: boolean,
): void {
  const ratio = globalThis.devicePixelRatio || 1;
  canvas.width = Math.round(w * ratio);
  canvas.height = Math.round(h * ratio);
  canvas.style.width = `${w}px`;
  canvas.style.height = `${h}px`;
  const ctx = canvas.getContext("2d");
  if (!ctx) return;
  ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  const brush: Brush = { ctx, view: fitView(rect, { w, h }), size: { w, h }, power: 1, flat: false };
  for (const picture of pictures) paintPicture(brush, picture);
  if (bare) return;
  if (tolerance !== null) toleranceRing(brush, cell.box, tolerance);
  outline(brush, [cell.box], { color: INK.target, width: 1.75 });
}
