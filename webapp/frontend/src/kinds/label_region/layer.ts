/** How a block looks: known and chosen classes tinted, open segments hatched, borders drawn, the one at hand bright. */

import { borderPath, rgbOf } from "../../canvas/mask_layer";
import { type Brush, CASING, INK } from "../../canvas/painter";
import { toScreen } from "../../canvas/transform";
import { classDigits, classOf } from "../task";
import { isDecided, isOpen, type RegionState, type RegionTask } from "./model";

const TINT = { known: 0.26, chosen: 0.5 } as const;
const HATCH_PX = 9;

export class RegionLayer {
  private readonly tints = document.createElement("canvas");
  private readonly undecided = document.createElement("canvas");
  private readonly scratch = document.createElement("canvas");
  private readonly all: Path2D;
  private readonly opened: Path2D;
  private readonly digits: ReadonlyMap<number, string>;
  private at: { readonly id: number | null; readonly path: Path2D | null } = { id: null, path: null };
  private shown: RegionState["assigned"] | null = null;

  constructor(private readonly task: RegionTask) {
    const { w, h, ids } = task.segments;
    for (const canvas of [this.tints, this.undecided]) {
      canvas.width = w;
      canvas.height = h;
    }
    this.all = borderPath(ids, w, h, null);
    const open = new Set(task.open);
    this.opened = borderPath(
      ids.map((id) => (open.has(id) ? id : -1)),
      w,
      h,
      null,
    );
    this.digits = classDigits(task.choices);
  }

  show(state: RegionState): void {
    if (this.shown !== state.assigned) {
      this.shown = state.assigned;
      this.fill(state);
    }
    if (this.at.id !== state.at) {
      const { w, h, ids } = this.task.segments;
      const path = isOpen(this.task, state.at)
        ? borderPath(
            ids.map((id) => Number(id === state.at)),
            w,
            h,
            0,
          )
        : null;
      this.at = { id: state.at, path };
    }
  }

  paint(brush: Brush, state: RegionState, tinted: boolean): void {
    const { ctx, view } = brush;
    const { rect, w, h } = this.task.segments;
    const [x, y] = toScreen(view, [rect[0], rect[1]]);
    const [sx, sy] = [(rect[2] / w) * view.scale, (rect[3] / h) * view.scale];
    ctx.save();
    ctx.imageSmoothingEnabled = false;
    if (tinted) {
      ctx.drawImage(this.tints, x, y, w * sx, h * sy);
      this.hatch(brush, x, y, w * sx, h * sy);
    }
    ctx.translate(x, y);
    ctx.scale(sx, sy);
    ctx.lineCap = "square";
    const line = (path: Path2D, color: string, px: number): void => {
      ctx.strokeStyle = color;
      ctx.lineWidth = (px * Math.sqrt(brush.power)) / sx;
      ctx.stroke(path);
    };
    line(this.all, "rgb(0 0 0 / 0.35)", 1);
    line(this.opened, CASING, 2.5);
    line(this.opened, "rgb(255 255 255 / 0.75)", 1);
    if (this.at.path) {
      line(this.at.path, CASING, 6);
      line(this.at.path, INK.target, 3);
    }
    ctx.restore();
    for (const id of this.task.open) this.sign(brush, state, id);
  }

  /** One colour per cell; void is a dark grey. */
  private fill(state: RegionState): void {
    const { task } = this;
    const { w, h, ids } = task.segments;
    const open = new Set(task.open);
    const ink = new Map<number, number>();
    const word = (color: string, alpha: number): number => {
      const [r, g, b] = rgbOf(color);
      return ((Math.round(alpha * 255) << 24) | (b << 16) | (g << 8) | r) >>> 0;
    };
    for (const [id, label] of task.known) ink.set(id, word(classOf(task, label).color, TINT.known));
    for (const id of task.open) {
      if (!isDecided(state, id)) ink.delete(id);
      else {
        const label = state.assigned[id] ?? null;
        ink.set(id, label === null ? word("#101010", 0.62) : word(classOf(task, label).color, TINT.chosen));
      }
    }
    const tints = new ImageData(w, h);
    const undecided = new ImageData(w, h);
    const tint = new Uint32Array(tints.data.buffer);
    const mark = new Uint32Array(undecided.data.buffer);
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i] ?? -1;
      tint[i] = ink.get(id) ?? 0;
      if (open.has(id) && !ink.has(id)) mark[i] = 0xffffffff;
    }
    this.tints.getContext("2d")?.putImageData(tints, 0, 0);
    this.undecided.getContext("2d")?.putImageData(undecided, 0, 0);
  }

  private hatch(brush: Brush, x: number, y: number, width: number, height: number): void {
    const ratio = globalThis.devicePixelRatio || 1;
    const { scratch } = this;
    const { w, h } = brush.size;
    if (scratch.width !== Math.round(w * ratio) || scratch.height !== Math.round(h * ratio)) {
      scratch.width = Math.round(w * ratio);
      scratch.height = Math.round(h * ratio);
    }
    const ctx = scratch.getContext("2d");
    if (!ctx) return;
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    ctx.globalCompositeOperation = "source-over";
    ctx.clearRect(0, 0, w, h);
    ctx.beginPath();
    for (let at = -h; at < w; at += HATCH_PX) {
      ctx.moveTo(at, h);
      ctx.lineTo(at + h, 0);
    }
    ctx.strokeStyle = "rgb(0 0 0 / 0.55)";
    ctx.lineWidth = 3.5;
    ctx.stroke();
    ctx.strokeStyle = "rgb(255 255 255 / 0.8)";
    ctx.lineWidth = 1.25;
    ctx.stroke();
    ctx.imageSmoothingEnabled = false;
    ctx.globalCompositeOperation = "destination-in";
    ctx.drawImage(this.undecided, x, y, width, height);
    brush.ctx.drawImage(scratch, 0, 0, w, h);
  }

  /** A small disc in the segment: what it was given, by the class's digit, or that it is still open. */
  private sign(brush: Brush, state: RegionState, id: number): void {
    const place = this.task.places.get(id);
    if (!place) return;
    const { ctx } = brush;
    const [x, y] = toScreen(brush.view, place);
    const decided = isDecided(state, id);
    const label = state.assigned[id] ?? null;
    const own = label === null ? null : classOf(this.task, label);
    const text = !decided ? "?" : own === null ? "–" : (this.digits.get(own.id) ?? own.name.slice(0, 1).toUpperCase());
    ctx.save();
    ctx.beginPath();
    ctx.arc(x, y, 9, 0, 2 * Math.PI);
    ctx.fillStyle = own?.color ?? (decided ? "#3a3a3a" : "#ffffff");
    ctx.strokeStyle = CASING;
    ctx.lineWidth = 3;
    ctx.stroke();
    ctx.fill();
    ctx.fillStyle = decided && !own ? "#ffffff" : "#141414";
    ctx.font = "700 12px system-ui, sans-serif";
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    ctx.fillText(text, x, y + 0.5);
    ctx.restore();
  }
}
