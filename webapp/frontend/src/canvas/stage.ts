/**
 * A zoomable picture: a canvas for pixels and dense shapes, and an SVG overlay for the few shapes that are edited.
 * Wheel zooms at the cursor, two fingers pinch, middle or right button (or a drag that no tool wants) pans.
 */

import { el, svg } from "../lib/dom";
import { display } from "./display";
import { boxOfRect, clampPoint, type Point, type Rect } from "./geometry";
import { Gestures, type StagePointer } from "./gestures";
import { type Brush, type Picture, paintPicture } from "./painter";
import {
  fitView,
  keepInSight,
  magnified,
  pan,
  type Size,
  sameView,
  toScene,
  toScreen,
  type View,
  zoomAt,
} from "./transform";
import { moved } from "./window";

export interface StageTool {
  /** A primary press; true takes the gesture, false lets a drag pan. */
  down?(p: StagePointer): boolean;
  move?(p: StagePointer): void;
  up?(p: StagePointer): void;
  /** A press and release at one place that `down` did not take. */
  click?(p: StagePointer): void;
  hover?(p: StagePointer | null): void;
  cancel?(): void;
  menu?(p: StagePointer): void;
}

export interface StageOptions {
  /** Named for screen readers. */
  readonly label: string;
  readonly focus: Rect;
  readonly pictures: () => readonly Picture[];
  /** Shapes over the picture; not called while the overlay is hidden. */
  readonly paint: (brush: Brush) => void;
  readonly tool?: StageTool;
  readonly pad?: number;
  readonly cursor?: string;
  readonly zoomed?: () => void;
  readonly viewed?: (view: View) => void;
}

const LOUPE_RADIUS = 120;
const LOUPE_POWER = 3;
/** A finger covers what it touches: the magnifier stands this far above it, or below near the top. */
const ABOVE_FINGER_PX = 118;
const FINGER_LOUPE_RADIUS = 64;
const ZOOM_STEP = 1.25;

export class Stage {
  readonly root: HTMLElement;
  readonly overlay: SVGSVGElement;
  private readonly canvas: HTMLCanvasElement;
  private readonly observer: ResizeObserver | null;
  private readonly gestures: Gestures;
  private readonly unlisten: () => void;
  private focus: Rect;
  private size: Size = { w: 1, h: 1 };
  private fitted: View = { scale: 1, x: 0, y: 0 };
  private frame = 0;
  private atFit = true;
  private pointer: Point | null = null;
  private loupeOn = false;
  private overlayHidden = false;
  private fingertip: Point | null = null;
  /** Another stage that shows the same place: both move together. */
  twin: Stage | null = null;
  view: View = this.fitted;

  constructor(private readonly options: StageOptions) {
    this.focus = options.focus;
    this.canvas = el("canvas", { class: "stage-canvas", "aria-hidden": "true" });
    this.overlay = svg("svg", { class: "stage-overlay" });
    this.root = el(
      "div",
      { class: "stage", role: "application", tabindex: -1, "aria-label": options.label, "data-testid": "stage" },
      this.canvas,
      this.overlay,
    );
    if (options.cursor) this.root.style.cursor = options.cursor;
    this.gestures = new Gestures(this.root, {
      tool: windowing(options.tool ?? {}),
      toScene: (p) => toScene(this.view, p),
      pan: (dx, dy) => this.look(pan(this.view, dx, dy), true),
      zoom: (at, factor) => this.zoom(factor, at),
      pointed: (p) => this.pointed(p),
    });
    this.unlisten = display.onChange(() => this.request());
    this.observer = typeof ResizeObserver === "undefined" ? null : new ResizeObserver(() => this.resized());
    this.observer?.observe(this.root);
  }

  /** Measure and paint now, without waiting for the next frame. */
  paintNow(): void {
    this.measure();
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.paint();
  }

  request(): void {
    if (this.frame === 0) {
      this.frame = requestAnimationFrame(() => {
        this.frame = 0;
        this.paint();
      });
    }
  }

  zoom(factor: number, at: Point = [this.size.w / 2, this.size.h / 2]): void {
    this.options.zoomed?.();
    this.look(zoomAt(this.view, at, factor, this.fitted), true);
  }

  zoomIn(): void {
    this.zoom(ZOOM_STEP, this.anchor());
  }

  zoomOut(): void {
    this.zoom(1 / ZOOM_STEP, this.anchor());
  }

  /** Show the focus rectangle, or another one, as large as it fits. */
  fitTo(rect: Rect | null = null): void {
    this.atFit = rect === null;
    this.look(rect ? fitView(rect, this.size, 8) : this.fitted, rect !== null);
  }

  /** Change what `fit` shows and show it. */
  focusOn(rect: Rect): void {
    this.focus = rect;
    this.atFit = true;
    this.fitted = fitView(rect, this.size, this.options.pad ?? 0);
    this.look(this.fitted, false);
  }

  set loupe(on: boolean) {
    if (on) this.options.zoomed?.();
    this.loupeOn = on;
    this.showOverlay();
    this.request();
  }

  /** Magnify what lies under a finger, beside it; null ends it. In CSS pixels of the stage. */
  set underFinger(at: Point | null) {
    this.fingertip = at;
    this.request();
  }

  set hidden(on: boolean) {
    this.overlayHidden = on;
    this.showOverlay();
    this.request();
  }

  get hidden(): boolean {
    return this.overlayHidden;
  }

  get screen(): Size {
    return this.size;
  }

  /** Scene pixels that a length in CSS pixels covers. */
  reach(px: number): number {
    return px / this.view.scale;
  }

