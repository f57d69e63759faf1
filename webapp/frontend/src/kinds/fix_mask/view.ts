import type { Point } from "../../canvas/geometry";
import type { StagePointer } from "../../canvas/gestures";
import { MaskLayer } from "../../canvas/mask_layer";
import { type Brush, CASING, crosshair, INK } from "../../canvas/painter";
import { areaOf, decode, type Pane, stroke } from "../../canvas/raster";
import type { MaskRuns } from "../../canvas/shapes";
import { Stage, type StageTool } from "../../canvas/stage";
import { toScreen } from "../../canvas/transform";
import { el, setText } from "../../lib/dom";
import { t } from "../../messages";
import { CommandGroup } from "../../ui/buttons";
import type { Command } from "../../ui/commands";
import type { Host, KindView } from "../session";
import { decoded, paintContext } from "../shared/looks";
import { fixMaskCommands } from "./keys";
import {
  addClick,
  type Click,
  type FixMaskState,
  type FixMaskTask,
  opposite,
  paints,
  promptFixMask,
  type Tool,
  withPixels,
} from "./model";
import { refine } from "./refiner";

const FILL = 0.3;

export function mountFixMask(host: Host<FixMaskTask, FixMaskState>): KindView<FixMaskState> {
  return new FixMaskView(host);
}

export class FixMaskView implements KindView<FixMaskState> {
  readonly element: HTMLElement;
  readonly side: HTMLElement;
  readonly stages: readonly Stage[];
  readonly commands: readonly Command[];
  readonly stage: Stage;
  readonly tint = { shown: true };
  private readonly layer: MaskLayer;
  private readonly groups: readonly (readonly [CommandGroup, readonly Command[]])[];
  private readonly status = el("p", { class: "path-status", role: "status" });
  private readonly how = el("p", { class: "note" });
  /** The pixels as they are on screen: the state's, and in the middle of a stroke what is painted since. */
  private pixels: Uint8Array;
  private shown: MaskRuns | null | undefined;
  private pointer: Point | null = null;
  private brush: { readonly tool: Tool; last: Point } | null = null;
  private lastDab: Point | null = null;
  /** Numbers the questions to the refiner; only the newest one counts. */
  private asked = 0;
  private waiting = false;
  private alive = true;

  constructor(private readonly host: Host<FixMaskTask, FixMaskState>) {
    const { task } = host;
    this.layer = new MaskLayer(task.pane, { color: INK.target, fill: FILL });
    this.pixels = decode(null, task.pane);
    this.stage = new Stage({
      label: promptFixMask(task),
      focus: task.view,
      cursor: "crosshair",
      pictures: () => decoded(task.media, host.pictures),
      zoomed: () => host.zoomed(),
      paint: (brush) => this.paint(brush),
      tool: this.tool(),
    });
    this.commands = fixMaskCommands(host, this);
    const side = this.commands.filter((c) => c.place === "side");
    const sizes = side.filter((c) => c.id === "smaller" || c.id === "larger");
    this.groups = [
      [new CommandGroup("row", "stack"), side.filter((c) => c.id.startsWith("tool-"))],
      [new CommandGroup("row", "stack two"), sizes],
      [new CommandGroup("row", "stack"), side.filter((c) => c.id === "holes")],
    ];
    this.side = el(
      "div",
      { class: "side-stack compact", "data-essential": true },
      el("section", { class: "side-section" }, el("h2", {}, t("fix_mask.mask")), this.status),
      el("section", { class: "side-section" }, ...this.groups.map(([group]) => group.element)),
      el("section", { class: "side-section" }, this.how),
    );
    this.element = this.stage.root;
    this.stages = [this.stage];
  }

  render(state: FixMaskState): void {
    if (state.mask !== this.shown) {
      this.pixels = decode(state.mask, this.host.task.pane);
      this.layer.show(this.pixels);
      this.shown = state.mask;
    }
    for (const [group, commands] of this.groups) group.show(commands);
    setText(this.status, this.statusOf(state));
    setText(this.how, paints(state.tool) ? t("fix_mask.how_paint") : t("fix_mask.how_click"));
    this.stage.request();
  }

  /** The refiner is still at it: what is on the screen is not what the clicks say. */
  get busy(): boolean {
    return this.waiting;
  }

  destroy(): void {
    this.alive = false;
    this.stage.destroy();
  }

  /** A click for the refiner; the mask that comes back belongs to the same step. */
  click(p: Point, tool: Tool): void {
    const { host } = this;
    const next = addClick(host.state, p, tool === "add" ? 1 : 0);
    if (!next) host.say(t("fix_mask.full"));
    else {
      host.commit(next);
      void this.ask(next.clicks);
    }
  }

