/** The picture with one outline or line that is drawn and corrected: pointer, cursor, painting. Keys: path_keys.ts. */

import type { Point } from "../../canvas/geometry";
import type { StagePointer } from "../../canvas/gestures";
import { type Brush, crosshair, INK } from "../../canvas/painter";
import { paintClash, paintGhost, paintOpen, paintRings, paintVertices } from "../../canvas/path_painter";
import {
  choose,
  finish,
  insertAfter,
  leastPoints,
  moveVertex,
  type PathRules,
  type PathWork,
  place,
  removeVertex,
  type Vertex,
  vertexAt,
} from "../../canvas/path_work";
import { boxOfRings, firstCrossing, footOn, type Ring } from "../../canvas/rings";
import { Snapper } from "../../canvas/snapping";
import { Stage, type StageTool } from "../../canvas/stage";
import { StaticLayer } from "../../canvas/static_layer";
import { t } from "../../messages";
import type { Host } from "../session";
import { classOf, type ObjectVersion, type Task } from "../task";
import { decoded } from "./looks";
import { framesOf, type Neighbour, outlinesOf } from "./neighbours";

export const VERTEX_REACH_PX = 11;
const EDGE_REACH_PX = 8;
const SNAP_REACH_PX = 8;
const TOUCH_FACTOR = 2;

export interface PathTask extends Task {
  readonly object: ObjectVersion;
  readonly objects: readonly Neighbour[];
  readonly proposal: readonly Ring[];
}

/** What the pointer is over, while nothing is being drawn. */
type Under =
  | { readonly what: "vertex"; readonly vertex: Vertex }
  | { readonly what: "edge"; readonly vertex: Vertex; readonly p: Point }
  | null;

export class PathDesk<T extends PathTask, S extends PathWork> {
  readonly stage: Stage;
  snapping = true;
  filled = true;
  private readonly snapper: Snapper;
  private readonly layer: StaticLayer;
  private readonly color: string;
  private pointer: Point | null = null;
  private under: Under = null;
  /** The work in the middle of a drag; committed when the pointer lets go. */
  private live: S | null = null;
  private gripped: Vertex | null = null;
  private clash: { readonly of: readonly Ring[]; readonly at: Point | null } = { of: [], at: null };

  constructor(
    readonly host: Host<T, S>,
    readonly rules: PathRules,
    label: string,
  ) {
    const { task } = host;
    this.color = classOf(task, task.object.label).color;
    this.snapper = new Snapper(outlinesOf(task.objects), rules.bounds);
    this.layer = new StaticLayer(framesOf(task.objects), { color: INK.context, width: 1, alpha: 0.6 });
    this.stage = new Stage({
      label,
      focus: task.view,
      pictures: () => decoded(task.media, host.pictures),
      zoomed: () => host.zoomed(),
      paint: (brush) => this.paint(brush),
      tool: this.tool(),
    });
  }

  render(state: S): void {
    this.live = null;
    if (state.open === null && !state.carrying) this.stage.root.style.cursor = "";
    else this.stage.root.style.cursor = "crosshair";
    if (this.under && state.open !== null) this.under = null;
    this.stage.request();
  }

  destroy(): void {
    this.stage.destroy();
  }

  /** Set the next point of what is drawn. */
  put(p: Point): void {
    const { host } = this;
    const next = place(host.state, p, this.rules);
    if (next === host.state) return;
    host.commit({ ...next, cursor: host.state.cursor });
  }

  /** Close the ring or end the line; says why not. True when it is finished. */
  finish(): boolean {
    const end = finish(this.host.state, this.rules);
    if ("problem" in end) {
      const few = this.rules.closed ? t("path.few") : t("path.few_line");
      this.host.say(end.problem === "few" ? few : t("path.hole_outside"));
      return false;
    }
    this.host.commit({ ...this.host.state, ...end.work });
    return true;
  }

  remove(vertex: Vertex): void {
    const left = removeVertex(this.host.state, vertex, this.rules);
    if (left) this.host.commit(left);
    else this.host.say(this.rules.closed ? t("path.needs_three") : t("path.needs_two"));
  }

  snapped(p: Point, loose: boolean): Point {
    if (!this.snapping || loose) return p;
    return this.snapper.snap(p, this.stage.reach(SNAP_REACH_PX)).p;
  }

  private tool(): StageTool {
    const { host } = this;
    return {
      down: (p) => this.pressed(p),
      move: (p) => this.moved(p),
      up: (p) => this.released(p),
      click: (p) => this.clicked(p),
      menu: (p) => {
        const under = this.find(p);
        if (under?.what === "vertex" && host.state.open === null) this.remove(under.vertex);
      },
      hover: (p) => this.hovered(p),
      cancel: () => this.letGo(),
    };
  }

  private pressed(p: StagePointer): boolean {
    const { host } = this;
    if (!host.armed() || host.state.open !== null || host.state.carrying) return false;
    const under = this.find(p);
    if (!under) return false;
    if (under.what === "vertex") {
      if (p.alt) {
        this.remove(under.vertex);
        return true;
      }
      this.gripped = under.vertex;
      this.live = choose(host.state, under.vertex);
    } else {
      this.live = insertAfter(host.state, under.vertex, under.p);
      this.gripped = this.live.at;
    }
    this.stage.root.style.cursor = "grabbing";
    this.stage.request();
    return true;
  }