  destroy(): void {
    cancelAnimationFrame(this.frame);
    this.observer?.disconnect();
    this.gestures.destroy();
    this.unlisten();
  }

  private showOverlay(): void {
    this.overlay.style.visibility = this.overlayHidden || this.loupeOn ? "hidden" : "";
  }

  private look(view: View, byHand: boolean): void {
    const next = keepInSight(view, this.focus, this.size);
    if (byHand) this.atFit = false;
    if (!sameView(next, this.view)) this.show(next);
    if (this.twin) {
      this.twin.atFit = this.atFit;
      if (!sameView(next, this.twin.view)) this.twin.show(next);
    }
  }

  private show(view: View): void {
    this.view = view;
    this.options.viewed?.(view);
    this.request();
  }

  private anchor(): Point | undefined {
    return this.pointer ?? undefined;
  }

  private pointed(p: Point | null): void {
    this.pointer = p;
    if (this.loupeOn) this.request();
  }

  private resized(): void {
    if (this.measure()) this.paintNow();
  }

  /** True when the stage changed its size. */
  private measure(): boolean {
    const w = this.root.clientWidth;
    const h = this.root.clientHeight;
    if (w === 0 || h === 0 || (w === this.size.w && h === this.size.h)) return false;
    const middle = toScene(this.view, [this.size.w / 2, this.size.h / 2]);
    this.size = { w, h };
    const ratio = globalThis.devicePixelRatio || 1;
    this.canvas.width = Math.round(w * ratio);
    this.canvas.height = Math.round(h * ratio);
    this.fitted = fitView(this.focus, this.size, this.options.pad ?? 0);
    if (this.atFit) {
      this.view = this.fitted;
    } else {
      const [x, y] = toScreen(this.view, middle);
      this.view = pan(this.view, w / 2 - x, h / 2 - y);
    }
    this.options.viewed?.(this.view);
    return true;
  }

  private paint(): void {
    const ctx = this.canvas.getContext("2d");
    if (!ctx) return;
    const ratio = globalThis.devicePixelRatio || 1;
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    ctx.clearRect(0, 0, this.size.w, this.size.h);
    this.paintScene({ ctx, view: this.view, size: this.size, power: 1, flat: this.loupeOn });
    if (this.loupeOn) this.paintLoupe(ctx, this.loupeAt(), [0, 0], LOUPE_RADIUS);
    else if (this.fingertip) this.paintLoupe(ctx, this.fingertip, this.besideFinger(), FINGER_LOUPE_RADIUS);
  }

  private paintScene(brush: Brush): void {
    const coarseFirst = [...this.options.pictures()].sort((a, b) => density(a) - density(b));
    for (const picture of coarseFirst) paintPicture(brush, picture);
    if (!this.overlayHidden) this.options.paint(brush);
  }

  private loupeAt(): Point {
    return this.pointer ?? clampPoint([this.size.w / 2, this.size.h / 2], boxOfRect([0, 0, this.size.w, this.size.h]));
  }

  private besideFinger(): Point {
    return [0, (this.fingertip?.[1] ?? 0) > ABOVE_FINGER_PX + FINGER_LOUPE_RADIUS ? -ABOVE_FINGER_PX : ABOVE_FINGER_PX];
  }

  /** Magnify what is at one place of the stage, and show it that far away from there. */
  private paintLoupe(ctx: CanvasRenderingContext2D, of: Point, away: Point, radius: number): void {
    const at: Point = [of[0] + away[0], of[1] + away[1]];
    ctx.save();
    ctx.beginPath();
    ctx.arc(at[0], at[1], radius, 0, 2 * Math.PI);
    ctx.clip();
    ctx.clearRect(0, 0, this.size.w, this.size.h);
    this.paintScene({
      ctx,
      view: pan(magnified(this.view, of, LOUPE_POWER), away[0], away[1]),
      size: this.size,
      power: LOUPE_POWER,
      flat: true,
    });
    ctx.restore();
    for (const [style, width] of [
      ["rgb(0 0 0 / 0.7)", 5],
      ["#ffffff", 2],
    ] as const) {
      ctx.strokeStyle = style;
      ctx.lineWidth = width;
      ctx.beginPath();
      ctx.arc(at[0], at[1], radius, 0, 2 * Math.PI);
      ctx.stroke();
    }
  }
}

const DRAG_PX = 400; // of a drag that moves the window by its width, or doubles it

/** The tool of a stage, or, while the window is being dragged, one that does that: to the right wider, up brighter. */
function windowing(tool: StageTool): StageTool {
  let last: Point | null = null;
  return {
    down(p) {
      last = display.dragging && display.greys ? p.screen : null;
      return last !== null || (tool.down?.(p) ?? false);
    },
    move(p) {
      const { greys } = display;
      if (!last || !greys) {
        tool.move?.(p);
        return;
      }
      const [dx, dy] = [p.screen[0] - last[0], p.screen[1] - last[1]];
      display.window = moved(display.window, greys, dy / DRAG_PX, dx / DRAG_PX);
      last = p.screen;
    },
    up(p) {
      if (last) last = null;
      else tool.up?.(p);
    },
    cancel() {
      if (last) last = null;
      else tool.cancel?.();
    },
    click: (p) => tool.click?.(p),
    hover: (p) => tool.hover?.(display.dragging ? null : p),
    menu: (p) => tool.menu?.(p),
  };
}

function density(picture: Picture): number {
  return picture.image.width / picture.rect[2];
}
