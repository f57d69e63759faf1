/** Figures of a cuboid beside the picture: how far, which way, and its three sides with a button to each step. */

import { type Camera, eyeOf } from "../../canvas/camera";
import { metresPerPixel, type Side, type Solid } from "../../canvas/camera_cuboid";
import { wrapped } from "../../canvas/camera_vectors";
import { el, keepFocus, setAll, setText } from "../../lib/dom";
import { t } from "../../messages";

const SIDES = ["length", "width", "height"] as const;
/** A click is worth more metres than this beyond about thirty metres: the picture alone says little about the depth. */
const COARSE_M_PER_PX = 0.4;

/** How far from the camera, and its heading against the line of sight. */
export function whereabouts(camera: Camera, solid: Solid): string {
  const eye = eyeOf(camera);
  const [dx, dy] = [solid.center[0] - eye[0], solid.center[1] - eye[1]];
  const heading = Math.round((wrapped(solid.yaw - Math.atan2(dy, dx)) * 180) / Math.PI) + 0; // never -0
  return t("cuboid.where", { m: Math.hypot(dx, dy).toFixed(1), degrees: heading });
}

export class CuboidPanel {
  readonly element: HTMLElement;
  private readonly values: readonly HTMLElement[];
  private readonly where = el("p", { class: "note figures" });
  private readonly coarse = el("p", { class: "note warn", hidden: true });

  constructor(
    private readonly camera: Camera,
    size: (side: Side, steps: number) => void,
  ) {
    this.values = SIDES.map(() => el("span", { class: "cuboid-value" }));
    this.element = el(
      "section",
      { class: "side-section" },
      el("h2", {}, t("cuboid.size")),
      el("div", { class: "edge-rows" }, ...SIDES.map((name, side) => this.row(name, side as Side, size))),
      this.where,
      this.coarse,
    );
  }

  render(solid: Solid): void {
    this.values.forEach((value, side) => {
      setText(value, t("cuboid.metres", { m: (solid.dims[side] ?? 0).toFixed(2) }));
    });
    setText(this.where, whereabouts(this.camera, solid));
    const per = metresPerPixel(this.camera, solid);
    setAll(this.coarse, { hidden: per === null || per < COARSE_M_PER_PX });
    if (per !== null) setText(this.coarse, t("cuboid.coarse", { m: per.toFixed(1) }));
  }

  private row(name: (typeof SIDES)[number], side: Side, size: (side: Side, steps: number) => void): HTMLElement {
    const step = (text: string, by: 1 | -1): HTMLElement =>
      el(
        "button",
        {
          type: "button",
          class: "btn btn-step",
          "aria-label": `${t(`cuboid.${name}`)} ${text}`,
          "data-action": `${name}-${by > 0 ? "more" : "less"}`,
          onmousedown: keepFocus,
          onclick: () => size(side, by),
        },
        text,
      );
    return el(
      "div",
      { class: "edge-row" },
      el("span", { class: "edge-name" }, t(`cuboid.${name}`)),
      this.values[side],
      step("−", -1),
      step("+", 1),
    );
  }
}
