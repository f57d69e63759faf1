/** The three panes of a cloud: its points on one canvas below, and on each pane the cuboid with handles to drag. */

import { cornersOf, type Solid } from "../../canvas/camera_cuboid";
import { dot3, minus, plus, times, type Vec3, wrapped } from "../../canvas/camera_vectors";
import { type Cloud, pointsIn } from "../../canvas/cloud";
import { colorsOf } from "../../canvas/cloud_colors";
import type { CloudPainter } from "../../canvas/cloud_painter";
import {
  CLOUD_VIEWS,
  type CloudView,
  type CloudViewName,
  EDGES_OF,
  type Face,
  faceMoved,
  fromPane,
  inPane,
  middleOf,
  outOf,
  viewOf,
} from "../../canvas/cloud_views";
import { el, setAll, svg } from "../../lib/dom";
import { t } from "../../messages";

export interface PanesEvents {
  /** A click on the ground seen from above. */
  point(at: readonly [number, number]): void;
  /** The cuboid as a drag leaves it; `final` once, when the pointer lets go. */
  change(solid: Solid, final: boolean): void;
}

interface Pane {
  readonly name: CloudViewName;
  readonly element: HTMLElement;
  readonly root: SVGSVGElement;
  readonly body: SVGPathElement;
  readonly front: SVGPathElement;
  readonly knobs: ReadonlyMap<Face, SVGGElement>;
  readonly nose: SVGGElement | null;
  readonly spot: SVGCircleElement | null;
}

const SLOP_PX = 3;
/** How far before the front the heading's knob stands. */
const NOSE_PX = 26;
const ZOOM_STEP = 1.25;

export class CloudPanes {
  readonly elements: readonly HTMLElement[];
  private readonly panes: readonly Pane[];
  private painter: CloudPainter | null = null;
  private cloud: Cloud | null = null;
  /** What the views are centred on: it stands still while something is dragged. */
  private anchor: Solid;
  private solid: Solid;
  private mark: Vec3 | null = null;
  private zoom = 1;
  private frame = 0;

  constructor(
    start: Solid,
    private readonly root: HTMLElement,
    private readonly events: PanesEvents,
  ) {
    this.anchor = start;
    this.solid = start;
    this.panes = CLOUD_VIEWS.map((name) => this.pane(name));
    this.elements = this.panes.map((pane) => pane.element);
  }

  /** The points have arrived, and what draws them. */
  fill(cloud: Cloud, painter: CloudPainter): void {
    this.cloud = cloud;
    this.painter = painter;
    painter.canvas.className = "cloud-canvas";
    painter.canvas.setAttribute("aria-hidden", "true");
    this.root.prepend(painter.canvas);
    this.request();
  }

  /** `mark` is a first point of two. */
  show(solid: Solid, settled: boolean, mark: Vec3 | null): void {
    this.solid = solid;
    this.mark = mark;
    if (settled) this.anchor = solid;
    this.request();
  }

  zoomed(by: 1 | -1 | 0): void {
    this.zoom = by === 0 ? 1 : Math.min(Math.max(this.zoom * ZOOM_STEP ** by, 0.15), 8);
    this.request();
  }

  request(): void {
    if (this.frame === 0)
      this.frame = requestAnimationFrame(() => {
        this.frame = 0;
        this.paint();
      });
  }

  destroy(): void {
    cancelAnimationFrame(this.frame);
    this.painter?.destroy();
  }

  private paint(): void {
    const size = { w: this.root.clientWidth, h: this.root.clientHeight };
    if (size.w === 0 || size.h === 0) return;
    for (const pane of this.panes) this.place(pane);
    const { cloud, painter } = this;
    if (!cloud || !painter) return;
    painter.color(colorsOf(cloud, pointsIn(cloud, this.solid), this.anchor.center[2] - this.anchor.dims[2] / 2));
    painter.paint(
      size,
      this.panes.map((pane) => ({ view: this.viewOf(pane), rect: placeOf(pane.element) })),
    );
  }

  private viewOf(pane: Pane): CloudView {
    return viewOf(pane.name, this.anchor, placeOf(pane.element), this.zoom);
  }

  private place(pane: Pane): void {
    const { solid } = this;
    const size = placeOf(pane.element);
    const view = this.viewOf(pane);
    const at = (p: Vec3): string => inPane(view, size, p).join(" ");
    const corners = cornersOf(solid);
    const ring = ringOf(pane.name).map((i) => at(corners[i] as Vec3));
    setAll(pane.root, { viewBox: `0 0 ${size.w} ${size.h}` });
    setAll(pane.body, { d: `M${ring.join("L")}Z` });
    const nose = plus(middleOf(solid, "front"), times(outOf(solid, "front"), NOSE_PX / view.pxPerM));
    const front = pane.name === "top" ? `M${ring[0]}L${ring[1]}` : pane.name === "side" ? `M${ring[0]}L${ring[3]}` : "";
    setAll(pane.front, { d: front });
    for (const [face, knob] of pane.knobs) {
      const [u, v] = inPane(view, size, middleOf(solid, face));
      setAll(knob, { transform: `translate(${u} ${v})` });
    }
    if (pane.nose) {
      const [u, v] = inPane(view, size, nose);
      setAll(pane.nose, { transform: `translate(${u} ${v})` });
    }
    if (pane.spot) {
      const [cx, cy] = this.mark ? inPane(view, size, this.mark) : [0, 0];
      setAll(pane.spot, { cx, cy, visibility: this.mark ? null : "hidden" });
    }
  }

