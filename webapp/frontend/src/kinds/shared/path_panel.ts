/** Beside the picture: how many vertices, which one is chosen, what can be done with it, how it is done. */

import { countVertices, type PathRules } from "../../canvas/path_work";
import { lengthOf, type Ring, ringArea } from "../../canvas/rings";
import { el, setText } from "../../lib/dom";
import { t } from "../../messages";
import { CommandGroup } from "../../ui/buttons";
import type { Command } from "../../ui/commands";
import type { PathCommands } from "./path_keys";
import type { PathState } from "./pathwork";

export class PathPanel {
  readonly element: HTMLElement;
  private readonly status = el("p", { class: "path-status", role: "status" });
  private readonly size = el("p", { class: "note quiet" });
  private readonly how = el("p", { class: "note" });
  private readonly walk = new CommandGroup("row", "stack two");
  private readonly actions = new CommandGroup("row", "stack");
  private readonly drawing: readonly Command[];
  private readonly walking: readonly Command[];
  private readonly acting: readonly Command[];

  constructor(
    private readonly rules: PathRules,
    title: string,
    commands: PathCommands,
  ) {
    this.drawing = commands.drawing.filter((c) => c.place === "side");
    const side = commands.editing.filter((c) => c.place === "side");
    this.walking = ["previous-vertex", "next-vertex"].flatMap((id) => side.filter((c) => c.id === id));
    this.acting = side.filter((c) => !this.walking.includes(c));
    this.element = el(
      "div",
      { class: "side-stack compact", "data-essential": true },
      el("section", { class: "side-section" }, el("h2", {}, title), this.status, this.size),
      el("section", { class: "side-section" }, this.walk.element, this.actions.element),
      el("section", { class: "side-section" }, this.how),
    );
  }

  render(state: PathState): void {
    this.walk.show(state.open === null ? this.walking : []);
    this.actions.show(state.open === null ? this.acting : this.drawing);
    setText(this.status, statusOf(state));
    setText(this.size, this.sizeOf(state.rings));
    setText(this.how, this.howTo(state));
  }

  private sizeOf(rings: readonly Ring[]): string {
    const [outline, ...holes] = rings;
    if (!outline) return "";
    if (!this.rules.closed) return t("path.length", { px: Math.round(lengthOf(outline, false)) });
    const area = ringArea(outline) - holes.reduce((sum, hole) => sum + ringArea(hole), 0);
    const px = Math.round(area);
    return holes.length > 0 ? t("path.area_holes", { px, n: holes.length }) : t("path.area", { px });
  }

  private howTo(state: PathState): string {
    if (state.carrying) return t("path.how_carry");
    if (state.open === null) return this.rules.closed ? t("path.how_edit") : t("path.how_edit_line");
    if (!this.rules.closed) return t("path.how_line");
    return state.rings.length > 0 ? t("path.how_hole") : t("path.how_draw");
  }
}

function statusOf(state: PathState): string {
  if (state.open !== null) return t("path.drawn", { n: state.open.length });
  const n = countVertices(state);
  if (!state.at) return t("path.vertices", { n });
  const before = state.rings.slice(0, state.at.ring).reduce((sum, ring) => sum + ring.length, 0);
  const p = state.rings[state.at.ring]?.[state.at.index] ?? [0, 0];
  return t("path.vertex", { i: before + state.at.index + 1, of: n, x: p[0].toFixed(1), y: p[1].toFixed(1) });
}
