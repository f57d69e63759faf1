/** Pointer events of a stage, sorted into clicks, drags, pans, pinches and wheel turns. */

import type { Point } from "./geometry";
import type { StageTool } from "./stage";

export interface StagePointer {
  readonly scene: Point;
  readonly screen: Point;
  readonly shift: boolean;
  readonly alt: boolean;
  readonly touch: boolean;
  /** It moved far enough since the press that no click was meant. */
  readonly dragged: boolean;
}

export interface GestureOptions {
  readonly tool: StageTool;
  toScene(p: Point): Point;
  pan(dx: number, dy: number): void;
  zoom(at: Point, factor: number): void;
  pointed(p: Point | null): void;
}

const SLOP_PX = 4;
const TOUCH_SLOP_PX = 9;
const WHEEL_LINE_PX = 16;

type Doing =
  | { readonly what: "nothing" }
  | {
      readonly what: "tool" | "press" | "pan";
      readonly id: number;
      readonly start: Point;
      last: Point;
      dragged: boolean;
    }
  | { readonly what: "pinch" };

export class Gestures {
  private doing: Doing = { what: "nothing" };
  private readonly touches = new Map<number, Point>();
  private readonly off = new AbortController();

  constructor(
    private readonly root: HTMLElement,
    private readonly options: GestureOptions,
  ) {
    const on = { signal: this.off.signal };
    root.addEventListener("pointerdown", (e) => this.down(e), on);
    root.addEventListener("pointermove", (e) => this.move(e), on);
    root.addEventListener("pointerup", (e) => this.up(e), on);
    root.addEventListener("pointercancel", (e) => this.cancelled(e), on);
    root.addEventListener("pointerleave", () => this.left(), on);
    root.addEventListener("contextmenu", (e) => e.preventDefault(), on);
    root.addEventListener("wheel", (e) => this.wheel(e), { ...on, passive: false });
  }

  destroy(): void {
    this.off.abort();
  }

  private down(event: PointerEvent): void {
    const at = this.place(event);
    if (event.pointerType === "touch") this.touches.set(event.pointerId, at);
    this.capture(event.pointerId);
    if (this.touches.size === 2) {
      if (this.doing.what === "tool") this.options.tool.cancel?.();
      this.doing = { what: "pinch" };
      return;
    }
    if (this.doing.what !== "nothing") return;
    const base = { id: event.pointerId, start: at, last: at, dragged: false };
    if (event.button !== 0) {
      this.doing = { what: "pan", ...base };
    } else {
      const taken = this.options.tool.down?.(this.pointer(event, at, false)) ?? false;
      this.doing = { what: taken ? "tool" : "press", ...base };
    }
  }

  private move(event: PointerEvent): void {
    const at = this.place(event);
    this.options.pointed(at);
    if (this.doing.what === "pinch") {
      this.pinch(event.pointerId, at);
      return;
    }
    if (this.doing.what === "nothing") {
      this.options.tool.hover?.(this.pointer(event, at, false));
      return;
    }
    const doing = this.doing;
    if (event.pointerId !== doing.id) return;
    const slop = event.pointerType === "touch" ? TOUCH_SLOP_PX : SLOP_PX;
    doing.dragged ||= Math.hypot(at[0] - doing.start[0], at[1] - doing.start[1]) > slop;
    if (doing.what === "tool") this.options.tool.move?.(this.pointer(event, at, doing.dragged));
    else if (doing.dragged) this.options.pan(at[0] - doing.last[0], at[1] - doing.last[1]);
    if (doing.what === "tool" || doing.dragged) doing.last = at;
  }

  private up(event: PointerEvent): void {
    const at = this.place(event);
    this.touches.delete(event.pointerId);
    if (this.doing.what === "pinch") {
      if (this.touches.size === 0) this.doing = { what: "nothing" };
      return;
    }
    if (this.doing.what === "nothing" || event.pointerId !== this.doing.id) return;
    const doing = this.doing;
    this.doing = { what: "nothing" };
    const pointer = this.pointer(event, at, doing.dragged);
    if (doing.what === "tool") this.options.tool.up?.(pointer);
    else if (doing.what === "press" && !doing.dragged) this.options.tool.click?.(pointer);
    else if (doing.what === "pan" && !doing.dragged && event.button === 2) this.options.tool.menu?.(pointer);
  }

  private cancelled(event: PointerEvent): void {
    this.touches.delete(event.pointerId);
    if (this.doing.what === "tool") this.options.tool.cancel?.();
    this.doing = { what: "nothing" };
  }

  private left(): void {
    if (this.doing.what !== "nothing") return;
    this.options.pointed(null);
    this.options.tool.hover?.(null);
  }

  private pinch(id: number, at: Point): void {
    const old = this.touches.get(id);
    const other = [...this.touches.entries()].find(([key]) => key !== id)?.[1];
    if (!old || !other) return;
    this.touches.set(id, at);
    const before = Math.hypot(old[0] - other[0], old[1] - other[1]);
    const after = Math.hypot(at[0] - other[0], at[1] - other[1]);
    const middle: Point = [(at[0] + other[0]) / 2, (at[1] + other[1]) / 2];
    this.options.pan((at[0] - old[0]) / 2, (at[1] - old[1]) / 2);
    if (before > 0) this.options.zoom(middle, after / before);
  }

  private wheel(event: WheelEvent): void {
    event.preventDefault();
    const px = event.deltaMode === 1 ? event.deltaY * WHEEL_LINE_PX : event.deltaY;
    // Pinching on a trackpad arrives as a wheel with Ctrl and small steps.
    const strength = event.ctrlKey ? 0.01 : 0.0018;
    this.options.zoom(this.place(event), Math.exp(-Math.max(-240, Math.min(240, px)) * strength));
  }

  private pointer(event: PointerEvent, screen: Point, dragged: boolean): StagePointer {
    return {
      scene: this.options.toScene(screen),
      screen,
      shift: event.shiftKey,
      alt: event.altKey,
      touch: event.pointerType === "touch",
      dragged,
    };
  }

  private place(event: MouseEvent): Point {
    const box = this.root.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  private capture(id: number): void {
    // Fails for pointers that ended meanwhile, and for made-up ones in tests; the gesture then ends at the border.
    try {
      this.root.setPointerCapture(id);
    } catch {}
  }
}
