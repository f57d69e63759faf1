/**
 * A cuboid seen from above, beside the picture: the footprint on a grid, the way it is seen from the camera, and a dial
 * for its heading. Up is away from the camera. A click places the middle, the dial turns the front; both can be dragged.
 */

import { type Camera, eyeOf } from "../../canvas/camera";
import type { Solid } from "../../canvas/camera_cuboid";
import { type Vec3, wrapped } from "../../canvas/camera_vectors";
import { el, setAll, svg } from "../../lib/dom";
import { t } from "../../messages";

export interface BirdsEyeEvents {
  /** A click or drag on the ground, in the level place. */
  place(at: readonly [number, number], final: boolean): void;
  turn(yaw: number, final: boolean): void;
}

const SIZE = 240;
const MIDDLE = SIZE / 2;
const DIAL = 104;
/** Metres between the lines of the grid. */
const GRID_M = 2;

/** Where the map lies: its middle, its scale, and which way is up. */
export interface MapView {
  readonly at: readonly [number, number];
  readonly pxPerM: number;
  /** Direction of the level place that points up. */
  readonly up: number;
}

export function mapAround(camera: Camera, solid: Solid): MapView {
  const eye = eyeOf(camera);
  const [x, y] = solid.center;
  const reach = Math.max(solid.dims[0], solid.dims[1], 2);
  return { at: [x, y], pxPerM: (DIAL * 0.62) / (reach / 2) / 1.25, up: Math.atan2(y - eye[1], x - eye[0]) };
}

/** A point of the level place on the map. */
export function onMap(view: MapView, [x, y]: readonly [number, number]): readonly [number, number] {
  const [dx, dy] = [x - view.at[0], y - view.at[1]];
  const away = Math.cos(view.up) * dx + Math.sin(view.up) * dy;
  const left = -Math.sin(view.up) * dx + Math.cos(view.up) * dy;
  return [MIDDLE - left * view.pxPerM, MIDDLE - away * view.pxPerM];
}

/** The inverse of `onMap`. */
export function fromMap(view: MapView, [u, v]: readonly [number, number]): readonly [number, number] {
  const left = (MIDDLE - u) / view.pxPerM;
  const away = (MIDDLE - v) / view.pxPerM;
  return [
    view.at[0] + Math.cos(view.up) * away - Math.sin(view.up) * left,
    view.at[1] + Math.sin(view.up) * away + Math.cos(view.up) * left,
  ];
}

/** The heading that a place of the dial stands for. */
export function yawAt(view: MapView, [u, v]: readonly [number, number]): number {
  return wrapped(view.up + Math.atan2(MIDDLE - u, MIDDLE - v));
}

export class BirdsEye {
  readonly element: HTMLElement;
  private readonly root: SVGSVGElement;
  private readonly grid = svg("path", { class: "map-grid" });
  private readonly sight = svg("path", { class: "map-sight" });
  private readonly body = svg("path", { class: "map-body" });
  private readonly front = svg("path", { class: "map-front" });
  private readonly mark = svg("circle", { class: "map-mark", r: 6, visibility: "hidden" });
  private readonly knob: SVGGElement;
  private view: MapView | null = null;
  private busy = false;

  /** Without events it only shows. */
  constructor(
    private readonly camera: Camera,
    private readonly events: BirdsEyeEvents | null,
  ) {
    this.knob = svg(
      "g",
      events
        ? {
            class: "map-knob",
            role: "slider",
            tabindex: 0,
            "aria-label": t("cuboid.heading"),
            "data-handle": "heading",
          }
        : { class: "map-knob still" },
      svg("circle", { class: "map-knob-hit", r: 14 }),
      svg("circle", { class: "map-knob-dot", r: 7 }),
    );
    this.root = svg(
      "svg",
      {
        class: events ? "birds-eye" : "birds-eye still",
        viewBox: `0 0 ${SIZE} ${SIZE}`,
        role: "group",
        "aria-label": t("cuboid.from_above"),
        "data-testid": "birds-eye",
      },
      this.grid,
      svg("circle", { class: "map-dial", cx: MIDDLE, cy: MIDDLE, r: DIAL }),
      svg("path", { class: "map-ticks", d: ticks() }),
      this.sight,
      this.body,
      this.front,
      this.mark,
      this.knob,
    );
    this.element = el("div", { class: "birds-eye-box" }, this.root);
    if (events) this.listen(events);
  }

