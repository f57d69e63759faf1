/**
 * The box being edited: an SVG group with edge and corner handles whose hit areas are 24 px whatever the zoom.
 * Edges are focusable sliders, so Tab walks around the box and a screen reader can name them.
 */

import { setAll, svg } from "../lib/dom";
import {
  type Box,
  EDGES,
  type Edge,
  edgeValue,
  HANDLES,
  type Handle,
  handlePoint,
  moveBox,
  type Point,
  withHandle,
} from "./geometry";
import type { Stage } from "./stage";
import { boxToScreen, toScene } from "./transform";

export interface BoxEditorEvents {
  /** `final` once per gesture, when the pointer lets go. */
  change(box: Box, final: boolean): void;
  select?(edge: Edge | null): void;
}

export interface BoxEditorLook {
  readonly box: Box | null;
  readonly bad?: readonly Edge[];
  readonly selected?: Edge | null;
  readonly color: string;
}

const HIT_PX = 24;
/** On boxes smaller than this on screen, edge knobs would cover the corners' ones. */
const EDGE_KNOBS_FROM_PX = 64;
const CORNERS = HANDLES.filter((h): h is Exclude<Handle, Edge> => h.length === 2);

export class BoxEditor {
  private readonly group = svg("g", { class: "box-editor" });
  private readonly casing = svg("rect", { class: "be-casing" });
  private readonly line = svg("rect", { class: "be-line" });
  private readonly body = svg("rect", { class: "be-body" });
  private readonly edges = new Map<Edge, SVGGElement>();
  private readonly corners = new Map<Handle, SVGGElement>();
  private look: BoxEditorLook = { box: null, color: "#fff" };
  private live: Box | null = null;

  constructor(
    private readonly stage: Stage,
    private readonly bounds: Box,
    private readonly events: BoxEditorEvents,
    labels: Readonly<Record<Edge, string>>,
  ) {
    this.group.append(this.casing, this.line, this.body);
    for (const edge of EDGES) this.edges.set(edge, this.edgeHandle(edge, labels[edge]));
    for (const corner of CORNERS) this.corners.set(corner, this.cornerHandle(corner));
    this.group.append(...this.edges.values(), ...this.corners.values());
    stage.overlay.append(this.group);
    this.drag(this.body, (start, from, to) => moveBox(start, to[0] - from[0], to[1] - from[1], bounds));
  }

  set(look: BoxEditorLook): void {
    this.look = look;
    this.live = null;
    this.place();
  }

  /** The box as it stands in the middle of a drag. */
  get box(): Box | null {
    return this.live ?? this.look.box;
  }

  /** Follow the view. */
  place(): void {
    const box = this.box;
    setAll(this.group, { visibility: box ? null : "hidden" });
    if (!box) return;
    const [x1, y1, x2, y2] = boxToScreen(this.stage.view, box);
    const rect = { x: x1, y: y1, width: Math.max(0, x2 - x1), height: Math.max(0, y2 - y1) };
    for (const shape of [this.casing, this.line, this.body]) setAll(shape, rect);
    setAll(this.line, { stroke: this.look.color });
    const knobs = Math.min(x2 - x1, y2 - y1) >= EDGE_KNOBS_FROM_PX;
    for (const [edge, group] of this.edges) this.placeEdge(edge, group, box, [x1, y1, x2, y2], knobs);
    for (const [corner, group] of this.corners) {
      const [x, y] = handlePoint([x1, y1, x2, y2], corner);
      setAll(group, { transform: `translate(${x} ${y})` });
    }
  }

  /** Whether the keyboard's focus is on one of the edges. */
  owns(element: Element | null): boolean {
    return element !== null && this.group.contains(element);
  }

  focus(edge: Edge): void {
    this.edges.get(edge)?.focus({ preventScroll: true });
  }