  private moved(p: StagePointer): void {
    this.pointer = p.scene;
    if (!this.gripped || !this.live || !p.dragged) return;
    this.live = moveVertex(this.live, this.gripped, this.snapped(p.scene, p.alt), this.rules);
    if (p.touch) this.stage.underFinger = p.screen;
    this.stage.request();
  }

  private released(p: StagePointer): void {
    const { live, host } = this;
    this.letGo();
    if (!live) return;
    if (live.rings !== host.state.rings) host.commit(live);
    else host.amend(live);
    this.hovered(p.touch ? null : p);
  }

  private letGo(): void {
    this.gripped = null;
    this.live = null;
    this.stage.underFinger = null;
    this.stage.root.style.cursor = "";
    this.stage.request();
  }

  private clicked(p: StagePointer): void {
    const { host } = this;
    if (!host.armed()) return;
    const at = this.snapped(p.scene, p.alt);
    if (host.state.carrying && host.state.at)
      host.commit({ ...moveVertex(host.state, host.state.at, at, this.rules), carrying: false });
    else if (host.state.open !== null && this.wouldClose(p.scene)) this.finish();
    else if (host.state.open !== null) this.put(at);
    else host.amend(choose(host.state, null));
  }

  private hovered(p: StagePointer | null): void {
    this.pointer = p?.scene ?? null;
    const { state } = this.host;
    this.under = p && state.open === null && !state.carrying ? this.find(p) : null;
    if (state.open === null && !state.carrying)
      this.stage.root.style.cursor = this.under ? (this.under.what === "vertex" ? "grab" : "copy") : "";
    this.stage.request();
  }

  /** The vertex within reach, else the place on an edge. The chosen vertex wins where several are near. */
  private find(p: StagePointer): Under {
    const factor = p.touch ? TOUCH_FACTOR : 1;
    const reach = this.stage.reach(VERTEX_REACH_PX * factor);
    const { rings } = this.host.state;
    let best: Vertex | null = null;
    let least = reach;
    rings.forEach((ring, r) => {
      ring.forEach((q, index) => {
        const distance = Math.hypot(q[0] - p.scene[0], q[1] - p.scene[1]);
        if (distance > least) return;
        least = distance;
        best = { ring: r, index };
      });
    });
    if (best) return { what: "vertex", vertex: best };
    let nearest = this.stage.reach(EDGE_REACH_PX * factor);
    let edge: Under = null;
    rings.forEach((ring, r) => {
      const foot = footOn(ring, this.rules.closed, p.scene, nearest);
      if (!foot) return;
      nearest = foot.distance;
      edge = { what: "edge", vertex: { ring: r, index: foot.index }, p: foot.p };
    });
    return edge;
  }

  /** A click on the first point closes a ring; one on the last point ends it, as a double click does. */
  private wouldClose(p: Point): boolean {
    const open = this.host.state.open ?? [];
    if (open.length < leastPoints(this.rules)) return false;
    const reach = this.stage.reach(VERTEX_REACH_PX);
    const ends = this.rules.closed ? [open[0], open.at(-1)] : [open.at(-1)];
    return ends.some((q) => q !== undefined && Math.hypot(q[0] - p[0], q[1] - p[1]) <= reach);
  }

  private paint(brush: Brush): void {
    this.layer.paint(brush);
    const { state } = this.host;
    const work = this.live ?? state;
    const rings = state.carrying && state.at && this.pointer ? this.carried(state) : work.rings;
    const style = { closed: this.rules.closed, color: this.color, width: 2.25 };
    if (rings.length > 0) paintRings(brush, rings, { ...style, fill: this.rules.closed && this.filled ? 0.16 : 0 });
    if (rings.length > 0 && state.open === null) {
      const hovered = this.under?.what === "vertex" ? this.under.vertex : null;
      paintVertices(brush, rings, work.at, hovered, this.pointer ?? this.chosen());
      if (this.under?.what === "edge" && !this.live) paintGhost(brush, this.under.p);
    }
    if (this.rules.closed && !this.live) this.paintClashes(brush, rings);
    if (state.open !== null) this.paintDrawing(brush, state);
  }

  private carried(state: S): readonly Ring[] {
    if (!state.at || !this.pointer) return state.rings;
    return moveVertex(state, state.at, this.snapped(this.pointer, false), this.rules).rings;
  }

  private paintDrawing(brush: Brush, state: S): void {
    const at = state.cursor ?? this.pointer;
    const next = at && this.snapped(at, false);
    const closing = at !== null && !state.cursor && this.wouldClose(at); // Keys close with Enter.
    if (state.open) paintOpen(brush, state.open, next, this.rules.closed, closing);
    if (state.cursor) crosshair(brush, state.cursor);
  }

  private paintClashes(brush: Brush, rings: readonly Ring[]): void {
    if (this.clash.of !== rings) this.clash = { of: rings, at: firstCrossing(rings) };
    if (this.clash.at) paintClash(brush, this.clash.at);
  }

  /** Where the keyboard's cursor appears: the last point set, else the middle of the object. */
  cursorStart(): Point {
    const last = this.host.state.open?.at(-1);
    if (last) return last;
    const [x1, y1, x2, y2] = boxOfRings(this.host.state.rings) ?? this.host.task.object.box;
    return [(x1 + x2) / 2, (y1 + y2) / 2];
  }

  chosen(): Point | null {
    return vertexAt(this.host.state, this.host.state.at);
  }
}