  /** `mark` is a first point of two. */
  render(solid: Solid, mark: Vec3 | null = null): void {
    // The map stands still under a drag and follows the cuboid otherwise.
    if (!this.view || !this.busy) this.view = mapAround(this.camera, solid);
    const { view } = this;
    setAll(this.grid, { d: gridPath(view) });
    setAll(this.sight, { d: this.sightPath(view, solid) });
    const [mu, mv] = mark ? onMap(view, [mark[0], mark[1]]) : [0, 0];
    setAll(this.mark, { cx: mu, cy: mv, visibility: mark ? null : "hidden" });
    const corners = footprint(view, solid);
    setAll(this.body, { d: `M${corners.map((c) => c.join(" ")).join("L")}Z` });
    setAll(this.front, { d: `M${corners[0]?.join(" ")}L${corners[1]?.join(" ")}` });
    const [u, v] = onDial(view, solid.yaw);
    const degrees = Math.round((wrapped(solid.yaw - view.up) * 180) / Math.PI);
    setAll(this.knob, { transform: `translate(${u} ${v})` });
    if (this.events)
      setAll(this.knob, {
        "aria-valuenow": degrees,
        "aria-valuemin": -180,
        "aria-valuemax": 180,
        "aria-valuetext": `${degrees}°`,
      });
  }

  private sightPath(view: MapView, solid: Solid): string {
    const eye = eyeOf(this.camera);
    const [u, v] = onMap(view, [solid.center[0], solid.center[1]]);
    const [eu, ev] = onMap(view, [eye[0], eye[1]]);
    return `M${u} ${v}L${eu} ${ev}`;
  }

  private listen(events: BirdsEyeEvents): void {
    let turning = false;
    const spot = (event: PointerEvent): readonly [number, number] => {
      const frame = this.root.getBoundingClientRect();
      const scale = SIZE / Math.max(frame.width, 1);
      return [(event.clientX - frame.left) * scale, (event.clientY - frame.top) * scale];
    };
    const tell = (event: PointerEvent, final: boolean): void => {
      const { view } = this;
      if (!view) return;
      const at = spot(event);
      if (turning) events.turn(yawAt(view, at), final);
      else events.place(fromMap(view, at), final);
    };
    this.root.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      const [u, v] = spot(event);
      // The ring and what lies outside of it turn; the inside is the ground.
      turning = Math.hypot(u - MIDDLE, v - MIDDLE) > DIAL - 16;
      this.busy = true;
      try {
        this.root.setPointerCapture(event.pointerId);
      } catch {}
      tell(event, false);
    });
    this.root.addEventListener("pointermove", (event) => {
      if (this.busy) tell(event, false);
    });
    this.root.addEventListener("pointerup", (event) => {
      if (!this.busy) return;
      this.busy = false;
      tell(event, true);
    });
    this.root.addEventListener("pointercancel", () => {
      this.busy = false;
    });
  }
}

function footprint(view: MapView, solid: Solid): (readonly [number, number])[] {
  const [l, w] = solid.dims;
  const [cos, sin] = [Math.cos(solid.yaw), Math.sin(solid.yaw)];
  const corners: readonly (readonly [number, number])[] = [
    [l / 2, w / 2],
    [l / 2, -w / 2],
    [-l / 2, -w / 2],
    [-l / 2, w / 2],
  ];
  return corners.map(([x, y]) =>
    onMap(view, [solid.center[0] + cos * x - sin * y, solid.center[1] + sin * x + cos * y]),
  );
}

function onDial(view: MapView, yaw: number): readonly [number, number] {
  const angle = yaw - view.up;
  return [MIDDLE - Math.sin(angle) * DIAL, MIDDLE - Math.cos(angle) * DIAL];
}

/** Lines that stay where they are on the ground while the map follows the cuboid. */
function gridPath(view: MapView): string {
  const [cos, sin] = [Math.cos(view.up), Math.sin(view.up)];
  const away = cos * view.at[0] + sin * view.at[1];
  const left = cos * view.at[1] - sin * view.at[0];
  const lines: string[] = [];
  const reach = Math.ceil(SIZE / view.pxPerM / GRID_M / 2) + 1;
  const rest = (m: number): number => m - Math.floor(m / GRID_M) * GRID_M;
  for (let i = -reach; i <= reach; i++) {
    lines.push(`M${MIDDLE + (i * GRID_M + rest(left)) * view.pxPerM} 0V${SIZE}`);
    lines.push(`M0 ${MIDDLE + (i * GRID_M + rest(away)) * view.pxPerM}H${SIZE}`);
  }
  return lines.join("");
}

function ticks(): string {
  return Array.from({ length: 24 }, (_, i) => {
    const angle = (i * Math.PI) / 12;
    const inner = i % 6 === 0 ? DIAL - 9 : DIAL - 5;
    const at = (r: number): string => `${MIDDLE + Math.sin(angle) * r} ${MIDDLE - Math.cos(angle) * r}`;
    return `M${at(inner)}L${at(DIAL)}`;
  }).join("");
}
