import { describe, expect, it } from "vitest";
import {
  type Box,
  boxAround,
  boxOf,
  clampBox,
  HANDLES,
  handlePoint,
  iou,
  isDrawable,
  moveBox,
  nearestEdge,
  rounded,
  toleranceBand,
  withEdge,
  withHandle,
} from "./geometry";

const BOUNDS: Box = [0, 0, 100, 80];

describe("boxOf", () => {
  it("orders the corners whichever way the drag went", () => {
    expect(boxOf([30, 40], [10, 60])).toEqual([10, 40, 30, 60]);
  });
});

describe("boxAround", () => {
  it("takes the four outermost points in any order", () => {
    const points = [
      [50, 10],
      [20, 30],
      [45, 70],
      [90, 33],
    ] as const;
    expect(boxAround(points)).toEqual([20, 10, 90, 70]);
    expect(boxAround([...points].reverse())).toEqual([20, 10, 90, 70]);
  });

  it("has no box around nothing", () => {
    expect(boxAround([])).toBeNull();
  });
});

describe("moveBox", () => {
  it("stops at the bounds without changing the size", () => {
    expect(moveBox([80, 60, 95, 75], 50, 50, BOUNDS)).toEqual([85, 65, 100, 80]);
    expect(moveBox([5, 5, 20, 20], -50, 2, BOUNDS)).toEqual([0, 7, 15, 22]);
  });
});

describe("withEdge", () => {
  it("never passes the opposite edge", () => {
    expect(withEdge([10, 10, 30, 30], "left", 99, BOUNDS)).toEqual([29, 10, 30, 30]);
    expect(withEdge([10, 10, 30, 30], "bottom", -5, BOUNDS)).toEqual([10, 10, 30, 11]);
  });

  it("never leaves the bounds", () => {
    expect(withEdge([10, 10, 30, 30], "right", 500, BOUNDS)).toEqual([10, 10, 100, 30]);
    expect(withEdge([10, 10, 30, 30], "top", -500, BOUNDS)).toEqual([10, 0, 30, 30]);
  });
});

describe("withHandle", () => {
  it("puts every handle where the pointer is and leaves the rest", () => {
    const box: Box = [20, 20, 60, 50];
    for (const handle of HANDLES) {
      const [x, y] = handlePoint(box, handle);
      const moved = withHandle(box, handle, [x + 3, y + 2], BOUNDS);
      const [mx, my] = handlePoint(moved, handle);
      const corner = handle.length === 2;
      const upright = handle === "left" || handle === "right";
      if (corner || upright) expect(mx).toBeCloseTo(x + 3);
      if (corner || !upright) expect(my).toBeCloseTo(y + 2);
      if (!corner) expect(moved.filter((v, i) => v !== box[i])).toHaveLength(1);
    }
  });
});

describe("nearestEdge", () => {
  const box: Box = [10, 10, 50, 40];

  it("finds the edge under the pointer", () => {
    expect(nearestEdge(box, [12, 25], 5)).toBe("left");
    expect(nearestEdge(box, [30, 38], 5)).toBe("bottom");
  });

  it("finds none in the middle or far away", () => {
    expect(nearestEdge(box, [30, 25], 5)).toBeNull();
    expect(nearestEdge(box, [10, 60], 5)).toBeNull();
  });
});

describe("toleranceBand", () => {
  it("lies at exactly the tolerance on both sides", () => {
    for (const tolerance of [0.5, 0.75, 0.9]) {
      const box: Box = [10, 20, 70, 44];
      const { inner, outer } = toleranceBand(box, tolerance);
      expect(iou(box, inner)).toBeCloseTo(tolerance, 6);
      expect(iou(box, outer)).toBeCloseTo(tolerance, 6);
    }
  });

  it("closes on the box itself at a tolerance of 1", () => {
    const { inner, outer } = toleranceBand([0, 0, 10, 10], 1);
    expect(inner.map(Math.abs)).toEqual([0, 0, 10, 10]);
    expect(outer.map(Math.abs)).toEqual([0, 0, 10, 10]);
  });
});

describe("small things", () => {
  it("calls slips of the hand not drawable", () => {
    expect(isDrawable([5, 5, 5.4, 30])).toBe(false);
    expect(isDrawable([5, 5, 6, 6])).toBe(true);
  });

  it("clamps a box into the scene", () => {
    expect(clampBox([-5, -5, 120, 50], BOUNDS)).toEqual([0, 0, 100, 50]);
  });

  it("keeps hundredths of a pixel", () => {
    expect(rounded([1.23456, 7.999])).toEqual([1.23, 8]);
  });

  it("gives no overlap for boxes that only touch", () => {
    expect(iou([0, 0, 10, 10], [10, 0, 20, 10])).toBe(0);
    expect(iou([0, 0, 10, 10], [0, 0, 10, 10])).toBe(1);
  });
});
