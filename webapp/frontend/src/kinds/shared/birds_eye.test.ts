import { describe, expect, it } from "vitest";
import { cameraAbove } from "../../canvas/camera";
import type { Solid } from "../../canvas/camera_cuboid";
import { BirdsEye, fromMap, mapAround, onMap, yawAt } from "./birds_eye";

const camera = cameraAbove(
  [
    [700, 0, 600],
    [0, 700, 180],
    [0, 0, 1],
  ],
  { n: [0, 1, 0], d: 1.65 },
);
const SOLID: Solid = { center: [20, 5, 0.8], dims: [4, 1.8, 1.6], yaw: 0.4 };

describe("the map from above", () => {
  const view = mapAround(camera, SOLID);

  it("has the cuboid in its middle and what is farther away above it", () => {
    expect(onMap(view, [20, 5])).toEqual([120, 120]);
    const [u, v] = onMap(view, [24, 6]);
    expect(u).toBeCloseTo(120);
    expect(v).toBeLessThan(120);
    // To the left of the line of sight is left on the map.
    expect(onMap(view, [19.5, 7])[0]).toBeLessThan(120);
  });

  it("leads from a place to the ground and back", () => {
    for (const place of [
      [30, 40],
      [120, 7],
      [201, 166],
    ] as const) {
      const [u, v] = onMap(view, fromMap(view, place));
      expect(u).toBeCloseTo(place[0]);
      expect(v).toBeCloseTo(place[1]);
    }
  });

  it("turns the front to where the dial is touched", () => {
    expect(yawAt(view, [120, 10])).toBeCloseTo(view.up);
    expect(yawAt(view, [230, 120])).toBeCloseTo(view.up - Math.PI / 2);
    expect(yawAt(view, [10, 120])).toBeCloseTo(view.up + Math.PI / 2);
  });

  it("tells its heading to who cannot see it, and is no slider where it only shows", () => {
    const map = new BirdsEye(camera, { place() {}, turn() {} });
    map.render(SOLID);
    expect(map.element.querySelector("[role=slider]")?.getAttribute("aria-valuetext")).toBe("9°");
    const still = new BirdsEye(camera, null);
    still.render(SOLID);
    expect(still.element.querySelector("[role=slider]")).toBeNull();
  });
});
