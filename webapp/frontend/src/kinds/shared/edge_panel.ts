/** The four edges as a small panel: choose one, move it with buttons, see which were reported. No drag needed. */

import { type Box, EDGES, type Edge, edgeValue } from "../../canvas/geometry";
import { el, keepFocus, setAll, setText } from "../../lib/dom";
import { t } from "../../messages";
import type { BoxWork } from "./boxwork";

export interface EdgePanelEvents {
  choose(edge: Edge): void;
  /** `by` scene pixels along the axis, positive to the right or down. */
  move(edge: Edge, by: number): void;
}

const OUTWARD: Record<Edge, -1 | 1> = { left: -1, top: -1, right: 1, bottom: 1 };

export class EdgePanel {
  readonly element: HTMLElement;
  private readonly rows = new Map<Edge, { row: HTMLElement; value: HTMLElement }>();
  private readonly size = el("p", { class: "note quiet" });

  constructor(bad: readonly Edge[], events: EdgePanelEvents) {
    const rows = EDGES.map((edge) => this.row(edge, bad.includes(edge), events));
    this.element = el(
      "section",
      { class: "side-section" },
      el("h2", {}, t("fix_box.edges")),
      el("div", { class: "edge-rows" }, ...rows),
      this.size,
    );
  }

  render(work: BoxWork, box: Box, enabled: boolean): void {
    for (const [edge, { row, value }] of this.rows) {
      setText(value, edgeValue(box, edge).toFixed(1));
      setAll(row, { "data-selected": work.edge === edge });
      for (const button of row.querySelectorAll("button")) setAll(button, { disabled: !enabled });
    }
    setText(this.size, t("side.size", { w: (box[2] - box[0]).toFixed(1), h: (box[3] - box[1]).toFixed(1) }));
  }

  private row(edge: Edge, bad: boolean, events: EdgePanelEvents): HTMLElement {
    const value = el("span", { class: "edge-value" });
    const step = (text: string, label: string, by: number): HTMLElement =>
      el(
        "button",
        {
          type: "button",
          class: "btn btn-step",
          "aria-label": `${t(`edge.${edge}`)}: ${label}`,
          title: label,
          "data-action": `edge-${edge}-${by * OUTWARD[edge] > 0 ? "out" : "in"}`,
          onmousedown: keepFocus,
          onclick: () => events.move(edge, by),
        },
        text,
      );
    const outward = OUTWARD[edge];
    const name = el(
      "button",
      { type: "button", class: "edge-name", onmousedown: keepFocus, onclick: () => events.choose(edge) },
      el("span", { class: `edge-glyph ${edge}` }),
      el("span", {}, t(`edge.${edge}`)),
      bad && el("span", { class: "edge-bad", title: t("fix_box.reported") }, t("fix_box.reported")),
    );
    const row = el(
      "div",
      { class: "edge-row", "data-bad": bad },
      name,
      value,
      step("−", t("fix_box.inward"), -outward),
      step("+", t("fix_box.outward"), outward),
    );
    this.rows.set(edge, { row, value });
    return row;
  }
}