  private placeEdge(edge: Edge, group: SVGGElement, box: Box, screen: Box, knobs: boolean): void {
    const [x1, y1, x2, y2] = screen;
    const upright = edge === "left" || edge === "right";
    const at = { left: x1, right: x2, top: y1, bottom: y2 }[edge];
    const line = upright ? { x1: at, x2: at, y1, y2 } : { x1, x2, y1: at, y2: at };
    const [kx, ky] = handlePoint(screen, edge);
    const selected = this.look.selected === edge;
    setAll(group, {
      "aria-valuenow": Math.round(edgeValue(box, edge) * 10) / 10,
      class: ["be-edge", upright ? "upright" : "level", this.look.bad?.includes(edge) && "bad", selected && "selected"]
        .filter(Boolean)
        .join(" "),
    });
    for (const shape of group.querySelectorAll("line")) setAll(shape, line);
    const knob = group.querySelector("rect");
    if (knob) {
      const [w, h] = upright ? [8, 20] : [20, 8];
      setAll(knob, { x: kx - w / 2, y: ky - h / 2, width: w, height: h, visibility: knobs ? null : "hidden" });
    }
  }

  private edgeHandle(edge: Edge, label: string): SVGGElement {
    const group = svg(
      "g",
      { role: "slider", tabindex: 0, "aria-label": label, "data-handle": edge, "aria-valuenow": 0 },
      svg("line", { class: "be-hit", "stroke-width": HIT_PX }),
      svg("line", { class: "be-mark-casing" }),
      svg("line", { class: "be-mark" }),
      svg("rect", { class: "be-knob", rx: 3 }),
    );
    group.addEventListener("focus", () => this.events.select?.(edge));
    this.drag(group, (start, _from, to) => withHandle(start, edge, to, this.bounds), edge);
    return group;
  }

  private cornerHandle(corner: Handle): SVGGElement {
    const half = HIT_PX / 2;
    const group = svg(
      "g",
      { class: `be-corner ${corner}`, "data-handle": corner },
      svg("rect", { class: "be-hit-area", x: -half, y: -half, width: HIT_PX, height: HIT_PX }),
      svg("rect", { class: "be-knob", x: -5, y: -5, width: 10, height: 10, rx: 2 }),
    );
    this.drag(group, (start, _from, to) => withHandle(start, corner, to, this.bounds));
    return group;
  }

  private drag(target: SVGElement, make: (start: Box, from: Point, to: Point) => Box, edge?: Edge): void {
    target.addEventListener("pointerdown", (event) => {
      const start = this.box;
      if (event.button !== 0 || !start) return;
      event.stopPropagation();
      event.preventDefault();
      if (edge) this.events.select?.(edge);
      const from = this.scenePoint(event);
      // What is grabbed is not exactly the edge: keep the pointer's distance from it.
      const grip = this.grip(start, from, target);
      const ended = new AbortController();
      const on = { signal: ended.signal };
      const moved = (e: PointerEvent, final: boolean): void => {
        const to = this.scenePoint(e);
        const box = make(start, from, [to[0] - grip[0], to[1] - grip[1]]);
        this.live = box;
        this.place();
        this.events.change(box, final);
      };
      let dragged = false;
      try {
        target.setPointerCapture(event.pointerId);
      } catch {}
      target.addEventListener(
        "pointermove",
        (e) => {
          dragged ||= Math.hypot(e.clientX - event.clientX, e.clientY - event.clientY) > 2;
          if (dragged) moved(e, false);
        },
        on,
      );
      target.addEventListener(
        "pointerup",
        (e) => {
          ended.abort();
          if (dragged) moved(e, true);
        },
        on,
      );
      target.addEventListener("pointercancel", () => ended.abort(), on);
    });
  }

  private grip(start: Box, from: Point, target: SVGElement): Point {
    const handle = HANDLES.find((h) => h === target.getAttribute("data-handle"));
    if (!handle) return [0, 0];
    const at = handlePoint(start, handle);
    return [from[0] - at[0], from[1] - at[1]];
  }

  private scenePoint(event: PointerEvent): Point {
    const frame = this.stage.root.getBoundingClientRect();
    return toScene(this.stage.view, [event.clientX - frame.left, event.clientY - frame.top]);
  }
}