  private async ask(clicks: readonly Click[]): Promise<void> {
    const { host } = this;
    if (!host.task.refiner) return;
    this.asked += 1;
    const mine = this.asked;
    this.waiting = true;
    this.render(host.state);
    let mask: MaskRuns | null = null;
    try {
      mask = await refine(host.task.refiner, clicks, host.state.mask);
    } catch {}
    if (!this.alive || mine !== this.asked) return;
    this.waiting = false;
    // The click may have been undone meanwhile.
    if (mask && host.state.clicks === clicks) host.amend({ ...host.state, mask });
    else this.render(host.state);
    if (!mask) host.say(t("fix_mask.no_refiner"));
  }

  private statusOf(state: FixMaskState): string {
    if (this.waiting) return t("fix_mask.waiting");
    if (state.down) return t("fix_mask.down");
    return t("fix_mask.area", { px: areaOf(state.mask) });
  }

  private tool(): StageTool {
    const { host } = this;
    return {
      down: (p) => {
        if (!host.armed() || !paints(host.state.tool)) return false;
        this.begin(p);
        return true;
      },
      move: (p) => this.moved(p),
      up: () => this.ended(),
      click: (p) => {
        if (host.armed()) this.click(p.scene, p.alt ? opposite(host.state.tool) : host.state.tool);
      },
      menu: (p) => {
        if (host.armed() && !paints(host.state.tool)) this.click(p.scene, opposite(host.state.tool));
      },
      hover: (p) => {
        this.pointer = p?.scene ?? null;
        this.stage.request();
      },
      cancel: () => this.dropped(),
    };
  }

  private begin(p: StagePointer): void {
    const { state } = this.host;
    const tool = p.alt ? opposite(state.tool) : state.tool;
    const from = p.shift && this.lastDab ? this.lastDab : p.scene;
    this.brush = { tool, last: from };
    this.pointer = p.scene;
    this.along(p.scene);
  }

  private moved(p: StagePointer): void {
    this.pointer = p.scene;
    if (p.touch) this.stage.underFinger = p.screen;
    if (this.brush) this.along(p.scene);
  }

  private along(to: Point): void {
    if (!this.brush) return;
    const { pane } = this.host.task;
    const value = this.brush.tool === "eraser" ? 0 : 1;
    const part = stroke(this.pixels, pane, this.brush.last, to, this.host.state.radius, value);
    this.brush.last = to;
    this.lastDab = to;
    this.redraw(part);
  }

  private redraw(part: Pane): void {
    this.layer.show(this.pixels, part, false);
    this.stage.request();
  }

  private ended(): void {
    this.stage.underFinger = null;
    if (!this.brush) return;
    this.brush = null;
    const next = withPixels(this.host.task, this.host.state, this.pixels);
    this.layer.show(this.pixels, { x: 0, y: 0, w: 0, h: 0 });
    this.shown = next.mask; // The pixels on screen are these already.
    this.host.commit({ ...next, cursor: null, down: false });
  }

  /** Two fingers: it was no stroke after all. */
  private dropped(): void {
    this.brush = null;
    this.stage.underFinger = null;
    this.shown = undefined;
    this.render(this.host.state);
  }

  private paint(brush: Brush): void {
    const { state, task } = this.host;
    paintContext(brush, task.objects);
    this.layer.paint(brush, this.tint.shown);
    for (const click of state.clicks) paintClick(brush, click);
    const at = state.cursor ?? this.pointer;
    if (state.cursor) crosshair(brush, state.cursor);
    if (at && paints(state.tool)) paintTip(brush, at, state.radius, this.brush?.tool ?? state.tool);
  }
}

/** The brush's size on the picture; the eraser's is dashed. */
function paintTip(brush: Brush, at: Point, radius: number, tool: Tool): void {
  const { ctx, view } = brush;
  const [x, y] = toScreen(view, at);
  ctx.save();
  for (const [style, width] of [
    [CASING, 3.5],
    ["#ffffff", 1.5],
  ] as const) {
    ctx.strokeStyle = style;
    ctx.lineWidth = width;
    ctx.setLineDash(tool === "eraser" ? [5, 4] : []);
    ctx.beginPath();
    ctx.arc(x, y, Math.max(2, radius * view.scale), 0, 2 * Math.PI);
    ctx.stroke();
  }
  ctx.restore();
}

/** A disc with a plus or a minus. */
function paintClick(brush: Brush, [px, py, label]: Click): void {
  const { ctx } = brush;
  const [x, y] = toScreen(brush.view, [px, py]);
  ctx.save();
  ctx.fillStyle = label ? INK.good : INK.bad;
  ctx.strokeStyle = "#141414";
  ctx.lineWidth = 2;
  ctx.beginPath();
  ctx.arc(x, y, 8, 0, 2 * Math.PI);
  ctx.fill();
  ctx.stroke();
  ctx.beginPath();
  ctx.moveTo(x - 4, y);
  ctx.lineTo(x + 4, y);
  if (label) {
    ctx.moveTo(x, y - 4);
    ctx.lineTo(x, y + 4);
  }
  ctx.stroke();
  ctx.restore();
}