  private pane(name: CloudViewName): Pane {
    const knobs = new Map(EDGES_OF[name].map((face) => [face, knob("cloud-knob", face)]));
    const nose = name === "top" ? knob("cloud-knob nose", "heading") : null;
    const body = svg("path", { class: "cloud-body" });
    const front = svg("path", { class: "cloud-front" });
    const spot = name === "top" ? svg("circle", { class: "map-mark", r: 7, visibility: "hidden" }) : null;
    const root = svg("svg", { class: "cloud-overlay" }, body, front, spot, ...knobs.values(), nose);
    const element = el(
      "div",
      { class: `cloud-pane cloud-${name}`, role: "group", "aria-label": t(`cuboid_lidar.${name}`), "data-pane": name },
      root,
      el("span", { class: "pane-badge" }, t(`cuboid_lidar.${name}`)),
    );
    const pane: Pane = { name, element, root, body, front, knobs, nose, spot };
    for (const [face, handle] of knobs)
      this.drag(pane, handle, (start, by) => faceMoved(start, face, dot3(by, outOf(start, face))));
    if (nose)
      this.drag(pane, nose, (start, _by, to) => ({
        ...start,
        yaw: wrapped(Math.atan2(to[1] - start.center[1], to[0] - start.center[0])),
      }));
    this.drag(pane, body, (start, by) => ({ ...start, center: plus(start.center, by) }));
    this.listen(pane);
    return pane;
  }

  /** Clicks and the wheel, wherever no handle is; a click on the cuboid counts too. */
  private listen(pane: Pane): void {
    const { element } = pane;
    let pressed: readonly [number, number] | null = null;
    element.addEventListener("pointerdown", (event) => {
      pressed = event.button === 0 ? [event.clientX, event.clientY] : null;
    });
    element.addEventListener("pointerup", (event) => {
      const still = pressed && Math.hypot(event.clientX - pressed[0], event.clientY - pressed[1]) <= SLOP_PX;
      pressed = null;
      if (!still || pane.name !== "top") return;
      const p = this.spot(pane, event);
      this.events.point([p[0], p[1]]);
    });
    element.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        this.zoomed(event.deltaY < 0 ? 1 : -1);
      },
      { passive: false },
    );
  }

  private drag(pane: Pane, handle: SVGElement, make: (start: Solid, by: Vec3, to: Vec3) => Solid): void {
    handle.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      event.preventDefault();
      const start = this.solid;
      const from = this.spot(pane, event);
      const ended = new AbortController();
      const on = { signal: ended.signal };
      let dragged = false;
      const made = (e: PointerEvent): Solid => {
        const to = this.spot(pane, e);
        return make(start, minus(to, from), to);
      };
      try {
        handle.setPointerCapture(event.pointerId);
      } catch {}
      handle.addEventListener(
        "pointermove",
        (e) => {
          dragged ||= Math.hypot(e.clientX - event.clientX, e.clientY - event.clientY) > SLOP_PX;
          if (dragged) this.events.change(made(e), false);
        },
        on,
      );
      handle.addEventListener(
        "pointerup",
        (e) => {
          ended.abort();
          if (dragged) this.events.change(made(e), true);
        },
        on,
      );
      handle.addEventListener("pointercancel", () => ended.abort(), on);
    });
  }

  private spot(pane: Pane, event: PointerEvent): Vec3 {
    const frame = pane.element.getBoundingClientRect();
    return fromPane(this.viewOf(pane), placeOf(pane.element), [event.clientX - frame.left, event.clientY - frame.top]);
  }
}

/** The outline that a view shows, of the corners of `cornersOf`. */
function ringOf(name: CloudViewName): readonly number[] {
  if (name === "top") return [4, 5, 6, 7];
  return name === "side" ? [1, 2, 6, 5] : [3, 2, 6, 7];
}

function placeOf(element: HTMLElement) {
  return { x: element.offsetLeft, y: element.offsetTop, w: element.clientWidth, h: element.clientHeight };
}

function knob(name: string, face: string): SVGGElement {
  return svg(
    "g",
    { class: name, "data-face": face },
    svg("circle", { class: "map-knob-hit", r: 12 }),
    svg("circle", { class: "cloud-knob-dot", r: 5 }),
  );
}
